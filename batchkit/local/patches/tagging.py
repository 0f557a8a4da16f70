"""
Patch for the tagging API: it finds resources of the services that moto leaves out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from moto.batch.models import batch_backends
from moto.core.resource_tagging import TaggedResource
from moto.ec2.models import ec2_backends
from moto.ecr.models import ecr_backends
from moto.resourcegroupstaggingapi import models
from moto.scheduler.models import scheduler_backends

from batchkit.local.patches.patch import Patches

PATCHES = Patches()


class MissingServices:
    """
    The tagged resources of Batch, ECR and Scheduler, and EC2's addresses, in one region.
    """

    def __init__(self, account: str, region: str) -> None:
        self._batch: Any = batch_backends[account][region]
        self._ecr: Any = ecr_backends[account][region]
        self._scheduler: Any = scheduler_backends[account][region]
        self._ec2: Any = ec2_backends[account][region]
        self._ec2_arn = f"arn:{self._ec2.partition}:ec2:{region}:{account}"

    def iter_tagged_resources(self) -> Iterator[TaggedResource]:
        """
        All of these resources, with their tags.
        """
        for table in ("_compute_environments", "_job_queues", "_job_definitions"):
            for arn in getattr(self._batch, table):
                yield self._tagged(arn, self._batch.tagger)
        for repository in self._ecr.repositories.values():
            yield self._tagged(repository.arn, self._ecr.tagger)
        for group in self._scheduler.schedule_groups.values():
            yield self._tagged(group.arn, self._scheduler.tagger)
        for address in self._ec2.addresses:
            tags = {tag["key"]: tag["value"] for tag in address.get_tags()}
            arn = f"{self._ec2_arn}:elastic-ip/{address.allocation_id}"
            yield TaggedResource(arn, tags, "ec2:elastic-ip")

    def _tagged(self, arn: str, tagger: Any) -> TaggedResource:
        _, _, service, _, _, resource = arn.split(":")[:6]
        resource_type = f"{service}:{resource.partition('/')[0]}"
        return TaggedResource(arn, tagger.get_tag_dict_for_resource(arn), resource_type)

    def owns_arn(self, _: str) -> bool:
        """
        False: TagResources and UntagResources go to the services themselves.
        """
        return False


@PATCHES(
    models,
    "iter_taggable_backends",
    reason="GetResources finds resources of Batch, ECR and Scheduler and elastic IPs by their "
    "tags, but moto leaves these services out",
)
def backends(original: Any, account_id: str, region_name: str) -> Iterator[Any]:
    yield from original(account_id, region_name)
    yield MissingServices(account_id, region_name)
