"""
The facts that rules check: a job and everything around it, each read once, when it is needed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import attrs

from batchkit._diagnosis.images import ImageFacts
from batchkit._diagnosis.queues import Queues
from batchkit._diagnosis.reader import FactsReader
from batchkit._diagnosis.roles import RoleFacts, read_role
from batchkit._diagnosis.wiring import Wiring
from batchkit._engine.aws import Aws
from batchkit._jobs import jobs as _jobs, logs as _logs
from batchkit._jobs.jobs import Attempt, Job
from batchkit._jobs.state import State
from batchkit._model.calls import Operation
from batchkit._model.values import Arn
from batchkit.errors import AwsError
from batchkit.resources.definitions import JobDefinition
from batchkit.resources.logs import LogGroup
from batchkit.resources.platforms import container_of
from batchkit.resources.states import StateMachine, submitted


class JobFacts:
    """
    What is known of a job, or of the jobs that a queue would run.

    *queues* has the facts about the queue and its neighbours, *reader* the errors of refused calls.
    A rule reads all facts from here: what it needs of *queues* is passed on.

    Args:
        queue: The name or ARN of its queue.
        definition: The name or ARN of its job definition.
        job: The job in question, if there is one.
        state: How far its run is.
    """

    def __init__(
        self,
        aws: Aws,
        queue: str,
        definition: str,
        job: Job | None = None,
        state: State | None = None,
    ) -> None:
        self.reader = FactsReader(aws)
        self.queues = Queues(self.reader, queue)
        self.job = job
        self.state = state or State("")
        self._definition = definition
        self._roles: dict[str, RoleFacts] = {}

    @classmethod
    def of_stack(cls, aws: Aws, stack: str, state: State | None = None) -> JobFacts:
        """
        Those of the jobs that the state machine of *stack* submits now.
        """
        facts = cls(aws, stack, stack, None, state)
        queue, _ = facts.submitted
        facts.queues = Queues(facts.reader, queue or stack)
        return facts

    @property
    def queue(self) -> Mapping[str, Any] | None:
        """
        The queue as Batch describes it; None if it isn't listed.
        """
        return self.queues.queue

    @property
    def environments(self) -> list[Mapping[str, Any]]:
        """
        The compute environments of the queue.
        """
        return self.queues.environments

    @property
    def usable(self) -> list[Mapping[str, Any]]:
        """
        The compute environments on which Batch may start jobs.
        """
        return self.queues.usable

    @property
    def hosting_environments(self) -> list[Mapping[str, Any]]:
        """
        Those on which Batch may start jobs; if there is none, all compute environments.
        """
        return self.queues.hosting_environments

    def busy_on(self, family: str) -> float:
        """
        The vCPUs of the region that are at work on FARGATE or FARGATE_SPOT.
        """
        return self.queues.busy_on(family)

    def quota(self, service: str, code: str) -> float | None:
        """
        The value of a quota, or None if it isn't known.
        """
        return self.queues.quota(service, code)

    def readable(self, operation: Operation) -> bool:
        """
        Whether no call of *operation* was refused.
        """
        return self.reader.readable(operation)

    @cached_property
    def definitions(self) -> list[Mapping[str, Any]]:
        """
        The revisions of the job definition, the newest first.
        """
        # The order of the answer isn't promised; INACTIVE revisions stay listed for 180 days
        # (https://docs.aws.amazon.com/batch/latest/APIReference/API_DeregisterJobDefinition.html).
        call = JobDefinition.DESCRIBE(jobDefinitionName=self.definition_name)
        answer = self.reader.read(call) or {}
        return sorted(answer.get("jobDefinitions", ()), key=lambda one: -one["revision"])

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
        for one in self.definitions:
            if one["jobDefinitionArn"] == self._definition:
                return one
        active = [one for one in self.definitions if one.get("status") == "ACTIVE"]
        return active[0] if active else None

    @cached_property
    def pinned(self) -> str:
        """
        The job definition that the stack's state machine submits, if it is one of its revisions.
        """
        _, definition = self.submitted
        return definition if f":job-definition/{self.definition_name}:" in definition else ""

    @cached_property
    def submitted(self) -> tuple[str, str]:
        """
        The queue and the job definition to which the stack's state machine submits.
        """
        arn = Arn("states", f"stateMachine:{self.definition_name}")  # both have the stack's name
        machine = self.reader.read(StateMachine.DESCRIBE(stateMachineArn=arn)) or {}
        return submitted(json.loads(machine.get("definition") or "{}"))

    @property
    def container(self) -> Mapping[str, Any]:
        """
        The container of the job, completed by its definition; without a job the definition's.
        """
        defined = container_of(self.definition or {})
        own = container_of(self.job.details) if self.job else {}
        return {**defined, **own}

    @cached_property
    def image(self) -> ImageFacts:
        """
        The image of the container.
        """
        _, region, account = self.place
        uri = str(self.container.get("image") or "")
        return ImageFacts(self.reader, uri, region, account)

    def required(self, what: str) -> float:
        """
        How much of VCPU or MEMORY the job requires.
        """
        for requirement in self.container.get("resourceRequirements", ()):
            if requirement["type"] == what:
                return float(requirement["value"])
        return 0.0

    @property
    def reason(self) -> str:
        """
        The reasons that AWS gives: of the job, of its last attempt, and of the run; a line each.
        """
        reasons = []
        if self.job is not None:
            last = self.job.attempts[-1:]
            reasons += [self.job.reason, *(attempt.reason for attempt in last)]
        reasons.append(self.state.reason)
        return "\n".join(reason for reason in reasons if reason)

    @property
    def earlier(self) -> list[Attempt]:
        """
        The attempts before the last one that ended in another way.
        """
        if self.job is None or not self.job.attempts:
            return []
        *before, last = self.job.attempts
        end = (last.exit_code, last.reason)
        return [attempt for attempt in before if (attempt.exit_code, attempt.reason) != end]

    @cached_property
    def others(self) -> list[Job]:
        """
        The jobs that it depends on.
        """
        try:
            return _jobs.describe(self.reader.aws, self.depends_on)
        except AwsError as error:
            self.reader.note(error)
            return []

    @property
    def depends_on(self) -> list[str]:
        """
        The ids of the jobs that it depends on.
        """
        if self.job is None:
            return []
        return [one["jobId"] for one in self.job.details.get("dependsOn") or ()]

    @property
    def what(self) -> str:
        """
        The job, in words.
        """
        if self.job is None:
            return f"jobs of {self.queues.queue_name}"
        return f"job {self.job.name} ({self.job.id})"

    @property
    def place(self) -> tuple[str, str, str]:
        """
        The partition, region and account of the queue; texts are empty if they aren't known.
        """
        parts = str((self.queue or {}).get("jobQueueArn", "")).split(":")
        if len(parts) < 5 or parts[2] != "batch":
            return ("", "", "")
        return (parts[1], parts[3], parts[4])

    @cached_property
    def lines(self) -> list[str]:
        """
        The last lines of the job.
        """
        if self.job is None:
            return []
        try:
            return [line.text for line in _logs.tail(self.reader.aws, self.job)]
        except AwsError as error:
            self.reader.note(error)
            return []

    @cached_property
    def log_group(self) -> tuple[str, bool]:
        """
        The log group that the container writes to, and whether it exists or will be made.
        """
        # The awslogs driver makes a group only with awslogs-create-group; Batch's own group is
        # made by Batch (https://docs.aws.amazon.com/batch/latest/userguide/using_awslogs.html).
        configuration = self.container.get("logConfiguration") or {}
        options = configuration.get("options") or {}
        group = options.get("awslogs-group", _jobs.OWN_GROUP)
        made = group == _jobs.OWN_GROUP or options.get("awslogs-create-group") == "true"
        region = self.reader.aws.region
        elsewhere = options.get("awslogs-region", region) != region
        if made or elsewhere or configuration.get("logDriver", "awslogs") != "awslogs":
            return group, True
        # DescribeLogGroups takes a prefix, and lists other groups too.
        answer = self.reader.read(LogGroup.DESCRIBE(logGroupNamePrefix=group))
        if answer is None:
            return group, True
        return group, any(one["logGroupName"] == group for one in answer["logGroups"])

    @cached_property
    def wiring(self) -> Wiring:
        """
        The network of the compute environments.
        """
        resources = [one.get("computeResources", {}) for one in self.hosting_environments]
        return Wiring(self.reader.read, resources)

    def container_role(self, field: str) -> RoleFacts | None:
        """
        The role that the container has as *field*, such as `executionRoleArn`; None without one.
        """
        arn = self.container.get(field)
        return self.role(arn) if arn else None

    def role(self, arn: str) -> RoleFacts:
        """
        The role *arn* as IAM describes it.
        """
        if arn not in self._roles:
            refused = len(self.reader.refused)
            role = read_role(self.reader.read, arn)
            known = len(self.reader.refused) == refused
            self._roles[arn] = attrs.evolve(role, known=known)
        return self._roles[arn]
