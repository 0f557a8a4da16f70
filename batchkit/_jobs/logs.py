"""
The lines of jobs: all of them, those that are new, or the last ones.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from typing import Any, Final

from batchkit._engine.aws import Aws
from batchkit._jobs.jobs import Job
from batchkit._model.calls import Operation

GET: Final = Operation("logs", "GetLogEvents", absent=("ResourceNotFoundException",))
LAST: Final = 20


class LogLine(str):
    """
    A line, with the *time* at which it was written and the id of the *job* that wrote it.
    """

    time: datetime.datetime
    job: str

    @classmethod
    def of(cls, event: Mapping[str, Any], job: Job) -> LogLine:
        """
        The line of an event of CloudWatch Logs.
        """
        line = cls(event["message"])
        seconds = event["timestamp"] / 1000
        line.time = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
        line.job = job.id
        return line


class Follower:
    """
    Reads each line of some jobs once.
    """

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._tokens: dict[tuple[str, str], str] = {}

    def new(self, job: Job) -> Iterator[LogLine]:
        """
        The lines of *job* that weren't there before.
        """
        for stream in job.streams:
            yield from self._stream(job, job.log_group, stream)

    def _stream(self, job: Job, group: str, stream: str) -> Iterator[LogLine]:
        while True:
            token = self._tokens.get((group, stream))
            # A forward token is of the same direction: it wants startFromHead too
            # (https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html).
            given = {"startFromHead": True, **({"nextToken": token} if token else {})}
            answer = self._aws.call(GET(logGroupName=group, logStreamName=stream, **given))
            if answer is None:
                return  # the stream is made with the first line
            yield from (LogLine.of(event, job) for event in answer["events"])
            # A page without events isn't the end; the same token again is.
            self._tokens[group, stream] = answer["nextForwardToken"]
            if answer["nextForwardToken"] == token:
                return


def tail(aws: Aws, job: Job, most: int = LAST) -> list[LogLine]:
    """
    The last lines of the last attempt of *job* that wrote any.
    """
    for stream in reversed(job.streams):
        call = GET(
            logGroupName=job.log_group, logStreamName=stream, startFromHead=False, limit=most
        )
        answer = aws.call(call)
        if answer is not None and answer["events"]:
            return [LogLine.of(event, job) for event in answer["events"]][-most:]
    return []
