"""
Child processes against an AWS over HTTP, with a proxy between that loses, delays and garbles.

What they make at once, in spite of it, or until they are killed is asserted only at the end: one of
each, and nothing after a teardown.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from account_fixture import AccountFixture
from inventory import furnish, inventory
from serving import Handler, LoopbackServer, serving

ROOT = Path(__file__).parents[2]
CHILD = """
import json, sys, time
from batchkit import BatchkitError, StackSpec, destroy_stack, ensure_stack

class Fast:  # a minute of waiting takes six seconds
    def monotonic(self): return time.monotonic() * 10
    def sleep(self, seconds): time.sleep(seconds / 10)

spec = StackSpec(**json.loads(sys.argv[2]))
try:
    if sys.argv[1] == "ensure":
        plan = ensure_stack(spec, clock=Fast()).plan
        print("nothing" if plan.empty else "done")
    else:
        destroy_stack(spec, clock=Fast(), delete_data=True)
        print("done")
except BatchkitError as error:
    print(type(error).__name__, error)
    sys.exit(3)
"""
SPEC = {
    "name": "movies",
    "image": "alpine:3",
    "schedule": "rate(1 day)",
    "table": "movies-seen",
    "bucket": "movies-kept-here",
    "tags": {"team": "data"},
}
ONE_EACH = {
    **{"vpcs": 1, "subnets": 2, "groups": 2, "gateways": 1, "addresses": 1, "tables": 3, "nats": 1},
    **{"environments": 1, "queues": 1, "machines": 1, "schedules": 1, "schedule groups": 1},
    **{"repositories": 0, "dynamodb": 1, "buckets": 1, "roles": 5},
}
Strike = Callable[[int], str]


def no_fault(number: int) -> str:
    return ""


class StrikingProxy(LoopbackServer):
    """
    Passes requests on, or does to the *n*-th what *strike* says of it.
    """

    def __init__(self, upstream: str) -> None:
        super().__init__(Passage)
        self.upstream = urlsplit(upstream).netloc
        self.strike: Strike = no_fault
        self.reached = threading.Event()
        self._count = 0
        self._lock = threading.Lock()

    def begin(self, strike: Strike) -> None:
        self.strike = strike
        self.reached.clear()
        self._count = 0

    def next_fault(self) -> str:
        with self._lock:
            self._count += 1
            return self.strike(self._count)


class Passage(Handler):
    """
    One connection through the proxy.
    """

    server: StrikingProxy

    def pass_on(self) -> None:
        body = self.body()
        problem = self.server.next_fault()
        if problem == "hold":  # its caller is killed meanwhile
            self._upstream(body)
            self.server.reached.set()
        if problem in ("hold", "lost before"):
            self.close_connection = True
            return
        answer = (503, b"no") if problem == "refused" else self._upstream(body)
        if problem == "lost after":
            self.close_connection = True
        else:
            self._answer(problem, *answer)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = pass_on

    def _upstream(self, body: bytes) -> Any:
        given = {k: v for k, v in self.headers.items() if k.lower() != "transfer-encoding"}
        with closing(HTTPConnection(self.server.upstream)) as way:
            way.request(self.command, self.path, body, given)
            answer = way.getresponse()
            return answer.status, answer.read(), answer.headers

    def _answer(self, problem: str, status: int, body: bytes, headers: Any = None) -> None:
        self.send_response(502 if problem == "page" else status)
        for name, value in (headers or {}).items():
            if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                self.send_header(name, value)
        body = {"cut": body[: len(body) // 2], "page": b"<html>Bad gateway</html>"}.get(
            problem, body
        )
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


FAULTS = ("refused", "lost before", "lost after", "cut", "page")


def now_and_then(seed: int) -> Strike:
    """
    About one request of twelve meets with a fault.
    """
    chance = random.Random(seed)

    def strike(number: int) -> str:
        return chance.choice(FAULTS) if chance.random() < 0.08 else ""

    return strike


class ProxiedAccount:
    """
    An account with things of others, reached through a proxy.
    """

    def __init__(self, there: AccountFixture, proxy: StrikingProxy) -> None:
        self.exists = there
        self.proxy = proxy
        furnish(there)
        self.before = inventory(there)

    def start(self, verb: str, **changed: Any) -> subprocess.Popen[str]:
        given = {
            **os.environ,
            "AWS_ENDPOINT_URL": f"http://{self.proxy.address}",
            "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "none",
            "AWS_DEFAULT_REGION": "us-east-1",
            "PYTHONPATH": str(ROOT),
        }
        command = [sys.executable, "-c", CHILD, verb, json.dumps({**SPEC, **changed})]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=given, stdout=pipe, stderr=pipe, text=True)

    def run(self, verb: str) -> str:
        said = self.end(self.start(verb))
        assert said in ("done", "nothing"), said
        return said

    def end(self, child: subprocess.Popen[str]) -> str:
        """
        What *child* says: that it is done, or one error of batchkit's.
        """
        out, err = child.communicate(timeout=50)
        assert child.returncode in (0, 3) and not err, f"{out}{err}"
        return out.strip()

    def kill(self, verb: str, number: int) -> None:
        """
        Kills a process whose request *number* has taken effect and isn't answered.
        """
        self.proxy.begin(lambda n: "hold" if n == number else "")
        child = self.start(verb)
        while child.poll() is None and not self.proxy.reached.wait(0.1):
            pass
        child.kill()
        child.communicate()

    def check(self) -> None:
        """
        One clean run, and there is one of each; another changes nothing; a teardown leaves nothing.
        """
        self.proxy.begin(no_fault)
        self.run("ensure")
        now = self.counted()
        assert {sort: now[sort] - n for sort, n in self.counted(self.before).items()} == ONE_EACH
        assert self.run("ensure") == "nothing"
        self.run("destroy")
        assert inventory(self.exists) == self.before

    def counted(self, actual: dict[str, Any] | None = None) -> dict[str, int]:
        actual = actual or inventory(self.exists)
        roles = {"roles": [name for name, one in actual.items() if "RoleName" in one]}
        return {sort: len({**actual, **roles}[sort]) for sort in ONE_EACH}


@pytest.fixture
def lab(there: AccountFixture) -> Iterator[ProxiedAccount]:
    with serving(StrikingProxy(there.session.endpoint_url)) as proxy:
        yield ProxiedAccount(there, proxy)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_network_that_loses_one_request_of_twelve(seed: int, lab: ProxiedAccount) -> None:
    """
    A run succeeds or says what failed; a later one has one of each, and a teardown leaves nothing.
    """
    for verb in ("ensure", "destroy"):
        lab.proxy.begin(now_and_then(seed))
        lab.end(lab.start(verb))
    lab.check()


@pytest.mark.parametrize(("making", "destroying"), [(60, 30), (85, 50)])
def test_processes_that_are_killed(making: int, destroying: int, lab: ProxiedAccount) -> None:
    """
    In the middle of making it and in the middle of taking it down.
    """
    lab.kill("ensure", making)
    lab.kill("destroy", destroying)
    lab.check()


def test_two_processes_at_once(lab: ProxiedAccount) -> None:
    """
    Both make it, with different settings; later both destroy it.
    """
    lab.proxy.begin(no_fault)
    for verb, changed in (("ensure", {"priority": 7}), ("destroy", {})):
        for child in [lab.start(verb), lab.start(verb, **changed)]:
            lab.end(child)
    lab.check()
