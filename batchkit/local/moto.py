"""
moto, mended and running in this process.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from moto import mock_aws
from moto.core.config import DefaultConfig, default_user_config
from moto.core.models import MockAWS

from batchkit.errors import LocalError
from batchkit.local.patches import (
    batch_definitions as _batch_definitions,
    batch_environments as _batch_environments,
    batch_errors as _batch_errors,
    batch_queues as _batch_queues,
    dispatch as _dispatch,
    dynamodb as _dynamodb,
    ec2 as _ec2,
    ecr as _ecr,
    iam as _iam,
    jobs as _jobs,
    logs as _logs,
    scheduler as _scheduler,
    states as _states,
    states_batch as _states_batch,
    tagging as _tagging,
)
from batchkit.local.patches.patch import Patch, apply_all
from batchkit.local.runtime.account import LocalAccount

PATCHES: tuple[Patch, ...] = (
    *_dispatch.PATCHES,
    *_batch_errors.PATCHES,
    *_batch_environments.PATCHES,
    *_batch_queues.PATCHES,
    *_batch_definitions.PATCHES,
    *_dynamodb.PATCHES,
    *_ec2.PATCHES,
    *_ecr.PATCHES,
    *_iam.PATCHES,
    *_jobs.PATCHES,
    *_logs.PATCHES,
    *_scheduler.PATCHES,
    *_states.PATCHES,
    *_states_batch.PATCHES,
    *_tagging.PATCHES,
)


_CONFIG: DefaultConfig = {
    **default_user_config,
    "batch": {"use_docker": True},
    "stepfunctions": {"execute_state_machine": True},
}


@contextmanager
def running(account: LocalAccount, without: Collection[str] = ()) -> Iterator[None]:
    """
    moto answers this process's clients, with all mends in place but those named in *without*.
    """
    mends = [patch for patch in PATCHES if str(patch) not in without]
    if MockAWS._nested_count:
        msg = "moto's mock_aws is active in this process; leave it before you enter local_aws()"
        raise LocalError(msg)
    with _quiet(), apply_all(mends), mock_aws(config=_CONFIG):
        try:
            yield
        finally:
            account.close()
            _states_batch.stop_all()
            _jobs.stop_all()
            account.server.close()


@contextmanager
def _quiet() -> Iterator[None]:
    """
    moto logs each state that fails as an error of its own; it is the job's, and is told there.
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
