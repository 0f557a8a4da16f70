"""
State machines.
"""

from __future__ import annotations

import json
import re
from typing import Any

from botocore.exceptions import ClientError

from ..account import Account
from ..api_call import ApiCall
from ..iam.trust import assumable, authorised
from ..rules import after, before, declare
from .executions import execution, status

declare(
    (84, "D", "the same machine again answers with the old one, its role and tags unchanged"),
    (85, "M", "a machine's role must be assumable, which a fresh one is not"),
    (86, "M", "a machine that waits for Batch jobs needs permission for EventBridge rules"),
    (87, "D", "a definition is checked: JSON, StartAt, transitions, ends"),
    (88, "M", "logging needs one destination that ends in :*, and permissions some seconds old"),
    (89, "D", "an update says what to change, and is seen after some seconds"),
    (90, "D", "a machine is DELETING until its executions have ended"),
)

NAME = re.compile(r'[^\s<>{}\[\]?*"#%\\^|~`$&,;:/\x00-\x1f\x7f]{1,80}')
SAME = ("definition", "type", "loggingConfiguration", "tracingConfiguration")
EVENTS = ("events:PutTargets", "events:PutRule", "events:DescribeRule")
DELIVERY = ("logs:CreateLogDelivery", "logs:PutResourcePolicy", "logs:DescribeLogGroups")
DEFAULTS: dict[str, Any] = {
    "type": "STANDARD",
    "loggingConfiguration": {"level": "OFF", "includeExecutionData": False},
    "tracingConfiguration": {"enabled": False},
}
ENDED = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")


def _arn(account: Account, name: str) -> str:
    return f"arn:{account.partition}:states:{account.region}:{account.id}:stateMachine:{name}"


def _machine(account: Account, arn: str) -> dict[str, Any] | None:
    states = account.raw("stepfunctions")
    try:
        found: dict[str, Any] = states.describe_state_machine(stateMachineArn=arn)
    except states.exceptions.StateMachineDoesNotExist:
        return None
    return found


@before(84, "stepfunctions:CreateStateMachine")
def _name(call: ApiCall) -> None:
    if not NAME.fullmatch(call.params["name"]):
        call.refuse("InvalidName", f"Invalid Name: '{call.params['name']}'")


@before(90, "stepfunctions:CreateStateMachine")
def _not_deleting(call: ApiCall) -> None:
    arn = _arn(call.account, call.params["name"])
    if call.account.find("deleting machine", arn):
        call.refuse("StateMachineDeleting", f"State Machine is being deleted: '{arn}'")


@before(87, "stepfunctions:CreateStateMachine", "stepfunctions:UpdateStateMachine")
def _definition(call: ApiCall) -> None:
    if "definition" not in call.params:
        return
    wrong = _faulty(call.params["definition"])
    if wrong:
        message = f"Invalid State Machine Definition: '{wrong}'"
        call.refuse("InvalidDefinition", message)


def _faulty(text: str) -> str:
    try:
        machine = json.loads(text)
    except ValueError:
        return "INVALID_JSON_DESCRIPTION: Unexpected character"
    if not isinstance(machine, dict) or "StartAt" not in machine or not machine.get("States"):
        return "SCHEMA_VALIDATION_FAILED: The field 'StartAt' is required at /"
    return _faulty_states(machine)


def _faulty_states(machine: dict[str, Any]) -> str:
    states = machine["States"]
    targets = {machine["StartAt"]: "StartAt"}
    for name, state in states.items():
        targets.update({target: f"/States/{name}" for target in _targets(state)})
    for target, place in targets.items():
        if target not in states:
            return f"MISSING_TRANSITION_TARGET: Missing 'Next' target: {target} at {place}"
    if not any(_ends(state) for state in states.values()):
        return "MISSING_END_STATE: there is no terminal state at /States"
    loose = [n for n, s in states.items() if not _ends(s) and not list(_targets(s))]
    return f"SCHEMA_VALIDATION_FAILED: no Next or End at /States/{loose[0]}" if loose else ""


def _targets(state: dict[str, Any]) -> list[str]:
    found = [state.get("Next"), state.get("Default")]
    for each in state.get("Catch", []) + state.get("Choices", []):
        found.append(each.get("Next"))
    return [target for target in found if target]


def _ends(state: dict[str, Any]) -> bool:
    return bool(state.get("End")) or state.get("Type") in ("Succeed", "Fail")


@before(84, "stepfunctions:CreateStateMachine")
def _again(call: ApiCall) -> bool:
    arn = _arn(call.account, call.params["name"])
    held = _machine(call.account, arn)
    if held is None:
        return False
    for key in SAME:
        if _full(key, held) != _full(key, call.params):
            call.refuse("StateMachineAlreadyExists", f"State Machine Already Exists: '{arn}'")
    call.answer = {"stateMachineArn": arn, "creationDate": held["creationDate"]}
    return True


def _full(key: str, given: dict[str, Any]) -> Any:
    value, default = given.get(key), DEFAULTS.get(key)
    if key == "definition":
        return json.loads(value or "{}")
    if isinstance(default, dict):
        return {k: v for k, v in {**default, **(value or {})}.items() if v != []}
    return value or default


@before(85, "stepfunctions:CreateStateMachine", "stepfunctions:UpdateStateMachine")
def _role(call: ApiCall) -> None:
    role = call.params.get("roleArn")
    if role and not assumable(call.account, role, "states.amazonaws.com"):
        message = (
            "Neither the global service principal states.amazonaws.com, nor the regional one "
            "is authorized to assume the provided role."
        )
        call.refuse("AccessDeniedException", message)


@before(86, "stepfunctions:CreateStateMachine", "stepfunctions:UpdateStateMachine")
def _managed_rule(call: ApiCall) -> None:
    role = _own_role(call)
    if role is None or "batch:submitJob.sync" not in call.params.get("definition", ""):
        return
    if not all(authorised(call.account, role, action) for action in EVENTS):
        message = f"'{role}' is not authorized to create managed-rule."
        call.refuse("AccessDeniedException", message)


def _own_role(call: ApiCall) -> str | None:
    if "roleArn" in call.params:
        return str(call.params["roleArn"])
    held = _machine(call.account, call.params.get("stateMachineArn", ""))
    return str(held["roleArn"]) if held else None


@before(88, "stepfunctions:CreateStateMachine", "stepfunctions:UpdateStateMachine")
def _logging(call: ApiCall) -> None:
    logging = call.params.get("loggingConfiguration") or {}
    if logging.get("level", "OFF") == "OFF":
        return
    destinations = logging.get("destinations", [])
    if len(destinations) != 1:
        message = "Must specify exactly one Log Destination."
        call.refuse("InvalidLoggingConfiguration", message)
    arn = destinations[0].get("cloudWatchLogsLogGroup", {}).get("logGroupArn", "")
    if not arn.endswith(":*"):
        call.refuse_loosely("InvalidLoggingConfiguration", arn)
    role = _own_role(call)
    if role and not all(authorised(call.account, role, a, "log_delivery") for a in DELIVERY):
        message = "The state machine IAM Role is not authorized to access the Log Destination"
        call.refuse("AccessDeniedException", message)


@before(89, "stepfunctions:UpdateStateMachine")
def _something_given(call: ApiCall) -> None:
    arn = call.params["stateMachineArn"]
    if not set(call.params) - {"stateMachineArn", "publish", "versionDescription"}:
        call.refuse_loosely("MissingRequiredParameter", "definition, roleArn")
    held = _machine(call.account, arn)
    if held is not None and not call.account.younger("stale machine", arn, "machine_update"):
        call.account.add("stale machine", arn, held=held)


@before(89, "stepfunctions:DescribeStateMachine")
def _stale(call: ApiCall) -> bool:
    arn = call.params["stateMachineArn"]
    if not call.account.younger("stale machine", arn, "machine_update"):
        return False
    stale = call.account.find("stale machine", arn)
    if _machine(call.account, arn) is None or stale is None:
        return False
    call.answer = {k: v for k, v in stale["held"].items() if k != "ResponseMetadata"}
    return True


@before(90, "stepfunctions:DeleteStateMachine")
def _delete(call: ApiCall) -> bool:
    account, arn = call.account, call.params["stateMachineArn"]
    call.answer = {}
    if _machine(account, arn) is None or account.find("deleting machine", arn):
        return False
    account.add("deleting machine", arn)
    account.at("machine_delete", lambda: _maybe_deleted(account, arn))
    return True


def _maybe_deleted(account: Account, arn: str) -> None:
    machine = _machine(account, arn)
    if machine and machine.get("type", "STANDARD") == "STANDARD" and _running(account, arn):
        account.at(1.0, lambda: _maybe_deleted(account, arn))
        return
    account.raw("stepfunctions").delete_state_machine(stateMachineArn=arn)
    account.drop("deleting machine", arn)
    account.drop("stale machine", arn)


def _running(account: Account, arn: str) -> bool:
    try:
        found = account.raw("stepfunctions").list_executions(stateMachineArn=arn)["executions"]
    except ClientError:
        return False
    return any(_runs(account, each) for each in found)


def _runs(account: Account, shown: dict[str, Any]) -> bool:
    entry = execution(account, shown["executionArn"])
    return (shown["status"] if entry is None else status(entry)) not in ENDED


@before(90, "stepfunctions:StartExecution", "stepfunctions:UpdateStateMachine")
def _not_while_deleting(call: ApiCall) -> None:
    arn = call.params["stateMachineArn"]
    if call.account.find("deleting machine", arn):
        call.refuse("StateMachineDeleting", f"State Machine is being deleted: '{arn}'")


@after(90, "stepfunctions:DescribeStateMachine")
def _status(call: ApiCall) -> bool:
    deleting = call.account.find("deleting machine", call.params["stateMachineArn"])
    if deleting:
        call.answer["status"] = "DELETING"
    for key, default in DEFAULTS.items():
        if not call.answer.get(key):
            call.answer[key] = default
    return bool(deleting)
