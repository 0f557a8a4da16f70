"""
What is shown of a job: its container, its attempts, its array.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from ..account import Account, OverlayEntry
from .held import short


def overridden(definition: dict[str, Any], overrides: dict[str, Any]) -> dict[str, Any]:
    """
    The container of a job: what its definition says, but for what its submission says otherwise.
    """
    container = dict(definition.get("containerProperties", {}))
    needs = {each["type"]: each for each in container.get("resourceRequirements", [])}
    needs.update({each["type"]: each for each in overrides.get("resourceRequirements", [])})
    named = {each["name"]: each for each in container.get("environment", [])}
    named.update({each["name"]: each for each in overrides.get("environment", [])})
    container.update(resourceRequirements=list(needs.values()), environment=list(named.values()))
    if overrides.get("command"):
        container["command"] = overrides["command"]
    return container


def needs(job: OverlayEntry, kind: str) -> float:
    """
    How much of VCPU, MEMORY or GPU a job asks for.
    """
    old = {"VCPU": "vcpus", "MEMORY": "memory", "GPU": "gpus"}[kind]
    listed = {each["type"]: each["value"] for each in job["container"]["resourceRequirements"]}
    return float(listed.get(kind, job["container"].get(old, 0)))


def described(account: Account, job: OverlayEntry, backend: dict[str, Any]) -> dict[str, Any]:
    """
    What DescribeJobs says of a job; *backend* is what lies underneath says of it, or its parent.
    """
    shown = {key: part for key, part in backend.items() if key not in ("startedAt", "stoppedAt")}
    last = job["attempts"][-1] if job["attempts"] else {}
    told = {key: part for key, part in last.items() if key in ("startedAt", "stoppedAt")}
    if job["live"]:
        told.pop("stoppedAt", None)
    shown.update(
        jobId=job.id,
        jobArn=f"{backend['jobArn'].rpartition('/')[0]}/{job.id}",
        status=job["status"],
        statusReason=job["reason"],
        createdAt=int(job.born * 1000),
        dependsOn=job["params"].get("dependsOn", []),
        attempts=list(job["attempts"]),
        **told,
        **job["ended"],
    )
    shown["container"] = _container(job, last.get("container", {}))
    return {**shown, **_limits(job), **_array(job)}


def _container(job: OverlayEntry, last: dict[str, Any]) -> dict[str, Any]:
    stream = job.get("stream")
    begun = {"logStreamName": stream, "taskArn": job["task"]} if stream else {}
    return {**job["container"], **last, **begun}


def _limits(job: OverlayEntry) -> dict[str, Any]:
    given = {
        key: job["params"].get(key) or job["definition"].get(key)
        for key in ("timeout", "retryStrategy")
    }
    return {key: part for key, part in given.items() if part}


def _array(job: OverlayEntry) -> dict[str, Any]:
    if "index" in job.data:
        return {"arrayProperties": {"index": job["index"]}}
    if not job["children"]:
        return {}
    counted = Counter(child["status"] for child in job["children"])
    return {"arrayProperties": {"size": len(job["children"]), "statusSummary": dict(counted)}}


def task_of(environment: OverlayEntry, number: str) -> str:
    """
    The ARN of a task in the cluster of an environment.
    """
    cluster = environment["shown"].get("ecsClusterArn", "")
    return f"{cluster.replace(':cluster/', ':task/')}/{short(number)}"
