"""
Every operation and permission against AWS's own models and IAM's list of actions.
"""

from __future__ import annotations

import logging
from typing import Any

import attrs
import boto3
import pytest
import resource_cases_batch
import resource_cases_network
import resource_cases_stores
from account_fixture import AccountFixture, account
from botocore.validate import ParamValidator
from fakes import client, here

from batchkit import Fargate, StackSpec, destroy_stack, ensure_stack, stack_policy
from batchkit._engine.aws import IDENTITY, ZONES
from batchkit._model.calls import Call, ForEach, Operation, operations
from batchkit._model.properties import compared_fields
from batchkit._model.tags import written
from batchkit._model.values import ITEM, LOCATION, Json, Ref, Zone, resolve
from batchkit._runs import run as runs
from batchkit.resources.image import LOGIN
from batchkit.resources.resource_types import RESOURCE_TYPES, variants

ALL = {
    str(op): op
    for op in [
        *(op for one in RESOURCE_TYPES for v in variants(one) for op in operations(v).values()),
        *runs.OPERATIONS,
        IDENTITY,
        ZONES,
        LOGIN,
    ]
}
SESSION = boto3.Session("key", "secret", region_name="us-east-1")
CLIENTS = {name: client(SESSION, name) for name in {op.service for op in ALL.values()}}
ITEM_ID = "an-item-of-a-listing"
CASES = {
    **resource_cases_network.CASES,
    **resource_cases_stores.CASES,
    **resource_cases_batch.CASES,
}


@pytest.mark.parametrize("operation", ALL.values(), ids=str)
def test_each_operation_is_in_awss_model(operation: Operation) -> None:
    """
    The service has an operation of that name, under that method.
    """
    known = CLIENTS[operation.service]
    assert known.meta.method_to_api_mapping[operation.method] == operation.name


@pytest.fixture(scope="module")
def actions() -> set[str]:
    """
    Every action that IAM knows, in lower case.
    """
    from policy_sentry.querying.all import get_all_actions

    return {action.lower() for action in get_all_actions()}


@pytest.mark.parametrize("operation", ALL.values(), ids=str)
def test_each_permission_is_one_that_iam_knows(operation: Operation, actions: set[str]) -> None:
    """
    The operation's own, and those that AWS checks besides.
    """
    assert {one for one in operation.permissions if one.lower() not in actions} == set()


def test_no_action_that_is_not_there_is_known(actions: set[str]) -> None:
    """
    The list is one that an invented action isn't in.
    """
    assert "batch:createjobqueue" in actions and "batch:makejobqueue" not in actions


def filled(call: Call) -> Call:
    def fill(placeholder: Any) -> Any:
        if isinstance(placeholder, (Ref, Zone)):
            return "x-0"
        if placeholder == ITEM:
            return [{"Key": "k"}] if call.operation.name == "DeleteObjects" else ITEM_ID
        if placeholder == LOCATION:
            return "us-west-1"
        return here(placeholder)

    return resolve(call, fill)


def complaints(call: Call) -> str:
    model = CLIENTS[call.operation.service].meta.service_model
    shape = model.operation_model(call.operation.name).input_shape
    params = dict(filled(call).params)
    return str(ParamValidator().validate(params, shape).generate_report())


def calls_of(steps: Any) -> list[Call]:
    found: list[Call] = []
    for step in steps:
        found += [step] if isinstance(step, Call) else []
        found += [step.listing, step.then] if isinstance(step, ForEach) else []
    return found


@pytest.mark.parametrize("name", CASES)
def test_the_parameters_of_every_call_fit_awss_model(name: str) -> None:
    """
    Those of create, of an update of each field and of all, and of delete.
    """
    with account() as there:
        desired = CASES[name].desired(there)
    ours: dict[str, Any] = {
        "id": "x-0",
        "arn": "arn:aws:x:::y",
        "associations": {"s": "a"},
    }
    given = {a.name: ours[a.name] for a in attrs.fields(type(desired)) if a.name in ours}
    given["tags"] = {**desired.tags, "old": "x"}
    actual = attrs.evolve(
        desired, owner="movies", state="", written=written(given["tags"]), **given
    )
    fields = [a.name for a in compared_fields(type(desired)) if not a.metadata.get("create_only")]
    made = [*calls_of(desired.create()), *calls_of(actual.deletion())]
    for drift in (*((field,) for field in fields), tuple(fields)):
        made += calls_of(desired.update(actual, drift))
    assert made
    assert {repr(call): told for call in made if (told := complaints(call))} == {}


def test_a_document_is_text_by_the_time_it_is_sent() -> None:
    """
    JSON is written out once nothing in it is unknown.
    """
    call = Operation("iam", "PutRolePolicy")(PolicyDocument=Json({"a": 1}))
    assert filled(call).params == {"PolicyDocument": '{"a": 1}'}


@pytest.mark.parametrize("variant", [{}, {"compute": Fargate(spot=True, service_role="linked")}])
def test_the_policy_allows_every_call_that_is_made(variant: Any, tmp_path: Any) -> None:
    """
    Creating, keeping, planning, running and destroying make no call that the policy doesn't name.
    """
    logging.getLogger("moto").setLevel(logging.CRITICAL)
    (tmp_path / "Dockerfile").write_text("FROM python:3\nCMD python -c 'print(1)'\n")
    given: dict[str, Any] = {"schedule": "rate(1 day)", "table": "films", "bucket": "films-1"}
    spec = StackSpec(name="movies", image=tmp_path, **given, **variant)
    with account() as there:
        with there.calls() as seen:
            stack = ensure_stack(spec, session=there.session, clock=there.clock)
            ensure_stack(spec, session=there.session, clock=there.clock)
            destroy_stack(spec, session=there.session, clock=there.clock, delete_data=True)
        assert stack.plan.changes
        document = stack_policy(spec, session=there.session)
    allowed = {action for one in document["Statement"] for action in one["Action"]}
    by_call = {(op.service, op.name): op for op in ALL.values()}
    needed = {p for call in seen for p in by_call[call.service, call.name].permissions}
    without = {one for one in needed if one.startswith(("ec2:Describe", "sts:"))}
    assert needed - without - allowed == set() and "ec2:Describe*" in allowed


def test_the_policy_names_regions_and_partitions(there: AccountFixture) -> None:
    """
    No placeholder is left in it, roles are passed only to the services that take them.
    """
    document = stack_policy(StackSpec(name="movies", image="alpine:3"), session=there.session)
    passing = [one for one in document["Statement"] if one["Action"] == ["iam:PassRole"]]
    assert [one["Resource"] for one in passing] == [
        ["arn:aws:iam::123456789012:role/batchkit/movies/*"]
    ]
    services = passing[0]["Condition"]["StringEquals"]["iam:PassedToService"]
    assert set(services) == {f"{name}.amazonaws.com" for name in ("batch", "ecs-tasks", "states")}
