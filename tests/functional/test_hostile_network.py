"""
What stands between: answers that are cut off or come from elsewhere, calls that hang, other callers
that are faster.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ReadTimeoutError

from account_fixture import AccountFixture
from batchkit import (
    AwsError,
    ElasticIp,
    Route,
    StackSpec,
    Vpc,
    destroy_stack,
    ensure_stack,
)
from batchkit._model.tags import LOCK
from batchkit.resources.locks import lock_group
from fakes import FakeAsk, mutating
from injected_faults import Hook, Refuse, before
from inventory import inventory

SPEC = StackSpec(name="movies", image="alpine:3", schedule="rate(1 day)", table="movies-seen")
ONE_EACH = {
    **dict.fromkeys(("addresses", "nats", "environments", "queues", "machines"), 1),
    **{"definitions": 1, "schedules": 1, "dynamodb": 1, "gateways": 1, "tables": 4, "vpcs": 2},
}


class Body(bytes):
    """
    The body of an answer, as botocore reads it.
    """

    def stream(self, *_: object, **__: object) -> list[bytes]:
        return [bytes(self)]


class Garble:
    """
    The first call of each operation takes effect, and is answered with *status* and *body*; or with
    half of its answer if there is no status.
    """

    def __init__(self, status: int | None, body: bytes) -> None:
        self.status = status
        self.body = body
        self.met: set[str] = set()

    def answer(self, event_name: str, request: Any, **_: object) -> AWSResponse | None:
        """
        A hook: botocore takes the first answer, and the embedded AWS is asked all the same.
        """
        if self.status is None or not self._is_new(event_name):
            return None
        return AWSResponse(request.url, self.status, HTTPHeaders(), Body(self.body))

    def cut(self, event_name: str, response_dict: dict[str, Any], **_: object) -> None:
        """
        A hook: what botocore is about to parse is cut off.
        """
        if self.status is None and self._is_new(event_name):
            response_dict["body"] = response_dict["body"][: len(response_dict["body"]) // 2]

    def _is_new(self, event_name: str) -> bool:
        new = event_name not in self.met
        self.met.add(event_name)
        return new


@contextmanager
def garbled(there: AccountFixture, garble: Garble) -> Iterator[None]:
    garble.met.clear()
    hook: Hook = garble.answer
    there.session.events.register_first("before-send", hook)
    with before(there.session, "before-parse", garble.cut):
        yield
    there.session.events.unregister("before-send", hook)
    assert len(garble.met) > 30


def made(there: AccountFixture) -> Any:
    return ensure_stack(SPEC, session=there.session, clock=there.clock)


def check_one_of_each(there: AccountFixture) -> None:
    actual = inventory(there)
    assert {sort: len(actual[sort]) for sort in ONE_EACH} == ONE_EACH
    with there.calls() as seen:
        made(there)
    assert mutating(seen) == []


@pytest.mark.parametrize(
    ("status", "body"),
    [
        pytest.param(None, b"", id="half"),
        pytest.param(200, b"\xff\xfe\x00", id="bytes"),
        pytest.param(503, b"upstream connect error", id="text"),
        pytest.param(502, b"<!DOCTYPE html>\n<html><body>Bad</body></html>", id="page"),
        pytest.param(500, b"", id="empty"),
    ],
)
def test_the_first_answer_to_everything_is_lost_on_its_way(
    status: int | None, body: bytes, there: AccountFixture
) -> None:
    """
    Each call took effect, and something else came back: nothing is twice, and nothing is left.
    """
    empty = inventory(there)
    garble = Garble(status, body)
    with garbled(there, garble):
        made(there)
    check_one_of_each(there)
    with garbled(there, garble):
        destroy_stack(SPEC, session=there.session, clock=there.clock, delete_data=True)
    assert inventory(there) == empty


def test_an_answer_that_can_never_be_read_is_told(there: AccountFixture) -> None:
    """
    What is no AWS gives an error of batchkit's, and not a page in it.
    """

    def answer(request: Any, **_: object) -> AWSResponse:
        return AWSResponse(request.url, 200, HTTPHeaders(), Body(b"<html>" + 10_000 * b"x"))

    hook: Hook = answer
    there.session.events.register_first("before-send.ec2", hook)
    with pytest.raises(AwsError, match="ResponseParserError") as caught:
        made(there)
    assert len(str(caught.value)) < 1000 and there.clock.now > 50


def test_calls_that_hang_are_made_again(there: AccountFixture) -> None:
    """
    Each time-out takes as long as an error is given to pass; that alone doesn't end it.
    """
    left = dict.fromkeys(("DescribeJobQueues", "CreateVpc", "CreateRole"), 2)

    def hang(model: Any, **_: object) -> None:
        if left.get(model.name):
            left[model.name] -= 1
            there.clock.sleep(60)
            raise ReadTimeoutError(endpoint_url="https://aws")

    with before(there.session, "before-call", hang):
        made(there)
    assert not any(left.values())
    check_one_of_each(there)


def test_a_table_that_is_not_there_may_be_denied(there: AccountFixture) -> None:
    """
    DynamoDB needn't tell whether a table is there to whom asks for its tags.
    """
    denied = Refuse("AccessDeniedException", 400, times=1)
    with before(there.session, "before-call.dynamodb.ListTagsOfResource", denied):
        made(there)
    assert denied.refused == 1
    check_one_of_each(there)


def test_a_nat_gateway_whose_address_was_released_is_replaced(there: AccountFixture) -> None:
    """
    Another caller's teardown was faster with the address than this one with the gateway.
    """
    old = made(there).outputs["NatGateway movies"]
    [address] = there.ec2.describe_addresses()["Addresses"]
    there.ec2.release_address(AllocationId=address["AllocationId"])
    assert made(there).outputs["NatGateway movies"] != old
    check_one_of_each(there)


def test_a_network_of_which_a_race_has_left_two_halves(there: AccountFixture) -> None:
    """
    A subnet and a group stand in a VPC that lost against another: both are in one in the end.
    """
    tags = [{"Key": "batchkit:stack", "Value": "movies"}, {"Key": "Name", "Value": "movies"}]
    other = there.vpc("10.1.0.0/16")
    subnet = there.subnet(other, "10.1.1.0/24")
    group = there.group(other, "movies_jobs")
    table = there.table(other)
    names = {other: "movies", subnet: "movies_public-a", group: "movies_jobs"}
    for one, name in {**names, table: "movies_public"}.items():
        there.ec2.create_tags(Resources=[one], Tags=[tags[0], {"Key": "Name", "Value": name}])
    vpc = there.vpc("10.1.0.0/16")
    there.ec2.create_tags(Resources=[vpc], Tags=tags)
    lock = lock_group(Vpc(name="movies"))
    there.logs.create_log_group(logGroupName=lock, tags={LOCK: vpc})
    assert made(there).outputs["Vpc movies"] == vpc
    check_one_of_each(there)


def test_a_route_table_that_another_caller_prunes_is_made_again(there: AccountFixture) -> None:
    """
    It was not yet associated, and so looked like one that a crash has left.
    """
    pruned: list[str] = []

    def prune(params: Any, **_: object) -> None:
        table = params["body"]["RouteTableId"]
        if not pruned:
            pruned.append(table)
            there.ec2.delete_route_table(RouteTableId=table)

    with before(there.session, "before-call.ec2.AssociateRouteTable", prune):
        made(there)
    assert pruned
    check_one_of_each(there)


def test_what_is_gone_need_not_be_deleted(there: AccountFixture) -> None:
    """
    Whatever words AWS has for it: another look tells.
    """
    made(there)
    batch = there.batch

    def gone(**_: object) -> None:
        with suppress(batch.exceptions.ClientException):
            batch.delete_job_queue(jobQueue="movies")

    there.session.events.register("before-call.batch.DeleteJobQueue", gone)
    refuse = Refuse("ClientException", 400, message="no queue of that name")
    hook: Hook = refuse
    there.session.events.register_last("before-call.batch.DeleteJobQueue", hook)
    left = destroy_stack(SPEC, session=there.session, clock=there.clock)
    assert refuse.refused and left.kept == ("Table movies-seen",)
    assert not batch.describe_job_queues()["jobQueues"]


def test_of_two_addresses_the_one_in_use_stays() -> None:
    """
    Also if none has the lock: a teardown releases the lock first.
    """
    tags = [{"Key": "batchkit:stack", "Value": "movies"}, {"Key": "Name", "Value": "movies"}]
    unused = {"AllocationId": "eipalloc-1", "PublicIp": "192.0.2.1", "Tags": tags}
    used = {**unused, "AllocationId": "eipalloc-2", "AssociationId": "eipassoc-1"}
    ask = FakeAsk(DescribeAddresses={"Addresses": [unused, used]}, ListTagsForResource=None)
    assert [one.id for one in ElasticIp(name="movies").candidates(ask)] == [
        "eipalloc-2",
        "eipalloc-1",
    ]


@pytest.mark.parametrize(
    ("table", "nat"), [("rtb-1", None), ("rtb-2", "nat-2"), ("rtb-3", "nat-2")]
)
def test_a_route_is_looked_up_in_its_own_table(table: str, nat: str | None) -> None:
    """
    The table of another caller, of the same name, may have one already.
    """
    tags = [{"Key": "batchkit:stack", "Value": "movies"}, {"Key": "Name", "Value": "movies"}]
    bare = {"RouteTableId": "rtb-1", "Tags": tags, "Routes": []}
    route = {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-2", "State": "active"}
    other = {**bare, "RouteTableId": "rtb-2", "Routes": [route]}
    ask = FakeAsk(DescribeRouteTables={"RouteTables": [bare, other]})
    actual = Route(name="movies", table=table, nat_gateway="nat-1").read(ask)
    assert (actual.nat_gateway if actual else None) == nat
