"""
Pushes that succeed, some after retries, on a fake of docker-py.
"""

from __future__ import annotations

import pytest

from batchkit._docker.push import BACKOFF, LayerProgress
from batchkit.errors import PushFailed
from docker_lab import (
    DIGEST,
    GOOD,
    IMAGE,
    PASSWORD,
    REPOSITORY,
    FakeDocker,
    Script,
    error,
    pushed,
)
from fakes import FakeClock


def test_a_push_tags_the_image_and_gives_its_digest() -> None:
    """
    The digest is the registry's; the password is sent with this push only.
    """
    docker = FakeDocker([GOOD])
    assert pushed(docker) == DIGEST
    assert docker.calls == [
        ("tag", {"image": IMAGE, "name": f"{REPOSITORY}:v1"}),
        (
            "push",
            {
                "repository": REPOSITORY,
                "tag": "v1",
                "stream": True,
                "decode": True,
                "auth_config": {"username": "AWS", "password": PASSWORD},
            },
        ),
    ]


def test_progress_is_told_layer_by_layer() -> None:
    """
    Events of a layer are progress, including "Retrying"; other events are not.
    """
    layers: list[LayerProgress] = []
    events = [
        {"status": "The push refers to repository [x]"},
        {"status": "Preparing", "progressDetail": {}, "id": "a"},
        {"status": "Pushing", "progressDetail": {"current": 5, "total": 9}, "id": "a"},
        {"status": "Pushing", "progressDetail": {"current": 7}, "id": "b"},
        {"status": "Retrying in 5 seconds", "id": "b"},
    ]
    pushed(FakeDocker([events + GOOD]), on_layer=layers.append)
    assert layers == [
        LayerProgress("a", "Preparing"),
        LayerProgress("a", "Pushing", 5, 9),
        LayerProgress("b", "Pushing", 7, 0),
        LayerProgress("b", "Retrying in 5 seconds"),
    ]


def test_a_digest_that_was_not_told_is_looked_up() -> None:
    """
    If no event has the digest, the daemon's description has it.
    """
    actual = {"RepoDigests": [f"other/repo@{IMAGE}", f"{REPOSITORY}@{DIGEST}"]}
    docker = FakeDocker([[{"aux": {"manifestPushedInsteadOfIndex": True}}, {"aux": "text"}]])
    docker.images[f"{REPOSITORY}:v1"] = actual
    assert pushed(docker) == DIGEST


@pytest.mark.parametrize("events", [[], [{"status": "x", "id": "a"}]])
def test_a_push_without_a_digest_failed(events: Script) -> None:
    """
    A stream that ends without a digest is a failure.
    """
    with pytest.raises(PushFailed, match="ended without a digest"):
        pushed(FakeDocker([events]))


def test_an_expired_token_is_replaced_once() -> None:
    """
    The push is repeated with the token of a second call; a second refusal is a failure.
    """
    expired = [error("denied: Your authorization token has expired. Reauthenticate and try again.")]
    fresh = iter(["first-token", "second-token"])
    docker = FakeDocker([expired, GOOD])
    assert pushed(docker, auth=lambda: ("AWS", next(fresh))) == DIGEST
    used = [options["auth_config"]["password"] for name, options in docker.calls if name == "push"]
    assert used == ["first-token", "second-token"]
    with pytest.raises(PushFailed) as caught:
        pushed(FakeDocker([expired, expired]))
    assert caught.value.reason == "TokenExpired"


def test_a_throttled_push_waits_and_goes_on() -> None:
    """
    Each wait is longer than the one before; after the last wait the push fails.
    """
    throttled = [error("toomanyrequests: Rate exceeded")]
    clock = FakeClock()
    assert pushed(FakeDocker([throttled, throttled, GOOD]), clock) == DIGEST
    assert clock.sleeps == list(BACKOFF[:2])
    clock = FakeClock()
    with pytest.raises(PushFailed) as caught:
        pushed(FakeDocker([throttled] * 9), clock)
    assert (caught.value.reason, clock.sleeps) == ("Throttled", list(BACKOFF))


def test_no_wait_goes_past_the_deadline() -> None:
    """
    A push whose next attempt would be after the deadline fails at once.
    """
    clock = FakeClock()
    with pytest.raises(PushFailed):
        pushed(FakeDocker([[error("Too Many Requests")]] * 9), clock, deadline=2.5)
    assert clock.sleeps == [1.0]
