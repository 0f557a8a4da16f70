"""
The lines of jobs: all of them, those that are new, or the last ones.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from typing import Any, Final

from attrs import frozen

from batchkit._engine.aws import Aws
from batchkit._jobs.jobs import Job
from batchkit._jobs.unreachable import ride_out
from batchkit._model.calls import Operation

GET: Final = Operation("logs", "GetLogEvents", absent=("ResourceNotFoundException",))
LAST: Final = 20
"""How many lines count as the last ones."""


@frozen
class LogLine:
    """
    A line that a job has written; as a text it is the line alone.

    Args:
        text: The line.
        time: When it was written, in UTC.
        job: The id of the job that wrote it.
    """

    text: str
    time: datetime.datetime
    job: str

    def __str__(self) -> str:
        return self.text


def parse(event: Mapping[str, Any], job: Job) -> LogLine:
    """
    The line of an event of CloudWatch Logs.
    """
    seconds = event["timestamp"] / 1000
    time = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return LogLine(text=event["message"], time=time, job=job.id)


class Follower:
    """
    Reads each line of some jobs once.
    """

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._tokens: dict[tuple[str, str], str] = {}

    def new(self, job: Job) -> Iterator[LogLine]:
        """
        The lines of *job* that were not returned before.
        """
        for stream in job.streams:
            yield from self._stream(job, job.log_group, stream)

    def _stream(self, job: Job, group: str, stream: str) -> Iterator[LogLine]:
        while True:
            token = self._tokens.get((group, stream))
            # A forward token is of the same direction: it wants startFromHead too
            # (https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html).
            given = {"startFromHead": True, **({"nextToken": token} if token else {})}
            get = GET(logGroupName=group, logStreamName=stream, **given)
            answer = ride_out(self._aws, lambda: self._aws.call(get))  # noqa: B023 - called here
            if answer is None:
                return  # the stream is made with the first line
            yield from (parse(event, job) for event in answer["events"])
            # A page may be empty though more follow; only the same token again is the end
            # (https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html).
            self._tokens[group, stream] = answer["nextForwardToken"]
            if answer["nextForwardToken"] == token:
                return


def tail(aws: Aws, job: Job, most: int = LAST) -> list[LogLine]:
    """
    The last lines of the last attempt of *job* that wrote any.
    """
    # An attempt that wrote nothing has no stream, or an empty one.
    for stream in reversed(job.streams):
        call = GET(
            logGroupName=job.log_group, logStreamName=stream, startFromHead=False, limit=most
        )
        answer = aws.call(call)
        if answer is not None and answer["events"]:
            return [parse(event, job) for event in answer["events"]][-most:]
    return []
