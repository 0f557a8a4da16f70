"""
What the values of a spec give to each other, in one direction: jobs and compute make a `Demand`,
the network answers it with a `Site`, and the compute gives the `Place` with its environments there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from attrs import field, frozen

from batchkit._model.names import digest
from batchkit._model.resource import Resource
from batchkit._model.values import Ref
from batchkit.grants import Grant
from batchkit.resources.environment_base import EnvironmentBase
from batchkit.resources.iam import Role, aws_managed

# A task gets its image from ECR, whose layers are in S3, and writes to CloudWatch Logs
# (https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html).
EVERY_TASK: Final = frozenset({"ecs", "ecr", "logs", "s3"})
"""The services that every job must reach, as botocore names them."""
LONGEST_ROLE: Final = 64
"""
Letters of a role's name
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html).
"""


@frozen
class Ground:
    """
    The stack and region that resources are described for, and the properties that all of them have.
    """

    stack: str
    region: str
    boundary: str | None
    tags: Mapping[str, str]

    @property
    def common(self) -> dict[str, Any]:
        """
        The properties that every resource of the stack has.
        """
        return {"stack": self.stack, "tags": self.tags}

    def name(self, part: str) -> str:
        """
        The name of a *part* of the stack.

        A stack's name has no underscore, so `movies_*` in a policy is the stack movies alone.
        """
        return f"{self.stack}_{part}"

    def role(
        self, part: str, service: str, grants: Iterable[Grant] | None, managed: str = ""
    ) -> Role:
        """
        A role that *service* may assume, with the policy *managed* of AWS's service roles.
        """
        # IAM is global: a stack of the same name in another region needs roles of other names.
        # In China, EC2 alone has a principal of its own
        # (https://docs.aws.amazon.com/batch/latest/userguide/instance_IAM_role.html).
        china = ".cn" if service == "ec2" and self.region.startswith("cn-") else ""
        return Role(
            name=_within(LONGEST_ROLE, self.name(f"{part}-{self.region}"), self.stack),
            service=f"{service}.amazonaws.com{china}",
            managed=[aws_managed(f"service-role/{managed}")] if managed else None,
            grants=None if grants is None else tuple(grants),
            boundary=self.boundary,
            **self.common,
        )


def _within(most: int, name: str, stack: str) -> str:
    """
    *name* with at most *most* letters: the stack's part is cut, and a hash tells it from others.
    """
    over = len(name) - most
    if over <= 0:
        return name
    kept = stack[: len(stack) - over - 7]
    return f"{kept}-{digest(stack)}{name[len(stack):]}"


@frozen
class Demand:
    """
    What jobs need of a network.

    Args:
        services: The AWS services that they must reach, as botocore names them.
        jobs: How many of them may run at once; each takes an address.
    """

    services: frozenset[str]
    jobs: int


@frozen
class Site:
    """
    What a network offers: the *subnets* and security *groups* for jobs, and whether those are
    *public*; its *resources* are what the network consists of.
    """

    subnets: Sequence[str | Ref]
    groups: Sequence[str | Ref]
    public: bool
    resources: Sequence[Resource] = field(factory=tuple)


NOWHERE: Final = Site((), (), public=False)
"""What a compute has whose jobs are in no network of the stack's."""


@frozen
class Place:
    """
    Where jobs run: *environments* in the order in which the queue tries them, and the *resources*
    that these need.
    """

    environments: Sequence[EnvironmentBase]
    resources: Sequence[Resource] = field(factory=tuple)
