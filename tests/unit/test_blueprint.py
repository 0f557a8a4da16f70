"""
The blueprint: what a spec amounts to, resource by resource, without AWS.
"""

from __future__ import annotations

from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import pytest

from batchkit import (
    Bucket,
    Ec2,
    Fargate,
    FargateEnvironment,
    Image,
    ImageSource,
    JobDefinition,
    JobQueue,
    Nat,
    NatGateway,
    Repository,
    Role,
    RouteTable,
    Schedule,
    ScheduleGroup,
    StackSpec,
    StateMachine,
    Subnet,
    Table,
    s3_read,
)
from batchkit._blueprint.blueprint import resources
from batchkit._engine.order import in_order, needs
from batchkit._engine.policy import Deployer
from batchkit._model.resource import Resource
from batchkit._model.values import Ref, resolve
from batchkit._runs.run import OPERATIONS
from batchkit._runs.start import PUT
from batchkit.resources.resource_types import RESOURCE_TYPES, dependencies
from fakes import HERE, here


def made(**given: Any) -> list[Resource]:
    spec = StackSpec(**{"name": "movies", "image": "alpine:3", **given})
    return resources(spec, "us-east-1", lambda source, platform: f"tag-of-{platform[6:]}")


def of(kind: type, **given: Any) -> list[Any]:
    return [one for one in made(**given) if isinstance(one, kind)]


def names(kind: type, **given: Any) -> list[str]:
    return [one.name for one in of(kind, **given)]


OPTIONS: list[dict[str, Any]] = [
    {},
    {"compute": "fargate-spot"},
    {"compute": Fargate(service_role="linked")},
    {"compute": Ec2(spot=True, disk=100), "gpus": 1},
    {"compute": "unmanaged"},
    {"network": Nat(zones=2)},
    {"network": Nat(zones=3, cidr="10.0.0.0/24")},
    {"schedule": "rate(1 day)"},
    {"table": "films", "bucket": "films-1"},
    {"image": ImageSource(".")},
    {"secrets": {"A": "arn:aws:ssm:us-east-1:1:parameter/a"}, "tags": {"team": "data"}},
]


@pytest.mark.parametrize("given", OPTIONS, ids=lambda given: "-".join(given) or "plain")
def test_references_lead_to_what_is_in_the_list(given: dict[str, Any]) -> None:
    """
    Keys are unique, every reference is to one of them, and there is an order.
    """
    listed = made(**given)
    keys = [one.key for one in listed]
    assert len(set(keys)) == len(keys)
    for key, below in needs(listed).items():
        assert below <= set(keys), key
    assert len(in_order(listed)) == len(listed)
    assert {one.stack for one in listed} == {"movies"}


def test_a_plain_stack_has_what_the_service_needs_and_no_more() -> None:
    """
    One of each, two subnets with their tables and routes, four roles.
    """
    counts: dict[str, int] = {}
    for one in made():
        counts[one.type_name()] = counts.get(one.type_name(), 0) + 1
    twice = ("Subnet", "RouteTable", "Route")
    once: tuple[str, ...] = (
        "Vpc",
        "SecurityGroup",
        "ElasticIp",
        "InternetGateway",
        "NatGateway",
        "LogGroup",
    )
    once += ("ComputeEnvironment", "JobQueue", "JobDefinition", "StateMachine")
    assert counts == {**dict.fromkeys(once, 1), **dict.fromkeys(twice, 2), "Role": 4}


def test_every_tagged_resource_has_the_users_tags() -> None:
    """
    All but routes, images and schedules, which can't carry any.
    """
    given: dict[str, Any] = {"image": ImageSource("."), "schedule": "rate(1 day)", "table": "tab"}
    listed = made(tags={"team": "data"}, **given)
    bare = {type(one).__name__ for one in listed if one.tags != {"team": "data"}}
    assert bare == {"Route", "Image", "Schedule"}


def test_the_longest_path_comes_first() -> None:
    """
    The NAT gateway waits for the address and the way out; only the private route waits for it.
    """
    nat = ("NatGateway", "movies")
    below = needs(made())
    assert [key for key, needed in below.items() if nat in needed] == [("Route", "movies_private")]
    assert below[nat] == {
        ("ElasticIp", "movies"),
        ("InternetGateway", "movies"),
        ("Subnet", "movies_public-a"),
    }


def test_jobs_run_in_the_private_subnets() -> None:
    """
    One a zone, and one NAT gateway for all.
    """
    (environment,) = of(FargateEnvironment, network=Nat(zones=3))
    zones = {one.name: (one.zone, one.cidr) for one in of(Subnet, network=Nat(zones=3))}
    assert zones == {
        "movies_public-a": (0, "10.1.1.0/24"),
        "movies_private-a": (0, "10.1.64.0/18"),
        "movies_private-b": (1, "10.1.128.0/18"),
        "movies_private-c": (2, "10.1.192.0/18"),
    }
    wanted = {Ref("Subnet", f"movies_private-{z}", "id") for z in "abc"}
    assert set(environment.subnets) == wanted
    tables = {one.name: set(one.subnets) for one in of(RouteTable, network=Nat(zones=3))}
    assert tables["movies_private"] == wanted
    assert len(of(NatGateway, network=Nat(zones=3))) == 1


def test_spot_is_tried_first_and_on_demand_after_it() -> None:
    """
    Two environments of different names, in that order; a reclaim is worth another attempt.
    """
    environments = of(FargateEnvironment, compute="fargate-spot")
    assert [one.family.word for one in environments] == ["FARGATE_SPOT", "FARGATE"]
    (queue,) = of(JobQueue, compute="fargate-spot")
    assert queue.compute_environments == tuple(one.arn for one in environments)
    (definition,) = of(JobDefinition, compute="fargate-spot")
    assert definition.reclaims == ("Your Spot Task was interrupted*",)


def test_what_aws_cannot_change_is_in_the_name() -> None:
    """
    Another sort of role is another environment; the same spec gives the same name.
    """
    dedicated, linked = names(FargateEnvironment), names(
        FargateEnvironment, compute=Fargate(service_role="linked")
    )
    assert (
        dedicated != linked and dedicated == names(FargateEnvironment, compute="fargate-spot")[1:]
    )
    (environment,) = of(FargateEnvironment, compute=Fargate(service_role="linked"))
    assert environment.service_role is None
    assert "movies_batch-us-east-1" not in names(Role, compute=Fargate(service_role="linked"))


def test_roles_are_named_for_their_region_and_bounded() -> None:
    """
    IAM has one list for all regions.
    """
    boundary = "arn:aws:iam::1:policy/limits"
    roles = of(Role, boundary=boundary, schedule="rate(1 day)")
    uses = ("batch", "exec", "job", "states", "schedule")
    assert {one.name for one in roles} == {f"movies_{use}-us-east-1" for use in uses}
    assert {one.boundary for one in roles} == {boundary}


def test_the_job_may_do_what_it_is_granted_and_its_starter_reads_the_secrets() -> None:
    """
    Secrets are read by the role that starts the container, not by the job's.
    """
    secret = "arn:aws:secretsmanager:us-east-1:1:secret:s-AbCdEf"
    parameter = "arn:aws:ssm:us-east-1:1:parameter/p"
    secrets = {"S": secret, "K": f"{secret}:key:AWSPREVIOUS:", "P": parameter}
    given: dict[str, Any] = {"grants": [s3_read("films")], "secrets": secrets}
    roles = {one.name.split("-")[0].split("_")[1]: one for one in of(Role, **given)}
    assert [one.actions for one in roles["job"].grants] == [("s3:GetObject",), ("s3:ListBucket",)]
    assert {one.actions[0]: one.resources for one in roles["exec"].grants} == {
        "ssm:GetParameters": (parameter,),
        "secretsmanager:GetSecretValue": (secret,),
    }


def test_a_folder_becomes_a_repository_and_an_image_by_its_digest(tmp_path: Path) -> None:
    """
    The definition names what the image is pushed as; the tag tells what it is built from.
    """
    given: dict[str, Any] = {"image": tmp_path, "architecture": "ARM64"}
    (image,), (repository,) = of(Image, **given), of(Repository, **given)
    (definition,) = of(JobDefinition, **given)
    assert definition.image == image.uri == Ref("Image", "movies", "uri")
    assert (image.repository, image.tag) == (repository.uri, "tag-of-arm64")
    assert of(Image) == [] and of(JobDefinition)[0].image == "alpine:3"


def test_a_schedule_starts_the_machine_and_nothing_else() -> None:
    """
    With a role of its own, in a group that carries the tags.
    """
    (schedule,) = of(Schedule, schedule="rate(1 day)", time_zone="Europe/Berlin")
    assert schedule.target == Ref("StateMachine", "movies", "arn")
    assert (schedule.group, schedule.time_zone) == ("movies", "Europe/Berlin")
    assert names(ScheduleGroup, schedule="rate(1 day)") == ["movies"]
    role = next(one for one in of(Role, schedule="rate(1 day)") if "_schedule-" in one.name)
    assert [one.actions for one in role.grants] == [("states:StartExecution",)]


def test_stores_belong_to_the_stack() -> None:
    """
    With its tags under their own.
    """
    (table,) = of(Table, table=Table(name="films", tags={"a": "b"}), tags={"team": "data"})
    assert (table.stack, table.tags) == ("movies", {"a": "b", "team": "data"})
    assert of(Bucket, bucket="films-1")[0].stack == "movies"


def test_the_machine_runs_the_job_with_time_for_all_attempts() -> None:
    """
    It is switched to a revision and a queue in one call, when both are there.
    """
    (machine,) = of(StateMachine, attempts=2, timeout=100, runnable_limit=600)
    job = machine.definition["States"]["Job"]
    assert job["Parameters"]["JobQueue"] == Ref("JobQueue", "movies", "arn")
    assert job["Parameters"]["JobDefinition"] == Ref("JobDefinition", "movies", "arn")
    assert machine.definition["TimeoutSeconds"] == 800
    (spot,) = of(StateMachine, compute="fargate-spot", timeout=100, runnable_limit=600)
    (told,) = of(StateMachine, attempts=2, timeout=100, run_timeout=60)
    assert told.definition["TimeoutSeconds"] == 60
    assert spot.definition["TimeoutSeconds"] == 1600  # ten, as each may be taken back
    assert resolve(job["Resource"], here).endswith(":states:::batch:submitJob.sync")


def test_resource_types_stand_on_one_another_without_a_circle() -> None:
    """
    A teardown deletes in the opposite order.
    """
    graph = dependencies()
    order = [*TopologicalSorter(graph).static_order()]
    assert {name for below in graph.values() for name in below} <= set(graph)
    assert order.index("Vpc") < order.index("Subnet") < order.index("ComputeEnvironment")
    assert order.index("JobDefinition") < order.index("StateMachine") < order.index("Schedule")


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_the_policy_is_written_for_its_partition(partition: str) -> None:
    """
    Nothing stays unknown, and no ARN is of another partition.
    """
    scope = {"aws": HERE}.get(partition)
    given: dict[str, Any] = {"schedule": "rate(1 day)", "table": "tab", "image": ImageSource(".")}

    def fill(placeholder: Any) -> Any:
        text = here(placeholder)
        return text if scope else str(text).replace("arn:aws:", f"arn:{partition}:")

    further = [(operation, ()) for operation in OPERATIONS if operation is not PUT]
    grants = Deployer("movies", made(**given), RESOURCE_TYPES, further).grants()
    statements = resolve([grant.statement() for grant in grants], fill)
    assert resolve(statements, lambda one: pytest.fail(f"{one!r} is left")) == statements
    arns = [arn for one in statements for arn in one["Resource"] if arn != "*"]
    assert arns and all(arn.startswith(f"arn:{partition}:") for arn in arns)
    unlimited = [
        action for one in statements if one["Resource"] == ["*"] for action in one["Action"]
    ]
    limited = [action for one in statements if one["Resource"] != ["*"] for action in one["Action"]]
    assert not set(unlimited) & set(limited)
