"""
What instances of one's own need to join the cluster of a stack.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from batchkit._model.resource import Resource
from batchkit.errors import StackNotFound
from batchkit.resources.environments_unmanaged import UnmanagedEnvironment
from batchkit.resources.instance_profile import InstanceProfile


@frozen
class Joining:
    """
    What an instance is started with to join the *cluster* of a stack whose compute is unmanaged.

    Args:
        cluster: The name of the ECS cluster.
        instance_profile: The ARN of the profile that the instance has.
    """

    cluster: str
    instance_profile: str

    @property
    def user_data(self) -> str:
        """
        The user data of an instance whose AMI has the agent of ECS.

        The agent reads the cluster from its file when it starts
        (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/bootstrap_container_instance.html).
        """
        return f"#!/bin/bash\necho ECS_CLUSTER={self.cluster} >> /etc/ecs/ecs.config\n"


def joining(stack: str, resources: Iterable[Resource]) -> Joining:
    """
    What an instance needs to join the cluster of *stack*, which has these *resources*.

    Raises:
        StackNotFound: Its compute isn't unmanaged.
    """
    held = [*resources]
    clusters = [str(one.cluster) for one in held if isinstance(one, UnmanagedEnvironment)]
    profiles = [str(one.arn) for one in held if isinstance(one, InstanceProfile)]
    if not clusters or not profiles:
        raise StackNotFound(f"the stack {stack!r} has no cluster that instances may join")
    return Joining(clusters[0].rpartition("/")[2], profiles[0])
