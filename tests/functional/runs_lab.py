"""
What the tests of runs share: a stack that stands, and jobs that do as they are told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from batchkit import Stack, StackSpec, describe_stack, ensure_stack, local_aws
from batchkit._runs.run import Run
from batchkit.local import LocalSession
from fakes import FakeClock, client

DOCKERFILE = "FROM python:3\nWORKDIR /app\nCOPY . .\nCMD python main.py\n"
HELLO = 'import os\nprint("hello", os.environ.get("WHO", "you"))\n'
NAME = "films"


class Stand:
    """
    A stack on an embedded AWS; jobs run in real time.
    """

    def __init__(self, session: LocalSession, spec: StackSpec) -> None:
        self.session = session
        self.spec = spec
        self.patch()
        self.stack: Stack = describe_stack(spec.name, session=session)

    def __getattr__(self, service: str) -> Any:
        made = client(self.session, service)
        setattr(self, service, made)
        return made

    def patch(self, **changes: Any) -> Stack:
        """
        The stack as its spec wants it; what AWS needs time for takes none.
        """
        spec = attrs.evolve(self.spec, **changes)
        return ensure_stack(spec, session=self.session, clock=FakeClock())

    def python(self, program: str, **given: Any) -> Run:
        """
        A job that runs *program*.
        """
        return self.stack.submit(["python", "-c", program], **given)

    def ended(self, program: str, **given: Any) -> Run:
        """
        A job that has run *program*.
        """
        return self.python(program, **given).wait(30, check=False)

    def fine(self) -> None:
        """
        The newest job has succeeded.
        """
        self.stack.submit().wait(30)

    def until(self, run: Run, true: Callable[[Run], object]) -> None:
        """
        *true* holds for the run; asked anew as `Run.wait` does.
        """
        for _ in run._states(30):
            if true(run):
                return


@contextmanager
def stand(folder: Path, **changes: Any) -> Iterator[Stand]:
    """
    A stack with a job of two lines.
    """
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "main.py").write_text(HELLO)
    given: dict[str, Any] = {"name": NAME, "image": folder, "vcpus": 0.25, "memory": 512}
    with local_aws(docker=False) as session:
        yield Stand(session, StackSpec(**{**given, **changes}))
