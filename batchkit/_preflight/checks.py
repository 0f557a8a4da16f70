"""
The checks before a stack is made, one small function each.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from batchkit._diagnosis.finding import Finding, Severity
from batchkit._docker.publisher import publisher
from batchkit._model.calls import Operation, operations
from batchkit._model.image_uri import ImageUri
from batchkit._model.values import resolve
from batchkit._preflight.capacity import instances
from batchkit._preflight.deployer import looked_for, own_names
from batchkit._preflight.facts import Check, PreflightFacts, finding
from batchkit._preflight.permissions import permissions
from batchkit._preflight.quotas import fargate_quota, network_quotas
from batchkit._preflight.secrets import secrets
from batchkit.errors import BatchkitError, DockerUnavailable
from batchkit.grants import flatten
from batchkit.resources.dynamodb import Table
from batchkit.resources.image import Image, ImageSource
from batchkit.resources.vpc import Subnet

_DOCKER: Final = (
    "Start Docker, point DOCKER_HOST at a daemon, or give the URI of an image in a registry."
)


def region(facts: PreflightFacts) -> Iterator[Finding]:
    """
    The account is reached, and the region has what the stack needs.
    """
    scope = facts.aws.scope
    demand = facts.spec.compute.demand([facts.spec])
    called = {op.service for one in facts.resources for op in operations(type(one)).values()}
    for service in sorted(called | demand.services):
        known = facts.aws.session.get_available_regions(service, scope.partition)
        if known and scope.region not in known:
            message = f"{service} isn't known to be there."
            fix = "Take another region, or a newer botocore."
            yield finding(f"region {scope.region}", message, fix, Severity.WARNING)


def zones(facts: PreflightFacts) -> Iterator[Finding]:
    """
    The region has the availability zones that the spec asks for, each once.
    """
    wanted = {one.zone for one in facts.desired(Subnet)}
    zones = facts.aws.zones
    try:
        found = {zones.find(zone) for zone in wanted}
    except BatchkitError as error:
        yield finding("network.zones", f"{error}.", "Lower zones, or name others.")
        return
    on_fargate = facts.spec.compute.PLATFORM.WORD == "FARGATE"
    for zone in sorted(map(str, (one for one in found if on_fargate and not one.with_fargate))):
        message = f"Fargate isn't in {zone}; {zones.told()}."
        yield finding("network.zones", message, "Name one of these.")
    if len(found) < len(wanted):
        message = "two of them are the same zone, by name and by id."
        yield finding("network.zones", message, "Name each once.")


def docker(facts: PreflightFacts) -> Iterator[Finding]:
    """
    A Docker daemon answers, since the image must be built, and has the logins that it may need.
    """
    from batchkit._docker import build as _docker
    from batchkit._docker.buildx import installed, wanted
    from batchkit._docker.credentials import missing

    if not publisher(facts.aws.session).needs_docker:
        return
    try:
        _docker.connect().close()
    except DockerUnavailable as error:
        message, _, fix = str(error).partition(". ")
        yield finding("Docker", f"{message}.", fix or _DOCKER)
        return
    source = facts.spec.image
    found = wanted(source.context(), source.build_args) if isinstance(source, ImageSource) else []
    if found and not installed() and (refusal := _docker.unbuildable(found)):
        needs, _, fix = refusal.partition(". ")
        yield finding("Dockerfile", f"{needs}.", fix)
    for where, message in missing():
        fix = "Install it, or take the key out, if the base image isn't public."
        yield finding(where, message, fix, Severity.WARNING)


def image(facts: PreflightFacts) -> Iterator[Finding]:
    """
    The image is in ECR, or can be built.
    """
    if isinstance(facts.spec.image, ImageSource):
        built = next(one for one in facts.resources if isinstance(one, Image))
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


CHECKS: Final[tuple[Check, ...]] = (
    region,
    zones,
    image,
    network_quotas,
    fargate_quota,
    instances,
    named_in_grants,
    secrets,
    permissions,
)
