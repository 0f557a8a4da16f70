"""
Which availability zones of a region a stack may have.
"""

from __future__ import annotations

from typing import Any

import pytest

from batchkit._engine.zones import Zones, lacks_something
from batchkit.errors import BatchkitError


def zones(region: str, *listed: str, **more: str) -> Zones:
    """
    A region with zones of these ids, which are a, b, c, ... by name.
    """
    answer: list[dict[str, Any]] = [
        {"ZoneName": f"{region}{letter}", "ZoneId": id, **more}
        for letter, id in zip("abcdef", listed, strict=False)
    ]
    return Zones(region, {"AvailabilityZones": answer})


@pytest.mark.parametrize(
    ("region", "ids", "taken"),
    [
        ("us-west-1", ["usw1-az2", "usw1-az1", "usw1-az3"], "bc"),
        ("ap-northeast-1", ["apne1-az4", "apne1-az3", "apne1-az1", "apne1-az2"], "acd"),
        ("cn-north-1", ["cnn1-az4", "cnn1-az1", "cnn1-az2"], "bc"),
        ("us-east-1", ["use1-az3", "use1-az1", "use1-az2"], "bca"),
        ("eu-west-1", ["euw1-az3", "euw1-az1"], "ab"),
    ],
)
def test_zones_without_fargate_are_not_taken(region: str, ids: list[str], taken: str) -> None:
    """
    By number, those with Fargate are taken in the order of their names, an old one last.
    """
    found = zones(region, *ids)
    assert [zone.name for zone in found.usable] == [f"{region}{letter}" for letter in taken]
    with pytest.raises(BatchkitError, match=f"has {len(taken)} availability zones"):
        found.find(len(taken))


def test_a_zone_is_found_by_name_and_by_id() -> None:
    """
    One that isn't there is told with those that are; one without Fargate may be named.
    """
    found = zones("us-west-1", "usw1-az2", "usw1-az1")
    assert found.find("us-west-1b") == found.find("usw1-az1") == found.find(0)
    assert not found.find("us-west-1a").with_fargate
    with pytest.raises(BatchkitError, match="us-west-1c is no zone .*; there are us-west-1b"):
        found.find("us-west-1c")


@pytest.mark.parametrize(
    "more",
    [{"ZoneType": "local-zone"}, {"OptInStatus": "not-opted-in"}, {"ZoneType": "wavelength"}],
)
def test_other_sorts_of_zones_are_none(more: dict[str, str]) -> None:
    """
    Also where an emulator lists what the filters leave out.
    """
    assert zones("us-west-2", "usw2-az1", **more).usable == []


@pytest.mark.parametrize(
    ("told", "lacks"),
    [
        ("NotAvailableInZone: Nat Gateway is not available in this availability zone", True),
        ("NatGateway is not available in this availability zone", True),
        ("Value (us-east-1e) for parameter availabilityZone is invalid. Subnets can ...", True),
        ("InvalidSubnet.Conflict: The CIDR conflicts with another subnet", False),
    ],
)
def test_what_a_zone_lacks_is_told_in_many_words(told: str, lacks: bool) -> None:
    """
    Such errors come with the zones that may be named instead.
    """
    assert lacks_something(told) is lacks
