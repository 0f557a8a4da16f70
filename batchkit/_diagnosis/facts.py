"""
The facts that rules look at: a job and everything around it, each asked for once, when needed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Final, TypeVar

import attrs

from batchkit._diagnosis.queues import Queues
from batchkit._diagnosis.roles import RoleFacts, read_role
from batchkit._diagnosis.wiring import Wiring
from batchkit._engine.aws import Aws
from batchkit._jobs import jobs as _jobs, logs as _logs
from batchkit._jobs.jobs import Attempt, Job
from batchkit._jobs.state import State
from batchkit._model.calls import Operation
from batchkit._model.image_uri import ImageUri
from batchkit._model.values import Arn
from batchkit.errors import AwsError
from batchkit.resources.definitions import JobDefinition
from batchkit.resources.image import Image
from batchkit.resources.logs import LogGroup
from batchkit.resources.states import StateMachine

T = TypeVar("T")
MANIFEST: Final = Operation(
    "ecr", "BatchGetImage", absent=("RepositoryNotFoundException", "ImageNotFoundException")
)


class JobFacts(Queues):
    """
    What is known of a job, or of the jobs that a queue would run.

    Args:
        job: The job in question, if there is one.
        state: How far its run is.
        queue: The name or ARN of its queue.
        definition: The name or ARN of its job definition.
    """

    def __init__(
        self,
        aws: Aws,
        queue: str,
        definition: str,
        job: Job | None = None,
        state: State | None = None,
    ) -> None:
        super().__init__(aws, queue)
        self.job = job
        self.state = state or State("")
        self._definition = definition

    @cached_property
    def definitions(self) -> list[Mapping[str, Any]]:
        """
        The revisions of the job definition, the newest first.
        """
        answer = self.reader(JobDefinition.DESCRIBE(jobDefinitionName=self.definition_name)) or {}
        return sorted(answer.get("jobDefinitions", ()), key=lambda d: -d["revision"])

    @property
    def definition_name(self) -> str:
        """
        The name of the job definition, without a revision.
        """
        return self._definition.rpartition("/")[2].partition(":")[0]

    @property
    def definition(self) -> Mapping[str, Any] | None:
        """
        The job definition that the job uses, or the newest active one.
        """
        exact = [one for one in self.definitions if one["jobDefinitionArn"] == self._definition]
        active = [one for one in self.definitions if one.get("status") == "ACTIVE"]
        return next(iter([*exact, *active]), None)

    @cached_property
    def pinned(self) -> str:
        """
        The job definition that the stack's state machine submits, if it is one of its revisions.
        """
        arn = Arn("states", f"stateMachine:{self.queue_name}")
        machine = self.reader(StateMachine.DESCRIBE(stateMachineArn=arn)) or {}
        states = json.loads(machine.get("definition") or "{}").get("States", {}).values()
        submits = ((one.get("Parameters") or {}).get("JobDefinition") for one in states)
        own = f":job-definition/{self.definition_name}:"
        return next((str(one) for one in submits if one and own in str(one)), "")

    @property
    def container(self) -> Mapping[str, Any]:
        """
        The container of the job, or what its definition says of it.
        """
        defined = (self.definition or {}).get("containerProperties") or {}
        return {**defined, **((self.job.details.get("container") if self.job else None) or {})}

    @property
    def uri(self) -> str:
        """
        The image of the container.
        """
        return str(self.container.get("image") or "")

    def required(self, what: str) -> float:
        """
        How much of VCPU or MEMORY the job wants.
        """
        wanted = self.container.get("resourceRequirements", ())
        return next((float(one["value"]) for one in wanted if one["type"] == what), 0.0)

    @property
    def reason(self) -> str:
        """
        What AWS gives as a reason: of the job, of its last attempt, and of the run.
        """
        attempts = [one.reason for one in self.job.attempts[-1:]] if self.job else []
        reasons = [self.job.reason if self.job else "", *attempts, self.state.reason]
        return "\n".join(filter(None, reasons))

    @property
    def earlier(self) -> list[Attempt]:
        """
        The attempts before the last one that ended in another way.
        """
        *before, last = self.job.attempts if self.job and self.job.attempts else (None,)
        return [
            one
            for one in before
            if one and last and (one.exit_code, one.reason) != (last.exit_code, last.reason)
        ]

    @cached_property
    def others(self) -> list[Job]:
        """
        The jobs that it depends on.
        """
        ids = [one["jobId"] for one in self.job.details.get("dependsOn") or ()] if self.job else []
        try:
            return _jobs.describe(self.aws, ids)
        except AwsError as error:
            self.note_unreadable(error)
            return []

    @property
    def what(self) -> str:
        """
        The job, in words.
        """
        return f"job {self.job.name} ({self.job.id})" if self.job else f"jobs of {self.queue_name}"

    @property
    def place(self) -> tuple[str, str, str]:
        """
        The partition, region and account of the queue; texts are empty if they aren't known.
        """
        parts = [*str((self.queue or {}).get("jobQueueArn", "")).split(":"), "", "", "", "", ""]
        known = parts[2] == "batch"
        return (parts[1], parts[3], parts[4]) if known else ("", "", "")

    @cached_property
    def lines(self) -> list[str]:
        """
        The last lines of the job.
        """
        try:
            return [*_logs.tail(self.aws, self.job)] if self.job else []
        except AwsError as error:
            self.note_unreadable(error)
            return []

    @cached_property
    def log_group(self) -> tuple[str, bool]:
        """
        The log group that the container writes to, and whether it is there or is made by need.
        """
        configuration = self.container.get("logConfiguration") or {}
        options = configuration.get("options") or {}
        group = options.get("awslogs-group", _jobs.OWN_GROUP)
        made = group == _jobs.OWN_GROUP or options.get("awslogs-create-group") == "true"
        elsewhere = options.get("awslogs-region", self.aws.region) != self.aws.region
        if made or elsewhere or configuration.get("logDriver", "awslogs") != "awslogs":
            return group, True
        answer = self.reader(LogGroup.DESCRIBE(logGroupNamePrefix=group))
        listed = (answer or {"logGroups": [{"logGroupName": group}]})["logGroups"]
        return group, any(one["logGroupName"] == group for one in listed)

    @cached_property
    def wiring(self) -> Wiring:
        """
        The network of the compute environments.
        """
        return Wiring(
            self.reader, [one.get("computeResources", {}) for one in self.hosting_environments]
        )

    def role(self, name: str) -> RoleFacts | None:
        """
        The container's role *name*, such as `executionRoleArn`, as IAM holds it; None if unknown.
        """
        arn = self.container.get(name)
        return self.roles(arn) if arn else None

    @cached_property
    def roles(self) -> Callable[[str], RoleFacts]:
        """
        Reads a role, once.
        """
        return _once(self._role)

    def _role(self, arn: str) -> RoleFacts:
        before = len(self.unreadable)
        role = read_role(self.reader, arn)
        return attrs.evolve(role, known=len(self.unreadable) == before)

    @cached_property
    def stored(self) -> ImageUri | None:
        """
        The image, if its URI is of this account's ECR in this region.
        """
        uri = ImageUri.parse(self.uri)
        if uri.ecr is None:
            return None
        _, region, account = self.place
        own = account in ("", uri.ecr.account) and region in ("", uri.ecr.region)
        return uri if own else None

    @cached_property
    def image(self) -> Mapping[str, Any] | None:
        """
        What ECR says of the image: empty if it isn't there, None if it isn't in this account's ECR.
        """
        if self.stored is None:
            return None
        name, id = self.stored.repository, self.stored.image_id
        answer = self.reader(Image.DESCRIBE(repositoryName=name, imageIds=[id]))
        if not self.readable(Image.DESCRIBE):
            return None
        return dict(answer["imageDetails"][0]) if answer and answer["imageDetails"] else {}

    @cached_property
    def manifest(self) -> str:
        """
        The manifest of the image in ECR, if there is one.
        """
        if self.stored is None or not self.image:
            return ""
        name, id = self.stored.repository, self.stored.image_id
        answer = self.reader(MANIFEST(repositoryName=name, imageIds=[id])) or {}
        images = answer.get("images") or [{}]
        return str(images[0].get("imageManifest") or "")


def _once(read: Callable[[str], T]) -> Callable[[str], T]:
    known: dict[str, T] = {}

    def get(key: str) -> T:
        if key not in known:
            known[key] = read(key)
        return known[key]

    return get
