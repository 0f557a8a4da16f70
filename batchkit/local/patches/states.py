"""
State machines and executions as Step Functions has them.
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


def _refuse(code: str, message: str) -> AWSError:
    return AWSError(message, exception_type=code)


@PATCHES(
    StepFunctionsParserBackend,
    "_validate_definition",
    reason="moto's InvalidDefinition has no code, and unknown states are found at run time only",
)
def validate(original: Any, definition: str) -> None:
    found = definition_problems(definition) or _parsed(original, definition)
    if found:
        reasons = ", ".join(str(finding) for finding in found)
        raise _refuse("InvalidDefinition", f"Invalid State Machine Definition: '{reasons}'")


def _parsed(parse: Any, definition: str) -> list[DefinitionProblem]:
    try:
        parse(definition)
    except MotoInvalidDefinition as error:
        return [DefinitionProblem("SCHEMA_VALIDATION_FAILED", str(error.message), "")]
    return []


@PATCHES(
    StepFunctionsParserBackend,
    "create_state_machine",
    reason="a second one of a name that differs is StateMachineAlreadyExists",
)
def create(original: Any, self: Any, **given: Any) -> Any:
    before = self._revision_by_name(given["name"])
    if before is not None and _differs(before, given):
        raise _refuse("StateMachineAlreadyExists", f"State Machine Already Exists: '{before.arn}'")
    return original(self, **given)


def _differs(held: Any, given: dict[str, Any]) -> bool:
    asked = {**given, "type": given.get("sm_type") or "STANDARD"}
    return any(asked[name] and asked[name] != getattr(held, name) for name in _COMPARED)


@PATCHES(
    StepFunctionsParserBackend,
    "update_state_machine",
    reason="moto's MissingRequiredParameter has no code",
)
def update(original: Any, self: Any, arn: str, **given: Any) -> Any:
    if not any(value for name, value in given.items() if name != "publish"):
        msg = "Either the definition, the role ARN, or a configuration must be specified"
        raise _refuse("MissingRequiredParameter", msg)
    return original(self, arn, **given)


@PATCHES(
    StepFunctionsParserBackend,
    "start_execution",
    reason="without a name moto calls the execution None; AWS makes up a UUID",
)
def start(original: Any, self: Any, machine: str, name: str | None, *rest: Any) -> Any:
    return original(self, machine, name or str(uuid4()), *rest)


@PATCHES(
    StepFunctionResponse,
    "validate_state_machine_definition",
    reason="moto has no ValidateStateMachineDefinition",
)
def validate_definition(_: Any, self: Any) -> Any:
    found = definition_problems(self._get_param("definition"))
    told = [{"severity": "ERROR", **finding._asdict()} for finding in found]
    return ActionResult({"result": "FAIL" if found else "OK", "diagnostics": told})


@PATCHES(
    StepFunctionResponse,
    "list_state_machine_versions",
    reason="moto has no ListStateMachineVersions",
)
def list_versions(_: Any, self: Any) -> Any:
    machine = self.stepfunction_backend.describe_state_machine(self._get_param("stateMachineArn"))
    told = [
        {"stateMachineVersionArn": version.arn, "creationDate": version.creation_date}
        for version in sorted(machine.versions.values(), key=lambda one: -one.version)
    ]
    return ActionResult({"stateMachineVersions": told})


@PATCHES(
    StepFunctionResponse,
    "_describe_state_machine",
    reason="AWS tells includeExecutionData with the level of logging",
)
def describe(original: Any, self: Any, arn: str) -> Any:
    answer = original(self, arn)
    logging = {"includeExecutionData": False, **answer.result["loggingConfiguration"]}
    answer.result["loggingConfiguration"] = logging
    return answer


@PATCHES(
    StepFunctionResponse,
    "describe_execution",
    reason="moto tells no stopDate of an execution that timed out",
)
def describe_execution(original: Any, self: Any) -> Any:
    answer = original(self)
    execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
    return ActionResult({**answer.result, **_stopped(execution)})


@PATCHES(
    StepFunctionResponse,
    "list_executions",
    reason="moto tells no stopDate of an execution that timed out",
)
def list_executions(original: Any, self: Any) -> Any:
    answer = original(self)
    backend = self.stepfunction_backend
    for told in answer.result["executions"]:
        told.update(_stopped(backend.describe_execution(told["executionArn"])))
    return answer


def _stopped(execution: Any) -> dict[str, Any]:
    ended = execution.status in _ENDED and execution.stop_date
    return {"stopDate": execution.stop_date} if ended else {}


@PATCHES(
    StepFunctionResponse,
    "get_execution_history",
    reason="moto ignores reverseOrder, maxResults and nextToken",
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
    reason="moto drops error and cause, and tells no stopDate",
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
    reason="moto dies when an execution is stopped before its first state has begun",
)
def stop_worker(original: Any, self: Any, *args: Any, **given: Any) -> None:
    ready = threading.Event()
    while self.env is None:
        ready.wait(0.01)
    original(self, *args, **given)
