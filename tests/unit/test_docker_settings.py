"""
Which daemon and which logins there are, by Docker's own settings.
"""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from docker_lab import IMAGE, FakeDocker
from serving import answering_daemon

from batchkit._docker.build import build, connect
from batchkit._docker.context import read_context
from batchkit._docker.credentials import Logins, missing
from batchkit._docker.settings import daemon, read_settings
from batchkit.errors import DockerUnavailable
from batchkit.local.runtime.docker import docker_answers

HUB = "https://index.docker.io/v1/"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """
    An empty folder of settings, and no variables that say which daemon it is.
    """
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / ".docker"))
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    (tmp_path / ".docker").mkdir()
    (tmp_path / "bin").mkdir()
    return tmp_path


def settle(home: Path, **values: Any) -> Path:
    """
    config.json with these values.
    """
    file = home / ".docker/config.json"
    file.write_text(json.dumps(values))
    return file


def made_context(home: Path, name: str, **endpoint: Any) -> Path:
    """
    The context *name* as `docker context create` writes it. Returns the folder of its certificates.
    """
    id = sha256(name.encode()).hexdigest()
    meta, tls = (home / ".docker/contexts" / part / id for part in ("meta", "tls"))
    meta.mkdir(parents=True)
    described = {"Name": name, "Metadata": {}, "Endpoints": {"docker": endpoint}}
    (meta / "meta.json").write_text(json.dumps(described))
    return tls / "docker"


def helper(home: Path, name: str, *lines: str) -> None:
    """
    A credential helper: a shell script; its first argument is the verb.
    """
    path = home / f"bin/docker-credential-{name}"
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o755)


def logins(lines: list[str] | None = None) -> dict[str, dict[str, str]]:
    """
    What is sent with a build; what can't be had is told in *lines*.
    """
    told = lines if lines is not None else []
    return Logins(read_settings(), told.append).get_all_credentials()


@pytest.fixture
def socket_of_daemon() -> Iterator[str]:
    """
    The address of a daemon that answers.
    """
    with answering_daemon() as address:
        yield address


@pytest.mark.parametrize("way", ["currentContext", "DOCKER_CONTEXT", "DOCKER_HOST"])
def test_the_daemon_is_that_of_the_docker_command(
    home: Path, socket_of_daemon: str, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """
    DOCKER_HOST goes before DOCKER_CONTEXT, and that before the context in the settings.
    """
    made_context(home, "colima", Host=socket_of_daemon)
    made_context(home, "dead", Host="unix:///nowhere/docker.sock")
    settle(home, currentContext="colima" if way == "currentContext" else "dead")
    if way != "currentContext":
        monkeypatch.setenv("DOCKER_CONTEXT", "colima" if way == "DOCKER_CONTEXT" else "dead")
    if way == "DOCKER_HOST":
        monkeypatch.setenv("DOCKER_HOST", socket_of_daemon)
    connect(5).close()
    assert daemon()["base_url"] == socket_of_daemon
    assert docker_answers()
    gc.collect()


@pytest.mark.parametrize("name", ["", "default"])
def test_the_default_context_is_the_usual_socket(home: Path, name: str) -> None:
    """
    With no context, the one named default, or no settings at all.
    """
    assert daemon()["base_url"] == "unix:///var/run/docker.sock"
    settle(home, currentContext=name)
    assert daemon()["base_url"] == "unix:///var/run/docker.sock"


def test_a_context_that_is_not_there_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    With the file and key, or the variable, that name it; no other daemon is taken in its place.
    """
    file = settle(home, currentContext="gone")
    with pytest.raises(DockerUnavailable, match=rf"currentContext in {file} names .*'gone'"):
        connect(1)
    assert not docker_answers()
    monkeypatch.setenv("DOCKER_CONTEXT", "lost")
    with pytest.raises(DockerUnavailable, match="DOCKER_CONTEXT names .*'lost', which isn't there"):
        connect(1)
    meta = home / ".docker/contexts/meta" / sha256(b"lost").hexdigest() / "meta.json"
    meta.parent.mkdir(parents=True)
    meta.write_text("[]")
    with pytest.raises(DockerUnavailable, match=rf"can't be read \({meta}\)"):
        connect(1)


def test_a_contexts_certificates_are_used(home: Path) -> None:
    """
    Those of its folder, and none are asked for where it skips the check.
    """
    folder = made_context(home, "far", Host="tcp://10.0.0.1:2376", SkipTLSVerify=False)
    settle(home, currentContext="far")
    assert "tls" not in daemon()
    folder.mkdir(parents=True)
    for name in ("ca", "cert", "key"):
        (folder / f"{name}.pem").write_text("pem")
    tls = daemon()["tls"]
    assert (tls.ca_cert, tls.verify) == (f"{folder}/ca.pem", True)
    assert tls.cert == (f"{folder}/cert.pem", f"{folder}/key.pem")
    made_context(home, "lax", Host="tcp://10.0.0.1:2376", SkipTLSVerify=True)
    settle(home, currentContext="lax")
    assert daemon()["tls"].verify is False


@pytest.mark.parametrize("key", ["credsStore", "credHelpers"])
def test_a_build_goes_on_without_a_helper_that_is_not_installed(home: Path, key: str) -> None:
    """
    As on WSL: a line says which file and key name it; the other registries have their logins.
    """
    own = {"auth": "dXNlcjpzZWNyZXQ="}
    named: Any = "desktop.exe" if key == "credsStore" else {"a.example": "desktop.exe"}
    file = settle(home, **{key: named, "auths": {"b.example": own}})
    at = key if key == "credsStore" else f"{key}.a.example"
    lines: list[str] = []
    login = {"username": "user", "password": "secret", "serveraddress": "b.example"}
    assert logins(lines) == {"b.example": login}
    [line] = lines
    assert line.startswith(f"{at} in {file}: docker-credential-desktop.exe isn't installed")
    [(where, message)] = missing()
    assert where == f"{at} in {file}" and message.startswith("docker-credential-desktop.exe isn't")


def test_a_build_says_which_logins_it_goes_without(home: Path) -> None:
    """
    docker-py asks for the logins when it sends the build; the lines are the build's.
    """

    class AskingDocker(FakeDocker):
        _auth_configs: Any = None

        def build(self, **options: Any) -> Iterator[Any]:
            assert self._auth_configs.get_all_credentials() == {}
            return super().build(**options)

    settle(home, credsStore="desktop.exe")
    (home / "Dockerfile").write_text("FROM scratch\n")
    lines: list[str] = []
    docker = AskingDocker([[{"aux": {"ID": IMAGE}}]])
    assert build(docker, read_context(home), on_line=lines.append).image == IMAGE
    assert "docker-credential-desktop.exe isn't installed" in "\n".join(lines)


def test_helpers_are_asked_for_their_logins(home: Path) -> None:
    """
    One for all registries, and one for a registry of its own; tokens are sent as such.
    """
    settle(home, credsStore="all", credHelpers={"gcr.io": "one", "none.example": "one"})
    helper(
        home,
        "all",
        f'[ $1 = list ] && echo \'{{"{HUB}": "me", "ghcr.io": "x"}}\' && exit',
        "read server",
        "case $server in ghcr.io) user='<token>';; *) user=me;; esac",
        'echo "{\\"Username\\": \\"$user\\", \\"Secret\\": \\"s-$server\\"}"',
    )
    helper(
        home,
        "one",
        "read server",
        '[ $server = gcr.io ] && echo \'{"Username": "g", "Secret": "t"}\' && exit',
        "echo credentials not found in native keychain; exit 1",
    )
    lines: list[str] = []
    assert logins(lines) == {
        HUB: {"username": "me", "password": f"s-{HUB}", "serveraddress": HUB},
        "ghcr.io": {"identitytoken": "s-ghcr.io", "serveraddress": "ghcr.io"},
        "gcr.io": {"username": "g", "password": "t", "serveraddress": "gcr.io"},
    }
    assert lines == [] and list(missing()) == []


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (["echo tok-123456; exit 3"], "ended with 3"),
        (["echo tok-123456"], "gave no JSON object"),
        (["echo '[\"tok-123456\"]'"], "gave no JSON object"),
    ],
)
def test_what_a_helper_writes_is_not_shown(home: Path, script: list[str], why: str) -> None:
    """
    A helper that fails may have written a password.
    """
    settle(home, credHelpers={"a.example": "odd"})
    helper(home, "odd", *script)
    lines: list[str] = []
    assert logins(lines) == {}
    assert why in lines[0] and "tok-123456" not in lines[0]


def test_a_helper_that_is_no_program_is_told(home: Path) -> None:
    """
    As a Windows program is on Linux.
    """
    settle(home, credHelpers={"a.example": "exe"})
    path = home / "bin/docker-credential-exe"
    path.write_bytes(b"MZ\0\0")
    path.chmod(0o755)
    lines: list[str] = []
    assert logins(lines) == {}
    assert "can't be run (Exec format error)" in lines[0]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (
            {"auths": {"a.example": {"auth": "tok-123456"}}},
            "auths.a.example.auth is not the base64",
        ),
        ({"auths": {"a.example": {"auth": 5}}}, "auths.a.example.auth is not the base64"),
        ({"auths": {"a.example": "tok-123456"}}, "auths.a.example is not an object"),
        ({"auths": ["tok-123456"]}, "auths is not an object"),
        ({"currentContext": {"tok-123456": 1}}, "currentContext is not a text"),
    ],
)
def test_wrong_settings_are_told_with_file_and_key(
    home: Path, values: dict[str, Any], told: str
) -> None:
    """
    Before anything is sent, and without the value.
    """
    file = settle(home, **values)
    with pytest.raises(DockerUnavailable) as caught:
        connect(1)
    assert str(caught.value).startswith(f"{file}: {told}")
    assert "tok-123456" not in str(caught.value)


@pytest.mark.parametrize("text", ["{", "", "\xff"])
def test_a_file_that_is_no_json_is_as_none(home: Path, text: str) -> None:
    """
    As for the docker command, which warns and goes on.
    """
    (home / ".docker/config.json").write_bytes(text.encode("latin-1"))
    assert read_settings().values == {}
    (home / ".docker/config.json").write_text("[]")
    with pytest.raises(DockerUnavailable, match="the whole is not an object"):
        connect(1)
