"""
The only client of AWS: connections, retries, paging, and errors that a user can act on.

Every boto3 client comes from the caller's session.  botocore's own retries are off: it repeats
creates blindly after a time-out, and EC2 would make a second VPC.  Here a call is repeated only if
that does no harm (`patience.py`); otherwise `Ambiguous` makes the engine read before it creates
again.
"""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import boto3
import jmespath
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoRegionError
from botocore.model import OperationModel
from botocore.parsers import ResponseParserError

from batchkit._engine import failures as _failures
from batchkit._engine.partial import refuse_partial_success
from batchkit._engine.patience import Patience
from batchkit._engine.session import new_session
from batchkit._engine.zones import Zones
from batchkit._model.calls import Call, ForEach, Operation
from batchkit._model.confidential import hide
from batchkit._model.signals import Cancelled
from batchkit._model.values import ITEM, LOCATION, OMIT, Arn, Here, Scope, Zone, resolve
from batchkit._version import VERSION
from batchkit.clock import Clock, SystemClock
from batchkit.errors import StillWaiting

IDENTITY: Final = Operation("sts", "GetCallerIdentity", wide=True)
# It lists local zones and Wavelength zones as well, so it is called with filters
# (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeAvailabilityZones.html).
ZONES: Final = Operation("ec2", "DescribeAvailabilityZones", wide=True)
CONFIG: Final = Config(
    # One attempt: `Patience` decides about the others.
    retries={"mode": "standard", "total_max_attempts": 1},
    max_pool_connections=32,
    connect_timeout=10,
    read_timeout=60,
    user_agent_extra=f"batchkit/{VERSION}",
)


class Aws:
    """
    An account and region, as the caller's *session* reaches it.
    """

    def __init__(
        self,
        session: boto3.Session | None = None,
        clock: Clock | None = None,
        timeout: float | None = None,
    ) -> None:
        self.session = session or boto3.DEFAULT_SESSION or new_session()
        self.clock: Clock = clock or SystemClock()
        self._end = None if timeout is None else self.clock.monotonic() + timeout
        self.stopped = threading.Event()
        self._clients: dict[str, Any] = {}
        self._clients_lock = threading.RLock()
        self._scope_lock = threading.Lock()
        self._zones_lock = threading.Lock()
        self._scope: Scope | None = None
        self._zones: Zones | None = None

    def client(self, service: str) -> Any:
        """
        The client of *service*, made once.
        """
        # A client may be shared between threads; a session that makes one may not
        # (https://boto3.amazonaws.com/v1/documentation/api/latest/guide/session.html).
        with self._clients_lock:
            if service not in self._clients:
                self._clients[service] = self._connect(service)
            return self._clients[service]

    def _connect(self, service: str) -> Any:
        try:
            client = self.session.client(service, config=CONFIG)  # type: ignore[call-overload]
        except BotoCoreError as error:
            raise _failures.unreachable(service, error) from error
        client.meta.events.register("before-parse", _refuse_cut_off_json)
        client.meta.events.register("after-call", refuse_partial_success)
        return client

    @property
    def region(self) -> str:
        """
        The region that the session's clients call.
        """
        # STS has a global endpoint, so its client would answer without a region, too.
        if self.session.region_name is None:
            raise _failures.unreachable("sts", NoRegionError())
        return str(self.client("sts").meta.region_name)

    @property
    def partition(self) -> str:
        """
        The partition of the region, such as `aws` or `aws-cn`.
        """
        return str(self.client("sts").meta.partition)

    @property
    def scope(self) -> Scope:
        """
        The partition, region and account; asks for the account once.
        """
        with self._scope_lock:
            if self._scope is None:
                account = self.call(IDENTITY())["Account"]
                self._scope = Scope(self.partition, self.region, account)
            return self._scope

    @property
    def zones(self) -> Zones:
        """
        The availability zones of the region; asks for them once.
        """
        with self._zones_lock:
            if self._zones is None:
                filters = {"state": "available", "zone-type": "availability-zone"}
                listed = [{"Name": name, "Values": [value]} for name, value in filters.items()]
                self._zones = Zones(self.region, self.call(ZONES(Filters=listed)))
            return self._zones

    def resolve(self, placeholder: Any) -> Any:
        """
        The value of a placeholder that the account and region give; others as they are.
        """
        if isinstance(placeholder, Arn):
            return self.scope.arn(placeholder)
        if placeholder == LOCATION:
            # S3 refuses a LocationConstraint of us-east-1, and demands one everywhere else
            # (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html).
            return OMIT if self.region == "us-east-1" else self.region
        if isinstance(placeholder, Here) and placeholder != ITEM:
            return getattr(self.scope, placeholder.fact)
        if isinstance(placeholder, Zone):
            return self.zones.find(placeholder.wanted).name
        return placeholder

    def without_deadline(self) -> Aws:
        """
        The same account and region, by the same clients, with all the time that it takes.
        """
        patient = copy.copy(self)
        patient._end = None
        return patient

    def pause(self, seconds: float) -> None:
        """
        Lets *seconds* pass, unless everything is to stop.

        Raises:
            StillWaiting: The time for everything is over.
        """
        self.check()
        if self._end is not None and self.clock.monotonic() + seconds > self._end:
            raise StillWaiting("the time given for everything is over; run it again to go on")
        self.clock.sleep(seconds)
        self.check()

    def check(self) -> None:
        """
        Raises `Cancelled` if nothing new may be begun.
        """
        if self.stopped.is_set():
            raise Cancelled("stopped")

    def call(
        self, call: Call, resource: str = "", meanwhile: Callable[[], object] | None = None
    ) -> Any:
        """
        The answer of *call*, or None if its operation says that the error means absent.

        Before each pause between two attempts, *meanwhile* is called.

        Raises:
            AlreadyThere: The operation says that the error means that the resource exists.
            Ambiguous: The call may have taken effect and must not be repeated blindly.
            AwsError: Anything else.
        """
        given, call = call, Call(call.operation, resolve(call.params, self.resolve))
        patience = Patience(call.operation, self.clock)
        while True:
            try:
                return self._once(call)
            except (ClientError, BotoCoreError, ResponseParserError) as error:
                if _means(call.operation.absent, error):
                    return None
                if _means(call.operation.unset, error):
                    return {}
                seconds = patience.pause_after(error)
                if seconds is None:
                    raise _failures.translate(given, error, resource) from error
                if meanwhile is not None:
                    meanwhile()
                self._pause_after(given, error, seconds)

    def _pause_after(self, call: Call, error: Exception, seconds: float) -> None:
        try:
            self.pause(seconds)
        except StillWaiting as over:
            msg = (
                f"{over}; the last answer to {call.operation} was: {hide(str(error), call.params)}"
            )
            raise StillWaiting(msg) from error

    def _once(self, call: Call) -> Any:
        client = self.client(call.operation.service)
        method = call.operation.method
        if call.operation.reads and client.can_paginate(method):
            return client.get_paginator(method).paginate(**call.params).build_full_result()
        return getattr(client, method)(**call.params)

    def each(self, step: ForEach, resource: str = "") -> Iterator[Call]:
        """
        The calls that a `ForEach` stands for now.
        """
        answer = self.call(step.listing, resource)
        items = jmespath.search(step.path, answer) or []
        size = step.batch or 1
        for start in range(0, len(items), size):
            item = items[start : start + size] if step.batch else items[start]
            yield _with_item(step.then, item)


def _refuse_cut_off_json(
    operation_model: OperationModel, response_dict: Mapping[str, Any], **_: object
) -> None:
    """
    Raises an error for a body that should be JSON and isn't.
    """
    # botocore takes a body that it can't parse for an empty answer, which would read like "nothing
    # is there" and be followed by a create.
    body, shape = response_dict["body"], operation_model.output_shape
    expected = body or (shape is not None and shape.members)
    is_json = "json" in operation_model.service_model.resolved_protocol
    if is_json and expected and isinstance(body, bytes) and response_dict["status_code"] < 300:
        try:
            json.loads(body)
        except ValueError as error:
            raise ResponseParserError(f"the answer was cut off: {error}") from error


def _with_item(call: Call, item: Any) -> Call:
    return resolve(call, lambda placeholder: item if placeholder == ITEM else placeholder)


def _means(codes: tuple[str, ...], error: Exception) -> bool:
    return isinstance(error, ClientError) and _failures.means(codes, error)
