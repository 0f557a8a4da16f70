"""
moto, patched and running in this process.
"""

from __future__ import annotations

import logging
import pkgutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from importlib import import_module

from moto import mock_aws
from moto.core.config import DefaultConfig, default_user_config
from moto.core.models import MockAWS

from batchkit.errors import LocalError
from batchkit.local import patches as _patches
from batchkit.local.patches import jobs as _jobs, states_batch as _states_batch
from batchkit.local.patches.patch import Patch, apply_all
from batchkit.local.runtime.account import LocalAccount


def _registered() -> Iterator[Patch]:
    """
    The patches in the `PATCHES` of every module of the package `patches`.
    """
    for module in pkgutil.iter_modules(_patches.__path__, f"{_patches.__name__}."):
        yield from getattr(import_module(module.name), "PATCHES", ())


PATCHES: tuple[Patch, ...] = tuple(_registered())

_CONFIG: DefaultConfig = {
    **default_user_config,
    "batch": {"use_docker": True},
    "stepfunctions": {"execute_state_machine": True},
}


@contextmanager
def running(account: LocalAccount, without: Collection[str] = ()) -> Iterator[None]:
    """
    moto answers this process's clients, with all patches applied except those named in *without*.
    """
    applied = [patch for patch in PATCHES if str(patch) not in without]
    if MockAWS._nested_count:
        msg = "moto's mock_aws is active in this process; leave it before you enter local_aws()"
        raise LocalError(msg)
    with _quiet(), apply_all(applied), mock_aws(config=_CONFIG):
        try:
            yield
        finally:
            account.close()
            _states_batch.stop_all()
            _jobs.stop_all()
            account.server.close()
            account.home.remove()


@contextmanager
def _quiet() -> Iterator[None]:
    """
    moto logs nothing. It would log each failed state as its own error; the job reports it.
    """
    loggers = [logging.getLogger(name) for name in ("moto", "werkzeug")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before):
            logger.setLevel(level)
