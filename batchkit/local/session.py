"""
`local_aws`: an embedded AWS in this process, and the session onto it.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import boto3
import botocore.session
from botocore.loaders import JSONFileLoader, Loader, create_loader

from batchkit.errors import LocalError
from batchkit.local.patches.patch import Patch, apply_all
from batchkit.local.runtime import account as _world
from batchkit.local.runtime.account import LocalAccount
from batchkit.local.runtime.docker import docker_answers
from batchkit.local.runtime.environ import ACCESS_KEY, SECRET_KEY, fake_credentials
from batchkit.local.runtime.images import Images
from batchkit.local.runtime.server import Server


class LocalSession(boto3.Session):
    """
    A session whose clients talk to the embedded AWS.
    """

    def __init__(self, account: LocalAccount) -> None:
        core = botocore.session.get_session()
        core.register_component("data_loader", _loader())
        core.register("before-send", functools.partial(_refuse_after_end, account))
        super().__init__(
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            region_name=account.region,
            botocore_session=core,
        )
        self._world = account

    @property
    def docker(self) -> bool:
        """
        Whether jobs run as containers; without a daemon they are child processes.
        """
        return self._world.docker

    @property
    def endpoint_url(self) -> str:
        """
        The same AWS over HTTP, for programs outside this process.
        """
        return self._world.server.url

    def fake_image(self, image_uri: str, folder: str | Path) -> str:
        """
        *folder*, which has a Dockerfile, stands for *image_uri*; returns the image's digest.

        If the embedded ECR has the repository, the image is in it under its tag. Job definitions
        may name it ``repository:tag`` or ``repository@digest``. The digest depends on nothing
        but the repository and the tag.
        """
        from batchkit.local.patches.ecr import push

        image = self._world.images.add(image_uri, Path(folder))
        push(image, self._world.region)
        return image.digest


def _refuse_after_end(account: LocalAccount, **_: object) -> None:
    if account.closing.is_set():
        msg = "the embedded AWS has ended; use the session inside its `with` block"
        raise LocalError(msg)


@functools.lru_cache(maxsize=1)
def _loader() -> Loader:
    # Reading EC2's model takes 0.1 s: sessions share what has been read.
    return create_loader()


@contextmanager
def local_aws(
    *,
    region: str = "us-east-1",
    docker: bool | None = None,
    environment: Mapping[str, str] | None = None,
    images: Mapping[str, str | Path] | None = None,
) -> Iterator[LocalSession]:
    """
    An empty AWS account in this process, in which state machines and Batch jobs really run.

    Args:
        region: The session's region.
        docker: Whether jobs run as containers; ``None`` asks whether a daemon answers. An image
            that the daemon doesn't have runs as a child process, if a folder stands for it.
        environment: Variables that every job gets, beneath its own.
        images: Folders that stand for images, as `LocalSession.stand_in` takes them.

    Everything is undone on exit: no process, thread, file, variable or patch is left.
    """
    account = LocalAccount(
        region=region,
        images=Images(),
        server=Server(),
        environment=dict(environment or {}),
        docker=_daemon(docker),
    )
    with embedded(account) as session:
        for uri, folder in (images or {}).items():
            session.fake_image(uri, folder)
        yield session


def _remembering(load: Any) -> Any:
    known: dict[str, Any] = {}

    def load_file(self: Any, path: str) -> Any:
        if path not in known:
            known[path] = load(self, path)
        return known[path]

    return load_file


def _daemon(wanted: bool | None) -> bool:
    answers = wanted is not False and docker_answers()
    if wanted and not answers:
        msg = "docker=True, but no Docker daemon answers; start one, or leave docker out"
        raise LocalError(msg)
    return answers


@contextmanager
def embedded(account: LocalAccount, *, without: Collection[str] = ()) -> Iterator[LocalSession]:
    """
    *world* runs, with all mends to moto but those named in *without*.
    """
    with ExitStack() as stack:
        _world.enter(account)
        stack.callback(_world.leave)
        stack.enter_context(fake_credentials(account.region))
        stack.enter_context(_running(account, without))
        _active.append(LocalSession(account))
        stack.callback(_active.clear)
        yield _active[0]


_active: list[LocalSession] = []


def active() -> LocalSession | None:
    """
    The session of the embedded AWS that runs in this process, if one does.
    """
    return _active[0] if _active else None


def _running(account: LocalAccount, without: Collection[str]) -> AbstractContextManager[None]:
    try:
        # As it is imported moto has boto read its largest files three times: half a second.
        once = Patch(JSONFileLoader, "load_file", "boto reads files anew", _remembering)
        with apply_all([once]):
            from batchkit.local import moto as _moto
    except ImportError as error:
        msg = f'local_aws() needs moto: pip install "aws-batchkit[local]" ({error})'
        raise LocalError(msg) from error
    return _moto.running(account, without)
