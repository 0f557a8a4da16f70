"""
The command as tests type it.
"""

from __future__ import annotations

import json
from typing import Any

from click.testing import CliRunner, Result

from batchkit.cli.main import main
from batchkit.cli.terminal import Exit
from batchkit.local import LocalSession


class Cli:
    """
    The command in a folder of its own.
    """

    def __init__(self, session: LocalSession) -> None:
        self.session = session

    def __call__(self, *words: str, code: Exit = Exit.DONE, **given: Any) -> Result:
        """
        The result of a command that ends as *code* says.
        """
        result = CliRunner().invoke(main, list(words), **given)
        assert result.exit_code == code, (result.stdout, result.stderr, result.exception)
        return result

    def data(self, *words: str, code: Exit = Exit.DONE) -> Any:
        return json.loads(self(*words, "--json", code=code).stdout)
