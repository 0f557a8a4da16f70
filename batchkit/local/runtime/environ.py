"""
The process's environment while the embedded AWS runs: fake credentials, and not the user's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

ACCESS_KEY = "AKIALOCALAWS00000000"
SECRET_KEY = "local-aws-secret"


@contextmanager
def fake_credentials(region: str) -> Iterator[None]:
    """
    Fake variables replace every ``AWS_*`` variable until the block ends.

    The user's profile, endpoint or FIPS setting would send clients past moto.
    """
    before = {name: value for name, value in os.environ.items() if _replaced(name)}
    try:
        _replace(_fake(region))
        yield
    finally:
        _replace(before)


def _replaced(name: str) -> bool:
    return name.startswith(("AWS_", "MOTO_"))


def _replace(variables: dict[str, str]) -> None:
    for name in [name for name in os.environ if _replaced(name)]:
        del os.environ[name]
    os.environ.update(variables)


def _fake(region: str) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        # Reading moto's list of machine images doubles the time of the first call to EC2.
        "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
    }
