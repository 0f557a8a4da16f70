"""
The fake registry, which needs no daemon.
"""

from __future__ import annotations

import pytest
import requests
from registries import DROP, fake_registry, refusal


def test_the_fake_registry_accepts_what_its_rule_does_not_refuse() -> None:
    """
    A rule's answer is sent as it is; without one a request with a login is accepted.
    """
    answers = {"/v2/denied": refusal(403, "DENIED", "no"), "/v2/dropped": DROP}
    login = ("AWS", "password")
    with fake_registry(lambda _, path, __: answers.get(path)) as address:
        denied = requests.get(f"http://{address}/v2/denied", auth=login, timeout=5)
        assert (denied.status_code, denied.json()["errors"][0]["code"]) == (403, "DENIED")
        assert requests.get(f"http://{address}/v2/", timeout=5).status_code == 401
        assert requests.get(f"http://{address}/v2/", auth=login, timeout=5).status_code == 200
        pushed = requests.put(f"http://{address}/v2/m", auth=login, data=b"x", timeout=5)
        assert pushed.headers["Docker-Content-Digest"].startswith("sha256:")
        with pytest.raises(requests.ConnectionError):
            requests.get(f"http://{address}/v2/dropped", auth=login, timeout=5)
