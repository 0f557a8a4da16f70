"""
What all compute environments have in common: state, service role, creation and deletion.

What AWS can change in place:
https://docs.aws.amazon.com/batch/latest/userguide/updating-compute-environments.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, ClassVar, Final, TypeVar

from attrs import evolve, frozen

from batchkit._model.calls import WAIT_DELETED, WAIT_STABLE, Operation, Steps
from batchkit._model.checks import optional
from batchkit._model.properties import named, read_only
from batchkit._model.reader import Reader
from batchkit._model.tags import owner, parse
from batchkit._model.values import Arn, Ref
from batchkit.resources.batch import (
    DUPLICATE,
    MISSING,
    MODIFIED,
    PASS_ROLE,
    RELATED,
    ROLE,
    UNLINKED,
    YOUNG_PROFILE,
    BatchResource,
)
from batchkit.resources.families import Family
from batchkit.resources.iam import Role, aws_managed
from batchkit.resources.iam_paths import path_of
from batchkit.resources.live_jobs import DESCRIBE_ENVIRONMENTS, DESCRIBE_QUEUES, nothing_runs_in

E = TypeVar("E", bound="EnvironmentBase")

ROLE_AGE: Final = 20.0
"""
Seconds after which Batch can assume a role that was made or changed.  It takes a younger one, and
makes the environment INVALID (https://github.com/hashicorp/terraform-provider-aws/pull/40148).
"""


def batch_role(**fields: Any) -> Role:
    """
    A role for Batch, with the policy that AWS has for it.
    """
    policy = aws_managed("service-role/AWSBatchServiceRole")
    return Role(service="batch.amazonaws.com", managed=[policy], grants=None, **fields)


@frozen(kw_only=True)
class EnvironmentBase(BatchResource):
    """
    What every compute environment is, whichever its family.

    Args:
        service_role: The ARN of Batch's role; None for its service-linked role.  AWS can't change
            from one to the other.
    """

    VARIANT_OF: ClassVar = "ComputeEnvironment"
    LINKED_ROLES: ClassVar = ("batch.amazonaws.com", "ecs.amazonaws.com")
    DESCRIBE: ClassVar = DESCRIBE_ENVIRONMENTS
    CREATE: ClassVar = Operation(
        "batch",
        "CreateComputeEnvironment",
        ("batch:TagResource", "iam:PassRole", "iam:CreateServiceLinkedRole"),
        exists=(DUPLICATE,),
        not_yet=(MODIFIED, UNLINKED, PASS_ROLE, YOUNG_PROFILE),
        role_age=ROLE_AGE,
    )
    UPDATE: ClassVar = Operation(
        "batch",
        "UpdateComputeEnvironment",
        ("iam:PassRole",),
        not_yet=(MODIFIED, PASS_ROLE),
        role_age=ROLE_AGE,
    )
    DISABLE: ClassVar = Operation(
        "batch",
        "UpdateComputeEnvironment",
        for_deletion=True,
        absent=(MISSING,),
        not_yet=(MODIFIED,),
    )
    DELETE: ClassVar = Operation(
        "batch", "DeleteComputeEnvironment", absent=(MISSING,), not_yet=(MODIFIED, RELATED)
    )
    # Disabled, it would start no jobs of others' queues any more
    # (https://docs.aws.amazon.com/batch/latest/APIReference/API_UpdateComputeEnvironment.html).
    UNPREPARED: ClassVar = True
    LISTED: ClassVar = "computeEnvironments"
    NAMED: ClassVar = "computeEnvironmentName"
    PARAMETER: ClassVar = "computeEnvironment"

    service_role: str | Arn | Ref | None = named(optional(ROLE), to="Role", default=None)
    arn: str = read_only("computeEnvironmentArn")
    orphaned: bool = read_only()

    @classmethod
    def targets_of(cls, stack: str) -> tuple[str | Arn, ...]:
        return (Arn("batch", f"compute-environment/{stack}_*"),)

    @property
    def family(self) -> Family:
        """
        The family that it belongs to.
        """
        raise NotImplementedError

    @classmethod
    def described_by(cls, answer: Mapping[str, Any]) -> bool:
        """
        Whether what Batch describes is of this variant.
        """
        raise NotImplementedError

    @classmethod
    def parse(cls: type[E], answer: Mapping[str, Any], stack: str = "") -> E:
        # Where none was given, Batch returns its service-linked role
        # (https://docs.aws.amazon.com/batch/latest/userguide/using-service-linked-roles.html).
        role = answer.get("serviceRole") or None
        return cls(
            **cls.common(answer, stack),
            **cls.fields_of(answer),
            service_role=None if role and "/aws-service-role/" in role else role,
            arn=answer["computeEnvironmentArn"],
        )

    @classmethod
    def fields_of(cls, answer: Mapping[str, Any]) -> dict[str, Any]:
        """
        The properties of this variant, as Batch describes them.
        """
        raise NotImplementedError

    def request(self) -> dict[str, Any]:
        """
        The parameters of CREATE that only this variant has.
        """
        raise NotImplementedError

    def changes(self, drift: Collection[str]) -> dict[str, Any]:
        """
        The parameters of an UPDATE that brings the properties in *drift* to what is desired.
        """
        raise NotImplementedError

    @classmethod
    def find(cls: type[E], stack: str, reader: Reader) -> Iterable[E]:
        roles, _ = reader.all(Role.LIST(PathPrefix=path_of(stack)), cls.DESCRIBE())
        there = {role["Arn"] for role in roles["Roles"]}
        for actual in super().find(stack, reader):
            own = f":role{path_of(stack)}" in str(actual.service_role)
            yield evolve(actual, orphaned=own and actual.service_role not in there)

    def foreign_users(self, reader: Reader) -> list[str]:
        """
        The queues of others that send jobs to it.
        """
        return [
            f"the job queue {queue['jobQueueName']}"
            for queue in reader(DESCRIBE_QUEUES())["jobQueues"]
            if self.arn in {one["computeEnvironment"] for one in queue["computeEnvironmentOrder"]}
            and owner(parse(queue.get("tags"))) != self.stack
            and queue["status"] not in self.DELETING
        ]

    def create(self) -> Steps:
        role = {"serviceRole": self.service_role} if self.service_role else {}
        yield self.CREATE(
            computeEnvironmentName=self.name,
            state="ENABLED",  # "Compute Environment must be created in ENABLED state."
            tags=self.all_tags,
            **self.request(),
            **role,
        )
        yield WAIT_STABLE
        if not self.enabled:
            yield self._change(state="DISABLED")
            yield WAIT_STABLE

    def update(self: E, actual: E, drift: Collection[str]) -> Steps:
        changed: dict[str, Any] = {}
        if "enabled" in drift or "state" in drift:
            changed["state"] = self.switch
        if "service_role" in drift or ("state" in drift and self.service_role):
            changed["serviceRole"] = self.service_role
        if set(drift) - {"tags"}:
            yield self._change(drift, **changed)
            yield WAIT_STABLE
        yield from self.tag(actual, drift)

    def recover(self: E, actual: E) -> Steps | None:
        # A role made moments ago can't be assumed yet: Batch takes it, and reports INVALID some
        # seconds later.  What AWS's guide repairs it by is an update that names the role
        # (https://docs.aws.amazon.com/batch/latest/userguide/invalid_compute_environment.html).
        passing = (
            *("not authorized to perform", "service linked role", "unable to assume"),
            "instance profile",
        )
        if any(fragment in actual.reason.lower() for fragment in passing):
            changed: dict[str, Any] = {"state": self.switch}
            if self.service_role:
                changed["serviceRole"] = self.service_role
            return iter((self._change(**changed),))
        return None

    def is_idle(self, reader: Reader) -> bool:
        # An environment that has never been VALID can stay INVALID whatever an update says, until
        # a look that Batch takes rarely; a queue takes none that isn't VALID.
        return nothing_runs_in(self.arn, self.stack, reader)

    def before_delete(self) -> Steps:
        # Batch deletes the ECS cluster with its service role.  Without the role, the environment
        # stays DELETING or INVALID for ever, so a role that is gone is made again until the end.
        if self.orphaned is True:
            yield from self._lost_role().create()
        yield from super().before_delete()

    def delete(self) -> Steps:
        yield self.DELETE(computeEnvironment=self.name)
        yield WAIT_DELETED
        if self.orphaned is True:
            yield from self._lost_role().delete()

    def _lost_role(self) -> Role:
        name = str(self.service_role).rpartition("/")[2]
        return batch_role(name=name, stack=self.stack)

    def _change(self, drift: Collection[str] = (), **changed: Any) -> Any:
        return self.UPDATE(computeEnvironment=self.name, **self.changes(drift), **changed)
