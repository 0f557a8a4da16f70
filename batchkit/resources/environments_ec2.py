"""
Compute environments of EC2 instances that Batch starts and ends, on demand or Spot.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from attrs import evolve, frozen

from batchkit._model.calls import WAIT_STABLE, Call, Steps
from batchkit._model.checks import (
    TAGS,
    a_bool,
    as_dict,
    as_set,
    checked,
    each,
    one_of,
    optional,
    text,
    whole,
)
from batchkit._model.properties import named
from batchkit._model.tags import NAME, OWNER, user_tags
from batchkit._model.users import Use
from batchkit._model.values import Ref
from batchkit.resources.ec2 import ID
from batchkit.resources.environment_base import EnvironmentBase
from batchkit.resources.families import EC2, SPOT, Family

TYPE = text(
    r"[a-z][a-z0-9-]*(\.[a-z0-9-]+)?|optimal|default_(x86_64|arm64)",
    "an instance type such as m6i.large, a family such as m6i, or default_x86_64 or default_arm64",
)
AMI = text(r"ami-[0-9a-f]{8,17}", "the id of an AMI")
KEEP_MINUTES = whole(20, 10080, "minutes")
KEY_PAIR = text(r"\S(.{0,253}\S)?", "the name of a key pair")
IMAGE_TYPES: Final = ("ECS_AL2023", "ECS_AL2023_NVIDIA")
"""
The AMIs of ECS with Amazon Linux 2023; with AL2, Batch makes no new environments
(https://docs.aws.amazon.com/batch/latest/userguide/batch-ami.html).
"""
_SCALING: Final = frozenset({"min_vcpus", "max_vcpus", "keep_minutes"})
_INFRASTRUCTURE: Final = {
    "spot": ("type", "allocationStrategy"),
    "types": ("instanceTypes",),
    "subnets": ("subnets",),
    "security_groups": ("securityGroupIds",),
    "instance_profile": ("instanceRole",),
    "launch_template": ("launchTemplate",),
    "image_type": ("ec2Configuration",),
    "ami": ("ec2Configuration",),
    "key_pair": ("ec2KeyPair",),
    "instance_tags": ("tags",),
}
"""What AWS calls the properties that other instances are started for."""
_LONGEST: Final = 7200
"""Minutes that Batch lets jobs run on beside an update of the infrastructure, at most."""


@frozen(kw_only=True)
class Ec2Environment(EnvironmentBase):
    """
    A compute environment of EC2 instances in these subnets.

    Whatever AWS would change by starting other instances is in the name, so that jobs on the old
    ones go on.

    Args:
        spot: Whether its capacity is Spot.
        types: Instance types, families of them, or the words that Batch has for its own choice.
        min_vcpus: vCPUs of the instances that it keeps while no job runs.
        max_vcpus: vCPUs that its instances may have together.
        keep_minutes: How long an instance stays after its last job; None for Batch's own choice.
        subnets: Where its instances are.
        security_groups: Their firewalls.
        instance_profile: The ARN of the profile that they have.
        launch_template: The id of the template that they are started with, in its version 1.
        image_type: Which of the AMIs of ECS they have; None for Batch's own choice.
        ami: An AMI in its place.
        key_pair: The key pair for SSH.
        instance_tags: Tags of the instances.
    """

    spot: bool = named(a_bool(), default=False)
    types: Sequence[str] = named(each(TYPE, least=1), converter=as_set)
    min_vcpus: int = checked(whole(0, 100_000), default=0)
    max_vcpus: int = checked(whole(1, 100_000), default=16)
    keep_minutes: int | None = checked(optional(KEEP_MINUTES), default=None)
    subnets: Sequence[str | Ref] = named(each(ID, least=1, most=16), to="Subnet", converter=as_set)
    security_groups: Sequence[str | Ref] = named(
        each(ID, least=1, most=5), to="SecurityGroup", converter=as_set
    )
    instance_profile: str | Ref = named(
        text(r"arn:.+:instance-profile/.+", "an instance profile's ARN"), to="InstanceProfile"
    )
    launch_template: str | Ref | None = named(
        optional(text(r"lt-\w+(:.+)?", "a launch template's id")), to="LaunchTemplate", default=None
    )
    image_type: str | None = named(optional(one_of(*IMAGE_TYPES)), default=None)
    ami: str | None = named(optional(AMI), default=None)
    key_pair: str | None = named(optional(KEY_PAIR), default=None)
    instance_tags: Mapping[str, str] = named(TAGS, factory=dict, converter=as_dict)

    @property
    def family(self) -> Family:
        """
        The family that it belongs to.
        """
        return SPOT if self.spot else EC2

    @classmethod
    def described_by(cls, answer: Mapping[str, Any]) -> bool:
        resources = answer.get("computeResources") or {}
        ours = resources.get("type") in (EC2.word, SPOT.word)
        return ours and not answer.get("eksConfiguration")

    @classmethod
    def fields_of(cls, answer: Mapping[str, Any]) -> dict[str, Any]:
        resources = answer.get("computeResources") or {}
        images = resources.get("ec2Configuration") or [{}]
        return {
            "spot": resources["type"] == SPOT.word,
            "types": resources.get("instanceTypes", ()),
            "min_vcpus": resources.get("minvCpus", 0),
            "max_vcpus": resources.get("maxvCpus", 0),
            "keep_minutes": _kept(resources),
            "subnets": resources.get("subnets", ()),
            "security_groups": resources.get("securityGroupIds", ()),
            "instance_profile": resources.get("instanceRole", ""),
            "launch_template": _template(resources),
            "image_type": images[0].get("imageType"),
            "ami": images[0].get("imageIdOverride") or resources.get("imageId") or None,
            "key_pair": resources.get("ec2KeyPair") or None,
            "instance_tags": user_tags(resources.get("tags") or {}),
        }

    def differs(self, name: str, actual: Any) -> bool:
        if name == "image_type" and self.image_type is None:
            return False  # Batch returns what it has chosen
        return super().differs(name, actual)

    def request(self) -> dict[str, Any]:
        given = {
            "launchTemplate": self.launch_template,
            "ec2Configuration": self.image_type or self.ami,
            "ec2KeyPair": self.key_pair,
        }
        left_out = {name for name, value in given.items() if not value}
        stated = {k: v for k, v in self._infrastructure().items() if k not in left_out}
        resources = {**stated, **self._scaling(self.keep_minutes is not None)}
        return {"type": "MANAGED", "computeResources": resources}

    def changes(self, drift: Collection[str]) -> dict[str, Any]:
        # An update must name a compute resource, whatever it changes.  Those of the infrastructure
        # end jobs after some time: the name keeps them apart, so that only what somebody has
        # changed by hand, or lost, comes to that
        # (https://docs.aws.amazon.com/batch/latest/userguide/infrastructure-updates.html).
        infrastructure = self._infrastructure()
        rebuilt = {key for name in drift for key in _INFRASTRUCTURE.get(name, ())}
        if not rebuilt:
            return {"computeResources": self._scaling("keep_minutes" in drift)}
        resources = {key: infrastructure[key] for key in sorted(rebuilt)}
        if _SCALING & set(drift):
            resources.update(self._scaling("keep_minutes" in drift))
        patient = {"terminateJobsOnUpdate": False, "jobExecutionTimeoutMinutes": _LONGEST}
        return {"computeResources": resources, "updatePolicy": patient}

    def before_delete(self) -> Steps:
        if self.enabled or self.min_vcpus:
            yield self._without_minimum(state="DISABLED")
            yield WAIT_STABLE

    def retire(self) -> Steps:
        # It stays ENABLED: a job may still wait for it in a queue that is no longer used.
        if self.min_vcpus:
            yield self._without_minimum()
            yield WAIT_STABLE

    def widened(self, actual: Ec2Environment, at_work: Collection[Use]) -> Ec2Environment:
        # A job that waits may need more vCPUs than there would be.
        return evolve(self, max_vcpus=max(self.max_vcpus, actual.max_vcpus))

    def _without_minimum(self, **changed: Any) -> Call:
        # Batch keeps minvCpus, and they cost, also while the environment is DISABLED
        # (https://docs.aws.amazon.com/batch/latest/APIReference/API_UpdateComputeEnvironment.html).
        resources = {"minvCpus": 0, "maxvCpus": self.max_vcpus}
        return self.DISABLE(computeEnvironment=self.name, computeResources=resources, **changed)

    def _scaling(self, delayed: bool) -> dict[str, Any]:
        """
        The compute resources that AWS changes without other instances.
        """
        delay = {"scalingPolicy": {"minScaleDownDelayMinutes": self.keep_minutes or 0}}
        return {
            "minvCpus": self.min_vcpus,
            "maxvCpus": self.max_vcpus,
            **(delay if delayed else {}),
        }

    def _infrastructure(self) -> dict[str, Any]:
        """
        The compute resources that other instances are started for; what is left out is empty.
        """
        # Without a strategy it would be BEST_FIT, with which AWS updates nothing in place
        # (https://docs.aws.amazon.com/batch/latest/userguide/allocation-strategies.html).
        strategy = "SPOT_PRICE_CAPACITY_OPTIMIZED" if self.spot else "BEST_FIT_PROGRESSIVE"
        image = {"imageType": self.image_type, "imageIdOverride": self.ami}
        images = {name: value for name, value in image.items() if value}
        version = "1" if self.launch_template else ""
        return {
            "type": self.family.word,
            "allocationStrategy": strategy,
            "instanceTypes": list(self.types),
            "subnets": list(self.subnets),
            "securityGroupIds": list(self.security_groups),
            "instanceRole": self.instance_profile,
            "tags": {OWNER: self.stack, NAME: self.name, **self.instance_tags},
            "launchTemplate": {"launchTemplateId": self.launch_template or "", "version": version},
            "ec2Configuration": [images] if images else [],
            "ec2KeyPair": self.key_pair or "",
        }


def _kept(resources: Mapping[str, Any]) -> int | None:
    """
    The minutes for which instances are kept; AWS returns 0 for none.
    """
    return (resources.get("scalingPolicy") or {}).get("minScaleDownDelayMinutes") or None


def _template(resources: Mapping[str, Any]) -> str | None:
    """
    The id of the launch template, with its version if that isn't 1.
    """
    template = resources.get("launchTemplate") or {}
    if not template:
        return None
    id = template.get("launchTemplateId") or template.get("launchTemplateName", "")
    version = str(template.get("version", "1"))
    return str(id) if version == "1" else f"{id}:{version}"
