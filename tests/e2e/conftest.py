"""
A real Docker daemon and a real registry.
"""

from __future__ import annotations

from docker_fixtures import base, docker_client, home, registry

__all__ = ["base", "docker_client", "home", "registry"]
