"""
Probes of Step Functions: state machines and executions that submit jobs.
"""

from __future__ import annotations

import importlib.util
import json
import threading
import time
from types import SimpleNamespace
from typing import Any

from local_lab import Lab, Probes, machine_of, submit_job

PROBES = Probes()

FOREVER = "import time; time.sleep(60)"
PASS = machine_of({"Type": "Pass", "End": True})
PREFIX = "arn:aws:states:us-east-1:123456789012:execution:machine:"


def jobs(lab: Lab, status: str) -> list[str]:
    listed = lab.batch.list_jobs(jobQueue="queue", jobStatus=status)["jobSummaryList"]
    return [one["jobId"] for one in listed]


def events(lab: Lab, arn: str, **given: Any) -> list[str]:
    described = lab.stepfunctions.get_execution_history(executionArn=arn, **given)["events"]
    return [event["type"] for event in described]


@PROBES("StepFunctionsParserBackend._validate_definition")
def a_bad_definition_is_refused(lab: Lab) -> None:
    state = {"Type": "Pass", "End": True}
    inner = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "Nowhere"}}}
    wrong: list[str] = [
        "not json",
        "[]",
        json.dumps({"States": {"A": state}}),
        json.dumps({"StartAt": "A"}),
        json.dumps({"StartAt": "B", "States": {"A": state}}),
        json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}}}),
        json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass"}}}),
        json.dumps({"StartAt": "A", "States": {"A": {"End": True}}}),
        json.dumps({"StartAt": "A", "States": {"A": {"Type": "Wrong", "End": True}}}),
        json.dumps(machine_of({"Type": "Parallel", "Branches": [inner], "End": True})),
        json.dumps(machine_of({"Type": "Map", "ItemProcessor": inner, "End": True})),
    ]
    create = lab.stepfunctions.create_state_machine
    for number, definition in enumerate(wrong):
        given = {"name": f"m{number}", "definition": definition, "roleArn": lab.role}
        lab.refused("InvalidDefinition", create, **given)
    machine = lab.machine(PASS)
    update = lab.stepfunctions.update_state_machine
    lab.refused("InvalidDefinition", update, stateMachineArn=machine, definition="{}")


@PROBES("StepFunctionsParserBackend.create_state_machine")
def a_second_machine_of_a_name_is_the_same_or_refused(lab: Lab) -> None:
    assert lab.machine(PASS) == lab.machine(PASS)
    other = {**PASS, "Comment": "another"}
    lab.refused("StateMachineAlreadyExists", lab.machine, definition=other)


@PROBES("StepFunctionsParserBackend.update_state_machine")
def an_update_of_nothing_is_refused(lab: Lab) -> None:
    machine, update = lab.machine(PASS), lab.stepfunctions.update_state_machine
    lab.refused("MissingRequiredParameter", update, stateMachineArn=machine)
    update(stateMachineArn=machine, definition=json.dumps({**PASS, "Comment": "new"}))


@PROBES("StepFunctionsParserBackend.start_execution")
def an_execution_without_a_name_gets_one(lab: Lab) -> None:
    start, machine = lab.stepfunctions.start_execution, lab.machine(PASS)
    arns = {start(stateMachineArn=machine)["executionArn"] for _ in range(2)}
    assert len(arns) == 2
    for arn in arns:
        assert arn.startswith(PREFIX) and len(arn) == len(PREFIX) + 36


@PROBES("StepFunctionResponse.validate_state_machine_definition")
def a_definition_can_be_checked(lab: Lab) -> None:
    check = lab.stepfunctions.validate_state_machine_definition
    assert check(definition=json.dumps(PASS))["result"] == "OK"
    described = check(definition=json.dumps({**PASS, "StartAt": "Nowhere"}))
    assert described["result"] == "FAIL"
    assert described["diagnostics"][0]["code"] == "MISSING_TRANSITION_TARGET"


@PROBES("StepFunctionResponse.list_state_machine_versions")
def a_machines_versions_are_listed(lab: Lab) -> None:
    machine, listed = lab.machine(PASS), lab.stepfunctions.list_state_machine_versions
    assert listed(stateMachineArn=machine)["stateMachineVersions"] == []
    lab.stepfunctions.update_state_machine(
        stateMachineArn=machine, definition=json.dumps(PASS), publish=True
    )
    (version,) = listed(stateMachineArn=machine)["stateMachineVersions"]
    assert version["stateMachineVersionArn"] == f"{machine}:1"


@PROBES("StepFunctionResponse._describe_state_machine")
def a_machine_is_described_as_aws_does(lab: Lab) -> None:
    described = lab.stepfunctions.describe_state_machine(stateMachineArn=lab.machine(PASS))
    assert described["loggingConfiguration"] == {"level": "OFF", "includeExecutionData": False}


@PROBES("StepFunctionResponse.get_execution_history")
def a_history_comes_in_pages_and_in_reverse_order(lab: Lab) -> None:
    arn = lab.start(lab.machine(PASS))
    lab.execution(arn)
    every = events(lab, arn)
    assert (every[0], every[-1]) == ("ExecutionStarted", "ExecutionSucceeded")
    assert events(lab, arn, reverseOrder=True) == every[::-1]
    pages = lab.stepfunctions.get_paginator("get_execution_history").paginate(
        executionArn=arn, PaginationConfig={"PageSize": 1}
    )
    assert [event["type"] for page in pages for event in page["events"]] == every


@PROBES(
    "StateTaskServiceBatch._normalise_parameters",
    "StateTaskServiceBatch._normalise_response",
)
def a_machine_submits_a_job_and_outputs_its_end(lab: Lab) -> None:
    lab.ready
    state = submit_job("print('hi')", OutputPath="$.Container")
    execution = lab.execution(lab.start(lab.machine(machine_of(state))))
    container = json.loads(execution["output"])
    assert (container["ExitCode"], container["Command"][0]) == (0, "python")
    (job_id,) = jobs(lab, "SUCCEEDED")
    assert lab.lines(lab.job(job_id)) == ["hi"]


@PROBES()
def a_failed_job_fails_its_execution(lab: Lab) -> None:
    lab.ready
    arn = lab.start(lab.machine(machine_of(submit_job("raise SystemExit(5)"))))
    execution = lab.execution(arn)
    assert (execution["status"], execution["error"]) == ("FAILED", "States.TaskFailed")
    assert json.loads(execution["cause"])["Container"]["ExitCode"] == 5
    expected = ["TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskFailed", "ExecutionFailed"]
    assert events(lab, arn)[-5:] == expected


@PROBES("StateTaskServiceBatch._eval_integration_pattern")
def a_failed_job_is_submitted_again_by_retry(lab: Lab) -> None:
    lab.ready
    retry = {"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 1, "MaxAttempts": 1}
    code = "raise SystemExit(1)"
    execution = lab.execution(lab.start(lab.machine(machine_of(submit_job(code, Retry=[retry])))))
    assert execution["error"] == "States.TaskFailed"
    assert len(jobs(lab, "FAILED")) == 2


@PROBES()
def the_input_is_not_changed_by_the_job(lab: Lab) -> None:
    lab.ready
    code = "import os; print(os.environ['COLOUR'])"
    overrides = {"Command": ["python", "-c", code], "Environment.$": "$.environment"}
    state = submit_job(Parameters={"ContainerOverrides": overrides}, ResultPath="$.job")
    given = [{"Name": "COLOUR", "Value": "red"}]
    execution = lab.execution(lab.start(lab.machine(machine_of(state)), environment=given))
    assert execution["status"] == "SUCCEEDED", execution
    assert json.loads(execution["output"])["environment"] == given
    assert lab.lines(lab.job(jobs(lab, "SUCCEEDED")[0])) == ["red"]


@PROBES("StateTaskServiceBatch._eval_sync", "StateTaskServiceBatch._build_sync_resolver")
def stopping_an_execution_ends_its_job(lab: Lab) -> None:
    lab.ready
    arn = lab.start(lab.machine(machine_of(submit_job(FOREVER))))
    (job_id,) = lab.until(lambda: jobs(lab, "RUNNING"))
    lab.stepfunctions.stop_execution(executionArn=arn)
    assert lab.execution(arn)["status"] == "ABORTED"
    assert "Step Functions" in lab.ended(job_id)["statusReason"]


@PROBES()
def a_task_that_takes_too_long_ends_its_job(lab: Lab) -> None:
    lab.ready
    arn = lab.start(lab.machine(machine_of(submit_job(FOREVER, TimeoutSeconds=1))))
    (job_id,) = lab.until(lambda: jobs(lab, "RUNNING"))
    assert lab.execution(arn)["error"] == "States.Timeout"
    assert lab.ended(job_id)["status"] == "FAILED"


@PROBES("StepFunctionResponse.describe_execution", "StepFunctionResponse.list_executions")
def an_execution_that_timed_out_has_a_stop_date(lab: Lab) -> None:
    wait = machine_of({"Type": "Wait", "Seconds": 30, "End": True})
    machine = lab.machine({**wait, "TimeoutSeconds": 1})
    execution = lab.execution(lab.start(machine))
    assert (execution["status"], "stopDate" in execution) == ("TIMED_OUT", True)
    listed = lab.stepfunctions.list_executions(stateMachineArn=machine)["executions"]
    assert "stopDate" in listed[0]


@PROBES("StepFunctionResponse.stop_execution")
def a_stopped_execution_keeps_error_and_cause(lab: Lab) -> None:
    wait = machine_of({"Type": "Wait", "Seconds": 30, "End": True})
    arn = lab.start(lab.machine(wait))
    stop = lab.stepfunctions.stop_execution
    lab.until(lambda: "WaitStateEntered" in events(lab, arn))
    assert "stopDate" in stop(executionArn=arn, error="Enough", cause="by hand")
    execution = lab.execution(arn)
    assert (execution["error"], execution["cause"]) == ("Enough", "by hand")
    assert stop(executionArn=arn)["stopDate"] == execution["stopDate"]


@PROBES("ExecutionWorker.stop")
def an_execution_can_be_stopped_as_soon_as_it_is_started(lab: Lab) -> None:
    from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker

    class Starting:
        """
        An execution whose definition is still being parsed.
        """

        env: Any = None
        stopped = False

        def set_stop(self, **_: Any) -> None:
            self.stopped = True

        def begin(self) -> None:
            self.env = self

    worker = Starting()
    stop: Any = ExecutionWorker.stop
    begin = threading.Timer(0.1, worker.begin)
    begin.start()
    try:
        stop(worker, None, None, None)
    finally:
        begin.join()
    assert worker.stopped


@PROBES("state_task_service_callback._DELAY_SECONDS_SYNC_CONDITION_CHECK")
def an_execution_ends_soon_after_its_job(lab: Lab) -> None:
    from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
        state_task_service_callback as callback,
    )

    assert callback._DELAY_SECONDS_SYNC_CONDITION_CHECK <= 0.1


@PROBES("WaitFunction._wait_interval")
def a_waiting_execution_ends_at_once_when_it_is_stopped(lab: Lab) -> None:
    from moto.stepfunctions.parser.asl.component.state.wait.wait_function import wait_function

    class Stopped:
        """
        An execution that was stopped just before its state began to wait.
        """

        waited: list[float] = []

        def is_running(self) -> bool:
            return False

        @property
        def program_state_event(self) -> SimpleNamespace:
            return SimpleNamespace(wait=self.waited.append)

    wait: Any = wait_function.WaitFunction._wait_interval
    wait(None, Stopped(), 1)
    assert not Stopped.waited


@PROBES("boto_client.boto3")
def executions_take_turns_at_creating_clients(lab: Lab) -> None:
    from moto.stepfunctions.parser.asl.utils import boto_client

    assert not hasattr(boto_client.boto3, "Session")
    lab.ready
    branch = machine_of(submit_job())
    parallel = {"Type": "Parallel", "Branches": [branch, branch, branch], "End": True}
    execution = lab.execution(lab.start(lab.machine(machine_of(parallel))))
    assert execution["status"] == "SUCCEEDED", execution


@PROBES("retrier_decl.time")
def an_interval_between_retries_ends_with_the_embedded_aws(lab: Lab) -> None:
    from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl

    from batchkit.local.runtime.account import current

    assert retrier_decl.time is not time
    current().closing.set()
    retrier_decl.time.sleep(3600)


@PROBES("jsonata._eval_jsonata")
def jsonata_is_evaluated_or_the_missing_package_is_named(lab: Lab) -> None:
    machine = {**machine_of({"Type": "Pass", "Output": "{% 1 + 1 %}", "End": True})}
    execution = lab.execution(lab.start(lab.machine({**machine, "QueryLanguage": "JSONata"})))
    if importlib.util.find_spec("jsonata"):
        assert json.loads(execution["output"]) == 2
    else:
        assert "jsonata-python" in execution["cause"]
