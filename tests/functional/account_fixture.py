"""
What the tests of the core share: an account, what is in it, and one resource at a time in it.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from batchkit._engine import reads as _reads, teardown as _teardown
from batchkit._engine.apply import Engine
from batchkit._engine.aws import Aws
from batchkit._engine.compare import Decision
from batchkit._engine.graph import Outcome
from batchkit._model.resource import Resource
from batchkit.ensure import ensure_all
from batchkit.events import Event
from batchkit.local import LocalSession, local_aws
from batchkit.resources.resource_types import dependencies
from fakes import FakeClock, Seen, client, recording

_ANYONE = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}}
TRUST = json.dumps(
    {"Version": "2012-10-17", "Statement": [{**_ANYONE, "Action": "sts:AssumeRole"}]}
)
STACK = "movies"
TAGS = {"team": "data"}


def ignore(event: Event) -> None:
    """
    A listener that has nothing to say.
    """


class AccountFixture:
    """
    An embedded AWS, the clock that batchkit waits on, and what tests need in place.
    """

    def __init__(self, session: LocalSession) -> None:
        self.session = session
        self.clock = FakeClock()

    def __getattr__(self, service: str) -> Any:
        made = client(self.session, service)
        setattr(self, service, made)
        return made

    @property
    def aws(self) -> Aws:
        """
        A door to it, as each verb opens one.
        """
        return Aws(self.session, self.clock)

    @contextmanager
    def calls(self) -> Iterator[list[Seen]]:
        """
        The calls that are made inside.
        """
        with recording(self.session) as seen:
            yield seen

    def decide(self, desired: Resource, *, adopt: bool = False) -> Decision:
        """
        What would be done to *wish*.
        """
        return Engine(self.aws, ignore, adopt=adopt).observe([desired])[0]

    def ensure(self, *wanted: Resource, adopt: bool = False) -> Resource:
        """
        The first of *wanted*, as it stands after all are ensured.
        """
        made = ensure_all(
            wanted, session=self.session, on_event=None, adopt=adopt, clock=self.clock
        )
        return next(one for one in made if one.key == wanted[0].key)

    def actual(self, desired: Resource) -> list[Resource]:
        """
        What AWS holds under the wish's name.
        """
        return _reads.read(self.aws, desired)

    def found(self, kind: type[Resource], stack: str = STACK) -> list[Resource]:
        """
        What a teardown would find of *kind*.
        """
        return _teardown.find(self.aws, [kind], stack)

    def delete(self, found: Sequence[Resource]) -> Outcome[Any]:
        """
        How the deletion of *found* ended.
        """
        return _teardown.delete(self.aws, ignore, found, dependencies())

    def vpc(self, cidr: str = "10.9.0.0/16") -> str:
        return str(self.ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"])

    def subnet(self, vpc: str, cidr: str = "10.9.1.0/24") -> str:
        return str(self.ec2.create_subnet(VpcId=vpc, CidrBlock=cidr)["Subnet"]["SubnetId"])

    def group(self, vpc: str, name: str = "theirs") -> str:
        made = self.ec2.create_security_group(GroupName=name, Description="d", VpcId=vpc)
        return str(made["GroupId"])

    def gateway(self, vpc: str) -> str:
        made = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(InternetGatewayId=made, VpcId=vpc)
        return str(made)

    def table(self, vpc: str) -> str:
        return str(self.ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"])

    def address(self) -> str:
        return str(self.ec2.allocate_address(Domain="vpc")["AllocationId"])

    def nat(self, vpc: str, cidr: str = "10.9.8.0/24") -> str:
        made = self.ec2.create_nat_gateway(
            SubnetId=self.subnet(vpc, cidr), AllocationId=self.address()
        )
        return str(made["NatGateway"]["NatGatewayId"])

    def role(self, name: str = "theirs") -> str:
        made = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)
        return str(made["Role"]["Arn"])

    def policy(self, name: str = "theirs") -> str:
        document = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"}
        made = self.iam.create_policy(
            PolicyName=name,
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [document]}),
        )
        return str(made["Policy"]["Arn"])

    def environment(self, name: str = "theirs", cidr: str = "10.9.0.0/16") -> str:
        vpc = self.vpc(cidr)
        made = self.batch.create_compute_environment(
            computeEnvironmentName=name,
            type="MANAGED",
            state="ENABLED",
            serviceRole=self.role(f"{name}-batch"),
            computeResources={
                "type": "FARGATE",
                "maxvCpus": 4,
                "subnets": [self.subnet(vpc, cidr.replace(".0.0/16", ".1.0/24"))],
                "securityGroupIds": [self.group(vpc)],
            },
        )
        return str(made["computeEnvironmentArn"])

    def queue(self, environment: str, name: str = "theirs") -> str:
        made = self.batch.create_job_queue(
            jobQueueName=name,
            state="ENABLED",
            priority=1,
            computeEnvironmentOrder=[{"order": 1, "computeEnvironment": environment}],
        )
        return str(made["jobQueueArn"])

    def machine(self, name: str = "theirs") -> str:
        definition = {"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}
        made = self.stepfunctions.create_state_machine(
            name=name, definition=json.dumps(definition), roleArn=self.role(f"{name}-states")
        )
        return str(made["stateMachineArn"])


@contextmanager
def account(region: str = "us-east-1") -> Iterator[AccountFixture]:
    """
    An empty account.
    """
    with local_aws(docker=False, region=region) as session:
        yield AccountFixture(session)


@pytest.fixture(scope="session", autouse=True)
def keep_models(quick_moto: None) -> None:
    """
    What is loaded once for all tests, AWS's models above all, is not looked at by each collection.
    """
    with account() as first:
        for service in ("ec2", "iam", "batch", "ecr", "s3", "scheduler", "stepfunctions"):
            client(first.session, service)
    gc.freeze()


@pytest.fixture
def there() -> Iterator[AccountFixture]:
    """
    An empty account on an embedded AWS.
    """
    with account() as made:
        yield made
