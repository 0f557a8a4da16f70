"""
The image of a stack: built from a folder, found in ECR, or anywhere else.
"""

from __future__ import annotations

from collections.abc import Callable

from batchkit._model.resource import Resource
from batchkit._model.values import Ref
from batchkit._parts import Ground
from batchkit.resources.ecr import Repository
from batchkit.resources.image import PLATFORMS, Image, ImageSource
from batchkit.resources.image_reference import ImageReference, is_tag_in_ecr
from batchkit.spec import StackSpec


def image_of(
    spec: StackSpec, ground: Ground, tagger: Callable[[ImageSource, str], str]
) -> tuple[str | Ref, list[Resource]]:
    """
    The image as the job definition names it, and the resources that it needs.
    """
    if isinstance(spec.image, ImageSource):
        return _built(spec, spec.image, ground, tagger)
    if not is_tag_in_ecr(spec.image, ground.region):
        return spec.image, []
    reference = ImageReference(name=spec.image, stack=ground.stack)
    return reference.uri, [reference]


def _built(
    spec: StackSpec,
    source: ImageSource,
    ground: Ground,
    tagger: Callable[[ImageSource, str], str],
) -> tuple[str | Ref, list[Resource]]:
    platform = PLATFORMS[spec.architecture]
    repository = Repository(name=ground.stack, **ground.common)
    image = Image(
        name=repository.name,
        repository=repository.uri,
        source=source,
        platform=platform,
        tag=tagger(source, platform),
        stack=ground.stack,
    )
    return image.uri, [repository, image]
