"""
Section E: executions whose state machine submits a Batch job; they go as their job goes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

from ._batch_ends import end
from ._batch_jobs import submitted, untaken
from ._rules import after, before
from ._trust import authorised
from ._world import Call, Thing, World

SUBMIT = "batch:submitJob"
ENDED = {"SUCCEEDED": "SUCCEEDED", "FAILED": "FAILED"}


def execution(world: World, arn: str) -> Thing | None:
    """
    The execution of that ARN, if it is to run a job.
    """
    thing = world.find("execution", arn)
    return thing if thing is not None and (thing["job"] or thing["refused"]) else None


def status(thing: Thing) -> str:
    """
    The status of an execution, which is its job's unless it was stopped.
    """
    if thing["refused"]:
        return "FAILED"
    return str(thing["stopped"] or ENDED.get(thing["job"]["status"], "RUNNING"))


@after(0, "stepfunctions:StartExecution")
def _started(call: Call) -> None:
    world, arn, machine = call.world, call.answer["executionArn"], call.params["stateMachineArn"]
    if world.find("execution", arn) is not None:
        return
    held = call.raw.describe_state_machine(stateMachineArn=machine)
    definition = json.loads(held["definition"])
    wanted = next(filter(None, map(_wanted, definition.get("States", {}).values())), None)
    thing = world.add("execution", arn, job=None, refused="", stopped="")
    if wanted is not None:
        thing["refused"] = _refused(world, held["roleArn"], wanted)
        thing["job"] = None if thing["refused"] else _submit(world, wanted)
    seconds = definition.get("TimeoutSeconds")
    if thing["job"] and seconds:
        world.at(float(seconds), lambda: _late(world, thing))


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


def _refused(world: World, role: str, wanted: dict[str, Any]) -> str:
    if not authorised(world, role, "batch:SubmitJob"):
        return f"User: {role} is not authorized to perform: batch:SubmitJob"
    return untaken(world, wanted)


def _submit(world: World, wanted: dict[str, Any]) -> Thing | None:
    made = world.raw("batch").submit_job(**wanted)
    return submitted(world, wanted, made["jobId"])


def _late(world: World, thing: Thing) -> None:
    """
    The machine's time is over: AWS ends the job as well.
    """
    if status(thing) == "RUNNING":
        _end_job(world, thing, "TIMED_OUT", "the execution took too long")


def _end_job(world: World, thing: Thing, stopped: str, reason: str) -> None:
    thing["job"]["ended"] = {"isTerminated": True}
    end(world, thing["job"], "FAILED", reason)
    thing["stopped"] = stopped


@after(0, "stepfunctions:DescribeExecution")
def _described(call: Call) -> None:
    thing = execution(call.world, call.params["executionArn"])
    if thing is None:
        return
    call.answer["status"] = status(thing)
    for key in ("stopDate", "output", "error", "cause"):
        if status(thing) != "SUCCEEDED":
            call.answer.pop(key, None)
    if status(thing) == "FAILED":
        call.answer["error"] = "Batch.ClientException" if thing["refused"] else "States.TaskFailed"
        call.answer["cause"] = thing["refused"] or json.dumps(_shown(thing))


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
        _end_job(call.world, thing, "ABORTED", call.params.get("cause", "stopped"))


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
    if thing["refused"]:
        yield "TaskSubmitFailed", {**about, "error": "Batch.ClientException"}
        return
    yield "TaskSubmitted", {**about, "output": _output(thing)}
    if status(thing) == "SUCCEEDED":
        yield "TaskSucceeded", {**about}
    if status(thing) == "FAILED":
        cause = json.dumps(_shown(thing))
        yield "TaskFailed", {**about, "error": "States.TaskFailed", "cause": cause}


def _output(thing: Thing) -> str:
    job = thing["job"]
    return json.dumps({"JobId": job.id, "JobName": job["name"]})
