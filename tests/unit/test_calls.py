"""
Calls as values: operations, placeholders, and putting values in their place.
"""

from __future__ import annotations

from typing import Any

import pytest
from attrs import field, frozen

from batchkit._model.calls import WAIT_DELETED, WAIT_STABLE, Call, ForEach, NotYet, Operation, Task
from batchkit._model.values import (
    ACCOUNT,
    ITEM,
    OMIT,
    REGION,
    Arn,
    Json,
    Ref,
    Scope,
    Zone,
    placeholders,
    references,
    resolve,
)
from batchkit.resources.ec2 import NEW_ID
from fakes import HERE, here

LIST = Operation("batch", "DescribeJobQueues", wide=True)
REF = Ref("Vpc", "movies", "id")


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("CreateVpc", "create_vpc"),
        ("DescribeVpcAttribute", "describe_vpc_attribute"),
        ("GetCallerIdentity", "get_caller_identity"),
        ("PutImageScanningConfiguration", "put_image_scanning_configuration"),
        ("CreateDBInstance", "create_db_instance"),
    ],
)
def test_a_method_is_named_as_boto3_names_it(name: str, method: str) -> None:
    """
    AWS's spelling becomes boto3's.
    """
    assert Operation("any", name).method == method


@pytest.mark.parametrize(
    ("name", "reads"),
    [("DescribeVpcs", True), ("ListRoles", True), ("GetRole", True), ("HeadBucket", True)]
    + [("BatchGetImage", True), ("CreateVpc", False), ("TagResource", False), ("PutRule", False)],
)
def test_reading_is_told_from_the_name(name: str, reads: bool) -> None:
    """
    What begins with Describe, List, Get, Head or BatchGet changes nothing.
    """
    assert Operation("any", name).reads is reads


@pytest.mark.parametrize(
    ("operation", "permissions"),
    [
        (Operation("batch", "CreateJobQueue"), ("batch:CreateJobQueue",)),
        (Operation("stepfunctions", "StopExecution"), ("states:StopExecution",)),
        (Operation("resourcegroupstaggingapi", "GetResources"), ("tag:GetResources",)),
        (Operation("s3", "HeadBucket", permission="s3:ListBucket"), ("s3:ListBucket",)),
        (Operation("iam", "CreateRole", ("iam:TagRole",)), ("iam:CreateRole", "iam:TagRole")),
    ],
)
def test_the_permissions_of_an_operation(operation: Operation, permissions: tuple[str]) -> None:
    """
    It is the operation's own, under IAM's prefix, and those that AWS checks besides.
    """
    assert operation.permissions == permissions


def test_calls_are_values_that_show_themselves() -> None:
    """
    The same operation with the same parameters is the same call, and it reads like one.
    """
    assert LIST(jobQueues=["a"]) == Call(LIST, {"jobQueues": ["a"]})
    assert repr(LIST(jobQueues=["a"], maxResults=1)) == (
        "batch:DescribeJobQueues(jobQueues=['a'], maxResults=1)"
    )
    assert (repr(WAIT_STABLE), repr(WAIT_DELETED)) == ("WAIT_STABLE", "WAIT_DELETED")


def test_an_error_that_passes_is_known_by_code_and_fragment() -> None:
    """
    The code must be the same; the fragment, where there is one, is sought in any case.
    """
    rule = NotYet("ClientException", 60, "being modified")
    assert rule.matches("ClientException", "The resource is Being Modified.")
    assert not rule.matches("ClientException", "no such queue")
    assert not rule.matches("ServerException", "being modified")
    assert NotYet("Throttled", 1).matches("Throttled", "")


@pytest.mark.parametrize(
    ("code", "passes"),
    [
        ("InvalidAllocationID.NotFound", True),
        ("InvalidElasticIpID.NotFound", True),
        ("InvalidSecurityGroupID.NotFound", True),
        ("InvalidNatGatewayID.NotFound", True),
        ("InvalidRouteTableId.NotFound", True),
        ("InvalidGroup.NotFound", True),
        ("NatGatewayNotFound", True),
        ("InvalidRoute.NotFound", False),
        ("InvalidPermission.NotFound", False),
        ("InvalidParameterValue", False),
    ],
)
def test_an_unknown_id_is_not_known_yet(code: str, passes: bool) -> None:
    """
    Whatever EC2 calls an id that it doesn't find, the error passes; that of a rule never does.
    """
    assert any(rule.matches(code, "") for rule in NEW_ID) is passes


@pytest.mark.parametrize("use", [str, lambda ref: f"arn:{ref}", lambda ref: "{}".format(ref)])
def test_a_reference_cannot_be_put_into_a_text(use: Any) -> None:
    """
    A text made of a reference would be wrong for ever, so it is refused where it is made.
    """
    with pytest.raises(TypeError, match="<Vpc movies: id> is known only after it is made"):
        use(REF)


def test_a_reference_names_what_it_waits_for() -> None:
    """
    Its key is the kind and name of the resource.
    """
    assert REF.key == ("Vpc", "movies")


@pytest.mark.parametrize(
    ("arn", "text"),
    [
        (Arn("batch", "job/*"), "arn:aws:batch:us-east-1:123456789012:job/*"),
        (Arn("iam", "role/x", region=False), "arn:aws:iam::123456789012:role/x"),
        (Arn("s3", "bucket", region=False, account=False), "arn:aws:s3:::bucket"),
        (Arn("iam", "policy/P", region=False, account="aws"), "arn:aws:iam::aws:policy/P"),
    ],
)
def test_an_arn_is_written_for_where_the_calls_go(arn: Arn, text: str) -> None:
    """
    The partition, region and account are those of the scope, where the service has them.
    """
    assert HERE.arn(arn) == text


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_an_arn_has_the_partition_of_its_region(partition: str) -> None:
    """
    No ARN says `aws` where the partition is another.
    """
    scope = Scope(partition, "somewhere-1", "1")
    assert scope.arn(Arn("batch", "x")) == f"arn:{partition}:batch:somewhere-1:1:x"


@frozen
class Thing:
    """
    A value with placeholders in its fields.
    """

    shown: Any
    hidden: Any = field(default=None, alias="other")
    made: Any = field(init=False, default=REF)


def test_placeholders_are_found_however_deep() -> None:
    """
    In mappings, lists, tuples, JSON, calls and attrs classes.
    """
    deep = {"a": [REF, (Arn("s3", "b"),)], "b": Json({"c": ACCOUNT}), "d": LIST(x=Zone(1))}
    assert list(placeholders(deep)) == [REF, Arn("s3", "b"), ACCOUNT, Zone(1)]
    assert list(references(Thing(deep, other="x"))) == [REF, REF]


def test_values_are_put_in_the_place_of_placeholders() -> None:
    """
    However deep, and the shape stays; what isn't a placeholder stays as it is.
    """
    value = {"a": [REF, "b", (ACCOUNT,)], "c": 1, "d": ForEach(LIST(), "p", LIST(x=ITEM))}
    got = resolve(value, lambda one: "new" if one == REF else here(one) if one != ITEM else one)
    assert got == {"a": ["new", "b", (HERE.account,)], "c": 1, "d": value["d"]}


def test_the_fields_of_a_value_are_resolved_by_their_aliases() -> None:
    """
    A changed field gives a new value; without one the same comes back.
    """
    thing = Thing(REF, other=REGION)
    assert resolve(thing, lambda _: "x") == Thing("x", other="x")
    same = Thing("a")
    assert resolve(same, lambda one: one) is same


def test_a_document_becomes_json_once_nothing_in_it_is_unknown() -> None:
    """
    Keys are sorted, so that the same document is the same text.
    """
    document = Json({"b": REF, "a": ACCOUNT})
    assert resolve(document, here) == Json({"b": REF, "a": HERE.account})
    text: Any = resolve(document, lambda _: "x")
    assert text == '{"a": "x", "b": "x"}'


def test_a_parameter_can_be_left_out() -> None:
    """
    Where a placeholder gives OMIT, its parameter is not there.
    """
    assert resolve({"LocationConstraint": REGION, "Tags": []}, lambda _: OMIT) == {"Tags": []}


def test_a_job_says_what_it_does_in_its_class() -> None:
    """
    The base only stands for steps that aren't API calls.
    """
    unused: Any = None
    with pytest.raises(NotImplementedError):
        Task().perform(unused, unused)
