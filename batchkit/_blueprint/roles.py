"""
The roles of a stack: whom AWS's services act as, and what the job may do.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from attrs import frozen

from batchkit._model.values import Arn
from batchkit.grants import Grant, allow, flatten
from batchkit.resources.iam import Role, aws_managed
from batchkit.resources.s3 import ITEMS, Bucket
from batchkit.spec import StackSpec

EVENTS_RULE: Final = "StepFunctionsGetEventsForBatchJobsRule"
"""The rule by which Step Functions learns that a job has ended; AWS makes and keeps it."""


@frozen
class Roles:
    """
    The roles of a stack.  Their names end with the region, since IAM has only one list for all.
    """

    service: Role | None
    execution: Role
    job: Role
    states: Role
    schedule: Role

    @classmethod
    def of(cls, spec: StackSpec, region: str, common: dict[str, Any]) -> Roles:
        """
        A role for Batch, for starting containers, for the job, the state machine and the schedule.
        """

        def role(
            suffix: str, service: str, grants: Iterable[Grant] | None, managed: str = ""
        ) -> Role:
            return Role(
                name=f"{spec.name}-{suffix}-{region}",
                service=f"{service}.amazonaws.com",
                managed=[aws_managed(f"service-role/{managed}")] if managed else None,
                grants=None if grants is None else tuple(grants),
                boundary=spec.boundary,
                **common,
            )

        dedicated = spec.service_role == "dedicated"
        starter = "AmazonECSTaskExecutionRolePolicy"
        return cls(
            service=role("batch", "batch", None, "AWSBatchServiceRole") if dedicated else None,
            execution=role("exec", "ecs-tasks", _secrets(spec), starter),
            job=role("job", "ecs-tasks", [*flatten(spec.grants), *_items(spec)]),
            states=role("states", "states", _states_grants(spec.name)),
            schedule=role("schedule", "scheduler", [_start(spec.name)]),
        )

    @property
    def all(self) -> list[Role]:
        """
        The roles that every stack has.
        """
        return [r for r in (self.service, self.execution, self.job, self.states) if r is not None]


def _secrets(spec: StackSpec) -> list[Grant]:
    """
    What lets the execution role read the values of the job's secrets.
    """
    arns = tuple(spec.secrets.values())
    parameters = tuple(arn for arn in arns if ":ssm:" in arn)
    others = tuple(arn for arn in arns if ":ssm:" not in arn)
    readable = {"ssm:GetParameters": parameters, "secretsmanager:GetSecretValue": others}
    return [allow(action, secrets) for action, secrets in readable.items() if secrets]


def _states_grants(name: str) -> list[Grant]:
    """
    What the state machine needs to run a job and to wait for its end
    (https://docs.aws.amazon.com/step-functions/latest/dg/connect-batch.html).
    """
    definition = Arn("batch", f"job-definition/{name}")
    revisions = Arn("batch", f"job-definition/{name}:*")
    rule = Arn("events", f"rule/{EVENTS_RULE}")
    return [
        allow("batch:SubmitJob", (Arn("batch", f"job-queue/{name}"), definition, revisions)),
        allow("batch:TerminateJob", Arn("batch", "job/*")),
        allow("batch:DescribeJobs"),  # IAM knows no resources for it
        allow(("events:DescribeRule", "events:PutRule", "events:PutTargets"), rule),
    ]


def _start(name: str) -> Grant:
    return allow("states:StartExecution", Arn("states", f"stateMachine:{name}"))


def _items(spec: StackSpec) -> list[Grant]:
    """
    What lets a job read its item, where `Stack.map` had to put the list into the stack's bucket.
    """
    if not isinstance(spec.bucket, Bucket):
        return []
    objects = Arn("s3", f"{spec.bucket.name}/{ITEMS}/*", region=False, account=False)
    return [allow("s3:GetObject", objects)]
