"""
Texts as they are shown: log lines, names and tags may hold anything.
"""

from __future__ import annotations

from batchkit._jobs.jobs import Job
from batchkit._model.resource import Resource


def shortened(text: str, most: int) -> str:
    """
    *text*, cut to *most* characters; the last one then shows that it is cut.
    """
    return text if len(text) <= most else f"{text[: most - 1]}…"


def label_of(job: Job) -> str:
    """
    The name of a job; of an array's child, with its index.
    """
    return job.name if job.index is None else f"{job.name} [{job.index}]"


def state_of(resource: Resource) -> str:
    """
    The state of a resource in AWS's word; an empty text if it has none.
    """
    return resource.state if isinstance(resource.state, str) else ""


def seconds(number: float) -> str:
    """
    A span of time, in few words.
    """
    if number < 10:
        return f"{number:.1f} s"
    if number < 90:
        return f"{number:.0f} s"
    minutes, rest = divmod(round(number), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s"
