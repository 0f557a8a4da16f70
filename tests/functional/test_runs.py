"""
Runs: started, followed, waited for, ended, picked up elsewhere.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from fakes import FakeClock, recording
from injected_faults import before
from runs_lab import Stand, stand

from batchkit import (
    AwsError,
    Finding,
    JobFailed,
    Run,
    RunNotFound,
    SpecError,
    StillWaiting,
    describe_stack,
)
from batchkit._jobs import jobs as _jobs

SLOW = "import time; print('on', flush=True); time.sleep(30)"
WAITS = '{"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 60, "End": true}}}'


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with stand(tmp_path_factory.mktemp("job")) as made:
        yield made


def test_a_run_returns_when_its_job_has_succeeded(there: Stand) -> None:
    """
    The execution has succeeded, with one job, whose line carries the override of the environment.
    """
    run = there.stack.run({"WHO": "world"}, name="first", wait=True)
    assert (run.status, run.name, run.ended) == ("SUCCEEDED", "first", True)
    assert [(job.name, job.exit_code, job.ended) for job in run.jobs] == [("first", 0, True)]
    assert [line.text for line in run.logs()] == ["hello world"]
    assert run.jobs[0].queue.endswith("job-queue/films")


def test_a_name_is_good_for_one_run(there: Stand) -> None:
    """
    AWS keeps it for 90 days.
    """
    there.stack.run(name="once", wait=True)
    with pytest.raises(SpecError, match="no run of the last 90 days"):
        there.stack.run({"WHO": "again"}, name="once")


def test_a_failed_run_says_all_that_is_known(there: Stand) -> None:
    """
    Status, reason, exit code, attempts, the last 20 lines, and the explanation.
    """
    run = there.python("[print('row', n) for n in range(25)]; raise SystemExit(3)", attempts=2)
    with pytest.raises(JobFailed) as caught:
        run.wait(30)
    error = caught.value
    assert (error.status, error.exit_code, error.attempts) == ("FAILED", 3, 2)
    assert error.reason == "Essential container in task exited"
    assert error.log == tuple(f"row {n}" for n in range(5, 25))
    found = [one.rule for one in error.findings if isinstance(one, Finding)]
    assert found == ["program-failed"]
    assert "row 24" in str(error) and "fix:" in str(error)


def test_a_failed_execution_says_why_its_job_failed(there: Stand) -> None:
    """
    Step Functions gives the job as JSON; the user gets its reason.
    """
    there.patch(command=["python", "-c", "raise SystemExit(4)"])
    with pytest.raises(JobFailed, match="FAILED with exit code 4: Essential container"):
        there.stack.run().wait(30)
    there.patch()


def test_waiting_ends_at_its_limit_and_the_run_goes_on(there: Stand) -> None:
    """
    The error is a TimeoutError; the run is still running.
    """
    run = there.python(SLOW)
    with pytest.raises(StillWaiting, match="it goes on"):
        run.wait(0.2)
    assert run.status not in ("SUCCEEDED", "FAILED")
    run.cancel("enough")


@pytest.mark.parametrize("how", ["run", "submit", "array"])
def test_a_cancelled_run_ends(how: str, there: Stand) -> None:
    """
    Waiting raises as soon as AWS has ended it, whatever it is.
    """
    start: Any = {
        "run": lambda: there.stack.run({"WHO": "x"}),
        "submit": lambda: there.python(SLOW),
        "array": lambda: there.python(SLOW, array_size=2),
    }
    if how == "run":
        there.patch(command=["python", "-c", SLOW])
    run = start[how]()
    there.until(run, lambda one: any(job.status == "RUNNING" for job in one.jobs))
    run.cancel("enough of it")
    with pytest.raises(JobFailed) as caught:
        run.wait(30)
    assert caught.value.status == ("ABORTED" if how == "run" else "FAILED")
    if how == "run":
        there.patch()
    with pytest.raises(SpecError):
        run.cancel(" ")


def test_a_job_terminated_by_another_ends_the_waiting(there: Stand) -> None:
    """
    The reason is that which the other gave.
    """
    run = there.python(SLOW)
    there.until(run, lambda one: one.status == "RUNNING")
    there.batch.terminate_job(jobId=run.arn, reason="not on my watch")
    with pytest.raises(JobFailed, match="not on my watch"):
        run.wait(30)


def test_lines_come_while_the_job_runs(there: Stand) -> None:
    """
    The first line is there long before the job's end; each line comes once.
    """
    run = there.python("import time\nfor n in range(3): print(n, flush=True); time.sleep(.3)")
    lines = run.logs(follow=True)
    assert next(lines).text == "0"
    assert not run.ended
    rest = list(lines)
    assert [str(line) for line in rest] == ["1", "2"]
    assert rest[0].job == run.arn and rest[0].time.tzinfo is not None


def test_lines_of_all_attempts_and_children_are_read(there: Stand) -> None:
    """
    Each child's, each attempt's; the tail is that of the child that failed.
    """
    program = "import os; n=os.environ['AWS_BATCH_JOB_ARRAY_INDEX']; print(n); exit(n == '1')"
    run = there.ended(program, array_size=3, attempts=2)
    assert sorted(line.text for line in run.logs(follow=True)) == ["0", "1", "1", "2"]
    assert [line.text for line in run.tail()] == ["1"]
    assert [(job.index, job.status) for job in run.jobs] == [
        (0, "SUCCEEDED"),
        (1, "FAILED"),
        (2, "SUCCEEDED"),
    ]


def test_a_run_is_picked_up_by_its_arn_or_id(there: Stand) -> None:
    """
    Executions and jobs, by ARN or id, also from their children.
    """
    run = there.stack.run(name="pick-up", wait=True)
    again = Run.from_arn(run.arn, session=there.session)
    assert (again, again.status) == (run, "SUCCEEDED")
    assert [line.text for line in again.logs()] == ["hello you"]
    job = again.jobs[0]
    by_id = Run.from_arn(job.id, session=there.session)
    by_arn = Run.from_arn(job.details["jobArn"], session=there.session)
    assert by_id.name == by_arn.name == "pick-up"


@pytest.mark.parametrize(
    ("arn", "told"),
    [
        ("arn:aws:states:us-east-1:123456789012:execution:films:none", "no run"),
        ("arn:aws:states:eu-west-1:123456789012:execution:films:none", "is in eu-west-1"),
        ("00000000-0000-0000-0000-000000000000", "no run"),
    ],
)
def test_what_isnt_there_is_said_at_once(arn: str, told: str, there: Stand) -> None:
    """
    Nobody waits for a run that AWS doesn't know, or that is elsewhere.
    """
    with pytest.raises(RunNotFound, match=told):
        Run.from_arn(arn, session=there.session)
    with pytest.raises(SpecError, match="expects the ARN"):
        Run.from_arn("films", session=there.session)


def test_a_run_whose_machine_is_gone_isnt_waited_for(there: Stand) -> None:
    """
    Deleting an execution's state machine forgets it: waiting ends with RunNotFound.
    """
    machine = there.stepfunctions.create_state_machine(
        name="passing",
        roleArn="arn:aws:iam::123456789012:role/none",
        definition=WAITS,
    )["stateMachineArn"]
    arn = there.stepfunctions.start_execution(stateMachineArn=machine, name="x")["executionArn"]
    run = Run.from_arn(arn, session=there.session, clock=FakeClock())
    there.stepfunctions.stop_execution(executionArn=arn)
    there.stepfunctions.delete_state_machine(stateMachineArn=machine)
    with pytest.raises((RunNotFound, JobFailed)):
        run.wait()


def test_a_key_makes_one_job(there: Stand) -> None:
    """
    Alive or succeeded, the job of the key is the run; once it has failed, another is made.
    """
    slow = there.python(SLOW, key="films of 1999/2")
    assert there.python(SLOW, key="films of 1999/2") == slow
    slow.cancel("fails it")
    slow.wait(30, check=False)
    good = there.python("print(1)", key="films of 1999/2").wait(30)
    assert good != slow
    assert there.python("print(1)", key="films of 1999/2") == good
    assert good.name.startswith("films-films-of-1999-2-")
    assert there.python("print(1)", key="another").wait(30) != good


def test_of_two_jobs_with_a_key_the_older_stays(there: Stand) -> None:
    """
    Another caller submits between the look and the submission: its job is taken, the own one ended.
    """
    faster: list[str] = []
    others = there.batch  # a client that is made before, and so isn't told

    def submit_first(params: Any, **_: Any) -> None:
        given = {key: params[key] for key in ("jobName", "jobQueue", "jobDefinition")}
        faster.append(others.submit_job(**given)["jobId"])

    there.session.events.register("provide-client-params.batch.SubmitJob", submit_first)
    try:
        late = describe_stack(there.spec.name, session=there.session)
        run = late.submit(["python", "-c", SLOW], key="race")
    finally:
        there.session.events.unregister("provide-client-params.batch.SubmitJob", submit_first)
    assert [run.arn] == faster
    jobs = _jobs.named(run._aws, "films", run.name)
    assert len(jobs) == 2
    (own,) = (job for job in jobs if job["jobId"] not in faster)
    with pytest.raises(JobFailed, match="has the same key"):
        Run.from_arn(own["jobId"], session=there.session).wait(30)
    run.wait(30)


def test_a_job_waits_for_those_that_it_depends_on(there: Stand) -> None:
    """
    Runs of either sort, and ids.
    """
    before = there.stack.run()
    there.until(before, lambda run: run.jobs)
    run = there.python("print('after')", depends_on=[before, before.jobs[0].id])
    started, stopped = run.wait(30).jobs[0].started, before.jobs[0].stopped
    assert started and stopped and started >= stopped


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"array_size": 1}, "array_size"),
        ({"array_size": 10_001}, "array_size"),
        ({"vcpus": 3}, "vcpus"),
        ({"memory": 100}, "memory"),
        ({"vcpus": 4}, "memory"),
        ({"timeout": 59}, "timeout"),
        ({"attempts": 11}, "attempts"),
        ({"environment": {"AWS_BATCH_X": "1"}}, "environment"),
        ({"environment": {"X": "x" * 9000}}, "environment"),
        ({"command": ["x", 1]}, "command"),
        ({"depends_on": ["x"] * 21}, "depends_on"),
        ({"name": "a b"}, "name"),
        ({"key": " "}, "key"),
    ],
)
def test_what_batch_would_refuse_never_reaches_it(
    given: dict[str, Any], field: str, there: Stand
) -> None:
    """
    One error names the field; no call is made.
    """
    with recording(there.session) as seen, pytest.raises(SpecError, match=f"{field}: got"):
        there.stack.submit(**given)
    assert seen == []


def test_overrides_reach_the_job(there: Stand) -> None:
    """
    vCPUs, MiB, time-out and attempts are those of the submission.
    """
    run = there.stack.submit(["true"], vcpus=1, memory=2048, timeout=61, attempts=3, name="sized")
    job = run.wait(30, check=False).jobs[0]
    wanted = {one["type"]: one["value"] for one in job.details["container"]["resourceRequirements"]}
    assert wanted == {"VCPU": "1", "MEMORY": "2048"}
    assert job.details["timeout"] == {"attemptDurationSeconds": 61}
    assert job.details["retryStrategy"]["attempts"] == 3


def test_the_newest_runs_come_first(there: Stand) -> None:
    """
    Executions and direct submissions, each once: the jobs of executions are not runs of their own.
    """
    one = there.stack.run(name="newest-1", wait=True)
    two = there.python("print(2)").wait(30)
    three = there.stack.run(name="newest-3", wait=True)
    assert [run.name for run in there.stack.runs(limit=3)] == [three.name, two.name, one.name]
    with pytest.raises(SpecError):
        there.stack.runs(limit=0)


def test_links_lead_to_the_console(there: Stand) -> None:
    """
    Of the execution, its job and its log stream.
    """
    links = there.stack.run(wait=True).links
    assert list(links) == ["execution", "job", "log"]
    assert all(
        link.startswith("https://us-east-1.console.aws.amazon.com/") for link in links.values()
    )
    assert "$252Fbatchkit$252Ffilms" in links["log"]


def test_a_watch_rides_out_an_aws_that_does_not_answer(there: Stand) -> None:
    """
    Minutes without a connection end neither `wait` nor `logs`; `wait` keeps to its limit.
    """
    program = "import time; time.sleep(2); print('done')"
    arn, clock, back = there.python(program).arn, FakeClock(), 0.0

    def cut(**_: object) -> None:
        if clock.monotonic() < back:
            raise EndpointConnectionError(endpoint_url="https://aws")

    with before(there.session, "before-call", cut):
        watched, limited = (Run.from_arn(arn, session=there.session, clock=clock) for _ in range(2))
        back = clock.monotonic() + 600
        with pytest.raises(AwsError, match="EndpointConnectionError"):
            limited.wait(60)
        assert clock.monotonic() < 120
        assert [line.text for line in watched.logs(follow=True)] == ["done"]
        assert clock.monotonic() >= back


def test_waiting_looks_often_at_first_and_then_less(there: Stand) -> None:
    """
    Ten times in the first second; every five seconds after some minutes.
    """
    clock = FakeClock()
    run = Run.from_arn(there.python(SLOW).arn, session=there.session, clock=clock)
    with pytest.raises(StillWaiting):
        run.wait(600)
    assert clock.sleeps[0] == pytest.approx(0.1)
    assert clock.sleeps[-2] == pytest.approx(5.0)
    assert len(clock.sleeps) < 250
    run.cancel("seen")


def test_a_killed_followers_run_is_picked_up_by_another(there: Stand) -> None:
    """
    A process that follows the lines is killed; another reads all of them, from the first.
    """
    program = "import time\nfor n in range(4): print('line', n, flush=True); time.sleep(.3)"
    run = there.python(program)
    follower = textwrap.dedent(f"""
        import boto3
        from batchkit import Run
        session = boto3.Session("AKIA", "secret", region_name="us-east-1")
        for line in Run.from_arn("{run.arn}", session=session).logs(follow=True):
            print(line, flush=True)
        """)
    killed = _follower(there, follower)
    assert killed.stdout is not None and killed.stdout.readline() == "line 0\n"
    killed.kill()
    killed.communicate()
    second = _follower(there, follower)
    out, err = second.communicate(timeout=60)
    assert (out.splitlines(), err) == ([f"line {n}" for n in range(4)], "")


def _follower(there: Stand, program: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program],
        env={"AWS_ENDPOINT_URL": there.session.endpoint_url, "PYTHONPATH": ":".join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
