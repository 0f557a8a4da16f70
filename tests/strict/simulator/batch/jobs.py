"""
Jobs, which run on simulated time, or show why they don't.
"""

from __future__ import annotations

from typing import Any

from ..account import Account, OverlayEntry
from ..api_call import ApiCall
from ..rules import before, declare
from .held import queue, short, status
from .job_view import described, overridden
from .lifecycle import begin, end
from .refusals import refuse

declare(
    (78, "D", "only a valid, enabled queue takes jobs, of an active definition"),
    (81, "M", "a job goes through its states on time, or is stuck, or fails, and says why"),
    (162, "D", "the children of an array are listed by the array, not by the queue"),
    (82, "D", "only RUNNING jobs are listed unless asked otherwise; a started job isn't cancelled"),
)

WAITING = ("SUBMITTED", "PENDING", "RUNNABLE")


@before(78, "batch:SubmitJob")
def _takes_jobs(call: ApiCall) -> None:
    refusal = untaken(call.account, call.params)
    if refusal:
        refuse(refusal)


def untaken(account: Account, params: dict[str, Any]) -> str:
    """
    Why Batch doesn't take a job, or "".
    """
    name = params["jobQueue"]
    entry = queue(account, name)
    if entry is None:
        return f"Job queue {name} does not exist."
    if entry["shown"]["state"] != "ENABLED" or status(entry) not in ("VALID", "UPDATING"):
        return account.loose(f"job queue {name}")
    if _definition(account, params["jobDefinition"]) is None:
        return f"Job definition {params['jobDefinition']} does not exist."
    return ""


def _definition(account: Account, wanted: str) -> dict[str, Any] | None:
    """
    The active job definition of that name (its latest revision), name and revision, or ARN.
    """
    name, _, revision = short(wanted).partition(":")
    found = account.raw("batch").describe_job_definitions(jobDefinitionName=name, status="ACTIVE")
    every = [e for e in found["jobDefinitions"] if revision in ("", str(e["revision"]))]
    latest: dict[str, Any] | None = max(every, key=lambda each: each["revision"], default=None)
    return latest


@before(81, "batch:SubmitJob")
def _submit(call: ApiCall) -> bool:
    account, params = call.account, call.params
    call.answer = call.ask(params)
    return submitted(account, params, call.answer["jobId"]) is not None


def submitted(account: Account, params: dict[str, Any], id: str) -> OverlayEntry | None:
    """
    Have a job that the backend took go its way.
    """
    entry = queue(account, params["jobQueue"])
    definition = _definition(account, params["jobDefinition"])
    if entry is None or definition is None:
        return None
    job = _enter(account, params, id, entry, definition)
    for index in range(params.get("arrayProperties", {}).get("size", 0)):
        child = _enter(account, params, f"{id}:{index}", entry, definition)
        child["parent"], child["index"] = id, index
        job["children"].append(child)
    account.at("job_runnable", lambda: begin(account, job))
    return job


def _enter(
    account: Account,
    params: dict[str, Any],
    id: str,
    queue: OverlayEntry,
    definition: dict[str, Any],
) -> OverlayEntry:
    return account.add(
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


@before(162, "batch:ListJobs")
def _children(call: ApiCall) -> bool:
    parent = call.account.find("job", call.params.get("arrayJobId", ""))
    if parent is None:
        return False
    wanted = call.params.get("jobStatus", "RUNNING")
    found = [child for child in parent["children"] if child["status"] == wanted]
    call.answer = {"jobSummaryList": [_summary(child) for child in found]}
    return True


@before(82, "batch:ListJobs")
def _list(call: ApiCall) -> bool:
    params = call.params
    if "jobQueue" not in params:
        return False
    entry = queue(call.account, params["jobQueue"])
    if entry is None:
        refuse(f"Job queue {params['jobQueue']} does not exist.")
    wanted = params.get("jobStatus", "RUNNING")
    jobs = [
        job for job in call.account.all("job") if job["queue"] == entry.id and ":" not in job.id
    ]
    if not params.get("filters"):
        jobs = [job for job in jobs if job["status"] == wanted]
    newest = sorted(jobs, key=lambda job: -job.born)
    call.answer = {"jobSummaryList": [_summary(job) for job in newest]}
    return "jobStatus" not in params


def _summary(job: OverlayEntry) -> dict[str, Any]:
    return {
        "jobId": job.id,
        "jobName": job["name"],
        "status": job["status"],
        "statusReason": job["reason"],
        "createdAt": int(job.born * 1000),
        **({"arrayProperties": {"size": len(job["children"])}} if job["children"] else {}),
    }


@before(82, "batch:DescribeJobs")
def _hundred(call: ApiCall) -> None:
    if len(call.params["jobs"]) > 100:
        refuse("Maximum number of jobs supported is 100")


@before(81, "batch:DescribeJobs")
def _describe(call: ApiCall) -> bool:
    ids = list(dict.fromkeys(id.partition(":")[0] for id in call.params["jobs"]))
    held = {shown["jobId"]: shown for shown in call.ask({"jobs": ids})["jobs"]}
    found = []
    for id in call.params["jobs"]:
        job, backend = call.account.find("job", id), held.get(id.partition(":")[0])
        if backend is not None:
            found.append(backend if job is None else described(call.account, job, backend))
    call.answer = {"jobs": found}
    return False


@before(82, "batch:CancelJob")
def _cancel(call: ApiCall) -> bool:
    job = call.account.find("job", call.params["jobId"])
    if job is None:
        return False
    call.answer = {}
    if job["status"] in WAITING:
        job["ended"] = {"isCancelled": True}
        end(call.account, job, "FAILED", call.params["reason"])
        return False
    return True


@before(81, "batch:TerminateJob")
def _terminate(call: ApiCall) -> bool:
    job = call.account.find("job", call.params["jobId"])
    if job is None:
        return False
    call.answer = {}
    for each in (*job["children"], job):
        if each["live"]:
            each["ended"] = {"isTerminated": True}
            end(call.account, each, "FAILED", call.params["reason"])
    return False
