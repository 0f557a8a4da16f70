"""
Section D: jobs, which run on simulated time, or show why they don't.
"""

from __future__ import annotations

from typing import Any

from . import _batch as batch
from ._batch_ends import end
from ._batch_queues import queue
from ._batch_shown import described, overridden
from ._batch_waits import begin
from ._rules import before, declare
from ._world import Call, Thing, World

declare(
    (78, "D", "only a valid, enabled queue takes jobs, of an active definition"),
    (81, "M", "a job goes through its states on time, or is stuck, or fails, and says why"),
    (82, "D", "only RUNNING jobs are listed unless asked otherwise; a started job isn't cancelled"),
)

WAITING = ("SUBMITTED", "PENDING", "RUNNABLE")


@before(78, "batch:SubmitJob")
def _takes_jobs(call: Call) -> None:
    refusal = untaken(call.world, call.params)
    if refusal:
        batch.refuse(refusal)


def untaken(world: World, params: dict[str, Any]) -> str:
    """
    Why Batch doesn't take a job, or "".
    """
    name = params["jobQueue"]
    thing = queue(world, name)
    if thing is None:
        return f"Job queue {name} does not exist."
    if thing["shown"]["state"] != "ENABLED" or batch.status(thing) not in ("VALID", "UPDATING"):
        return world.loose(f"job queue {name}")
    if _definition(world, params["jobDefinition"]) is None:
        return f"Job definition {params['jobDefinition']} does not exist."
    return ""


def _definition(world: World, wanted: str) -> dict[str, Any] | None:
    """
    The active job definition of that name (its latest revision), name and revision, or ARN.
    """
    name, _, revision = batch.short(wanted).partition(":")
    found = world.raw("batch").describe_job_definitions(jobDefinitionName=name, status="ACTIVE")
    every = [e for e in found["jobDefinitions"] if revision in ("", str(e["revision"]))]
    latest: dict[str, Any] | None = max(every, key=lambda each: each["revision"], default=None)
    return latest


@before(81, "batch:SubmitJob")
def _submit(call: Call) -> bool:
    world, params = call.world, call.params
    call.answer = call.ask(params)
    return submitted(world, params, call.answer["jobId"]) is not None


def submitted(world: World, params: dict[str, Any], id: str) -> Thing | None:
    """
    Have a job that the backend took go its way.
    """
    thing = queue(world, params["jobQueue"])
    definition = _definition(world, params["jobDefinition"])
    if thing is None or definition is None:
        return None
    job = _enter(world, params, id, thing, definition)
    for index in range(params.get("arrayProperties", {}).get("size", 0)):
        child = _enter(world, params, f"{id}:{index}", thing, definition)
        child["parent"], child["index"] = id, index
        job["children"].append(child)
    world.at("job_runnable", lambda: begin(world, job))
    return job


def _enter(
    world: World, params: dict[str, Any], id: str, queue: Thing, definition: dict[str, Any]
) -> Thing:
    return world.add(
        "job",
        id,
        queue=queue.id,
        environment=queue["shown"]["computeEnvironmentOrder"][0]["computeEnvironment"],
        definition=definition,
        container=overridden(definition, params.get("containerOverrides", {})),
        params=params,
        name=params["jobName"],
        live=True,
        placed=False,
        status="SUBMITTED",
        reason="",
        attempts=[],
        children=[],
        ended={},
    )


@before(82, "batch:ListJobs")
def _list(call: Call) -> bool:
    params = call.params
    if "jobQueue" not in params:
        return False
    thing = queue(call.world, params["jobQueue"])
    if thing is None:
        batch.refuse(f"Job queue {params['jobQueue']} does not exist.")
    wanted = params.get("jobStatus", "RUNNING")
    jobs = [job for job in call.world.all("job") if job["queue"] == thing.id and ":" not in job.id]
    if not params.get("filters"):
        jobs = [job for job in jobs if job["status"] == wanted]
    newest = sorted(jobs, key=lambda job: -job.born)
    call.answer = {"jobSummaryList": [_summary(job) for job in newest]}
    return "jobStatus" not in params


def _summary(job: Thing) -> dict[str, Any]:
    return {
        "jobId": job.id,
        "jobName": job["name"],
        "status": job["status"],
        "statusReason": job["reason"],
        "createdAt": int(job.born * 1000),
        **({"arrayProperties": {"size": len(job["children"])}} if job["children"] else {}),
    }


@before(82, "batch:DescribeJobs")
def _hundred(call: Call) -> None:
    if len(call.params["jobs"]) > 100:
        batch.refuse("Maximum number of jobs supported is 100")


@before(81, "batch:DescribeJobs")
def _describe(call: Call) -> bool:
    ids = list(dict.fromkeys(id.partition(":")[0] for id in call.params["jobs"]))
    held = {shown["jobId"]: shown for shown in call.ask({"jobs": ids})["jobs"]}
    found = []
    for id in call.params["jobs"]:
        job, backend = call.world.find("job", id), held.get(id.partition(":")[0])
        if backend is not None:
            found.append(backend if job is None else described(call.world, job, backend))
    call.answer = {"jobs": found}
    return False


@before(82, "batch:CancelJob")
def _cancel(call: Call) -> bool:
    job = call.world.find("job", call.params["jobId"])
    if job is None:
        return False
    call.answer = {}
    if job["status"] in WAITING:
        job["ended"] = {"isCancelled": True}
        end(call.world, job, "FAILED", call.params["reason"])
        return False
    return True


@before(81, "batch:TerminateJob")
def _terminate(call: Call) -> bool:
    job = call.world.find("job", call.params["jobId"])
    if job is None:
        return False
    call.answer = {}
    for each in (*job["children"], job):
        if each["live"]:
            each["ended"] = {"isTerminated": True}
            end(call.world, each, "FAILED", call.params["reason"])
    return False
