"""
The availability zones of a stack: which are taken, and what happens where one lacks something.
"""

from __future__ import annotations

import attrs
import pytest

from batchkit import Nat, StackSpec
from batchkit.errors import ApplyError, BatchkitError, ReplacementNeeded

from .simulator import StrictAws
from .stacks import BARE, destroy, make, new_mutations, operations, unchanged


def zones(aws: StrictAws) -> dict[str, str]:
    """
    The zone of each subnet of the stack, by the name of its part.
    """
    listed = aws.raw.client("ec2").describe_subnets()["Subnets"]
    names = {
        one["SubnetId"]: tag["Value"].partition("_")[2]
        for one in listed
        for tag in one.get("Tags", [])
        if tag["Key"] == "Name"
    }
    return {
        names[one["SubnetId"]]: one["AvailabilityZone"]
        for one in listed
        if one["SubnetId"] in names
    }


def in_zones(*names: str) -> StackSpec:
    """
    The spec in these zones.
    """
    return attrs.evolve(BARE, network=Nat(zones=names))


def test_zones_are_named_or_numbered(strict_aws: StrictAws) -> None:
    """
    By name and by id; and an existing stack keeps its zones when a number is stated later.
    """
    make(strict_aws, in_zones("us-east-1c", "use1-az1"))
    (other,) = strict_aws.raw.client("ec2").describe_availability_zones(ZoneIds=["use1-az1"])[
        "AvailabilityZones"
    ]
    held = {
        "public-a": "us-east-1c",
        "private-a": "us-east-1c",
        "private-b": other["ZoneName"],
    }
    assert zones(strict_aws) == held
    with unchanged(strict_aws):
        make(strict_aws, attrs.evolve(BARE, network=Nat(zones=2)), by=strict_aws.another())


def test_a_zone_without_nat_gateways_is_left_for_another() -> None:
    """
    The error says which zones to name; with one of them the subnets are made anew in it, and the
    stack comes up with one of each.
    """
    with StrictAws(seed=8) as aws:
        before = aws.snapshot()
        aws.account.zones_without_nat.add("us-east-1a")
        for process in (aws.first, aws.another()):
            with pytest.raises(ApplyError, match=r'zones=\["us-east-1b"\].*us-east-1f') as caught:
                make(aws, BARE, by=process)
            assert "us-east-1a (" not in str(caught.value)
        make(aws, in_zones("us-east-1b"), by=aws.another())
        assert set(zones(aws).values()) == {"us-east-1b"}
        with unchanged(aws):
            make(aws, in_zones("us-east-1b"), by=aws.another())
        destroy(aws, by=aws.another())
        assert aws.snapshot() == before


def test_a_subnet_with_something_in_it_is_never_moved(strict_aws: StrictAws) -> None:
    """
    A stack that works keeps its zones: to name others is refused before anything is changed.
    """
    make(strict_aws, BARE)
    with new_mutations(strict_aws) as changed:
        with pytest.raises(ReplacementNeeded, match="is in us-east-1a.*can't move to us-east-1b"):
            make(strict_aws, in_zones("us-east-1b"), by=strict_aws.another())
    assert operations(changed) == []
    assert set(zones(strict_aws).values()) == {"us-east-1a"}


@pytest.mark.parametrize("name", ["us-east-1z", "use1-az9", "eu-west-1a"])
def test_a_zone_that_is_not_there_is_told_before_anything_is_made(
    strict_aws: StrictAws, name: str
) -> None:
    """
    The error names what was given, and for a zone of another region no call is made.
    """
    start = len(strict_aws.calls)
    with pytest.raises(BatchkitError, match=name):
        make(strict_aws, in_zones(name))
    assert strict_aws.mutations == []
    assert name != "eu-west-1a" or len(strict_aws.calls) == start
