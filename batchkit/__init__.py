"""
AWS Batch from Python: from a folder with a Dockerfile to a running, watched, explained job.

The public names stand in `__init__.pyi`; each is loaded when it is first used, so that importing
the package costs little (https://scientific-python.org/specs/spec-0001/).
"""

import lazy_loader as _lazy

from batchkit._model import display as _display
from batchkit._version import VERSION as __version__

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)


def _views() -> None:
    from batchkit._display import views  # noqa: F401  (each registers what it can show)


_display.provide(_views)
