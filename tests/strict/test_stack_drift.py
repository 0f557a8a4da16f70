"""
Rule 108: what somebody changes is put back, by the one call that does it; what they add stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from batchkit import Repository, ensure_repository

from .drift_cases import DRIFTS, KEYS, TAGGED, DriftedStack, moved, retention, role
from .helpers import allowing
from .simulator import StrictAws
from .stacks import NAME, make, new_mutations, operations, unchanged


@pytest.fixture(scope="module")
def place() -> Iterator[DriftedStack]:
    """
    One stack for all of these tests.
    """
    with StrictAws(seed=8) as aws:
        yield DriftedStack(aws)


@pytest.mark.parametrize("what", DRIFTS)
def test_a_change_is_put_back(place: DriftedStack, what: str) -> None:
    """
    Somebody changes one attribute: the next run makes exactly the call that puts it back.
    """
    change, wanted = DRIFTS[what]
    place.aws.clock.advance(60)
    change(place)
    place.aws.clock.advance(10)
    with new_mutations(place.aws) as made:
        place.stack = make(place.aws, TAGGED, by=place.aws.another())
    assert operations(made) == wanted


def test_a_subnet_in_the_other_table_is_put_back(place: DriftedStack) -> None:
    """
    One of the two tables gives it up, and the other takes it; whichever is faster.
    """
    place.aws.clock.advance(60)
    moved(place)
    place.aws.clock.advance(10)
    with new_mutations(place.aws) as made:
        make(place.aws, TAGGED, by=place.aws.another())
    assert {name for name in operations(made) if not name.endswith("RouteTable")} <= {
        "ReplaceRouteTableAssociation"
    }
    used = [one["SubnetId"] for one in place.table("private")["Associations"]]
    assert used == [place.id(f"Subnet {NAME}_private")]
    with unchanged(place.aws):
        make(place.aws, TAGGED, by=place.aws.another())


def test_what_others_add_stays(place: DriftedStack) -> None:
    """
    Tags, rules, routes and policies of others are no drift, and are there after a change was put
    back.
    """
    ec2, iam = place.client("ec2"), place.client("iam")
    group, table = place.id("SecurityGroup"), place.id("RouteTable films_public")
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22}
    rule["IpRanges"] = [{"CidrIp": "10.0.0.0/8"}]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    gateway = place.id("InternetGateway")
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="192.0.2.0/24", GatewayId=gateway)
    iam.put_role_policy(
        RoleName=role("job"), PolicyName="theirs", PolicyDocument=allowing("s3:GetObject")
    )
    ec2.create_tags(Resources=[place.id("Vpc"), group], Tags=[{"Key": "more", "Value": "x"}])
    with unchanged(place.aws):
        make(place.aws, TAGGED, by=place.aws.another())
    before = place.aws.snapshot()
    retention(place)
    make(place.aws, TAGGED, by=place.aws.another())
    assert place.aws.snapshot() == before
    assert {"Key": "more", "Value": "x"} in before[f"vpc/{place.id('Vpc')}"]["Tags"]


def test_a_repository(strict_aws: StrictAws) -> None:
    """
    What a repository keeps, scans and lets be overwritten is put back like the rest.
    """
    wanted = Repository(name="films", tags={"team": "red"})

    def ensure() -> Repository:
        return ensure_repository(wanted, session=strict_aws.session, clock=strict_aws.clock)

    arn = ensure().arn
    ecr = strict_aws.another().session.client("ecr")
    changes: tuple[tuple[Callable[[], object], str], ...] = (
        (lambda: ecr.delete_lifecycle_policy(repositoryName="films"), "PutLifecyclePolicy"),
        (
            lambda: ecr.put_image_tag_mutability(
                repositoryName="films", imageTagMutability="MUTABLE"
            ),
            "PutImageTagMutability",
        ),
        (
            lambda: ecr.put_image_scanning_configuration(
                repositoryName="films", imageScanningConfiguration={"scanOnPush": False}
            ),
            "PutImageScanningConfiguration",
        ),
        (lambda: ecr.tag_resource(resourceArn=arn, tags=KEYS), "TagResource"),
    )
    for change, desired in changes:
        change()
        with new_mutations(strict_aws) as made:
            ensure()
        assert operations(made) == [desired]
