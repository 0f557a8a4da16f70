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
    as_tuple,
    checked,
    each,
    instance,
    optional,
    refuse,
    require,
    text,
    whole,
)
from batchkit._model.confidential import as_variables
from batchkit._model.names import digest
from batchkit._model.signals import AlreadyThere, Ambiguous
from batchkit._model.values import Json
from batchkit.errors import Problem, SpecError
from batchkit.resources.definitions import JobDefinition
from batchkit.resources.job_settings import JobSettings
from batchkit.resources.platforms import PLATFORMS

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
PAYLOAD: Final = 30 * 1024
"""
Bytes of a submission (https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html).
"""
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
    variables = as_variables({} if environment is None else environment)
    require("run", "environment", variables, ENVIRONMENT)
    if name is not None:
        require("run", "name", name, NAME)
    given = {"environment": [{"Name": k, "Value": v} for k, v in variables.items()]}
    if (length := len(json.dumps(given))) > ROOM:
        expects = f"variables of at most {ROOM} characters together, as JSON"
        refuse("run", "environment", f"{length} characters", expects)
    called = {"name": name} if name else {}
    run = name or f"run-{uuid.uuid4()}"
    call = START(stateMachineArn=machine, name=run, input=Json({**given, **called}))
    try:
        return str(aws.call(call)["executionArn"])
    except AlreadyThere:
        if name is None:  # the answer to the first attempt was lost
            return f"{machine.replace(':stateMachine:', ':execution:')}:{run}"
        refuse("run", "name", name, "a name that no run of the last 90 days has had")


CHANGEABLE: Final = ("command", "environment", "vcpus", "memory", "timeout", "attempts")
"""
The settings that a submission may change
(https://docs.aws.amazon.com/batch/latest/APIReference/API_SubmitJob.html).
"""


def _settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """
    What is given, with variables whose values nothing shows.
    """
    if "environment" not in given:
        return dict(given)
    return {**given, "environment": as_variables(given["environment"])}


def _can_differ(submission: Any) -> Iterator[Problem]:
    for name in submission.given:
        if name not in CHANGEABLE:
            yield Problem("given", name, f"one of {', '.join(CHANGEABLE)}")


def _on_top(submission: Any) -> Iterator[Problem]:
    """
    What is given is right on top of the job definition, and fits where its jobs run.
    """
    definition, given = submission.definition, submission.given
    try:
        job = JobSettings(**{**definition.settings, **given})
    except SpecError as error:
        yield from (problem for problem in error.problems if problem.field in given)
    else:
        yield from PLATFORMS[definition.platform].problems(job)


def _has_room(submission: Any) -> Iterator[Problem]:
    if any(_on_top(submission)):
        return
    for name in ("name", "array_size", "depends_on"):
        getattr(submission, name)  # of one that is wrong there is no size
    if (length := len(json.dumps(submission.changes(), default=repr))) > ROOM:
        expects = f"command and environment of at most {ROOM} characters together, as JSON"
        yield Problem("environment", f"{length} characters", expects)
    if (length := len(json.dumps(submission.call().params, default=repr))) > PAYLOAD:
        expects = f"what makes a request of at most {PAYLOAD} characters, as JSON"
        yield Problem("depends_on", f"{length} characters", expects)


@frozen(kw_only=True)
class Submission(Checked):
    """
    A job to submit: a job definition, and what differs from it.

    Args:
        given: The settings that differ, by name, among `CHANGEABLE`; variables of the environment
            come on top of the definition's.
    """

    RULES = (_can_differ, _on_top, _has_room)

    queue: str
    definition: JobDefinition
    name: str = checked(NAME)
    given: Mapping[str, Any] = field(factory=dict, converter=_settings)
    array_size: int | None = checked(optional(whole(2, LARGEST, "children")), default=None)
    depends_on: Sequence[str] = checked(
        each(instance(str), most=20), default=(), converter=as_tuple
    )

    def call(self) -> Any:
        """
        The call that submits it.
        """
        timeout, attempts = self.given.get("timeout"), self.given.get("attempts")
        optional_ones = {
            "arrayProperties": self.array_size and {"size": self.array_size},
            "dependsOn": [{"jobId": id} for id in self.depends_on],
            "timeout": timeout and {"attemptDurationSeconds": timeout},
            "retryStrategy": attempts and self.definition.retries_of(attempts),
        }
        envelope = PLATFORMS[self.definition.platform].envelope(self.definition)
        return SUBMIT(
            jobName=self.name,
            jobQueue=self.queue,
            jobDefinition=self.definition.arn,
            tags=MARK,
            propagateTags=True,
            **envelope.override(self.changes()),
            **{name: value for name, value in optional_ones.items() if value},
        )

    def changes(self) -> dict[str, Any]:
        """
        What differs in the container, as Batch takes it.
        """
        vcpus, memory = self.given.get("vcpus"), self.given.get("memory")
        needs = {"VCPU": vcpus and f"{vcpus:g}", "MEMORY": memory}
        required = [{"type": name, "value": str(value)} for name, value in needs.items() if value]
        environment = self.given.get("environment", {})
        command = self.given.get("command")
        return {
            "environment": [{"name": k, "value": v} for k, v in environment.items()],
            **({"command": list(command)} if command is not None else {}),
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
    if name is not None:
        require("submit", "name", name, NAME)
    if key is not None:
        require("submit", "key", key, _KEY)
        readable = re.sub(r"[^0-9A-Za-z]+", "-", key)[:30].strip("-")
        return f"{stack}-{readable}-{digest(key, length=8)}".replace("--", "-")
    return name or f"{stack}-{uuid.uuid4().hex[:12]}"


_KEY: Final = Constraint("a text", lambda value: isinstance(value, str) and bool(value.strip()))
