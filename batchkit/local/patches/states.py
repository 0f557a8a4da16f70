"""
Patches for Step Functions: state machines and executions.
"""

from __future__ import annotations

import threading
from typing import Any
from uuid import uuid4

from moto.core.exceptions import AWSError
from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.stepfunctions.parser.api import InvalidDefinition as MotoInvalidDefinition
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker
from moto.stepfunctions.parser.models import StepFunctionsParserBackend
from moto.stepfunctions.responses import StepFunctionResponse

from batchkit.local.patches.definition import DefinitionProblem, definition_problems
from batchkit.local.patches.patch import Patches

PATCHES = Patches()

_ENDED = ("SUCCEEDED", "FAILED", "ABORTED", "TIMED_OUT")
_COMPARED = ("definition", "type", "loggingConfiguration", "tracingConfiguration")


def _error(code: str, message: str) -> AWSError:
    return AWSError(message, exception_type=code)


@PATCHES(
    StepFunctionsParserBackend,
    "_validate_definition",
    reason="CreateStateMachine and UpdateStateMachine refuse a wrong definition with "
    "InvalidDefinition, but moto's error has no code and moto finds unknown states only "
    "at run time",
)
def validate(original: Any, definition: str) -> None:
    found = definition_problems(definition) or _parsed(original, definition)
    if found:
        reasons = ", ".join(str(problem) for problem in found)
        raise _error("InvalidDefinition", f"Invalid State Machine Definition: '{reasons}'")


def _parsed(parse: Any, definition: str) -> list[DefinitionProblem]:
    try:
        parse(definition)
    except MotoInvalidDefinition as error:
        return [DefinitionProblem("SCHEMA_VALIDATION_FAILED", str(error.message), "")]
    return []


@PATCHES(
    StepFunctionsParserBackend,
    "create_state_machine",
    reason="CreateStateMachine refuses a name in use with another definition with "
    "StateMachineAlreadyExists, but moto returns the existing machine",
)
def create(original: Any, self: Any, **given: Any) -> Any:
    existing = self._revision_by_name(given["name"])
    if existing is not None and _differs(existing, given):
        msg = f"State Machine Already Exists: '{existing.arn}'"
        raise _error("StateMachineAlreadyExists", msg)
    return original(self, **given)


def _differs(existing: Any, given: dict[str, Any]) -> bool:
    desired = {**given, "type": given.get("sm_type") or "STANDARD"}
    return any(desired[name] and desired[name] != getattr(existing, name) for name in _COMPARED)


@PATCHES(
    StepFunctionsParserBackend,
    "update_state_machine",
    reason="UpdateStateMachine without any change fails with MissingRequiredParameter, but "
    "moto's error has no code",
)
def update(original: Any, self: Any, arn: str, **given: Any) -> Any:
    if not any(value for name, value in given.items() if name != "publish"):
        msg = "Either the definition, the role ARN, or a configuration must be specified"
        raise _error("MissingRequiredParameter", msg)
    return original(self, arn, **given)


@PATCHES(
    StepFunctionsParserBackend,
    "start_execution",
    reason="StartExecution without a name makes up a UUID, but moto calls the execution None",
)
def start(original: Any, self: Any, machine: str, name: str | None, *rest: Any) -> Any:
    return original(self, machine, name or str(uuid4()), *rest)


@PATCHES(
    StepFunctionResponse,
    "validate_state_machine_definition",
    reason="Step Functions has ValidateStateMachineDefinition, but moto doesn't",
)
def validate_definition(_: Any, self: Any) -> Any:
    found = definition_problems(self._get_param("definition"))
    diagnostics = [{"severity": "ERROR", **problem._asdict()} for problem in found]
    return ActionResult({"result": "FAIL" if found else "OK", "diagnostics": diagnostics})


@PATCHES(
    StepFunctionResponse,
    "list_state_machine_versions",
    reason="Step Functions has ListStateMachineVersions, but moto doesn't",
)
def list_versions(_: Any, self: Any) -> Any:
    machine = self.stepfunction_backend.describe_state_machine(self._get_param("stateMachineArn"))
    versions = [
        {"stateMachineVersionArn": version.arn, "creationDate": version.creation_date}
        for version in sorted(machine.versions.values(), key=lambda one: -one.version)
    ]
    return ActionResult({"stateMachineVersions": versions})


@PATCHES(
    StepFunctionResponse,
    "_describe_state_machine",
    reason="DescribeStateMachine returns includeExecutionData in the logging configuration, but "
    "moto leaves it out",
)
def describe(original: Any, self: Any, arn: str) -> Any:
    answer = original(self, arn)
    logging = {"includeExecutionData": False, **answer.result["loggingConfiguration"]}
    answer.result["loggingConfiguration"] = logging
    return answer


@PATCHES(
    StepFunctionResponse,
    "describe_execution",
    reason="DescribeExecution returns the stopDate of an execution that timed out, but moto "
    "leaves it out",
)
def describe_execution(original: Any, self: Any) -> Any:
    answer = original(self)
    execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
    return ActionResult({**answer.result, **_stopped(execution)})


@PATCHES(
    StepFunctionResponse,
    "list_executions",
    reason="ListExecutions returns the stopDate of an execution that timed out, but moto leaves "
    "it out",
)
def list_executions(original: Any, self: Any) -> Any:
    answer = original(self)
    backend = self.stepfunction_backend
    for listed in answer.result["executions"]:
        listed.update(_stopped(backend.describe_execution(listed["executionArn"])))
    return answer


def _stopped(execution: Any) -> dict[str, Any]:
    ended = execution.status in _ENDED and execution.stop_date
    return {"stopDate": execution.stop_date} if ended else {}


@PATCHES(
    StepFunctionResponse,
    "get_execution_history",
    reason="GetExecutionHistory follows reverseOrder, maxResults and nextToken, but moto "
    "ignores them",
)
def history(original: Any, self: Any) -> Any:
    events = list(original(self).result["events"])
    if self._get_param("reverseOrder"):
        events.reverse()
    begin = int(self._get_param("nextToken") or 0)
    end = begin + int(self._get_param("maxResults") or 100)
    page: dict[str, Any] = {"events": events[begin:end]}
    if end < len(events):
        page["nextToken"] = str(end)
    return ActionResult(page)


@PATCHES(
    StepFunctionResponse,
    "stop_execution",
    reason="StopExecution keeps error and cause and returns a stopDate, but moto drops both and "
    "returns no date",
)
def stop(_: Any, self: Any) -> Any:
    execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
    if execution.status == "RUNNING":
        execution.error = self._get_param("error")
        execution.cause = self._get_param("cause")
        execution.stop(utcnow(), execution.error, execution.cause)
    return ActionResult({"stopDate": execution.stop_date or utcnow()})


@PATCHES(
    ExecutionWorker,
    "stop",
    reason="StopExecution works at any time, but moto raises AttributeError before the "
    "execution's first state has begun",
)
def stop_worker(original: Any, self: Any, *args: Any, **given: Any) -> None:
    ready = threading.Event()
    while self.env is None:
        ready.wait(0.01)
    original(self, *args, **given)
