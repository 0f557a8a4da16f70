"""
What lies around the rules: sessions, records, faults, crashes, snapshots, two callers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from botocore.config import Config

from ..helpers import code_of, old_network, old_role, tagged
from ..simulator import RULES, StrictAws
from ..simulator.backend import moto_base
from ..simulator.process import Process

ONCE = Config(retries={"total_max_attempts": 1, "mode": "standard"})
VPC = {"CidrBlock": "10.1.0.0/16", "TagSpecifications": tagged("vpc")}


def vpcs(aws: StrictAws) -> int:
    """
    How many VPCs there are besides the default one.
    """
    return len(aws.raw.client("ec2").describe_vpcs()["Vpcs"]) - 1


def test_every_call_of_every_client_is_recorded(strict_aws: StrictAws) -> None:
    """
    Clients, resources and paginators of the session are recorded, with time, error and parameters.
    """
    session = strict_aws.session
    session.client("iam").list_roles(PathPrefix="/x/")
    strict_aws.clock.sleep(5)
    list(session.resource("ec2").vpcs.all())
    list(session.client("batch").get_paginator("describe_job_queues").paginate())
    code_of(session.client("iam").get_role, RoleName="gone")
    calls = [(c.time, c.service, c.operation, c.error) for c in strict_aws.calls]
    assert calls == [
        (0, "iam", "ListRoles", ""),
        (5, "ec2", "DescribeVpcs", ""),
        (5, "batch", "DescribeJobQueues", ""),
        (5, "iam", "GetRole", "NoSuchEntity"),
    ]
    assert strict_aws.calls[0].params == {"PathPrefix": "/x/"}


def test_other_sessions_are_not_touched(strict_aws: StrictAws) -> None:
    """
    A session that is not the fixture's goes past the rules.
    """
    plain = boto3.Session(region_name="us-east-1").client("ec2")
    plain.create_vpc(CidrBlock="10.0.0.0/16")
    strict_aws.raw.client("ec2").describe_vpcs()
    assert strict_aws.calls == []


def test_mutations_are_what_took_effect(strict_aws: StrictAws) -> None:
    """
    Reads and refused calls are no mutations; one whose answer was lost is.
    """
    ec2 = strict_aws.session.client("ec2", config=ONCE)
    ec2.describe_vpcs()
    code_of(ec2.create_vpc, CidrBlock="10.0.0.0/8")
    strict_aws.ambiguous("ec2", "CreateVpc")
    code_of(ec2.create_vpc, **VPC)
    assert [(c.operation, c.error) for c in strict_aws.mutations] == [
        ("CreateVpc", "ServiceUnavailable")
    ]


def test_a_snapshot_shows_every_change(strict_aws: StrictAws) -> None:
    """
    Two snapshots are equal when nothing changed, and differ in what did.
    """
    old_network(strict_aws)
    old_role(strict_aws, "own", "states.amazonaws.com", "s3:GetObject")
    s3 = strict_aws.raw.client("s3")
    s3.create_bucket(Bucket="ours")
    before = strict_aws.snapshot()
    strict_aws.clock.sleep(100)
    assert strict_aws.snapshot() == before
    s3.put_object(Bucket="ours", Key="k", Body=b"x")
    strict_aws.raw.client("iam").delete_role_policy(RoleName="own", PolicyName="own")
    after = strict_aws.snapshot()
    changed = {key for key in before if after.get(key) != before[key]}
    assert changed == {"bucket/ours", "role/own"} and set(after) == set(before)


def test_linked_roles_that_aws_makes_are_not_in_a_snapshot(strict_aws: StrictAws) -> None:
    """
    A service-linked role that was there is shown, one that comes is not.
    """
    before = strict_aws.snapshot()
    iam = strict_aws.session.client("iam")
    iam.create_service_linked_role(AWSServiceName="batch.amazonaws.com")
    assert strict_aws.snapshot() == before


def order_of(aws: StrictAws, other: Process, seed: int) -> list[int]:
    """
    In what order two callers of six calls each get through.
    """

    def ask(session: boto3.Session) -> None:
        client = session.client("iam")
        for _ in range(6):
            client.list_roles()

    aws.calls.clear()
    first, second = aws.interleave(lambda: ask(aws.session), lambda: ask(other.session), seed=seed)
    assert first.error is None and second.error is None
    return [call.process for call in aws.calls]


def test_two_callers_are_interleaved_by_seed(strict_aws: StrictAws) -> None:
    """
    The order of their calls is mixed, the same for a seed, and another for others.
    """
    other = strict_aws.another()
    orders = [order_of(strict_aws, other, seed) for seed in (1, 1, 2, 3)]
    assert orders[0] == orders[1]
    assert len({tuple(order) for order in orders}) == 3
    assert all(sorted(order) == [1] * 6 + [2] * 6 for order in orders)


def test_an_interleaved_caller_may_sleep_or_fail(strict_aws: StrictAws) -> None:
    """
    One that sleeps lets the other go on, and what one raises is its outcome.
    """
    other = strict_aws.another()

    def sleepy() -> float:
        for _ in range(3):
            strict_aws.session.client("iam").list_roles()
            strict_aws.clock.sleep(10)
        return strict_aws.clock.monotonic()

    def failing() -> None:
        other.session.client("iam").get_role(RoleName="gone")

    first, second = strict_aws.interleave(sleepy, failing, seed=5)
    assert first.value == 30 and "NoSuchEntity" in str(second.error)


def test_polling_without_sleeping_fails_the_test(strict_aws: StrictAws) -> None:
    """
    The same call again and again while time stands still raises AssertionError.
    """
    iam = strict_aws.session.client("iam")
    with pytest.raises(AssertionError, match="without any time passing"):
        for _ in range(1000):
            iam.list_roles()


def test_polls_are_counted_by_the_second(strict_aws: StrictAws) -> None:
    """
    Four reads at intervals of 0.4 seconds make three in a second, at intervals of one second one.
    """
    ec2, iam = strict_aws.session.client("ec2"), strict_aws.session.client("iam")
    for _ in range(4):
        ec2.describe_vpcs()
        strict_aws.clock.sleep(0.4)
    for _ in range(4):
        iam.list_roles()
        strict_aws.clock.sleep(1)
    assert dict(strict_aws.polls()) == {
        (1, "ec2:DescribeVpcs", "{}"): 3,
        (1, "iam:ListRoles", "{}"): 1,
    }


def test_profiles_differ() -> None:
    """
    Slow is ten times as slow, throttled throttles, and an unknown profile is refused.
    """
    with StrictAws("slow") as aws:
        assert aws.account.delays["nat_create"] == 1000
    with StrictAws("throttled") as aws:
        iam = aws.session.client("iam")
        for _ in range(60):
            iam.list_roles()
        assert aws.hits[7] > 3
    with pytest.raises(ValueError, match="profile"):
        StrictAws("lenient")


def test_what_lies_underneath_may_be_replaced() -> None:
    """
    The session that *base* gives for the region is asked, and left when the block ends.
    """
    seen = []

    @contextmanager
    def base(region: str) -> Iterator[boto3.Session]:
        with moto_base(region) as session:
            session.client("logs").create_log_group(logGroupName="from-below")
            yield session
        seen.append(region)

    with StrictAws(base=base, region="eu-west-1") as aws:
        groups = aws.session.client("logs").describe_log_groups()["logGroups"]
        assert aws.session.region_name == "eu-west-1"
    assert [group["logGroupName"] for group in groups] == ["from-below"]
    assert seen == ["eu-west-1"]


def test_a_rule_may_be_off() -> None:
    """
    A rule that is off refuses nothing.
    """
    with StrictAws(rules_off=[12]) as aws:
        for number in range(6):
            aws.session.client("ec2").create_vpc(CidrBlock=f"10.{number}.0.0/16")
        assert aws.hits[12] == 0


def test_delays_may_be_given() -> None:
    """
    A delay that is given holds, in seconds.
    """
    with StrictAws(delays={"vpc": 500}) as aws:
        ec2: Any = aws.session.client("ec2")
        ec2.create_vpc(**VPC)
        aws.clock.sleep(400)
        found = ec2.describe_vpcs(Filters=[{"Name": "tag:team", "Values": ["blue"]}])["Vpcs"]
        assert found[0]["State"] == "pending"


def test_every_rule_has_a_test(request: pytest.FixtureRequest) -> None:
    """
    Each rule that is declared is named by a test's marker, and each marker names a rule.
    """
    marked: set[int] = set()
    modules = set()
    for item in request.session.items:
        modules.add(item.path.name)
        for marker in item.iter_markers("rule"):
            marked |= set(marker.args)
    if not {"test_rules_ec2.py", "test_rules_stores.py", "test_rules_jobs.py"} <= modules:
        pytest.skip("only some of the tests were collected")
    assert marked == set(RULES)
