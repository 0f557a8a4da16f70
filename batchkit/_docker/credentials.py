"""
The logins that go with a build: those of Docker's config.json, and of its credential helpers.

docker-py asks every helper, and fails with the first that can't be run. Here the build goes on
without the logins of that one, which most base images don't need, and says so.
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

from attrs import frozen

from batchkit._docker.settings import DockerSettings, read_settings

PATIENCE = 60.0  # a helper may ask the user for a passphrase
HUB = "https://index.docker.io/v1/"
_NONE = ("credentials not found", "no credentials server url")

Login = dict[str, Any]


class HelperFailed(Exception):
    """
    A credential helper can't be asked; the text says why, without what it has written.
    """


@frozen
class Helper:
    """
    The program that *key* of the settings names, with its logins.
    """

    key: str
    name: str

    @property
    def program(self) -> str:
        """
        The program's name.
        """
        return f"docker-credential-{self.name}"

    def servers(self) -> list[str]:
        """
        The registries whose logins it has.
        """
        return list(self._ask("list", ""))

    def login(self, server: str) -> Login | None:
        """
        The login for *server*, or None if it has none.
        """
        found = self._ask("get", server)
        user, secret = str(found.get("Username") or ""), str(found.get("Secret") or "")
        if user == "<token>":
            return {"identitytoken": secret, "serveraddress": server}
        if not (user or secret):
            return None
        return {"username": user, "password": secret, "serveraddress": server}

    def missing(self) -> bool:
        """
        Whether there is no such program.
        """
        return shutil.which(self.program) is None

    def _ask(self, verb: str, text: str) -> dict[str, Any]:
        path = shutil.which(self.program)
        if path is None:
            raise HelperFailed("isn't installed")
        try:
            done = subprocess.run(
                [path, verb],
                input=text.encode(),
                capture_output=True,
                timeout=PATIENCE,
                check=False,
            )
        except OSError as error:
            raise HelperFailed(f"can't be run ({error.strerror})") from error
        except subprocess.TimeoutExpired:
            raise HelperFailed("says nothing") from None
        if done.returncode and any(
            text in done.stdout.decode("utf-8", "replace") for text in _NONE
        ):
            return {}
        return _object(done)


def _object(done: subprocess.CompletedProcess[bytes]) -> dict[str, Any]:
    if done.returncode:
        raise HelperFailed(f"ended with {done.returncode}")
    try:
        found = json.loads(done.stdout)
    except ValueError:
        found = None  # its text may be a password: it is in no error
    if not isinstance(found, dict):
        raise HelperFailed("gave no JSON object")
    return found


def helpers(settings: DockerSettings) -> Iterator[tuple[Helper, str]]:
    """
    Each helper that the settings name, with its registry; that of credsStore has "" for all.
    """
    if name := settings.name("credsStore"):
        yield Helper("credsStore", name), ""
    for server, name in settings.section("credHelpers").items():
        if not isinstance(name, str):
            raise settings.wrong(f"credHelpers.{server}", "a text")
        if name:
            yield Helper(f"credHelpers.{server}", name), server


def missing() -> Iterator[tuple[str, str]]:
    """
    For each helper that isn't installed: where it is named, and what that means.
    """
    settings = read_settings()
    for helper, server in helpers(settings):
        if helper.missing():
            yield f"{helper.key} in {settings.file}", _without(helper, server, "isn't installed")


def _without(helper: Helper, server: str, why: str) -> str:
    what = f"the login for {server}" if server else "its logins"
    return f"{helper.program} {why}, so images are built without {what}."


class Logins:
    """
    What docker-py sends with a build, in the place of its own `AuthConfig`.
    """

    is_empty = False  # or docker-py reads the file itself

    def __init__(self, settings: DockerSettings, report: Callable[[str], None]) -> None:
        self._settings = settings
        self._report = report

    def get_all_credentials(self) -> dict[str, Login]:
        """
        The logins by registry. What can't be had is reported and left out.
        """
        found = dict(stated(self._settings))
        for helper, server in helpers(self._settings):
            try:
                for one in [server] if server else helper.servers():
                    if login := helper.login(one):
                        found[one] = login
            except HelperFailed as error:
                where = f"{helper.key} in {self._settings.file}"
                self._report(f"{where}: {_without(helper, server, str(error))}")
        named = {_host(server): login for server, login in found.items()}
        return {**named, **found}


def stated(settings: DockerSettings) -> Iterator[tuple[str, Login]]:
    """
    The logins that stand in the settings themselves.
    """
    for server, entry in settings.section("auths").items():
        if not isinstance(entry, dict):
            raise settings.wrong(f"auths.{server}", "an object")
        if entry.get("identitytoken"):
            yield server, {"identitytoken": entry["identitytoken"], "serveraddress": server}
        elif entry.get("auth"):
            yield server, {**_decoded(settings, server, entry["auth"]), "serveraddress": server}


def _decoded(settings: DockerSettings, server: str, text: Any) -> Login:
    try:
        user, colon, password = base64.b64decode(text).decode().partition(":")
    except (ValueError, TypeError):
        colon = ""
    if not colon:
        raise settings.wrong(f"auths.{server}.auth", "the base64 of user:password") from None
    return {"username": user, "password": password.rstrip("\0")}


def _host(server: str) -> str:
    host = server.removeprefix("https://").removeprefix("http://").partition("/")[0]
    return HUB if host in ("docker.io", "index.docker.io") else host
