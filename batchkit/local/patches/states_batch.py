"""
Patches for Step Functions: state machines that submit Batch jobs and wait for them.
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import botocore.session
from moto.stepfunctions.parser import utils
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_callback as callback,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_batch import (  # noqa: E501
    StateTaskServiceBatch,
)
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import (
    WaitFunction,
)
from moto.stepfunctions.parser.asl.jsonata import jsonata
from moto.stepfunctions.parser.asl.utils import boto_client
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from batchkit.local.patches.patch import Patches
from batchkit.local.runtime.account import current

PATCHES = Patches()

_STOPPED = "Step Functions execution stopped or timed out"
_CLIENTS = threading.Lock()

PATCHES.value(
    callback,
    "_DELAY_SECONDS_SYNC_CONDITION_CHECK",
    0.1,
    reason="An execution ends soon after its job, but moto polls the job only twice a second",
)


@functools.cache
def _session() -> botocore.session.Session:
    return botocore.session.get_session()


@functools.cache
def _shape(action: str, side: str) -> Any:
    model = _session().get_service_model("batch")
    name = "".join(part[:1].upper() + part[1:] for part in action.split("_"))
    return getattr(model.operation_model(name), side)


@PATCHES(
    StateTaskServiceBatch,
    "_normalise_parameters",
    reason="The Batch integration reads a state's PascalCase parameters, but moto passes them "
    "to boto as they are, and every submitJob fails with States.Runtime",
)
def to_boto(_: Any, self: Any, parameters: Any, service: Any = None, action: Any = None) -> None:
    self._to_boto_request(parameters, _shape(action or self.resource.api_action, "input_shape"))


@PATCHES(
    StateTaskServiceBatch,
    "_normalise_response",
    reason="The Batch integration returns PascalCase to the state, but moto returns boto's "
    "camelCase",
)
def to_state(
    _: Any,
    self: Any,
    response: Any,
    boto_service_name: Any = None,
    service_action_name: Any = None,
) -> None:
    action = service_action_name or self.resource.api_action
    self._from_boto_response(response, _shape(action, "output_shape"))


@PATCHES(
    StateTaskServiceBatch,
    "_eval_integration_pattern",
    reason="A Retry submits a new job, but moto reuses the first attempt's task token, which is "
    "used up, and fails at once with States.Timeout",
)
def fresh_token(original: Any, self: Any, **given: Any) -> None:
    env = given["env"]
    env.callback_pool_manager.add(env.states.context_object.update_task_token())
    original(self, **given)


@PATCHES(
    StateTaskServiceBatch,
    "_build_sync_resolver",
    reason="Step Functions terminates the job of a task that is stopped, but moto's resolver "
    "doesn't know the job",
)
def resolver(original: Any, self: Any, **given: Any) -> Callable[[], Any]:
    job_id = given["env"].stack[-1]["JobId"]
    region = given["resource_runtime_part"].region
    resolve: Any = original(self, **given)

    def terminate() -> None:
        client: Any = boto_client.boto_client_for(service="batch", region=region)
        client.terminate_job(jobId=job_id, reason=_STOPPED)

    resolve.terminate = terminate
    return resolve  # type: ignore[no-any-return]


@PATCHES(
    StateTaskServiceBatch,
    "_eval_sync",
    reason="Step Functions terminates the job when its execution is stopped or its task times "
    "out, but moto leaves it running",
)
def wait(original: Any, self: Any, **given: Any) -> Any:
    outcome = original(self, **given)
    if not isinstance(outcome, dict):
        given["sync_resolver"].terminate()
    return outcome


def _client(*args: Any, **given: Any) -> Any:
    with _CLIENTS:
        return _session().create_client(*args, **given)


PATCHES.value(
    boto_client,
    "boto3",
    SimpleNamespace(client=_client),
    reason="Executions run in parallel, but moto's create clients from one boto3 session at the "
    "same time, which boto3 does not allow",
)


class _EndableTime:
    """
    Replaces ``time`` in moto's interpreter; its sleeps end when the embedded AWS ends.
    """

    @staticmethod
    def sleep(seconds: float) -> None:
        current().closing.wait(seconds)


PATCHES.value(
    retrier_decl,
    "time",
    _EndableTime,
    reason="No thread may outlive the embedded AWS, but moto's sleeps through a whole interval "
    "between retries",
)


@PATCHES(
    WaitFunction,
    "_wait_interval",
    reason="StopExecution ends a Wait state at once, but moto waits to the end if the execution "
    "is stopped just before the wait begins",
)
def wait_interval(_: Any, self: Any, env: Any, wait_seconds: float) -> None:
    end = time.monotonic() + wait_seconds
    while env.is_running() and (left := end - time.monotonic()) > 0:
        env.program_state_event.wait(min(left, 0.1))


def _evaluate(expression: str) -> Any:
    try:
        from jsonata.jsonata import Jsonata  # type: ignore
    except ImportError as error:
        msg = "JSONata needs an evaluator here: pip install jsonata-python"
        raise jsonata.JSONataException("States.QueryEvaluationError", msg) from error
    return Jsonata(expression).evaluate(None)


PATCHES.value(
    jsonata,
    "_eval_jsonata",
    _evaluate,
    reason="Step Functions evaluates JSONata, but moto has no evaluator and raises TypeError",
)


def stop_all() -> None:
    """
    All executions have ended, and so have their threads.
    """
    backend: Any
    for _, _, backend in stepfunctions_parser_backends.iter_backends():
        for execution in backend._get_executions("RUNNING"):
            execution.stop(None, None, None)
    for thread in list(utils.TMP_THREADS):
        thread.join(10)
    utils.TMP_THREADS.clear()
