"""
The checks before a stack is made, one small function each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, Final, TypeVar

from batchkit._blueprint.blueprint import resources
from batchkit._diagnosis.finding import Finding, Severity
from batchkit._diagnosis.queues import QUOTA
from batchkit._docker.publisher import publisher
from batchkit._engine.aws import IDENTITY, Aws
from batchkit._model.calls import Operation
from batchkit._model.image_uri import ImageUri
from batchkit._model.resource import Resource, operations
from batchkit._model.tags import of_stack
from batchkit._model.values import resolve
from batchkit._preflight.deployer import deployer, looked_for, own_names
from batchkit._preflight.simulation import is_allowed, simulation
from batchkit.errors import AwsError, BatchkitError, DockerUnavailable
from batchkit.grants import flatten
from batchkit.resources.dynamodb import Table
from batchkit.resources.environments_fargate import FargateEnvironment
from batchkit.resources.gateways import ElasticIp, NatGateway
from batchkit.resources.iam import Role
from batchkit.resources.image import Image, ImageSource
from batchkit.resources.vpc import Subnet, Vpc
from batchkit.spec import StackSpec

_VPCS: Final = ("vpc", "L-F678F1CE")
_NATS: Final = ("vpc", "L-FE5A380F")
_ADDRESSES: Final = ("ec2", "L-0263D0A3")
_USED_UP: Final = "Delete one, or ask for more in the Service Quotas console."
_DOCKER: Final = (
    "Start Docker, point DOCKER_HOST at a daemon, or give the URI of an image in a registry."
)


R = TypeVar("R", bound=Resource)


class PreflightFacts:
    """
    What the checks look at.
    """

    def __init__(self, aws: Aws, spec: StackSpec) -> None:
        self.aws = aws
        self.spec = spec

    @cached_property
    def wanted(self) -> list[Any]:
        """
        The resources of the spec.
        """
        return resources(self.spec, self.aws.region)

    def desired(self, resource_type: type[R]) -> list[R]:
        """
        The resources of one type that the spec amounts to.
        """
        return [one for one in self.wanted if isinstance(one, resource_type)]

    @cached_property
    def fresh(self) -> bool:
        """
        Whether the stack has no network yet.
        """
        return not self.aws.call(Vpc.DESCRIBE(Filters=of_stack(self.spec.name)))["Vpcs"]

    def quota(self, service: str, code: str) -> float | None:
        """
        The value of a quota, or None.
        """
        answer = self.aws.call(QUOTA(ServiceCode=service, QuotaCode=code))
        return float(answer["Quota"]["Value"]) if answer else None


Check = Callable[[PreflightFacts], Iterator[Finding]]


def region(facts: PreflightFacts) -> Iterator[Finding]:
    """
    The account is reached, and the region has what the stack needs.
    """
    scope = facts.aws.scope
    demand = facts.spec.compute.demand([facts.spec])
    called = {op.service for one in facts.wanted for op in operations(type(one)).values()}
    for service in sorted(called | demand.services):
        known = facts.aws.session.get_available_regions(service, scope.partition)
        if known and scope.region not in known:
            message = f"{service} isn't known to be there."
            fix = "Take another region, or a newer botocore."
            yield finding(f"region {scope.region}", message, fix, Severity.WARNING)


def zones(facts: PreflightFacts) -> Iterator[Finding]:
    """
    The region has as many availability zones as the spec asks for.
    """
    try:
        facts.aws.zone(max((one.zone for one in facts.desired(Subnet)), default=0))
    except AwsError:
        raise
    except BatchkitError as error:
        yield finding("network.zones", f"{error}.", "Lower zones.")


def docker(facts: PreflightFacts) -> Iterator[Finding]:
    """
    A Docker daemon answers, since the image must be built.
    """
    from batchkit._docker import build as _docker

    if not publisher(facts.aws.session).needs_docker:
        return
    try:
        _docker.connect().close()
    except DockerUnavailable as error:
        yield finding("Docker", str(error).split(". ")[0] + ".", _DOCKER)


def image(facts: PreflightFacts) -> Iterator[Finding]:
    """
    The image is in ECR, or can be built.
    """
    if isinstance(facts.spec.image, ImageSource):
        built = next(one for one in facts.wanted if isinstance(one, Image))
        there = _in_ecr(facts, built.name, {"imageTag": built.tag})
        yield from () if there else docker(facts)
        return
    uri = ImageUri.parse(str(facts.spec.image))
    if uri.ecr and uri.ecr.account == facts.aws.scope.account:
        if not _in_ecr(facts, uri.repository, uri.image_id):
            yield finding(
                f"image {facts.spec.image}", "it isn't in ECR.", "Push it, or correct image."
            )


def _in_ecr(facts: PreflightFacts, repository: str, id: dict[str, str]) -> bool:
    answer = facts.aws.call(Image.DESCRIBE(repositoryName=repository, imageIds=[id]))
    return bool(answer and answer["imageDetails"])


def network_quotas(facts: PreflightFacts) -> Iterator[Finding]:
    """
    The account may have another VPC, another address and other NAT gateways.
    """
    if not facts.fresh:
        return
    used = (
        ("VPCs", _VPCS, Vpc.DESCRIBE(), "Vpcs"),
        ("elastic IP addresses", _ADDRESSES, ElasticIp.DESCRIBE(), "Addresses"),
        ("NAT gateways", _NATS, NatGateway.DESCRIBE(), "NatGateways"),
    )
    for what, quota, call, key in used:
        most = facts.quota(*quota)
        has = len([one for one in facts.aws.call(call)[key] if one.get("State") != "deleted"])
        if most is not None and has + 1 > most:
            yield finding(f"quota {quota[1]}", f"{has} of {most:g} {what} are in use.", _USED_UP)


def fargate_quota(facts: PreflightFacts) -> Iterator[Finding]:
    """
    The account may run as many vCPUs as a job, and as all of them together, may have.
    """
    for environment in facts.desired(FargateEnvironment):
        if environment.family.quota is not None and not environment.family.spot:
            yield from _too_many_vcpus(facts, environment, *environment.family.quota)


def _too_many_vcpus(
    facts: PreflightFacts, environment: FargateEnvironment, service: str, code: str
) -> Iterator[Finding]:
    most = facts.quota(service, code)
    if most is None:
        return
    for what, desired, severity in (
        ("vcpus", facts.spec.vcpus, Severity.ERROR),
        ("compute.max_vcpus", environment.max_vcpus, Severity.WARNING),
    ):
        if desired > most:
            message = f"the account may run {most:g} Fargate vCPUs at once; {what} is {desired:g}."
            fix = f"Lower {what}, or ask for more in the Service Quotas console."
            yield finding(f"quota {code}", message, fix, severity)
            return


def named_in_grants(facts: PreflightFacts) -> Iterator[Finding]:
    """
    The buckets, objects and tables that the grants name are there, or the stack makes them.
    """
    own = own_names(facts.spec)
    for grant in flatten(facts.spec.grants):
        for arn in grant.resources:
            text = str(resolve(arn, facts.aws.resolve))
            if (asked := looked_for(text, grant.actions, own)) is not None:
                yield from _s3(facts, asked[0], text.split(":::")[1])
            elif ":dynamodb:" in text:
                yield from _table(facts, text, own)


def _s3(facts: PreflightFacts, asked: Operation, path: str) -> Iterator[Finding]:
    bucket, _, key = path.partition("/")
    where = {"Bucket": bucket, "Key": key} if key else {"Bucket": bucket}
    if facts.aws.call(asked(**where)) is not None:
        return
    message = "a grant names it, and it isn't there."
    if key:
        yield finding(f"object {path}", message, "Upload it.", Severity.WARNING)
    else:
        yield finding(f"bucket {bucket}", message, "Make it.")


def _table(facts: PreflightFacts, arn: str, own: set[str]) -> Iterator[Finding]:
    name = arn.partition("table/")[2]
    if name and "/" not in name and "*" not in name and name not in own:
        if facts.aws.call(Table.DESCRIBE(TableName=name)) is None:
            yield finding(f"table {name}", "a grant names it, and it isn't there.", "Make it.")


def permissions(facts: PreflightFacts) -> Iterator[Finding]:
    """
    The caller may do what `stack_policy` lists, as far as IAM simulates it.
    """
    caller = _caller(facts.aws)
    if caller is None:
        return
    denied: set[str] = set()
    for grant in deployer(facts.aws, facts.spec, facts.wanted).grants():
        call = resolve(simulation(caller, grant), facts.aws.resolve)
        answer = facts.aws.call(call) or {}
        results = answer.get("EvaluationResults", ())
        denied.update(one["EvalActionName"] for one in results if not is_allowed(one))
    if denied:
        names = ", ".join(sorted(denied))
        fix = "stack_policy(spec) (`batchkit policy`) is the policy to ask for."
        yield finding(f"caller {caller}", f"it may not do {names}.", fix)


def _caller(aws: Aws) -> str | None:
    """
    The ARN of the user or role behind the credentials; None for those that IAM can't simulate.
    """
    arn = str(aws.call(IDENTITY())["Arn"])
    if ":assumed-role/" in arn:
        role = aws.call(Role.GET(RoleName=arn.split("/")[1]))
        return str(role["Role"]["Arn"]) if role else None
    return arn if ":iam:" in arn and ":user/" in arn else None


def finding(subject: str, message: str, fix: str, severity: Severity = Severity.ERROR) -> Finding:
    return Finding(severity, subject, message, fix, "preflight")


CHECKS: Final[tuple[Check, ...]] = (
    region,
    zones,
    image,
    network_quotas,
    fargate_quota,
    named_in_grants,
    permissions,
)
