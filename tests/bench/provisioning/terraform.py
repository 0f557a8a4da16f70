"""
Terraform, where it is installed with its provider.
"""

from __future__ import annotations

from tests.bench.provisioning.proxy import Proxy


def command(proxy: Proxy) -> dict[str, tuple[str, ...]]:
    return {}
