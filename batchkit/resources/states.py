"""
Step Functions: the state machine that runs a job and waits for its end.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, ClassVar, Final

from attrs import frozen

from batchkit._model.calls import WAIT_DELETED, WAIT_VISIBLE, ForEach, NotYet, Operation, Steps
from batchkit._model.checks import Constraint, checked, instance, require, text, whole
from batchkit._model.properties import read_only
from batchkit._model.reader import Reader
from batchkit._model.resource import Resource
from batchkit._model.tags import as_lower_list, tag_fields
from batchkit._model.users import Use, User
from batchkit._model.values import ITEM, Arn, Json, Ref, is_json
from batchkit.resources.batch import ROLE
from batchkit.resources.live_jobs import needs_of

_PROPAGATING: Final = (
    # A role made moments ago can't be assumed or passed, and its policy doesn't count yet
    # (https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html).
    NotYet("AccessDeniedException", 120, "to assume the provided role"),
    # Step Functions makes a rule of EventBridge for `.sync`, with the role's permissions.
    NotYet("AccessDeniedException", 120, "managed-rule"),
    NotYet("AccessDeniedException", 30, "iam:passrole"),
    NotYet("StateMachineDeleting", 300),
)
_SUBMIT: Final = Arn("states", "batch:submitJob.sync", region=False, account=False)
# Both names have been seen where Batch throttled the SubmitJob of a state machine.
_THROTTLED: Final = ("Batch.TooManyRequestsException", "Batch.AWSBatchException")


def _is_definition(value: Any) -> bool:
    # https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
    return is_json(value) and len(json.dumps(value, default=repr)) <= 1024 * 1024


@frozen(kw_only=True)
class StateMachine(Resource):
    """
    A standard state machine with an Amazon States Language *definition*.
    """

    DESCRIBE: ClassVar = Operation(
        "stepfunctions", "DescribeStateMachine", absent=("StateMachineDoesNotExist",)
    )
    TAGS: ClassVar = Operation(
        "stepfunctions",
        "ListTagsForResource",
        absent=("ResourceNotFound", "StateMachineDoesNotExist"),
    )
    CREATE: ClassVar = Operation(
        "stepfunctions",
        "CreateStateMachine",
        ("states:TagResource", "iam:PassRole"),
        exists=("StateMachineAlreadyExists",),
        not_yet=_PROPAGATING,
    )
    UPDATE: ClassVar = Operation(
        "stepfunctions", "UpdateStateMachine", ("iam:PassRole",), not_yet=_PROPAGATING
    )
    TAG: ClassVar = Operation("stepfunctions", "TagResource")
    UNTAG: ClassVar = Operation("stepfunctions", "UntagResource")
    LIST_RUNNING: ClassVar = Operation(
        "stepfunctions", "ListExecutions", absent=("StateMachineDoesNotExist",)
    )
    DESCRIBE_RUNNING: ClassVar = Operation(
        "stepfunctions",
        "DescribeStateMachineForExecution",
        absent=("ExecutionDoesNotExist", "StateMachineDoesNotExist"),
    )
    STOP: ClassVar = Operation("stepfunctions", "StopExecution", absent=("ExecutionDoesNotExist",))
    DELETE: ClassVar = Operation("stepfunctions", "DeleteStateMachine")
    READY: ClassVar = ("ACTIVE",)
    DELETING: ClassVar = ("DELETING",)

    name: str = checked(text(r"[0-9A-Za-z_-]{1,80}", "1-80 letters, digits, _ or -"))
    definition: Mapping[str, Any] = checked(
        instance(dict, expects="a state machine, as a dict"),
        Constraint("what JSON of at most 1 MiB can hold", _is_definition),
        to="JobQueue JobDefinition",
    )
    role: str | Ref = checked(ROLE, to="Role")
    arn: str = read_only("stateMachineArn")

    @classmethod
    def targets_of(cls, stack: str) -> tuple[str | Arn, ...]:
        executions = Arn("states", f"execution:{stack}:*")
        return (Arn("states", f"stateMachine:{stack}"), executions)

    @classmethod
    def find(cls, stack: str, reader: Reader) -> Iterable[StateMachine]:
        actual = cls._read(stack, stack, reader)
        return [actual] if actual is not None and actual.owned else []

    def read(self, reader: Reader) -> StateMachine | None:
        return self._read(self.name, self.stack, reader)

    @classmethod
    def _read(cls, name: str, stack: str, reader: Reader) -> StateMachine | None:
        arn = Arn("states", f"stateMachine:{name}")
        machine, tags = reader.all(cls.DESCRIBE(stateMachineArn=arn), cls.TAGS(resourceArn=arn))
        if machine is None or tags is None:
            return None
        return cls(
            **tag_fields(tags["tags"], name=name, stack=stack),
            definition=json.loads(machine["definition"]),
            role=machine["roleArn"],
            arn=machine["stateMachineArn"],
            state=machine.get("status", "ACTIVE"),
        )

    def active_users(self, reader: Reader) -> list[User]:
        # An execution goes on with the definition that the machine had as it began
        # (https://docs.aws.amazon.com/step-functions/latest/apireference/API_UpdateStateMachine.html).
        running = reader(self.LIST_RUNNING(stateMachineArn=self.arn, statusFilter="RUNNING"))
        executions = (running or {}).get("executions", ())
        calls = [self.DESCRIBE_RUNNING(executionArn=one["executionArn"]) for one in executions]
        # The listing once more, first: for a machine that is gone, the others may be refused.
        listing = self.LIST_RUNNING(stateMachineArn=self.arn, statusFilter="RUNNING")
        machines = reader.all(listing, *calls)[1:]
        return [
            self._user(execution, machine, reader)
            for execution, machine in zip(executions, machines, strict=True)
            if machine is not None
        ]

    def _user(self, execution: Any, machine: Any, reader: Reader) -> User:
        own = {("StateMachine", self.arn), ("Role", machine["roleArn"])}
        needs = needs_of(json.loads(machine["definition"]), reader)
        return User(f"execution {execution['name']}", needs | own)

    def stands_on(self) -> Iterator[Use]:
        # Each of its executions says itself which queue and revision it works with.
        return iter(())

    def create(self) -> Steps:
        yield self.CREATE(
            name=self.name,
            definition=Json(self.definition),
            roleArn=self.role,
            type="STANDARD",
            tags=as_lower_list(self.all_tags),
        )

    def update(self, actual: StateMachine, drift: Collection[str]) -> Steps:
        desired = {
            "definition": ("definition", Json(self.definition)),
            "role": ("roleArn", self.role),
        }
        changed = dict(desired[name] for name in drift if name in desired)
        if changed:
            yield self.UPDATE(stateMachineArn=actual.arn, **changed)
        if "tags" in drift:
            tag = self.TAG(resourceArn=actual.arn, tags=as_lower_list(self.all_tags))
            untag = self.UNTAG(resourceArn=actual.arn, tagKeys=self.left_out(actual))
            yield from self.retag(actual, tag, untag)
        # An execution that starts within seconds of an update may have the old definition:
        # https://docs.aws.amazon.com/step-functions/latest/apireference/API_UpdateStateMachine.html.
        if changed:
            yield WAIT_VISIBLE

    def delete(self) -> Steps:
        # Otherwise the machine stays DELETING until its last execution has ended:
        # https://docs.aws.amazon.com/step-functions/latest/apireference/API_DeleteStateMachine.html.
        running = self.LIST_RUNNING(stateMachineArn=self.arn, statusFilter="RUNNING")
        stop = self.STOP(executionArn=ITEM, cause="batchkit deletes the state machine")
        yield ForEach(running, "executions[].executionArn", stop)
        yield self.DELETE(stateMachineArn=self.arn)
        yield WAIT_DELETED


def submitted(definition: Mapping[str, Any]) -> tuple[str, str]:
    """
    The ARNs of the job queue and the job definition that a state machine of `run_job` submits to;
    empty texts if it has been changed into another.
    """
    for state in definition.get("States", {}).values():
        given = state.get("Parameters") or {}
        if "JobQueue" in given and "JobDefinition" in given:
            return str(given["JobQueue"]), str(given["JobDefinition"])
    return "", ""


def run_job(
    *, name: str, queue: str | Arn | Ref, definition: str | Ref, timeout: int
) -> dict[str, Any]:
    """
    A state machine that runs one job and waits for its end.

    The input of an execution may hold `name` (the job's) and `environment` (a list of `Name` and
    `Value`, which override those of the job definition).

    Args:
        timeout: Seconds for the execution, the time in the queue and all attempts included.
    """
    require("run_job", "name", name, text(r"[\w-]{1,128}", "a job's name"))
    require("run_job", "queue", queue, instance(str, Arn, Ref))
    require("run_job", "definition", definition, instance(str, Ref))
    require("run_job", "timeout", timeout, whole(1, 99_999_999, "seconds"))
    return {
        "Comment": f"Runs the Batch job {name}",
        "StartAt": "Defaults",
        "TimeoutSeconds": timeout,
        "States": {"Defaults": _defaults_state(name), "Job": _job_state(queue, definition)},
    }


def _defaults_state(name: str) -> dict[str, Any]:
    # A path that isn't in the input fails the execution, so the defaults are merged in first; the
    # third argument of JsonMerge may only be false: a shallow merge
    # (https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html).
    defaults = json.dumps({"environment": [], "name": name})
    merged = f"States.JsonMerge(States.StringToJson('{defaults}'), $, false)"
    return {"Type": "Pass", "Parameters": {"input.$": merged}, "Next": "Job"}


def _job_state(queue: str | Arn | Ref, definition: str | Ref) -> dict[str, Any]:
    retry = {
        "ErrorEquals": list(_THROTTLED),
        "IntervalSeconds": 2,
        "MaxAttempts": 5,
        "BackoffRate": 2,
        "MaxDelaySeconds": 30,
        "JitterStrategy": "FULL",
    }
    return {
        "Type": "Task",
        "Resource": _SUBMIT,
        "Parameters": {
            "JobName.$": "$.input.name",
            "JobQueue": queue,
            "JobDefinition": definition,
            "ContainerOverrides": {"Environment.$": "$.input.environment"},
        },
        "Retry": [retry],
        "End": True,
    }
