"""
Faults put in on purpose: errors, missing permissions, throttling, ambiguous answers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from botocore.exceptions import ReadTimeoutError

from ._rules import Refused, declare
from ._world import Call, World

declare(
    (7, "D", "any call may be throttled, up to eight times in a row"),
    (8, "D", "a call may take effect and yet be answered with a 5xx or not at all"),
)

# What IAM calls a service, where boto3 calls it otherwise.
SIGNING = {
    "stepfunctions": "states",
    "resourcegroupstaggingapi": "tag",
    "events": "events",
    "service-quotas": "servicequotas",
}
THROTTLED = {
    "ec2": ("RequestLimitExceeded", 503),
    "iam": ("Throttling", 400),
    "sts": ("Throttling", 400),
    "s3": ("SlowDown", 503),
    "batch": ("TooManyRequestsException", 429),
}
TAGGING = {"ec2": "ec2:CreateTags", "iam": "iam:TagRole"}
IN_A_ROW = 8

When = Callable[[dict[str, Any]], bool]


class Fault(NamedTuple):
    """
    What goes wrong with which calls; *left* counts down in a list of one.
    """

    service: str | None
    operation: str | None
    left: list[float]
    after_effect: bool
    when: When | None
    error: Callable[[Call], BaseException]
    rule: int | None = None

    def hits(self, call: Call) -> bool:
        """
        Whether this fault is for *call*.
        """
        if self.left[0] <= 0:
            return False
        if self.service not in (None, call.service):
            return False
        if self.operation not in (None, call.operation):
            return False
        return self.when is None or self.when(call.params)


class Faults:
    """
    The faults of one simulated AWS.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._faults: list[Fault] = []
        self._denied: set[str] = set()
        self._row = 0

    def add(self, fault: Fault) -> None:
        """
        Have a fault happen from now on.
        """
        self._faults.append(fault)

    def deny(self, action: str) -> None:
        """
        Take the permission for *action* (`iam:PassRole`) away.
        """
        self._denied.add(action)

    def allow(self, action: str) -> None:
        """
        Give the permission for *action* back.
        """
        self._denied.discard(action)

    def denies(self, action: str) -> bool:
        """
        Whether the permission for *action* was taken away.
        """
        return action in self._denied

    def clear(self) -> None:
        """
        Have nothing go wrong any more.
        """
        self._faults.clear()
        self._denied.clear()

    def before(self, call: Call) -> None:
        """
        Fail *call* if it shall fail without effect.
        """
        for action in sorted(actions(call) & self._denied):
            raise denied(call, action)
        self._maybe_throttle(call)
        self._strike(call, after_effect=False)

    def after(self, call: Call) -> None:
        """
        Fail *call* if it shall fail although it took effect.
        """
        self._strike(call, after_effect=True)

    def _strike(self, call: Call, after_effect: bool) -> None:
        for fault in self._faults:
            if fault.after_effect == after_effect and fault.hits(call):
                fault.left[0] -= 1
                if fault.rule is None or self._world.hit(fault.rule):
                    raise fault.error(call)

    def _maybe_throttle(self, call: Call) -> None:
        throttled = self._world.profile == "throttled" and self._row < IN_A_ROW
        if throttled and self._world.rng.random() < 0.2 and self._world.hit(7):
            self._row += 1
            raise throttle_error(call)
        self._row = 0


def throttle_error(call: Call) -> Refused:
    """
    What the service of *call* says when it is asked too often.
    """
    code, status = THROTTLED.get(call.service, ("ThrottlingException", 400))
    return Refused(code, "Rate exceeded", status)


def ambiguous_error(kind: str) -> Callable[[Call], BaseException]:
    """
    A lost answer: a *kind* of `timeout`, or `5xx`.
    """

    def error(call: Call) -> BaseException:
        if kind == "timeout":
            return ReadTimeoutError(endpoint_url=f"https://{call.service}.strict.invalid/")
        code = "ServiceUnavailable" if call.service == "ec2" else "InternalFailure"
        return Refused(code, "The service is unavailable.", 503)

    return error


def denied(call: Call, action: str, resource: str = "*") -> Refused:
    """
    What the service of *call* says when the permission for *action* is missing.
    """
    arn = f"arn:{call.world.partition}:iam::{call.world.account}:user/strict"
    message = (
        f"User: {arn} is not authorized to perform: {action} on resource: {resource} "
        f"because no identity-based policy allows the {action} action"
    )
    if call.service == "ec2":
        return Refused("UnauthorizedOperation", f"You are not authorized. {message}", 403)
    plain = call.service in {"iam", "s3", "sts"}
    return Refused("AccessDenied" if plain else "AccessDeniedException", message, 403)


def actions(call: Call) -> set[str]:
    """
    The permissions that *call* needs.
    """
    prefix = SIGNING.get(call.service, call.service)
    wanted = {f"{prefix}:{call.operation}"} | S3_ACTIONS.get(call.operation, set())
    if call.operation == "HeadBucket":
        wanted = {"s3:ListBucket"}
    if _tagged(call):
        wanted.add(TAGGING.get(prefix, f"{prefix}:TagResource"))
    if roles_passed(call):
        wanted.add("iam:PassRole")
    return wanted


S3_ACTIONS = {
    "ListObjectVersions": {"s3:ListBucketVersions"},
    "DeleteObjects": {"s3:DeleteObject", "s3:DeleteObjectVersion"},
    "GetPublicAccessBlock": {"s3:GetBucketPublicAccessBlock"},
    "PutPublicAccessBlock": {"s3:PutBucketPublicAccessBlock"},
}


def _tagged(call: Call) -> bool:
    keys = ("Tags", "tags", "TagSpecifications")
    return call.operation.startswith(("Create", "Register", "Allocate")) and any(
        call.params.get(key) for key in keys
    )


PASSING = {
    "CreateComputeEnvironment",
    "UpdateComputeEnvironment",
    "RegisterJobDefinition",
    "CreateStateMachine",
    "UpdateStateMachine",
    "CreateSchedule",
    "UpdateSchedule",
}


def roles_passed(call: Call) -> list[str]:
    """
    The ARNs of the roles that *call* hands to a service.
    """
    if call.operation not in PASSING:
        return []
    container = call.params.get("containerProperties") or {}
    found = [
        call.params.get("serviceRole"),
        call.params.get("roleArn"),
        (call.params.get("Target") or {}).get("RoleArn"),
        container.get("jobRoleArn"),
        container.get("executionRoleArn"),
    ]
    return [arn for arn in found if arn and ":role/" in arn]
