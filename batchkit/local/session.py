"""
`local_aws`: an embedded AWS in this process, and its session.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import boto3
import botocore.session
from botocore.loaders import JSONFileLoader, Loader, create_loader

from batchkit._engine.recovery import eventual
from batchkit._model.checks import ENVIRONMENT, Constraint, optional, require, text
from batchkit._model.confidential import as_variables
from batchkit._model.image_uri import is_image_uri
from batchkit._model.options import check_options
from batchkit.errors import LocalError
from batchkit.local.patches.patch import Patch, apply_all
from batchkit.local.runtime import account as _account
from batchkit.local.runtime.account import LocalAccount
from batchkit.local.runtime.docker import docker_answers
from batchkit.local.runtime.environ import ACCESS_KEY, SECRET_KEY, fake_credentials
from batchkit.local.runtime.home import sweep
from batchkit.local.runtime.images import FakeImages
from batchkit.local.runtime.server import HttpEndpoint
from batchkit.local.runtime.stopping import unwinding

_REGION = text(r"[a-z]{2,4}(-[a-z]+)+-[0-9]+", "a region such as eu-west-1")
_IMAGES = Constraint(
    "folders by the URI of an image",
    lambda value: all(
        is_image_uri(uri) and isinstance(folder, (str, Path)) for uri, folder in value.items()
    ),
)


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
        self._account = account

    @property
    def docker(self) -> bool:
        """
        Whether jobs run as containers. Without a daemon they run as child processes.
        """
        return self._account.docker

    @property
    def endpoint_url(self) -> str:
        """
        The same AWS over HTTP, for programs outside this process.
        """
        return self._account.server.url

    def fake_image(self, image_uri: str, folder: str | Path) -> str:
        """
        *folder* is a fake image of the name *image_uri*. Returns its digest.

        The folder needs a Dockerfile. If the embedded ECR has the repository, the image is in it
        under its tag. Job definitions may name it ``repository:tag`` or ``repository@digest``. The
        digest depends only on the repository and the tag.
        """
        from batchkit.local.patches.ecr import push

        image = self._account.images.add(image_uri, Path(folder))
        push(image, self._account.region)
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
        docker: Whether jobs run as containers; ``None`` means: if a Docker daemon answers. An image
            that the daemon doesn't have runs as a child process if there is a fake image.
        environment: Variables that every job gets; the job's own override them.
        images: Fake images: folders by image URI, as for `LocalSession.fake_image`.

    Everything is undone on exit: no process, thread, file, variable or patch is left, also where a
    SIGTERM ends the program. What a killed one left is gone after the next start.
    """
    check_options("local_aws", docker=docker)
    require("local_aws", "region", region, _REGION)
    require("local_aws", "images", images, optional(_IMAGES))
    account = LocalAccount(
        region=region,
        images=FakeImages(),
        server=HttpEndpoint(),
        environment=_variables({} if environment is None else environment),
        docker=_daemon(docker),
    )
    sweep(account.docker)
    with unwinding(), embedded(account) as session:
        for uri, folder in (images or {}).items():
            session.fake_image(uri, folder)
        yield session


@eventual.register
def at_once(session: LocalSession, endpoint: str) -> bool:
    """
    The embedded IAM knows of each change at once.
    """
    return False


def _variables(given: Any) -> Mapping[str, str]:
    """
    The variables that every job gets, once they are found to be right.
    """
    variables = as_variables(given)
    require("local_aws", "environment", variables, ENVIRONMENT)
    return dict(variables)


LoadFile = Callable[[JSONFileLoader, str], Any]


def _remembering(load: LoadFile) -> LoadFile:
    known: dict[str, Any] = {}

    def load_file(self: JSONFileLoader, path: str) -> Any:
        if path not in known:
            known[path] = load(self, path)
        return known[path]

    return load_file


def _daemon(required: bool | None) -> bool:
    answers = required is not False and docker_answers()
    if required and not answers:
        msg = "docker=True, but no Docker daemon answers; start one, or leave docker out"
        raise LocalError(msg)
    return answers


@contextmanager
def embedded(account: LocalAccount, *, without: Collection[str] = ()) -> Iterator[LocalSession]:
    """
    *account* runs, with all patches to moto except those named in *without*.
    """
    with ExitStack() as stack:
        _account.enter(account)
        stack.callback(_account.leave)
        stack.enter_context(fake_credentials(account.region))
        stack.enter_context(_running(account, without))
        _active.append(LocalSession(account))
        stack.callback(_active.clear)
        yield _active[0]


_active: list[LocalSession] = []


def active() -> LocalSession | None:
    """
    The session of the embedded AWS that runs in this process, if there is one.
    """
    return _active[0] if _active else None


def _running(account: LocalAccount, without: Collection[str]) -> AbstractContextManager[None]:
    try:
        # While moto is imported, boto reads its largest files three times: half a second.
        once = Patch(JSONFileLoader, "load_file", "boto reads a file at every call", _remembering)
        with apply_all([once]):
            from batchkit.local import moto as _moto
    except ImportError as error:
        msg = f'local_aws() needs moto: pip install "aws-batchkit[local]" ({error})'
        raise LocalError(msg) from error
    return _moto.running(account, without)
