"""
Job definitions: what a job runs, with how much, and as whom.

Every registration makes a new revision, also of the same content, so everything that AWS fills in,
drops or reorders is brought to one form before comparing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

from attrs import frozen

from batchkit._model import tags as _tags
from batchkit._model.calls import WAIT_STABLE, NotYet, Operation, Steps
from batchkit._model.checks import (
    ENVIRONMENT,
    SECRETS,
    Constraint,
    a_bool,
    as_dict,
    as_tuple,
    checked,
    each,
    instance,
    one_of,
    optional,
    text,
    whole,
)
from batchkit._model.resource import Reader, Resource, read_only
from batchkit._model.tags import tag_fields
from batchkit._model.values import REGION, Arn, Ref
from batchkit.errors import Problem
from batchkit.resources.batch import NAME, PASS_ROLE, ROLE

FARGATE_MEMORY: Final[Mapping[float, tuple[int, ...]]] = {
    0.25: (512, 1024, 2048),
    0.5: tuple(range(1024, 4096 + 1, 1024)),
    1: tuple(range(2048, 8192 + 1, 1024)),
    2: tuple(range(4096, 16384 + 1, 1024)),
    4: tuple(range(8192, 30720 + 1, 1024)),
    8: tuple(range(16384, 61440 + 1, 4096)),
    16: tuple(range(32768, 122880 + 1, 8192)),
}
"""
MiB that Fargate has for each number of vCPUs
(https://docs.aws.amazon.com/batch/latest/APIReference/API_ResourceRequirement.html).
"""

VCPUS = Constraint(
    "one of " + ", ".join(f"{v:g}" for v in FARGATE_MEMORY),
    lambda value: not isinstance(value, bool) and value in FARGATE_MEMORY,
)
TIMEOUT = whole(60, 14 * 86400, "seconds (Fargate ends a task after 14 days)")
ATTEMPTS = whole(1, 10)
ARCHITECTURE = one_of("X86_64", "ARM64")
STORAGE = optional(whole(21, 200, "GiB"))
IMAGE = text(r"\S+", "an image URI")
SPOT_RECLAIM: Final = "Your Spot Task was interrupted*"


def memory_problems(vcpus: float, memory: int) -> Iterator[Problem]:
    """
    What is wrong with *memory* beside *vcpus*.
    """
    sizes = FARGATE_MEMORY.get(vcpus) if isinstance(vcpus, (int, float)) else None
    if sizes and memory not in sizes:
        step = f", in steps of {sizes[1] - sizes[0]}" if len(sizes) > 3 else ""
        expects = f"with {vcpus:g} vCPU: {sizes[0]} to {sizes[-1]} MiB{step}"
        listed = f"with {vcpus:g} vCPU: {', '.join(map(str, sizes))} MiB"
        yield Problem("memory", memory, expects if step else listed)


@frozen(kw_only=True)
class JobDefinition(Resource):
    """
    A container on Fargate; its *arn* names the revision.

    Args:
        vcpus: vCPUs of a job.
        memory: MiB of a job; Fargate has certain sizes for each number of vCPUs.
        secrets: Environment names with the ARNs of secrets or parameters whose values they get.
        timeout: Seconds after which an attempt is ended.
        attempts: How often a job is tried.
        ephemeral_storage: GiB of disk; None for the 20 that come with it.
        public_ip: Whether a job gets a public address; a subnet without a NAT gateway needs it.
        retry_on_spot: Whether only a reclaim of Spot capacity counts as worth another attempt.
    """

    DESCRIBE: ClassVar = Operation("batch", "DescribeJobDefinitions", wide=True)
    CREATE: ClassVar = Operation(
        "batch",
        "RegisterJobDefinition",
        ("batch:TagResource", "iam:PassRole"),
        not_yet=(PASS_ROLE, NotYet("ClientException", 30, "iam:passrole")),
        repeatable=False,  # the same again is another revision
    )
    TAG: ClassVar = Operation("batch", "TagResource")
    DELETE: ClassVar = Operation("batch", "DeregisterJobDefinition")

    name: str = checked(NAME)
    image: str | Ref = checked(IMAGE)
    vcpus: float = checked(VCPUS, default=1)
    memory: int = checked(instance(int, expects="a whole number of MiB"), default=2048)
    command: Sequence[str] = checked(each(instance(str)), default=(), converter=as_tuple)
    environment: Mapping[str, str] = checked(ENVIRONMENT, factory=dict, converter=as_dict)
    secrets: Mapping[str, str] = checked(SECRETS, factory=dict, converter=as_dict)
    execution_role: str | Ref = checked(ROLE)
    job_role: str | Ref | None = checked(optional(ROLE), default=None)
    log_group: str | Ref = checked(text(r"\S+", "a log group's name"), default="/aws/batch/job")
    timeout: int = checked(TIMEOUT, default=3600)
    attempts: int = checked(ATTEMPTS, default=1)
    retry_on_spot: bool = checked(a_bool(), default=False)
    architecture: str = checked(ARCHITECTURE, default="X86_64")
    ephemeral_storage: int | None = checked(STORAGE, default=None)
    public_ip: bool = checked(a_bool(), default=False)
    arn: str = read_only("jobDefinitionArn", regenerated=True)
    revisions: tuple[str, ...] = read_only()

    def problems(self) -> Iterator[Problem]:
        yield from memory_problems(self.vcpus, self.memory)

    def targets(self) -> tuple[str | Arn, ...]:
        name = f"job-definition/{self.name}"
        return (Arn("batch", name), Arn("batch", f"{name}:*"))

    @classmethod
    def find(cls, stack: str, reader: Reader) -> Iterable[JobDefinition]:
        actual = cls._latest(stack, stack, reader)
        return [actual] if actual is not None and actual.owned else []

    def read(self, reader: Reader) -> JobDefinition | None:
        return self._latest(self.name, self.stack, reader)

    @classmethod
    def _latest(cls, name: str, stack: str, reader: Reader) -> JobDefinition | None:
        active = reader(cls.DESCRIBE(jobDefinitionName=name, status="ACTIVE"))["jobDefinitions"]
        if not active:
            return None
        ours = sorted(active, key=lambda one: -int(one["revision"]))
        # A revision registered by hand carries no tag; the name is the stack's all the same.
        owners = [_tags.owner(_tags.parse(one.get("tags"))) for one in ours]
        owner = stack if stack in owners else owners[0]
        return cls(
            **{**tag_fields(ours[0].get("tags"), name=name, stack=stack), "owner": owner},
            **_container(ours[0].get("containerProperties", {})),
            **_retries(ours[0].get("retryStrategy") or {}),
            timeout=(ours[0].get("timeout") or {}).get("attemptDurationSeconds", 0),
            arn=ours[0]["jobDefinitionArn"],
            revisions=tuple(one["jobDefinitionArn"] for one in ours),
        )

    def differs(self, name: str, actual: Any) -> bool:
        if name == "environment":  # AWS drops empty values
            return bool({k: v for k, v in self.environment.items() if v} != actual.environment)
        return super().differs(name, actual)

    def create(self) -> Steps:
        yield self.CREATE(
            jobDefinitionName=self.name,
            type="container",
            platformCapabilities=["FARGATE"],
            containerProperties=self._properties(),
            retryStrategy=self._retry(),
            timeout={"attemptDurationSeconds": self.timeout},
            propagateTags=True,
            tags=self.all_tags,
        )
        yield WAIT_STABLE  # another caller may have registered a later one; the latest is used

    def update(self, actual: JobDefinition, drift: Collection[str]) -> Steps:
        if set(drift) == {"tags"}:
            yield self.TAG(resourceArn=actual.arn, tags=self.all_tags)
        else:
            yield from self.create()

    def delete(self) -> Steps:
        for revision in self.revisions:
            yield self.DELETE(jobDefinition=revision)

    def _properties(self) -> dict[str, Any]:
        optional_ones = {
            "command": list(self.command),
            "jobRoleArn": self.job_role,
            "secrets": [{"name": k, "valueFrom": v} for k, v in self.secrets.items()],
            "ephemeralStorage": self.ephemeral_storage and {"sizeInGiB": self.ephemeral_storage},
        }
        return {
            "image": self.image,
            "executionRoleArn": self.execution_role,
            "resourceRequirements": [
                {"type": "VCPU", "value": f"{self.vcpus:g}"},
                {"type": "MEMORY", "value": str(self.memory)},
            ],
            "environment": [{"name": k, "value": v} for k, v in self.environment.items()],
            "fargatePlatformConfiguration": {"platformVersion": "LATEST"},
            "networkConfiguration": {"assignPublicIp": "ENABLED" if self.public_ip else "DISABLED"},
            "runtimePlatform": {
                "operatingSystemFamily": "LINUX",
                "cpuArchitecture": self.architecture,
            },
            "logConfiguration": {
                "logDriver": "awslogs",
                "options": {
                    "awslogs-group": self.log_group,
                    "awslogs-region": REGION,
                    "awslogs-stream-prefix": self.name,
                },
            },
            **{name: value for name, value in optional_ones.items() if value},
        }

    def _retry(self) -> dict[str, Any]:
        if not self.retry_on_spot:
            return {"attempts": self.attempts}
        rules = [
            {"onStatusReason": SPOT_RECLAIM, "action": "RETRY"},
            {"onReason": "*", "action": "EXIT"},
        ]
        return {"attempts": self.attempts, "evaluateOnExit": rules}


def _container(properties: Mapping[str, Any]) -> dict[str, Any]:
    """
    The fields that a revision's container gives, with AWS's defaults in place.
    """
    required = {r["type"]: float(r["value"]) for r in properties.get("resourceRequirements", ())}
    network = properties.get("networkConfiguration") or {}
    platform = properties.get("runtimePlatform") or {}
    logs = (properties.get("logConfiguration") or {}).get("options") or {}
    return {
        "image": properties.get("image", ""),
        "vcpus": required.get("VCPU", 0),
        "memory": int(required.get("MEMORY", 0)),
        "command": properties.get("command") or (),
        "environment": _pairs(properties.get("environment"), "value"),
        "secrets": _pairs(properties.get("secrets"), "valueFrom"),
        "execution_role": properties.get("executionRoleArn", ""),
        "job_role": properties.get("jobRoleArn") or None,
        "log_group": logs.get("awslogs-group", "/aws/batch/job"),
        "architecture": platform.get("cpuArchitecture") or "X86_64",
        "ephemeral_storage": (properties.get("ephemeralStorage") or {}).get("sizeInGiB"),
        "public_ip": network.get("assignPublicIp") == "ENABLED",
    }


def _pairs(entries: Iterable[Mapping[str, str]] | None, value: str) -> dict[str, str]:
    return {entry["name"]: entry[value] for entry in entries or () if entry.get(value)}


def _retries(strategy: Mapping[str, Any]) -> dict[str, Any]:
    rules = strategy.get("evaluateOnExit") or ()
    reclaim = any(rule.get("onStatusReason") == SPOT_RECLAIM for rule in rules)
    return {"attempts": strategy.get("attempts", 1), "retry_on_spot": reclaim}
