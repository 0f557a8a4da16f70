"""
What waits for a role that is seconds old, what to do where a zone lacks something, and when what
is broken is made anew.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from functools import singledispatch
from typing import Final
from urllib.parse import urlsplit

from batchkit._engine import reads as _reads
from batchkit._engine.aws import Aws
from batchkit._engine.outputs import Outputs
from batchkit._engine.zones import lacks_something
from batchkit._model.calls import Call, Operation
from batchkit._model.resource import Resource
from batchkit.errors import AwsError, BatchkitError, BrokenResource
from batchkit.events import Action, Event, Listener, Phase

SUBNETS: Final = Operation("ec2", "DescribeSubnets", wide=True)
RECOVERY: Final = 180.0
"""For how many seconds a failure that may pass is answered with another attempt."""
REMAKE: Final = 60.0
"""After how many seconds of failure what nothing uses is deleted, and made anew."""


@singledispatch
def eventual(session: object, endpoint: str) -> bool:
    """
    Whether IAM at *endpoint* takes seconds until everybody knows of a change, as no emulator does.
    Another type of session may register its own answer.
    """
    # An emulator has a port of its own; AWS's endpoints have none.
    return urlsplit(endpoint).port is None


class FreshRoles:
    """
    The roles that were made or changed a short while ago, and what waits for them.
    """

    def __init__(self, aws: Aws, emit: Listener) -> None:
        self._aws = aws
        self._emit = emit
        self._changed: dict[str, float] = {}
        self._lock = threading.Lock()

    def note(self, resource: Resource, outputs: Outputs) -> None:
        """
        *resource* was made or changed just now; that counts if it is a role.
        """
        if resource.assumed_by():
            with self._lock:
                arn = str(outputs.of(resource.key).get("arn"))
                self._changed[arn] = self._aws.clock.monotonic()

    def wait(self, resource: Resource, call: Call, action: Action) -> None:
        """
        The roles that *call* hands over are as old as its operation wants them to be.
        """
        given = {value for value in call.params.values() if isinstance(value, str)}
        with self._lock:
            latest = max((at for arn, at in self._changed.items() if arn in given), default=None)
        if latest is None or not call.operation.role_age:
            return
        if not eventual(self._aws.session, str(self._aws.client("iam").meta.endpoint_url)):
            return
        left = latest + call.operation.role_age - self._aws.clock.monotonic()
        if left > 0:
            state = "its role is seconds old, and can't be assumed everywhere yet"
            self._emit(Event(*resource.key, action, Phase.WAITING, state))
            self._aws.pause(left)


def advise_zones(aws: Aws, call: Call, error: AwsError) -> None:
    """
    *error* says which zones to name, if *call* asked for what isn't in the zone.
    """
    if not lacks_something(str(error)):
        return
    with suppress(BatchkitError):
        zone = str(aws.resolve(call.params.get("AvailabilityZone", "")))
        if subnet := call.params.get("SubnetId"):
            (found,) = aws.call(SUBNETS(SubnetIds=[subnet]))["Subnets"]
            zone = found["AvailabilityZone"]
        error.add_sentence(aws.zones.advice(zone))


def may_remake(aws: Aws, actual: Resource, action: Action) -> bool:
    """
    Whether a broken *actual* may be deleted and made anew: nothing uses it, and nothing runs on it.
    """
    return action is not Action.DELETE and _reads.is_idle(aws, actual)


def broken(aws: Aws, resource: Resource, actual: Resource) -> BrokenResource:
    """
    The error that says that *resource* has failed, and why.
    """
    error = BrokenResource(f"{resource} is {actual.state}: {actual.reason}")
    if lacks_something(actual.reason):
        error.add_sentence(aws.zones.advice(""))
    return error
