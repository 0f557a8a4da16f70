"""
Probes of AWS Batch: how jobs run and are described.
"""

from __future__ import annotations

import json

from local_lab import IMAGE, Lab, Probes

PROBES = Probes()

GROUP = "/mine/jobs"
FOREVER = "import time; time.sleep(60)"
EXITED = "Essential container in task exited"


def logged(lab: Lab, **options: str) -> str:
    """
    A definition whose jobs log to a group of their own.
    """
    lab.ready
    given = {"awslogs-group": GROUP, **options}
    return lab.definition("own", logConfiguration={"logDriver": "awslogs", "options": given})


@PROBES("Job.run", "Job._container_details")
def a_job_runs_and_its_end_is_described(lab: Lab) -> None:
    job = lab.ran("print('one'); print(''); print('two'); raise SystemExit(3)")
    assert (job["status"], job["statusReason"]) == ("FAILED", EXITED)
    assert job["container"]["exitCode"] == 3
    assert job["container"]["image"] == IMAGE
    assert lab.lines(job) == ["one", "two"]
    assert job["container"]["logStreamName"].startswith("definition/default/")
    (attempt,) = job["attempts"]
    assert attempt["container"]["exitCode"] == 3
    assert attempt["container"]["logStreamName"] == job["container"]["logStreamName"]
    assert attempt["startedAt"] <= attempt["stoppedAt"]


@PROBES()
def a_jobs_lines_are_there_while_it_runs(lab: Lab) -> None:
    lab.logs.create_log_group(logGroupName=GROUP)
    definition = logged(lab, **{"awslogs-stream-prefix": "mine"})
    job_id = lab.submit(
        "import sys, time; print('out'); print('err', file=sys.stderr); print('more');"
        "time.sleep(60)",
        definition=definition,
    )
    job = lab.running(job_id)
    assert job["container"]["logStreamName"].startswith("mine/default/")
    lab.until(lambda: lab.lines(job, GROUP) == ["out", "err", "more"])
    assert lab.job(job_id)["status"] == "RUNNING"


@PROBES()
def a_job_without_its_log_group_does_not_start(lab: Lab) -> None:
    job = lab.ran(definition=logged(lab))
    assert job["status"] == "FAILED"
    for reason in (job["statusReason"], job["container"]["reason"]):
        assert reason.startswith("ResourceInitializationError: failed to validate logger args")
        assert "The specified log group does not exist" in reason
    assert "exitCode" not in job["container"]


@PROBES()
def a_job_may_make_its_log_group(lab: Lab) -> None:
    job = lab.ran("print('made')", definition=logged(lab, **{"awslogs-create-group": "true"}))
    assert lab.lines(job, GROUP) == ["made"]


@PROBES()
def a_job_of_a_missing_image_fails_with_the_reason(lab: Lab) -> None:
    lab.ready
    job = lab.ran(definition=lab.definition("other", image="local/missing:v1"))
    assert job["status"] == "FAILED"
    assert job["statusReason"].startswith("CannotPullContainerError: ")
    assert "local/missing:v1" in job["container"]["reason"]


@PROBES()
def a_job_has_the_values_of_its_secrets(lab: Lab) -> None:
    lab.ready
    secrets, ssm = lab.secretsmanager, lab.ssm
    given = {"user": "me", "port": 5432}
    arn = secrets.create_secret(Name="films", SecretString=json.dumps(given))["ARN"]
    version = secrets.put_secret_value(SecretId=arn, SecretString="second")["VersionId"]
    ssm.put_parameter(Name="/films/key", Value="k", Type="SecureString")
    at = arn.replace(":secretsmanager:", ":ssm:").partition(":secret:")[0]
    values = {
        "WHOLE": arn,
        "PART": f"{arn.rpartition('-')[0]}:::{version}",
        "USER": f"{arn}:user:AWSPREVIOUS:",
        "PORT": f"{arn}:port:AWSPREVIOUS:",
        "KEY": f"{at}:parameter/films/key",
    }
    listed = [{"name": name, "valueFrom": value} for name, value in values.items()]
    command = f"import os; print(*(os.environ[name] for name in {list(values)}))"
    job = lab.ran(command, definition=lab.definition("secret", secrets=listed))
    assert lab.lines(job) == ["second second me 5432 k"]


@PROBES()
def a_job_whose_secret_is_not_there_does_not_start(lab: Lab) -> None:
    lab.ready
    arn = lab.secretsmanager.create_secret(Name="films", SecretString="{}")["ARN"]
    at = arn.partition(":secretsmanager:")[0]
    for value, told in (
        (arn.replace("films", "filns"), "ResourceNotFoundException"),
        (f"{arn}:user::", "did not contain json key user"),
        (f"{arn}::AWSPREVIOUS:", "ResourceNotFoundException"),
        (f"{at}:ssm:us-east-1:123456789012:parameter/none", "invalid parameters: none"),
    ):
        secret = {"name": "S", "valueFrom": value}
        job = lab.ran(definition=lab.definition("secret", secrets=[secret]))
        assert job["status"] == "FAILED"
        assert job["statusReason"].startswith("ResourceInitializationError: unable to pull secrets")
        assert told in job["statusReason"]


@PROBES("BatchResponse.submitjob")
def a_job_is_retried_as_often_as_it_asks_for(lab: Lab) -> None:
    code = "import os; n = os.environ['AWS_BATCH_JOB_ATTEMPT']; print(n); raise SystemExit(n < '3')"
    job = lab.ran(code, retryStrategy={"attempts": 3})
    assert job["status"] == "SUCCEEDED"
    assert [attempt["container"]["exitCode"] for attempt in job["attempts"]] == [1, 1, 0]
    assert len({attempt["container"]["logStreamName"] for attempt in job["attempts"]}) == 3
    assert lab.lines(job) == ["3"]


@PROBES()
def a_definitions_rules_decide_what_is_retried(lab: Lab) -> None:
    lab.ready
    rules = [
        {"onExitCode": "7*", "action": "RETRY"},
        {"onReason": "*", "action": "EXIT"},
    ]
    strategy = {"attempts": 2, "evaluateOnExit": rules}
    definition = lab.definition("ruled", retryStrategy=strategy)
    for code, tried in ((7, 2), (8, 1)):
        job = lab.ran(f"raise SystemExit({code})", definition=definition)
        assert (len(job["attempts"]), job["container"]["exitCode"]) == (tried, code)


@PROBES("Job.__init__")
def a_child_job_knows_its_array(lab: Lab) -> None:
    code = "import os; print(os.environ['AWS_BATCH_JOB_ARRAY_INDEX'])"
    parent = lab.ran(code, arrayProperties={"size": 2})
    assert parent["status"] == "SUCCEEDED"
    child = lab.job(f"{parent['jobId']}:1")
    assert lab.lines(child) == ["1"]


@PROBES("BatchResponse.submitjob")
def an_array_is_pending_until_a_failed_child_fails_it(lab: Lab) -> None:
    code = "import os; raise SystemExit(os.environ['AWS_BATCH_JOB_ARRAY_INDEX'] == '1')"
    job_id = lab.submit(code, arrayProperties={"size": 2})
    assert lab.job(job_id)["status"] == "PENDING"
    parent = lab.ended(job_id)
    assert (parent["status"], parent["statusReason"]) == ("FAILED", "Array Child Job failed")
    assert parent["arrayProperties"]["statusSummary"]["SUCCEEDED"] == 1


@PROBES("Job.terminate")
def terminating_an_array_ends_its_children(lab: Lab) -> None:
    job_id = lab.submit(FOREVER, arrayProperties={"size": 2})
    lab.running(f"{job_id}:0")
    lab.batch.terminate_job(jobId=job_id, reason="enough")
    assert lab.ended(job_id)["status"] == "FAILED"
    assert lab.job(f"{job_id}:1")["statusReason"] == "enough"


@PROBES("Job.terminate", "BatchBackend.terminate_job")
def a_terminated_job_ends_at_once(lab: Lab) -> None:
    job_id = lab.submit(FOREVER, retryStrategy={"attempts": 3})
    lab.running(job_id)
    lab.batch.terminate_job(jobId=job_id, reason="enough")
    job = lab.ended(job_id)
    assert (job["statusReason"], job["isTerminated"]) == ("enough", True)
    assert (job["container"]["exitCode"], len(job["attempts"])) == (143, 1)


@PROBES("BatchBackend.cancel_job")
def a_cancelled_job_is_described_and_a_running_one_goes_on(lab: Lab) -> None:
    first = lab.submit(FOREVER)
    second = lab.submit(dependsOn=[{"jobId": first}])
    lab.running(first)
    for job_id in (first, second):
        lab.batch.cancel_job(jobId=job_id, reason="changed my mind")
    job = lab.ended(second)
    assert (job["statusReason"], job["isCancelled"]) == ("changed my mind", True)
    assert not lab.job(first)["isCancelled"]
    assert lab.job(first)["status"] == "RUNNING"


@PROBES()
def a_job_that_takes_too_long_is_killed_and_not_retried(lab: Lab) -> None:
    given = {"timeout": {"attemptDurationSeconds": 1}, "retryStrategy": {"attempts": 2}}
    job = lab.ran(FOREVER, **given)
    assert job["statusReason"] == "Job attempt duration exceeded timeout"
    assert (job["container"]["exitCode"], len(job["attempts"])) == (137, 1)


@PROBES()
def a_job_fails_with_the_one_that_it_depends_on(lab: Lab) -> None:
    first = lab.submit("import time; time.sleep(.2); raise SystemExit(1)")
    second = lab.submit(dependsOn=[{"jobId": first}])
    assert lab.job(second)["status"] in ("SUBMITTED", "PENDING")
    job = lab.ended(second)
    assert (job["status"], job["statusReason"]) == ("FAILED", "Dependent Job failed")
    assert job["attempts"] == []


@PROBES()
def the_jobs_of_an_array_can_wait_for_each_other(lab: Lab) -> None:
    code = "import time; print(time.time()); time.sleep(.1)"
    first = lab.ran(code, arrayProperties={"size": 2}, dependsOn=[{"type": "SEQUENTIAL"}])
    n_to_n = [{"jobId": first["jobId"], "type": "N_TO_N"}]
    second = lab.ran(code, arrayProperties={"size": 2}, dependsOn=n_to_n)
    children = [lab.job(f"{parent['jobId']}:{i}") for parent in (first, second) for i in (0, 1)]
    assert [child["status"] for child in children] == ["SUCCEEDED"] * 4
    assert children[0]["stoppedAt"] <= children[1]["startedAt"]


@PROBES("BatchBackend.update_compute_environment")
def a_job_is_runnable_until_there_is_room(lab: Lab) -> None:
    lab.ready
    size = [{"type": "VCPU", "value": "8"}, {"type": "MEMORY", "value": "16384"}]
    job_id = lab.submit(containerOverrides={"resourceRequirements": size})
    lab.until(lambda: lab.job(job_id)["status"] == "RUNNABLE")
    resources = {"maxvCpus": 8}
    lab.batch.update_compute_environment(computeEnvironment="env", computeResources=resources)
    assert lab.ended(job_id)["status"] == "SUCCEEDED"


@PROBES("Job._container_details")
def a_job_is_described_with_its_own_requirements(lab: Lab) -> None:
    more = [{"type": "MEMORY", "value": "4096"}]
    described = lab.ran(containerOverrides={"resourceRequirements": more})["container"]
    expected = {item["type"]: item["value"] for item in described["resourceRequirements"]}
    assert expected == {"VCPU": "1", "MEMORY": "4096"}
    assert (described["memory"], described["vcpus"]) == (4096, 1)


@PROBES("Job._get_container_property")
def a_jobs_environment_is_described_the_same_each_time(lab: Lab) -> None:
    lab.ready
    both = [{"name": "A", "value": "definition"}, {"name": "B", "value": "definition"}]
    definition = lab.definition("with", environment=both)
    own = [{"name": "B", "value": "job"}]
    code = "import os; print(os.environ['A'], os.environ['B'])"
    job = lab.ran(code, definition=definition, containerOverrides={"environment": own})
    expected = {"A": "definition", "B": "job"}
    for described in (job, lab.job(job["jobId"])):
        environment = described["container"]["environment"]
        assert {item["name"]: item["value"] for item in environment} == expected
        assert len(environment) == 2
    assert lab.lines(job) == ["definition job"]


@PROBES("Job.describe_short")
def a_job_that_never_started_has_no_start_time(lab: Lab) -> None:
    first = lab.submit(FOREVER)
    second = lab.submit(dependsOn=[{"jobId": first}])
    lab.batch.cancel_job(jobId=second, reason="no")
    assert "startedAt" not in lab.ended(second)


@PROBES("Job.describe_short", "BatchBackend.list_jobs")
def an_arrays_children_are_listed_by_the_array(lab: Lab) -> None:
    parent = lab.ran("raise SystemExit(4)", arrayProperties={"size": 2})
    listed = lab.batch.list_jobs(jobQueue="queue", jobStatus="FAILED")["jobSummaryList"]
    assert [one["jobId"] for one in listed] == [parent["jobId"]]
    children = lab.batch.list_jobs(arrayJobId=parent["jobId"], jobStatus="FAILED")
    described = sorted(children["jobSummaryList"], key=lambda one: one["jobId"])
    assert [one["arrayProperties"]["index"] for one in described] == [0, 1]
    assert [one["container"]["exitCode"] for one in described] == [4, 4]


@PROBES("BatchBackend.list_jobs")
def running_jobs_are_listed_unless_others_are_asked_for(lab: Lab) -> None:
    done = lab.ran()["jobId"]
    running = lab.submit(FOREVER)
    lab.running(running)
    listed = lab.batch.list_jobs(jobQueue="queue")["jobSummaryList"]
    assert [one["jobId"] for one in listed] == [running]
    by_name = [{"name": "JOB_NAME", "values": ["jo*"]}]
    every = lab.batch.list_jobs(jobQueue="queue", filters=by_name)["jobSummaryList"]
    assert {one["jobId"] for one in every} == {done, running}


@PROBES("Job.describe")
def a_job_is_described_with_its_platform_and_its_retries(lab: Lab) -> None:
    lab.ready
    strategy, limit = {"attempts": 2}, {"attemptDurationSeconds": 60}
    definition = lab.definition("full", retryStrategy=strategy, timeout=limit)
    job = lab.ran(definition=definition)
    assert job["platformCapabilities"] == ["FARGATE"]
    assert (job["retryStrategy"], job["timeout"]) == (strategy, limit)
    assert not job["isTerminated"]


@PROBES("models.JOB_NAME_REGEX")
def a_job_name_may_have_one_character(lab: Lab) -> None:
    lab.ran(jobName="j")


@PROBES("BatchResponse.updatejobqueue")
def a_job_starts_when_its_queue_gets_an_environment_that_is_enabled(lab: Lab) -> None:
    lab.ready
    lab.batch.update_compute_environment(computeEnvironment="env", state="DISABLED")
    job_id = lab.submit()
    lab.until(lambda: lab.job(job_id)["status"] == "RUNNABLE")
    lab.environment("other")
    order = [{"order": 1, "computeEnvironment": "other"}]
    lab.batch.update_job_queue(jobQueue="queue", computeEnvironmentOrder=order)
    assert lab.ended(job_id)["status"] == "SUCCEEDED"


@PROBES()
def a_deleted_queue_ends_its_jobs(lab: Lab) -> None:
    job_id = lab.submit(FOREVER)
    lab.running(job_id)
    lab.batch.update_job_queue(jobQueue="queue", state="DISABLED")
    lab.batch.delete_job_queue(jobQueue="queue")
    assert lab.ended(job_id)["statusReason"] == "Job queue was deleted"


@PROBES()
def a_job_goes_on_when_its_log_group_is_deleted(lab: Lab) -> None:
    lab.logs.create_log_group(logGroupName=GROUP)
    code = "import time\nfor n in range(20): print(n, flush=True); time.sleep(.02)"
    job_id = lab.submit(code, definition=logged(lab))
    lab.until(lambda: lab.job(job_id)["status"] == "RUNNING" and lab.lines(lab.job(job_id), GROUP))
    lab.logs.delete_log_group(logGroupName=GROUP)
    assert lab.ended(job_id)["status"] == "SUCCEEDED"


@PROBES()
def a_job_that_logs_elsewhere_has_no_stream(lab: Lab) -> None:
    lab.ready
    elsewhere = lab.definition("elsewhere", logConfiguration={"logDriver": "splunk"})
    job = lab.ran("print('lost')", definition=elsewhere)
    assert (job["status"], "logStreamName" in job["container"]) == ("SUCCEEDED", False)
