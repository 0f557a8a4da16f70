"""
Rules 40, 41, 46 and 70: what others have put into a stack's way is named soon, and not touched.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from batchkit import FargateEnvironment, SecurityGroup, Subnet, Vpc
from batchkit.errors import TeardownError

from .helpers import tagged
from .simulator import StrictAws
from .simulator.ec2.interfaces import plant, plant_task, uproot
from .stacks import BARE, destroy, make

SOON = 300.0
"""Seconds that a teardown takes at most; without a foreign resource it takes about 200."""


class OccupiedStack:
    """
    A stack that stands, and whoever puts something into its network.
    """

    def __init__(self, aws: StrictAws) -> None:
        self.aws = aws
        stack = make(aws, BARE)
        self.ec2: Any = aws.raw.client("ec2")
        self.vpc, self.subnet, self.group = (
            next(id for name, id in stack.outputs.items() if name.startswith(part))
            for part in ("Vpc ", "Subnet films_private", "SecurityGroup ")
        )
        self.environment = stack.arn(FargateEnvironment)


def interface(at: OccupiedStack) -> str:
    made = at.ec2.create_network_interface(SubnetId=at.subnet, Groups=[at.group])
    return str(made["NetworkInterface"]["NetworkInterfaceId"])


def balancer(at: OccupiedStack) -> str:
    return plant(at.aws.account, at.subnet, [], "ELB app/films/1")


def instance(at: OccupiedStack) -> str:
    made = at.ec2.run_instances(
        ImageId="ami-12345678", MinCount=1, MaxCount=1, SubnetId=at.subnet, InstanceType="t3.micro"
    )
    return str(made["Instances"][0]["InstanceId"])


def subnet(at: OccupiedStack) -> str:
    made = at.ec2.create_subnet(VpcId=at.vpc, CidrBlock="10.1.255.0/28")
    return str(made["Subnet"]["SubnetId"])


def group(at: OccupiedStack) -> str:
    made = at.ec2.create_security_group(GroupName="theirs", Description="d", VpcId=at.vpc)
    return str(made["GroupId"])


def table(at: OccupiedStack) -> str:
    made = at.ec2.create_route_table(VpcId=at.vpc, TagSpecifications=tagged("route-table"))
    return str(made["RouteTable"]["RouteTableId"])


FOREIGN: dict[str, tuple[Callable[[OccupiedStack], str], type]] = {
    "interface": (interface, Subnet),
    "load balancer": (balancer, Subnet),
    "instance": (instance, Subnet),
    "subnet": (subnet, Vpc),
    "security group": (group, Vpc),
    "route table": (table, Vpc),
}


@pytest.mark.parametrize("what", FOREIGN)
def test_what_others_have_put_into_the_network_is_named_soon(
    strict_aws: StrictAws, what: str
) -> None:
    """
    By its id, by the resource that can't go, in the time that a teardown takes.
    """
    put, where = FOREIGN[what]
    at = OccupiedStack(strict_aws)
    id = put(at)
    strict_aws.clock.advance(60)
    began = strict_aws.clock.monotonic()
    with pytest.raises(TeardownError) as raised:
        destroy(strict_aws)
    assert strict_aws.clock.monotonic() - began < SOON
    named = {name.split()[0] for name, error in raised.value.failed if id in str(error)}
    assert where.__name__ in named
    assert named == {name.split()[0] for name, _ in raised.value.failed}
    assert "was not touched" in str(raised.value)
    held = repr(strict_aws.snapshot())
    assert id in held or id in repr(at.ec2.describe_instances())


def test_the_interface_of_a_task_is_waited_for(strict_aws: StrictAws) -> None:
    """
    ECS takes it away some time after the task has ended.
    """
    before = strict_aws.snapshot()
    at = OccupiedStack(strict_aws)
    id = plant_task(strict_aws.account, at.subnet, [at.group])
    strict_aws.account.at(400, lambda: uproot(strict_aws.account, id))
    destroy(strict_aws)
    assert strict_aws.snapshot() == before


def test_an_environment_that_a_queue_of_others_uses_goes_on_working(strict_aws: StrictAws) -> None:
    """
    It isn't even turned off; the queue is named, and once it is gone, so is the environment.
    """
    before = strict_aws.snapshot()
    at = OccupiedStack(strict_aws)
    batch: Any = strict_aws.another().session.client("batch")
    order = [{"order": 1, "computeEnvironment": at.environment}]
    batch.create_job_queue(
        jobQueueName="theirs", state="ENABLED", priority=1, computeEnvironmentOrder=order
    )
    strict_aws.clock.advance(60)
    began = strict_aws.clock.monotonic()
    with pytest.raises(TeardownError, match="the job queue theirs"):
        destroy(strict_aws)
    assert strict_aws.clock.monotonic() - began < SOON
    (environment,) = batch.describe_compute_environments()["computeEnvironments"]
    assert (environment["state"], environment["status"]) == ("ENABLED", "VALID")
    assert SecurityGroup.__name__ in str(raised_left(strict_aws))
    batch.update_job_queue(jobQueue="theirs", state="DISABLED")
    strict_aws.clock.advance(60)
    batch.delete_job_queue(jobQueue="theirs")
    strict_aws.clock.advance(120)
    destroy(strict_aws)
    assert strict_aws.snapshot() == before


def raised_left(aws: StrictAws) -> TeardownError:
    """
    The error of another teardown.
    """
    with pytest.raises(TeardownError) as raised:
        destroy(aws)
    return raised.value
