"""
Executions whose state machine submits a Batch job; they go as their job goes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

from ..account import Account, OverlayEntry
from ..api_call import ApiCall
from ..batch.jobs import submitted, untaken
from ..batch.lifecycle import end
from ..iam.trust import authorised
from ..rules import after, before, declare

declare((163, "D", "an execution goes on with the definition that its machine had as it began"))

SUBMIT = "batch:submitJob"
ENDED = {"SUCCEEDED": "SUCCEEDED", "FAILED": "FAILED"}


def execution(account: Account, arn: str) -> OverlayEntry | None:
    """
    The execution of that ARN, if it is to run a job.
    """
    entry = account.find("execution", arn)
    return entry if entry is not None and (entry["job"] or entry["refused"]) else None


def status(entry: OverlayEntry) -> str:
    """
    The status of an execution, which is its job's unless it was stopped.
    """
    if entry["refused"]:
        return "FAILED"
    return str(entry["stopped"] or ENDED.get(entry["job"]["status"], "RUNNING"))


@after(0, "stepfunctions:StartExecution")
def _started(call: ApiCall) -> None:
    account, arn, machine = (
        call.account,
        call.answer["executionArn"],
        call.params["stateMachineArn"],
    )
    if account.find("execution", arn) is not None:
        return
    held = call.raw.describe_state_machine(stateMachineArn=machine)
    definition = json.loads(held["definition"])
    wanted = next(filter(None, map(_wanted, definition.get("States", {}).values())), None)
    entry = account.add("execution", arn, job=None, refused="", stopped="", began=held)
    if wanted is not None:
        entry["refused"] = _refused(account, held["roleArn"], wanted)
        entry["job"] = None if entry["refused"] else _submit(account, wanted)
    seconds = definition.get("TimeoutSeconds")
    if entry["job"] and seconds:
        account.at(float(seconds), lambda: _late(account, entry))


def _wanted(state: dict[str, Any]) -> dict[str, Any] | None:
    """
    What a state submits to Batch.
    """
    if SUBMIT not in state.get("Resource", ""):
        return None
    given = state.get("Parameters") or state.get("Arguments") or {}
    wanted = {key[:1].lower() + key[1:]: part for key, part in given.items()}
    return {
        "jobName": wanted.get("jobName") or "job",
        "jobQueue": wanted.get("jobQueue", ""),
        "jobDefinition": wanted.get("jobDefinition", ""),
    }


def _refused(account: Account, role: str, wanted: dict[str, Any]) -> str:
    if not authorised(account, role, "batch:SubmitJob"):
        return f"User: {role} is not authorized to perform: batch:SubmitJob"
    return untaken(account, wanted)


def _submit(account: Account, wanted: dict[str, Any]) -> OverlayEntry | None:
    made = account.raw("batch").submit_job(**wanted)
    return submitted(account, wanted, made["jobId"])


def _late(account: Account, entry: OverlayEntry) -> None:
    """
    The machine's time is over: AWS ends the job as well.
    """
    if status(entry) == "RUNNING":
        _end_job(account, entry, "TIMED_OUT", "the execution took too long")


def _end_job(account: Account, entry: OverlayEntry, stopped: str, reason: str) -> None:
    entry["job"]["ended"] = {"isTerminated": True}
    end(account, entry["job"], "FAILED", reason)
    entry["stopped"] = stopped


@after(0, "stepfunctions:DescribeExecution")
def _described(call: ApiCall) -> None:
    entry = execution(call.account, call.params["executionArn"])
    if entry is None:
        return
    call.answer["status"] = status(entry)
    for key in ("stopDate", "output", "error", "cause"):
        if status(entry) != "SUCCEEDED":
            call.answer.pop(key, None)
    if status(entry) == "FAILED":
        call.answer["error"] = "Batch.ClientException" if entry["refused"] else "States.TaskFailed"
        call.answer["cause"] = entry["refused"] or json.dumps(_shown(entry))


def _shown(entry: OverlayEntry) -> dict[str, Any]:
    job = entry["job"]
    return {"JobId": job.id, "Status": job["status"], "StatusReason": job["reason"]}


@after(163, "stepfunctions:DescribeStateMachineForExecution")
def _as_it_began(call: ApiCall) -> bool:
    entry = call.account.find("execution", call.params["executionArn"])
    began = entry["began"] if entry is not None else {}
    told = {key: began[key] for key in ("definition", "roleArn") if key in began}
    changed = any(call.answer.get(key) != part for key, part in told.items())
    call.answer.update(told)
    return changed


@after(0, "stepfunctions:ListExecutions")
def _listed(call: ApiCall) -> None:
    for each in call.answer["executions"]:
        entry = execution(call.account, each["executionArn"])
        if entry is not None:
            each["status"] = status(entry)
    wanted = call.params.get("statusFilter")
    if wanted:
        found = [each for each in call.answer["executions"] if each["status"] == wanted]
        call.answer["executions"] = found


@before(0, "stepfunctions:ListExecutions")
def _unfiltered(call: ApiCall) -> None:
    # The backend filters by its own idea of the status.
    wanted = call.params.pop("statusFilter", None)
    found = call.ask(call.params)
    call.answer = {"executions": found["executions"]}
    if wanted:
        call.params["statusFilter"] = wanted


@after(0, "stepfunctions:StopExecution")
def _stopped(call: ApiCall) -> None:
    entry = execution(call.account, call.params["executionArn"])
    if entry is not None and status(entry) == "RUNNING":
        _end_job(call.account, entry, "ABORTED", call.params.get("cause", "stopped"))


@before(0, "stepfunctions:GetExecutionHistory")
def _history(call: ApiCall) -> None:
    entry = execution(call.account, call.params["executionArn"])
    if entry is None:
        return
    events = [
        {
            "timestamp": datetime.now(timezone.utc),
            "type": kind,
            "id": number,
            "previousEventId": number - 1,
            f"{kind[:1].lower()}{kind[1:]}EventDetails": details,
        }
        for number, (kind, details) in enumerate(_steps(entry), 1)
    ]
    call.answer = {"events": events[::-1] if call.params.get("reverseOrder") else events}


def _steps(entry: OverlayEntry) -> Iterator[tuple[str, dict[str, Any]]]:
    about = {"resourceType": "batch", "resource": "submitJob.sync"}
    yield "ExecutionStarted", {"input": "{}"}
    yield "TaskScheduled", {**about, "parameters": "{}"}
    if entry["refused"]:
        yield "TaskSubmitFailed", {**about, "error": "Batch.ClientException"}
        return
    yield "TaskSubmitted", {**about, "output": _output(entry)}
    if status(entry) == "SUCCEEDED":
        yield "TaskSucceeded", {**about}
    if status(entry) == "FAILED":
        cause = json.dumps(_shown(entry))
        yield "TaskFailed", {**about, "error": "States.TaskFailed", "cause": cause}


def _output(entry: OverlayEntry) -> str:
    job = entry["job"]
    return json.dumps({"JobId": job.id, "JobName": job["name"]})
