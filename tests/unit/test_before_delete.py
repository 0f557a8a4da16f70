"""
What a teardown does at once, while others still stand on a resource.
"""

from __future__ import annotations

from typing import Any

import attrs

from batchkit import ElasticIp, FargateEnvironment, InternetGateway, JobQueue, Subnet, Vpc

DESIRED: list[Any] = [
    FargateEnvironment(name="movies", subnets=["subnet-1"], security_groups=["sg-1"]),
    JobQueue(name="movies", compute_environments=["a"]),
    Vpc(name="movies"),
    ElasticIp(name="movies"),
    InternetGateway(name="movies", vpc="vpc-1"),
    Subnet(name="movies", vpc="vpc-1", cidr="10.1.0.0/24"),
]


def test_nothing_is_turned_off_twice() -> None:
    """
    A queue and an environment that are disabled have nothing to be done early.
    """
    for desired in DESIRED[:2]:
        one = attrs.evolve(desired, owner="movies", state="VALID", arn="a", enabled=False)
        assert not list(one.before_delete())


def test_only_what_has_a_lock_releases_it() -> None:
    """
    A VPC and an elastic IP have locks; the other resource types of EC2 have none.
    """
    early = {
        type(desired).__name__: len(
            list(attrs.evolve(desired, owner="movies", id="x-1").before_delete())
        )
        for desired in DESIRED[2:]
    }
    assert early == {"Vpc": 1, "ElasticIp": 1, "InternetGateway": 0, "Subnet": 0}
