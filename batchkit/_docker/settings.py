"""
Docker's own settings: its config.json, and the daemon that the docker command would use.

As for the docker command, DOCKER_HOST goes before DOCKER_CONTEXT, which goes before the file's
currentContext (https://docs.docker.com/engine/manage-resources/contexts/).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any

from attrs import field, frozen

from batchkit.errors import DockerUnavailable

DEFAULT_SOCKET = "unix:///var/run/docker.sock"


@frozen
class DockerSettings:
    """
    What is in Docker's *file* config.json; nothing if it isn't there, or Docker can't read it.
    """

    file: Path
    values: dict[str, Any] = field(factory=dict, repr=False)

    def section(self, key: str) -> dict[str, Any]:
        """
        The object under *key*; empty if there is none.
        """
        found = self.values.get(key) or {}
        if not isinstance(found, dict):
            raise self.wrong(key, "an object")
        return found

    def name(self, key: str) -> str:
        """
        The text under *key*; empty if there is none.
        """
        found = self.values.get(key) or ""
        if not isinstance(found, str):
            raise self.wrong(key, "a text")
        return found

    def wrong(self, key: str, expects: str) -> DockerUnavailable:
        """
        The error for what stands under *key*. It doesn't show the value, which may be a password.
        """
        return DockerUnavailable(f"{self.file}: {key} is not {expects}. Correct the file.")


def read_settings() -> DockerSettings:
    """
    Docker's settings of this user, or those in the folder DOCKER_CONFIG.
    """
    folder = os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker"
    file = Path(folder).expanduser() / "config.json"
    try:
        values = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return DockerSettings(file)  # the docker command warns, and goes on without it
    if not isinstance(values, dict):
        raise DockerSettings(file).wrong("the whole", "an object")
    return DockerSettings(file, values)


def daemon() -> dict[str, Any]:
    """
    docker-py's options for a client of the daemon that the docker command uses.

    Raises:
        DockerUnavailable: The context that is to be used isn't there, or can't be read.
    """
    settings = read_settings()
    name, source = "", "DOCKER_HOST"
    if not os.environ.get("DOCKER_HOST"):
        name, source = os.environ.get("DOCKER_CONTEXT") or "", "DOCKER_CONTEXT"
    if not name and source == "DOCKER_CONTEXT":
        name, source = settings.name("currentContext"), f"currentContext in {settings.file}"
    options = _by_context(settings, name, source) if name not in ("", "default") else _by_name()
    return {**options, "use_ssh_client": True}  # the docker command runs `ssh` too


def _by_name() -> dict[str, Any]:
    host = os.environ.get("DOCKER_HOST")
    if not host:
        return {"base_url": DEFAULT_SOCKET}
    secured = os.environ.get("DOCKER_TLS_VERIFY") or os.environ.get("DOCKER_CERT_PATH")
    if not secured:
        return {"base_url": host}
    found: dict[str, Any] = _valid(
        import_module("docker.utils").kwargs_from_env, "DOCKER_CERT_PATH"
    )
    return found


def _by_context(settings: DockerSettings, name: str, source: str) -> dict[str, Any]:
    """
    The options that the context *name* stands for, by the files that `docker context` writes.
    """
    id = sha256(name.encode()).hexdigest()
    contexts = settings.file.parent / "contexts"
    meta = contexts / "meta" / id / "meta.json"
    try:
        endpoint = json.loads(meta.read_text("utf-8"))["Endpoints"]["docker"]
        host, unverified = str(endpoint["Host"]), bool(endpoint.get("SkipTLSVerify"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        why = "isn't there" if isinstance(error, FileNotFoundError) else "can't be read"
        msg = (
            f"{source} names the Docker context {name!r}, which {why} ({meta}). "
            "`docker context ls` lists those that there are; `docker context use` takes another."
        )
        raise DockerUnavailable(msg) from error
    tls = _tls(contexts / "tls" / id / "docker", unverified)
    return {"base_url": host, **({"tls": tls} if tls and host.startswith("tcp:") else {})}


def _tls(folder: Path, unverified: bool) -> Any:
    """
    The certificates of a context, or None if it has none.
    """
    there = {name: folder / f"{name}.pem" for name in ("ca", "cert", "key")}
    held = {name: str(path) for name, path in there.items() if path.is_file()}
    if not held and not unverified:
        return None
    pair = (held["cert"], held["key"]) if {"cert", "key"} <= set(held) else None
    options = {"client_cert": pair, "ca_cert": held.get("ca"), "verify": not unverified}
    config = partial(import_module("docker.tls").TLSConfig, **options)
    return _valid(config, str(folder))


def _valid(make: Callable[[], Any], where: str) -> Any:
    try:
        return make()
    except import_module("docker.errors").DockerException as error:
        msg = f"The certificates of the Docker daemon, {where}, can't be used: {error}"
        raise DockerUnavailable(msg) from error
