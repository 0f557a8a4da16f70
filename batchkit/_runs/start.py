"""
Starting: an execution of the state machine, or jobs submitted directly.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from attrs import field, frozen

from batchkit._engine.aws import Aws
from batchkit._jobs import jobs as _jobs
from batchkit._model.calls import Operation
from batchkit._model.checks import (
    ENVIRONMENT,
    Checked,
    Constraint,
    as_dict,
    as_tuple,
    checked,
    each,
    instance,
    optional,
    refuse,
    text,
    whole,
)
from batchkit._model.names import digest
from batchkit._model.signals import AlreadyThere, Ambiguous
from batchkit.errors import Problem
from batchkit.resources.definitions import ATTEMPTS, TIMEOUT, VCPUS, memory_problems

START: Final = Operation("stepfunctions", "StartExecution", exists=("ExecutionAlreadyExists",))
LIST_RUNS: Final = Operation(
    "stepfunctions", "ListExecutions", absent=("StateMachineDoesNotExist",)
)
SUBMIT: Final = Operation("batch", "SubmitJob", ("batch:TagResource",), repeatable=False)
PUT: Final = Operation("s3", "PutObject")
MARK: Final = {"batchkit:run": "direct"}
"""The tag of jobs that no state machine has submitted."""
NAME: Final = text(
    r"[0-9A-Za-z][0-9A-Za-z_-]{0,79}",
    "1-80 letters, digits, _ or -, starting with a letter or digit",
)
LARGEST: Final = 10_000
"""How many children an array may have."""
ROOM: Final = 8192
"""
Characters that the overrides of a container may have
(https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskOverride.html).
"""


def execution(
    aws: Aws, machine: str, environment: Mapping[str, str] | None, name: str | None
) -> str:
    """
    Starts the state machine *machine*; returns the ARN of the execution.
    """
    if environment is not None and not ENVIRONMENT.test(environment):
        refuse("run", "environment", dict(environment), ENVIRONMENT.expects)
    if name is not None and not NAME.test(name):
        refuse("run", "name", name, NAME.expects)
    given = {"environment": [{"Name": k, "Value": v} for k, v in (environment or {}).items()]}
    called = {"name": name} if name else {}
    run = name or f"run-{uuid.uuid4()}"
    call = START(stateMachineArn=machine, name=run, input=json.dumps({**given, **called}))
    try:
        return str(aws.call(call)["executionArn"])
    except AlreadyThere:
        if name is None:  # the answer to the first attempt was lost
            return f"{machine.replace(':stateMachine:', ':execution:')}:{run}"
        refuse("run", "name", name, "a name that no run of the last 90 days has had")


@frozen(kw_only=True)
class Submission(Checked):
    """
    A job to submit, checked as AWS would check it.
    """

    queue: str
    definition: str
    name: str = checked(NAME)
    command: Sequence[str] | None = checked(
        optional(each(instance(str, expects="a text"))), default=None, converter=as_tuple
    )
    environment: Mapping[str, str] = checked(ENVIRONMENT, factory=dict, converter=as_dict)
    array_size: int | None = checked(optional(whole(2, LARGEST, "children")), default=None)
    depends_on: Sequence[str] = checked(
        each(instance(str), most=20), default=(), converter=as_tuple
    )
    vcpus: float | None = checked(optional(VCPUS), default=None)
    memory: int | None = checked(optional(instance(int, expects="MiB")), default=None)
    timeout: int | None = checked(optional(TIMEOUT), default=None)
    attempts: int | None = checked(optional(ATTEMPTS), default=None)
    size: tuple[float, int] = field(default=(1, 2048))
    """The vCPUs and MiB of the job definition."""

    def problems(self) -> Iterator[Problem]:
        vcpus = self.size[0] if self.vcpus is None else self.vcpus
        memory = self.size[1] if self.memory is None else self.memory
        yield from memory_problems(vcpus, memory)
        if (length := len(json.dumps(self._overrides(), default=str))) > ROOM:
            expects = f"command and environment of at most {ROOM} characters together, as JSON"
            yield Problem("environment", f"{length} characters", expects)

    def call(self) -> Any:
        """
        The call that submits it.
        """
        optional_ones = {
            "arrayProperties": self.array_size and {"size": self.array_size},
            "dependsOn": [{"jobId": id} for id in self.depends_on],
            "timeout": self.timeout and {"attemptDurationSeconds": self.timeout},
            "retryStrategy": self.attempts and {"attempts": self.attempts},
        }
        return SUBMIT(
            jobName=self.name,
            jobQueue=self.queue,
            jobDefinition=self.definition,
            containerOverrides=self._overrides(),
            tags=MARK,
            propagateTags=True,
            **{name: value for name, value in optional_ones.items() if value},
        )

    def _overrides(self) -> dict[str, Any]:
        needs = {"VCPU": self.vcpus and f"{self.vcpus:g}", "MEMORY": self.memory}
        required = [{"type": k, "value": str(v)} for k, v in needs.items() if v]
        return {
            "environment": [{"name": k, "value": v} for k, v in self.environment.items()],
            **({"command": list(self.command)} if self.command is not None else {}),
            **({"resourceRequirements": required} if required else {}),
        }


def submit(aws: Aws, wanted: Submission, *, once: bool) -> tuple[str, bool]:
    """
    Submits a job; returns its id, and whether it is a new one.

    Args:
        once: The name stands for the job: one of that name that is alive or has succeeded is it.
    """
    if once and (id := _standing(aws, wanted)):
        return id, False
    id = _submit(aws, wanted)
    if once and (older := _standing(aws, wanted)) and older != id:
        # Another caller was faster: all take the oldest, and each ends its own.
        aws.call(_jobs.TERMINATE(jobId=id, reason=f"the job {older} has the same key"))
        return older, False
    return id, True


def _submit(aws: Aws, wanted: Submission) -> str:
    try:
        return str(aws.call(wanted.call())["jobId"])
    except Ambiguous:  # the answer was lost: it has the name if it was submitted
        found = _jobs.named(aws, wanted.queue, wanted.name)
        if not found:
            raise
        return str(found[-1]["jobId"])


def _standing(aws: Aws, wanted: Submission) -> str | None:
    for job in _jobs.named(aws, wanted.queue, wanted.name):
        if job["status"] != _jobs.FAILED:
            return str(job["jobId"])
    return None


def name_of(stack: str, name: str | None, key: str | None) -> str:
    """
    The name of a job: that which is given, that which *key* always gives, or a fresh one.
    """
    if key is not None:
        if not _KEY.test(key):
            refuse("submit", "key", key, _KEY.expects)
        readable = re.sub(r"[^0-9A-Za-z]+", "-", key)[:30].strip("-")
        return f"{stack}-{readable}-{digest(key, length=8)}".replace("--", "-")
    return name or f"{stack}-{uuid.uuid4().hex[:12]}"


_KEY: Final = Constraint("a text", lambda value: isinstance(value, str) and bool(value.strip()))
