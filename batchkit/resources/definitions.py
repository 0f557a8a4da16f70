"""
Job definitions: what a job runs, with how much, and as whom.

Every registration makes a new revision, even one of the same content.  So everything that AWS fills
in, drops or reorders is brought to one form before comparing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from attrs import frozen

from batchkit._model import tags as _tags
from batchkit._model.calls import WAIT_STABLE, NotYet, Operation, Steps
from batchkit._model.checks import a_bool, as_tuple, checked, each, one_of, optional, text
from batchkit._model.properties import read_only
from batchkit._model.reader import Reader
from batchkit._model.resource import Resource
from batchkit._model.resource_base import Key
from batchkit._model.tags import tag_fields
from batchkit._model.users import Use
from batchkit._model.values import REGION, Arn, Ref
from batchkit.errors import Problem
from batchkit.resources.batch import NAME, PASS_ROLE, ROLE
from batchkit.resources.job_settings import JobSettings
from batchkit.resources.live_jobs import DESCRIBE_DEFINITIONS
from batchkit.resources.platforms import PLATFORMS, Platform, container_of, platform_of
from batchkit.resources.retries import retries_in, retry_strategy, rules_of
from batchkit.resources.revisions import Withdraw, newest_first

IMAGE = text(r"\S+", "an image URI")


def _on_its_platform(definition: Any) -> Iterator[Problem]:
    yield from PLATFORMS[definition.platform].problems(definition)


@frozen(kw_only=True)
class JobDefinition(JobSettings, Resource):
    """
    A container for jobs; its *arn* names the revision.

    Args:
        platform: The platform capability that its jobs need, such as FARGATE.
        image: The URI of the image.
        execution_role: The role of the agent, which pulls the image and writes the log.
        job_role: The role of the job.
        log_group: Where its log goes.
        public_ip: Whether a job gets a public address; a subnet without a NAT gateway needs it.
        reclaims: Status reasons of attempts whose capacity AWS has taken back, as patterns: such an
            attempt is followed by another whatever *attempts* is.
    """

    RULES = (*JobSettings.RULES, _on_its_platform)
    COMES_AFTER: ClassVar = ("LogGroup",)
    DESCRIBE: ClassVar = DESCRIBE_DEFINITIONS
    CREATE: ClassVar = Operation(
        "batch",
        "RegisterJobDefinition",
        ("batch:TagResource", "iam:PassRole"),
        not_yet=(PASS_ROLE, NotYet("ClientException", 30, "iam:passrole")),
        repeatable=False,  # the same request again registers another revision
    )
    TAG: ClassVar = Operation("batch", "TagResource")
    UNTAG: ClassVar = Operation("batch", "UntagResource")
    DELETE: ClassVar = Operation("batch", "DeregisterJobDefinition")
    KEPT: ClassVar = 3
    """How many revisions stay whoever works with them, the newest first."""

    name: str = checked(NAME)
    platform: str = checked(one_of(*PLATFORMS), default="FARGATE")
    image: str | Ref = checked(IMAGE, to="Image ImageReference")
    execution_role: str | Ref = checked(ROLE, to="Role")
    job_role: str | Ref | None = checked(optional(ROLE), to="Role", default=None)
    log_group: str | Ref = checked(text(r"\S+", "a log group's name"), default="/aws/batch/job")
    public_ip: bool = checked(a_bool(), default=False)
    reclaims: Sequence[str] = checked(
        # Batch takes five rules, one of which is for all other ends.
        each(text(r".{1,512}", "a pattern of reasons"), most=4),
        default=(),
        converter=as_tuple,
    )
    arn: str = read_only("jobDefinitionArn", regenerated=True)
    retries: Mapping[str, Any] = read_only()
    age: int = read_only()

    @classmethod
    def targets_of(cls, stack: str) -> tuple[str | Arn, ...]:
        name = f"job-definition/{stack}"
        return (Arn("batch", name), Arn("batch", f"{name}:*"))

    @classmethod
    def find(cls, stack: str, reader: Reader) -> Iterable[JobDefinition]:
        actual = next(cls._revisions(stack, stack, reader), None)
        if actual is not None and actual.owned:
            yield from cls._revisions(stack, stack, reader)

    def read(self, reader: Reader) -> JobDefinition | None:
        return next(self._revisions(self.name, self.stack, reader), None)

    @property
    def superseded(self) -> bool:
        return isinstance(self.age, int) and self.age > 0

    def stands_on(self) -> Iterator[Use]:
        # Each job says itself what its revision works with, which may be an older one.
        return iter(())

    def spared(self, renewed: Collection[Key]) -> bool:
        name = self.name.partition(":")[0]
        return self.superseded and self.age + ((self.type_name(), name) in renewed) < self.KEPT

    @classmethod
    def _revisions(cls, name: str, stack: str, reader: Reader) -> Iterator[JobDefinition]:
        """
        The revision that is used, and then each older one, which is called *name*:*revision*.
        """
        # A revision that was deregistered is INACTIVE, and returned for 180 days
        # (https://docs.aws.amazon.com/batch/latest/APIReference/API_DeregisterJobDefinition.html).
        active = reader(cls.DESCRIBE(jobDefinitionName=name, status="ACTIVE"))["jobDefinitions"]
        if not active:
            return
        ours = newest_first(active, _content)
        listed = {one["jobDefinitionArn"] for one in ours}
        # What is equal to the one that is used, and newer, a caller that crashed didn't withdraw.
        equal = [one for one in active if one["jobDefinitionArn"] not in listed]
        # Tags belong to a revision: one that was registered by hand has none of the stack's, and
        # the name is the stack's all the same.
        owners = [_tags.owner(_tags.parse(one.get("tags"))) for one in ours]
        owner = stack if stack in owners else owners[0]
        for age, one in (*enumerate(ours), *((cls.KEPT, one) for one in equal)):
            called = f"{name}:{one['revision']}" if age else name
            tags = {**tag_fields(one.get("tags"), name=called, stack=stack), "name": called}
            yield cls(
                **{**tags, "owner": owner},
                **_container(one),
                **retries_in(one.get("retryStrategy") or {}),
                timeout=(one.get("timeout") or {}).get("attemptDurationSeconds", 0),
                arn=one["jobDefinitionArn"],
                age=age,
            )

    def differs(self, name: str, actual: Any) -> bool:
        if name in self._platform.NOT_RETURNED:
            return False
        if name == "environment":
            # Batch drops variables whose value is empty.
            kept = {key: value for key, value in self.environment.items() if value}
            return bool(kept != actual.environment)
        if name == "reclaims" and actual.retries:  # rules of others, or of an older version
            own = retry_strategy(actual.attempts, actual.reclaims)
            return bool(rules_of(own) != rules_of(actual.retries)) or super().differs(name, actual)
        return super().differs(name, actual)

    def retries_of(self, attempts: int) -> dict[str, Any]:
        """
        The retry strategy of a submission that is tried *attempts* times, under the same rules.
        """
        own = retry_strategy(self.attempts, self.reclaims)
        if isinstance(self.retries, Mapping) and rules_of(self.retries) != rules_of(own):
            return {**self.retries, "attempts": attempts}
        return retry_strategy(attempts, self.reclaims)

    def create(self) -> Steps:
        envelope = self._platform.envelope(self)
        yield self.CREATE(
            jobDefinitionName=self.name,
            platformCapabilities=[self.platform],
            retryStrategy=retry_strategy(self.attempts, self.reclaims),
            timeout={"attemptDurationSeconds": self.timeout},
            propagateTags=True,
            tags=self.all_tags,
            **envelope.define(self._properties()),
        )
        yield Withdraw(self.DELETE, self.DESCRIBE, self.name, self.arn, _content)
        # Another caller may have registered a later revision meanwhile; the latest is used.
        yield WAIT_STABLE

    def update(self, actual: JobDefinition, drift: Collection[str]) -> Steps:
        if set(drift) == {"tags"}:
            tag = self.TAG(resourceArn=actual.arn, tags=self.all_tags)
            untag = self.UNTAG(resourceArn=actual.arn, tagKeys=self.left_out(actual))
            yield from self.retag(actual, tag, untag)
        else:
            yield from self.create()

    def delete(self) -> Steps:
        yield self.DELETE(jobDefinition=self.arn)  # jobs of it that run go on

    @property
    def _platform(self) -> Platform:
        return PLATFORMS[self.platform]

    def _properties(self) -> dict[str, Any]:
        # Sizes are texts in resourceRequirements, also those of vCPUs
        # (https://docs.aws.amazon.com/batch/latest/APIReference/API_ResourceRequirement.html).
        optional_ones = {
            "command": list(self.command),
            "jobRoleArn": self.job_role,
            "secrets": [{"name": k, "valueFrom": v} for k, v in self.secrets.items()],
        }
        return {
            "image": self.image,
            "executionRoleArn": self.execution_role,
            "resourceRequirements": required(self.vcpus, self.memory, self.gpus),
            "environment": [{"name": k, "value": v} for k, v in self.environment.items()],
            "logConfiguration": self._log_configuration(),
            **self._platform.container(self),
            **{name: value for name, value in optional_ones.items() if value},
        }

    def _log_configuration(self) -> dict[str, Any]:
        options = {
            "awslogs-group": self.log_group,
            "awslogs-region": REGION,
            "awslogs-stream-prefix": self.name,
        }
        return {"logDriver": "awslogs", "options": options}


def _content(revision: Mapping[str, Any]) -> list[Any]:
    """
    All of a revision but its number, in one form: AWS returns lists in any order.
    """
    retries = retries_in(revision.get("retryStrategy") or {})
    return [_container(revision), retries, revision.get("timeout"), revision.get("tags")]


def required(
    vcpus: float | None = None, memory: int | None = None, gpus: int | None = None
) -> list[dict[str, str]]:
    """
    The resource requirements for what is given; no GPUs are no requirement.
    """
    sizes = {
        "VCPU": None if vcpus is None else f"{vcpus:g}",
        "MEMORY": None if memory is None else str(memory),
        "GPU": str(gpus) if gpus else None,
    }
    return [{"type": type, "value": value} for type, value in sizes.items() if value is not None]


def _container(revision: Mapping[str, Any]) -> dict[str, Any]:
    """
    The fields that a revision's container gives, with AWS's defaults in place.
    """
    platform, properties = platform_of(revision), container_of(revision)
    sizes = {r["type"]: float(r["value"]) for r in properties.get("resourceRequirements", ())}
    logs = (properties.get("logConfiguration") or {}).get("options") or {}
    return {
        "platform": platform.WORD,
        "image": properties.get("image", ""),
        "vcpus": sizes.get("VCPU", 0),
        "memory": int(sizes.get("MEMORY", 0)),
        "gpus": int(sizes.get("GPU", 0)),
        "command": properties.get("command") or (),
        "environment": _pairs(properties.get("environment"), "value"),
        "secrets": _pairs(properties.get("secrets"), "valueFrom"),
        "execution_role": properties.get("executionRoleArn", ""),
        "job_role": properties.get("jobRoleArn") or None,
        "log_group": logs.get("awslogs-group", "/aws/batch/job"),
        **platform.read(properties),
    }


def _pairs(entries: Iterable[Mapping[str, str]] | None, value: str) -> dict[str, str]:
    return {entry["name"]: entry[value] for entry in entries or () if entry.get(value)}
