"""
The roles of a stack that don't belong to its compute: those of the container's agent, the job, the
state machine and the schedule.
"""

from __future__ import annotations

from typing import Final

from attrs import frozen

from batchkit._model.values import Arn
from batchkit._parts import Ground
from batchkit.grants import Grant, allow, flatten, secrets_read
from batchkit.resources.iam import Role
from batchkit.resources.s3 import ITEMS
from batchkit.spec import StackSpec

EVENTS_RULE: Final = "StepFunctionsGetEventsForBatchJobsRule"
"""The rule of EventBridge by which Step Functions learns that a job has ended; AWS makes it."""


@frozen
class Roles:
    """
    The roles of a stack; *schedule* is None if it has none.
    """

    execution: Role
    job: Role
    states: Role
    schedule: Role | None

    @classmethod
    def of(cls, spec: StackSpec, ground: Ground) -> Roles:
        """
        The roles that *spec* needs.
        """
        starter = "AmazonECSTaskExecutionRolePolicy"
        started = [_start(ground.stack)]
        return cls(
            execution=ground.role(
                "exec", "ecs-tasks", [*_secrets(spec), *flatten(spec.execution_grants)], starter
            ),
            job=ground.role("job", "ecs-tasks", [*flatten(spec.grants), *_items(spec)]),
            states=ground.role("states", "states", _states_grants(ground)),
            schedule=ground.role("schedule", "scheduler", started) if spec.schedule else None,
        )

    @property
    def all(self) -> list[Role]:
        """
        The roles that there are.
        """
        roles = (self.execution, self.job, self.states, self.schedule)
        return [role for role in roles if role is not None]


def _secrets(spec: StackSpec) -> list[Grant]:
    """
    What lets the execution role read the values of the job's secrets.
    """
    # ECS resolves them before the job starts, as the execution role
    # (https://docs.aws.amazon.com/batch/latest/userguide/specifying-sensitive-data.html).
    return secrets_read(spec.secrets.values())


def _states_grants(ground: Ground) -> list[Grant]:
    """
    What the state machine needs to run a job and to wait for its end
    (https://docs.aws.amazon.com/step-functions/latest/dg/connect-batch.html).
    """
    name, others = ground.stack, ground.name("*")
    targets = tuple(
        Arn("batch", f"{what}/{which}")
        for what, which in (
            ("job-queue", name),
            # Another queue of the stack: an execution that runs goes on with the one that it knows.
            ("job-queue", others),
            ("job-definition", name),
            ("job-definition", f"{name}:*"),
        )
    )
    rule = Arn("events", f"rule/{EVENTS_RULE}")
    return [
        allow("batch:SubmitJob", targets),
        allow("batch:TerminateJob", Arn("batch", "job/*")),
        allow("batch:DescribeJobs"),  # IAM knows no resources for it
        allow(("events:DescribeRule", "events:PutRule", "events:PutTargets"), rule),
    ]


def _start(name: str) -> Grant:
    return allow("states:StartExecution", Arn("states", f"stateMachine:{name}"))


def _items(spec: StackSpec) -> list[Grant]:
    """
    What lets a job read its item, where `Stack.map` had to put the list into a bucket.
    """
    if spec.bucket is None:
        return []
    objects = Arn("s3", f"{spec.bucket.name}/{ITEMS}/*", region=False, account=False)
    return [allow("s3:GetObject", objects)]
