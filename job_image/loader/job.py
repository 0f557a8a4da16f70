"""
The job as a whole: everything made from the environment, run, and its end told.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack, closing
from types import FrameType

from .aws import Service, find_credentials
from .bucket import SourceBucket
from .channel import wait_for_answers
from .counts import Counts
from .faults import Fault, Terminated
from .load import Load
from .progress import RowProgress
from .rate import Rate
from .rows import Shape
from .settings import Settings, read_settings
from .table import TargetTable
from .writer import LoaderClock, Writer

FLUSH_SECONDS = 20.0  # Fargate kills 30 s after SIGTERM
END_SECONDS = 24.0  # after these whatever is waited for is given up


class RealClock:
    """
    The clock on the wall.
    """

    def now(self) -> float:
        """
        Seconds that never run backwards.
        """
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        """
        Returns after *seconds*.
        """
        time.sleep(seconds)


def say(line: str) -> None:
    """
    *line* is in the job's log now.
    """
    # CloudWatch has no more of the log than what left the process before it was killed.
    print(line, flush=True)


class LoaderJob:
    """
    A load with everything that it needs, made from the environment.
    """

    def __init__(
        self,
        shape: Shape,
        settings: Settings,
        environ: Mapping[str, str],
        counts: Counts,
        clock: LoaderClock,
    ) -> None:
        credentials = find_credentials()
        s3 = Service("s3", settings.region, credentials, environ)
        dynamodb = Service("dynamodb", settings.region, credentials, environ)
        table = TargetTable(dynamodb, settings.table_name, clock.wait)
        table.find_keys(say)
        self._clock = clock
        self._writer = Writer(
            table,
            [table.channel() for _ in range(settings.connections)],
            wait_for_answers,
            counts,
            Rate(settings.wcu_budget, clock.now),
            clock,
            settings.give_up_seconds,
        )
        self._resources = ExitStack()
        for opened in (s3, dynamodb, self._writer):
            self._resources.callback(opened.close)
        bucket = SourceBucket(s3, settings.bucket, self._wait)
        self.load = Load(shape, settings, bucket, table, self._writer, counts, say)

    def run(self) -> None:
        """
        Loads until all is done, a fault stops it, or SIGTERM does.
        """
        signal.signal(signal.SIGTERM, self._stop)
        self.load.run()

    def close(self) -> None:
        """
        All connections are closed.
        """
        signal.setitimer(signal.ITIMER_REAL, 0)
        self._resources.close()

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        self.load.stopping = True
        self._writer.deadline = self._clock.now() + FLUSH_SECONDS
        # An answer that comes byte by byte is waited for without end: nothing else would look up.
        signal.signal(signal.SIGALRM, _stop_at_once)
        signal.setitimer(signal.ITIMER_REAL, END_SECONDS, 1)

    def _wait(self, seconds: float) -> None:
        """
        The pause between two tries to read, which a stop cuts short.
        """
        if self.load.stopping:
            raise Terminated("told to stop (SIGTERM)")
        self._clock.wait(seconds)


def _stop_at_once(_signal: int, _frame: FrameType | None) -> None:
    """
    The stop before anything is written, or when there is no time left for more.
    """
    raise Terminated("told to stop (SIGTERM)")


def run(shape: Shape, environ: Mapping[str, str], clock: LoaderClock) -> int:
    """
    Loads rows as *shape* makes them, and returns the exit code; the summary is the last line of
    standard output.
    """
    counts = Counts(clock.now, say)
    error: Fault | None = None
    signal.signal(signal.SIGTERM, _stop_at_once)  # as process 1 it would be ignored
    try:
        settings = read_settings(environ)
        with closing(LoaderJob(shape, settings, environ, counts, clock)) as job:
            with RowProgress(counts, lambda: job.load.done, settings.log_seconds, say):
                job.run()
    except Fault as fault:
        error = fault
        print(f"error: {fault}", file=sys.stderr, flush=True)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # how the job ended is settled
    say(json.dumps(counts.summary(str(error) if error else None)))
    counts.close()
    return error.exit_code if error else 0
