"""
States that AWS takes its time over and an emulator doesn't: answers rewritten as if it did.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, field
from typing import Any, NamedTuple

BATCH = {
    "ComputeEnvironment": ("computeEnvironments", "computeEnvironmentName", "computeEnvironment"),
    "JobQueue": ("jobQueues", "jobQueueName", "jobQueue"),
}
ITEM = re.compile(r"<natGatewayId>(nat-\w+)</natGatewayId>")
STATUS = {"Create": "CREATING", "Update": "UPDATING", "Delete": "DELETING"}
STATE = re.compile(r"<state>(available|deleted)</state>")


@dataclass(frozen=True)
class Delays:
    """
    Seconds that AWS is busy with each; 0 for none.
    """

    nat_create: float = 0.0
    nat_delete: float = 0.0
    computeenvironment_create: float = 0.0
    computeenvironment_update: float = 0.0
    computeenvironment_delete: float = 0.0
    jobqueue_create: float = 0.0
    jobqueue_update: float = 0.0
    jobqueue_delete: float = 0.0
    table_create: float = 0.0

    def scaled(self, factor: float) -> Delays:
        """
        All of them times *factor*.
        """
        return Delays(**{name: seconds * factor for name, seconds in vars(self).items()})


FULL = Delays(100, 45, 15, 5, 15, 5, 5, 15, 8)
"""What a real account may take; assumed figures."""


class Busy(NamedTuple):
    """
    What AWS says of a resource until a time.
    """

    status: str
    until: float


@dataclass
class BusyResources:
    """
    Which resources are busy, by kind and name.
    """

    delays: Delays = Delays()
    busy: dict[tuple[str, str], Busy] = field(default_factory=dict)
    last: dict[tuple[str, str], Any] = field(default_factory=dict)

    def rewrite(self, op: str, request: bytes, answer: bytes) -> bytes:
        """
        *answer* as AWS would give it while it is busy.
        """
        service, name = op.split(":")
        if service == "ec2" and name.endswith(("NatGateway", "NatGateways")):
            return self._nat(name, answer.decode()).encode()
        if service == "batch" and name.endswith((*BATCH, "ComputeEnvironments", "JobQueues")):
            return self._batch(name, request, answer)
        if op in ("dynamodb:CreateTable", "dynamodb:DescribeTable"):
            return self._table(name, answer)
        return answer

    def status(self, kind: str, name: str) -> str:
        """
        What it is busy with, or an empty text.
        """
        status, until = self.busy.get((kind, name), Busy("", 0.0))
        return status if time.monotonic() < until else ""

    def _begin(self, kind: str, name: str, status: str, seconds: float) -> None:
        self.busy[kind, name] = Busy(status, time.monotonic() + seconds)

    def _nat(self, op: str, answer: str) -> str:
        found = ITEM.findall(answer)
        if op == "CreateNatGateway":
            self._begin("nat", found[0], "pending", self.delays.nat_create)
        elif op == "DeleteNatGateway":
            self._begin("nat", found[0], "deleting", self.delays.nat_delete)
        pieces = ITEM.split(answer)  # text, id, text, id, ...: the state stands before or behind
        if len(found) == 1:
            return self._nat_state(answer, found[0])
        for at in range(1, len(pieces), 2):
            pieces[at + 1] = self._nat_state(pieces[at + 1], pieces[at])
            pieces[at] = f"<natGatewayId>{pieces[at]}</natGatewayId>"
        return "".join(pieces)

    def _nat_state(self, text: str, nat: str) -> str:
        status = self.status("nat", nat)
        return STATE.sub(f"<state>{status}</state>", text) if status else text

    def _batch(self, op: str, request: bytes, answer: bytes) -> bytes:
        kind = next(kind for kind in BATCH if kind in op)
        listed, named, parameter = BATCH[kind]
        if op.startswith("Describe"):
            return self._described(kind, listed, named, answer)
        asked = json.loads(request)
        name = str(asked.get(named) or asked[parameter]).rpartition("/")[2]
        verb = op.removesuffix(kind)
        self._begin(kind, name, STATUS[verb], getattr(self.delays, f"{kind}_{verb}".lower()))
        return answer

    def _described(self, kind: str, listed: str, named: str, answer: bytes) -> bytes:
        body = json.loads(answer)
        there = {one[named]: one for one in body[listed]}
        for name, one in there.items():
            self.last[kind, name] = dict(one)
        gone = [name for of, name in self.last if of == kind and name not in there]
        for name in gone:
            if self.status(kind, name):
                there[name] = self.last[kind, name]
        for name, one in there.items():
            one["status"] = self.status(kind, name) or one["status"]
        return json.dumps({**body, listed: list(there.values())}).encode()

    def _table(self, op: str, answer: bytes) -> bytes:
        body = json.loads(answer)
        told = body.get("TableDescription" if op == "CreateTable" else "Table")
        if told is not None:
            if op == "CreateTable":
                self._begin("table", told["TableName"], "CREATING", self.delays.table_create)
            told["TableStatus"] = self.status("table", told["TableName"]) or told["TableStatus"]
        return json.dumps(body).encode()
