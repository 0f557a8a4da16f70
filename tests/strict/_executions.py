"""
Section E: executions whose state machine submits a Batch job; they go as their job goes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

from botocore.exceptions import ClientError

from ._batch_jobs import end, submitted
from ._rules import after, before
from ._world import Call, Thing, World

SUBMIT = "batch:submitJob"
ENDED = {"SUCCEEDED": "SUCCEEDED", "FAILED": "FAILED"}


def execution(world: World, arn: str) -> Thing | None:
    """
    The execution of that ARN, if it runs a job.
    """
    thing = world.find("execution", arn)
    return thing if thing is not None and thing["job"] is not None else None


def status(thing: Thing) -> str:
    """
    The status of an execution, which is its job's unless it was stopped.
    """
    return str(thing["stopped"] or ENDED.get(thing["job"]["status"], "RUNNING"))


@after(0, "stepfunctions:StartExecution")
def _started(call: Call) -> None:
    arn, machine = call.answer["executionArn"], call.params["stateMachineArn"]
    if call.world.find("execution", arn) is not None:
        return
    held = call.raw.describe_state_machine(stateMachineArn=machine)
    call.world.add("execution", arn, job=_job(call.world, held["definition"]), stopped="")


def _job(world: World, definition: str) -> Thing | None:
    for state in json.loads(definition).get("States", {}).values():
        if SUBMIT in state.get("Resource", ""):
            return _submit(world, state.get("Parameters") or state.get("Arguments") or {})
    return None


def _submit(world: World, given: dict[str, Any]) -> Thing | None:
    wanted = {key[:1].lower() + key[1:]: part for key, part in given.items()}
    params = {
        "jobName": wanted.get("jobName") or "job",
        "jobQueue": wanted.get("jobQueue", ""),
        "jobDefinition": wanted.get("jobDefinition", ""),
    }
    try:
        made = world.raw("batch").submit_job(**params)
    except ClientError:
        return None
    return submitted(world, params, made["jobId"])


@after(0, "stepfunctions:DescribeExecution")
def _described(call: Call) -> None:
    thing = execution(call.world, call.params["executionArn"])
    if thing is None:
        return
    call.answer["status"] = status(thing)
    if status(thing) == "FAILED":
        call.answer["error"] = "States.TaskFailed"
        call.answer["cause"] = json.dumps(_shown(thing))
    if status(thing) == "RUNNING":
        for key in ("stopDate", "output", "error", "cause"):
            call.answer.pop(key, None)


def _shown(thing: Thing) -> dict[str, Any]:
    job = thing["job"]
    return {"JobId": job.id, "Status": job["status"], "StatusReason": job["reason"]}


@after(0, "stepfunctions:ListExecutions")
def _listed(call: Call) -> None:
    for each in call.answer["executions"]:
        thing = execution(call.world, each["executionArn"])
        if thing is not None:
            each["status"] = status(thing)
    wanted = call.params.get("statusFilter")
    if wanted:
        found = [each for each in call.answer["executions"] if each["status"] == wanted]
        call.answer["executions"] = found


@before(0, "stepfunctions:ListExecutions")
def _unfiltered(call: Call) -> None:
    # The backend filters by its own idea of the status.
    wanted = call.params.pop("statusFilter", None)
    found = call.ask(call.params)
    call.answer = {"executions": found["executions"]}
    if wanted:
        call.params["statusFilter"] = wanted


@after(0, "stepfunctions:StopExecution")
def _stopped(call: Call) -> None:
    thing = execution(call.world, call.params["executionArn"])
    if thing is not None and status(thing) == "RUNNING":
        end(call.world, thing["job"], "FAILED", call.params.get("cause", "stopped"))
        thing["stopped"] = "ABORTED"


@before(0, "stepfunctions:GetExecutionHistory")
def _history(call: Call) -> None:
    thing = execution(call.world, call.params["executionArn"])
    if thing is None:
        return
    events = [
        {
            "timestamp": datetime.now(timezone.utc),
            "type": kind,
            "id": number,
            "previousEventId": number - 1,
            f"{kind[:1].lower()}{kind[1:]}EventDetails": details,
        }
        for number, (kind, details) in enumerate(_steps(thing), 1)
    ]
    call.answer = {"events": events[::-1] if call.params.get("reverseOrder") else events}


def _steps(thing: Thing) -> Iterator[tuple[str, dict[str, Any]]]:
    about = {"resourceType": "batch", "resource": "submitJob.sync"}
    yield "ExecutionStarted", {"input": "{}"}
    yield "TaskScheduled", {**about, "parameters": "{}"}
    yield "TaskSubmitted", {**about, "output": _output(thing)}
    if status(thing) == "SUCCEEDED":
        yield "TaskSucceeded", {**about}
    if status(thing) == "FAILED":
        cause = json.dumps(_shown(thing))
        yield "TaskFailed", {**about, "error": "States.TaskFailed", "cause": cause}


def _output(thing: Thing) -> str:
    job = thing["job"]
    return json.dumps({"JobId": job.id, "JobName": job["name"]})
