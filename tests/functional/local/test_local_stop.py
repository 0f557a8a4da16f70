"""
How an embedded AWS ends that is stopped or killed, as a pipeline does.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from stopped_programs import job_runs

from batchkit.local import local_aws
from batchkit.local.runtime.stopping import unwinding


def soon(condition: Callable[[], bool]) -> bool:
    """
    Whether *condition* becomes true within ten seconds.
    """
    end, pause = time.monotonic() + 10, threading.Event()
    while not condition() and time.monotonic() < end:
        pause.wait(0.02)
    return condition()


def ended(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().split(") ")[1][0] == "Z"
    except OSError:
        return True


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_stopped_program_leaves_no_process_and_no_folder(
    temporary: Path, number: signal.Signals
) -> None:
    """
    A pipeline's stop ends the program as an exception does.
    """
    with job_runs(temporary) as (program, job):
        assert list(temporary.iterdir()) and not ended(job)
        program.send_signal(number)
        assert program.wait(30) == 128 + number
    assert soon(lambda: ended(job))
    assert list(temporary.iterdir()) == []


@pytest.mark.slow
def test_what_a_killed_program_left_goes_with_the_next_start(temporary: Path) -> None:
    """
    Its job and its folders; those of a program that runs stay.
    """
    with job_runs(temporary) as (program, job):
        with local_aws(docker=False):
            assert not ended(job) and list(temporary.iterdir())
        program.kill()
        program.wait()
        assert list(temporary.glob("batch-job-*"))
        with job_runs(temporary) as (_, other):
            assert soon(lambda: ended(job))
            before = sorted(temporary.iterdir())
            with local_aws(docker=False):
                assert not ended(other) and sorted(temporary.iterdir()) == before
            assert len(before) == 2


def test_folders_of_others_are_left_alone(temporary: Path) -> None:
    """
    One without a lock, and one that is only a link.
    """
    (temporary / "batchkit-local-made-just-now").mkdir()
    (temporary / "elsewhere").mkdir()
    (temporary / "elsewhere/lock").touch()
    (temporary / "batchkit-local-link").symlink_to(temporary / "elsewhere")
    before = sorted(temporary.rglob("*"))
    with local_aws(docker=False):
        assert sorted(temporary.rglob("*")) == before


def test_a_program_keeps_its_own_handler() -> None:
    """
    Only what would end the process at once is changed, and only in the block.
    """
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with pytest.raises(SystemExit) as caught, unwinding():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            signal.raise_signal(signal.SIGTERM)
        assert caught.value.code == 128 + signal.SIGTERM
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_another_thread_may_enter() -> None:
    """
    It can't say what a signal does; nothing fails.
    """
    seen: list[object] = []

    def enter() -> None:
        with local_aws(docker=False):
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert seen == [signal.SIG_DFL]
