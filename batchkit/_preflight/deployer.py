"""
What whoever deploys a stack must be allowed: what its resources, its runs, their diagnosis and the
checks before it call.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from batchkit._diagnosis import explain
from batchkit._diagnosis.images import MANIFEST
from batchkit._engine.aws import ZONES, Aws
from batchkit._engine.policy import Deployer, Further
from batchkit._model.calls import Operation
from batchkit._model.image_uri import ImageUri
from batchkit._model.resource import Resource
from batchkit._model.secret_arn import SecretArn
from batchkit._model.values import Arn, resolve
from batchkit._preflight.secrets import DESCRIBE_SECRET, PARAMETERS, is_here
from batchkit._runs import run as runs
from batchkit._runs.start import PUT
from batchkit.grants import flatten
from batchkit.resources.image import Image
from batchkit.resources.resource_types import RESOURCE_TYPES
from batchkit.resources.s3 import HEAD_BUCKET, HEAD_OBJECT, ITEMS
from batchkit.spec import StackSpec

# Whoever deploys asks for itself, and may be any user or role.
SIMULATE: Final = Operation("iam", "SimulatePrincipalPolicy", wide=True, absent=("NoSuchEntity",))


def deployer(aws: Aws, spec: StackSpec, wanted: Sequence[Resource]) -> Deployer:
    """
    Who deploys *spec*, which amounts to *wanted*.
    """
    looked_at = (*_image(spec), *_granted(aws, spec), *_secrets(aws, spec))
    further = (*_stack_wide(), *_items(spec), *looked_at)
    return Deployer(spec.name, wanted, RESOURCE_TYPES, further, spec.boundary)


def _stack_wide() -> Iterator[Further]:
    """
    What any stack needs.
    """
    for operation in (ZONES, SIMULATE, *runs.OPERATIONS, *explain.OPERATIONS):
        if operation != PUT:
            yield operation, ()


def _image(spec: StackSpec) -> Iterator[Further]:
    """
    The repository in ECR of an image that the stack doesn't build.
    """
    uri = ImageUri.parse(spec.image) if isinstance(spec.image, str) else None
    if uri is not None and uri.ecr is not None:
        repository = Arn("ecr", f"repository/{uri.repository}", account=uri.ecr.account)
        yield Image.DESCRIBE, (repository,)
        yield MANIFEST, (repository,)


def _items(spec: StackSpec) -> Iterator[Further]:
    """
    The lists of `Stack.map` that are too long for the environment of a job.
    """
    if spec.bucket is not None:
        objects = f"{spec.bucket.name}/{ITEMS}/*"
        yield PUT, (Arn("s3", objects, region=False, account=False),)


def _granted(aws: Aws, spec: StackSpec) -> Iterator[Further]:
    """
    The buckets and objects that `preflight` looks for, since grants name them.
    """
    for grant in flatten(spec.grants):
        for arn in grant.resources:
            call = looked_for(str(resolve(arn, aws.resolve)), grant.actions, own_names(spec))
            if call is not None:
                yield call


def _secrets(aws: Aws, spec: StackSpec) -> Iterator[Further]:
    """
    The secrets and parameters of the job.
    """
    for value_from in spec.secrets.values():
        secret = SecretArn.parse(value_from)
        if not is_here(aws, secret):
            continue
        if secret.service == "secretsmanager":
            names = [one.split(":", 5)[5] for one in secret.resources]
            yield DESCRIBE_SECRET, tuple(Arn("secretsmanager", name) for name in names)
        else:
            yield PARAMETERS, ()


def own_names(spec: StackSpec) -> set[str]:
    """
    The names of the stores that the stack makes itself.
    """
    return {one.name for one in (spec.bucket, spec.table) if one is not None}


def looked_for(arn: str, actions: Any, own: set[str]) -> Further | None:
    """
    What `preflight` asks S3 about *arn*, and the ARN that IAM is asked for.
    """
    if arn.split(":")[2:3] != ["s3"] or ":::" not in arn:
        return None
    path = arn.split(":::")[1]
    bucket, _, key = path.partition("/")
    if bucket in own or "*" in bucket:
        return None
    target = (Arn("s3", path, region=False, account=False),)
    if not key:
        return HEAD_BUCKET, target
    is_one = not any(sign in key for sign in "*?")
    return (HEAD_OBJECT, target) if "s3:GetObject" in actions and is_one else None
