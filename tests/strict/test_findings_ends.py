"""
What is found of jobs that went this way and that: attempts, exit codes, arrays, limits.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from batchkit import Run, Severity, kms_decrypt
from batchkit._runs.backends import SubmittedJobs

from . import broken_stacks as the
from .broken_stacks import REGION, Scene, rules
from .simulator.batch.lifecycle import reclaim
from .simulator.batch.programs import Program

SEED = 8


def test_attempts_with_different_reasons_are_told_apart(at: Scene) -> None:
    """
    The last one's reason is the job's; the earlier one's is told beside it.
    """
    at.mend(compute="fargate-spot")
    at.program("load", the.LONG)
    run = at.submit("load", attempts=2)
    job = at.aws.account.find("job", run.arn)
    assert job is not None
    reclaim(at.aws.account, job)
    at.program("load", Program(exit=1, lines=["ValueError: no title"]))
    at.later()
    (one,) = run.refresh().explain()
    assert one.rule == "program-failed"
    assert "exit code 1: ValueError: no title" in one.message
    assert "attempt 1 ended otherwise: Your Spot Task was interrupted." in one.message


def test_an_attempt_that_is_tried_again_is_a_warning(at: Scene) -> None:
    """
    The job may go well yet.
    """
    at.program("load", Program(exit=1, lines=["ValueError: no title"]))
    run = at.stack.submit(["load"], attempts=2)
    for seconds in (2, 8, 10, 11):
        at.later(seconds)
        run.refresh()
    (one,) = run.explain()
    assert (run.status, one.rule, one.severity) == ("RUNNABLE", "program-failed", Severity.WARNING)


@pytest.mark.parametrize(
    ("program", "rule", "told"),
    [
        (Program(exit=126), "command-not-found", "126: it may not be executed"),
        (Program(exit=127, lines=["sh: 1: lod: not found"]), "command-not-found", "lod: not found"),
        (Program(exit=139), "program-failed", "SIGSEGV: it crashed in native code"),
        (Program(exit=143), "program-failed", "SIGTERM: it was asked to stop"),
        (Program(exit=137), "out-of-memory", "most likely"),
        (Program(machine="arm64"), "wrong-architecture", "isn't built for X86_64"),
    ],
)
def test_an_exit_code_is_explained(at: Scene, program: Program, rule: str, told: str) -> None:
    """
    One finding for each, in words.
    """
    at.program("load", program)
    (one,) = at.submit("load").explain()
    assert one.rule == rule and told in one.message


def test_a_child_that_failed_explains_its_array(at: Scene) -> None:
    """
    It is named with its index.
    """
    at.program("load", Program(exit=2, lines=["bad film"]))
    run = at.submit("load", array_size=2)
    assert run.status == "FAILED"
    (one,) = run.explain()
    assert one.rule == "program-failed" and one.subject.endswith(f"({run.arn}:0)")


def test_a_job_behind_an_array_that_failed_says_so(at: Scene) -> None:
    """
    The array is named.
    """
    at.program("load", Program(exit=2))
    array = at.submit("load", array_size=2)
    (one,) = at.submit(depends_on=[array]).explain()
    assert one.rule == "dependency-failed" and array.arn in one.message


def test_a_run_that_took_too_long_was_not_ended_by_someone(at: Scene) -> None:
    """
    The state machine's own limit is over.
    """
    at.mend(run_timeout=60, command=["long"])
    at.program("long", the.LONG)
    run = at.stack.run()
    at.later()
    (one,) = run.refresh().explain()
    assert (run.status, one.rule) == ("TIMED_OUT", "timed-out")


def test_a_role_that_was_too_young_failed_the_job(at: Scene) -> None:
    """
    Nothing is wrong with it now: the job is to be run again.
    """
    the.role_deleted("exec")(at)
    run = at.submit()
    at.mend()
    (one,) = run.explain()
    assert (one.rule, one.severity) == ("execution-role-trust", Severity.ERROR)
    assert one.fix == "Run the job again."


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (REGION, "eu-west-1", "which is in eu-west-1 while the job runs in us-east-1."),
        (":films-", ":filns-", "there is none of that ARN."),
    ],
)
def test_a_secret_that_isnt_there_is_named(at: Scene, old: str, new: str, told: str) -> None:
    """
    The role may read it, and it is in another region, or nowhere.
    """
    arn = str(at.spec.secrets["PASSWORD"]).replace(old, new)
    at.mend(secrets={"PASSWORD": arn})
    (one,) = at.submit().explain()
    assert one.rule == "secret-unreadable" and one.subject == "secret PASSWORD"
    assert arn in one.message and one.message.endswith(told)


def test_lines_are_read_on(at: Scene) -> None:
    """
    A page that follows is asked for in the direction of the first.
    """
    at.program("speak", Program(lines=["one", "two"]))
    assert [str(line) for line in at.submit("speak").logs()] == ["one", "two"]


def another_secret(at: Scene, **given: Any) -> str:
    """
    The ARN of a secret that the stack's own is beside.
    """
    secrets = at.raw("secretsmanager")
    return str(secrets.create_secret(Name=f"films-{uuid4()}", **given)["ARN"])


@pytest.mark.parametrize("end", ["", ":user::", ":user:AWSCURRENT:", ":::"])
def test_what_is_wanted_of_a_secret_is_not_part_of_what_is_allowed(at: Scene, end: str) -> None:
    """
    A job that wants a JSON key, a stage or a version of it runs, and nothing is wrong with it.
    """
    arn = another_secret(at, SecretString='{"user": "me"}')
    at.mend(secrets={"PASSWORD": arn + end, "SHORT": arn.rpartition("-")[0] + end})
    run = at.submit()
    assert (run.status, run.explain()) == ("SUCCEEDED", [])


def test_a_secret_without_the_json_key_is_named(at: Scene) -> None:
    """
    The role may read it, and finds no such key in it.
    """
    arn = another_secret(at, SecretString="{}")
    at.mend(secrets={"PASSWORD": f"{arn}:user::"})
    (one,) = at.submit().explain()
    assert (one.rule, one.subject) == ("secret-unreadable", "secret PASSWORD")
    assert one.message.endswith("it has no such JSON key.")


def test_a_key_of_ones_own_is_granted_to_the_execution_role(at: Scene) -> None:
    """
    Without the grant the explanation names it; with it the job runs.
    """
    key = "arn:aws:kms:us-east-1:123456789012:key/films"
    arn = another_secret(at, SecretString="x", KmsKeyId=key)
    at.mend(secrets={"PASSWORD": arn})
    (one,) = at.submit().explain()
    assert one.rule == "secret-unreadable" and "execution_grants=[kms_decrypt(key)]" in one.fix
    assert "a key of KMS of its own" in one.message
    at.mend(secrets={"PASSWORD": arn}, execution_grants=kms_decrypt(key))
    assert at.submit().status == "SUCCEEDED"


def test_spot_that_is_used_up_leaves_room_on_demand(at: Scene) -> None:
    """
    Each has a quota of its own.
    """
    at.mend(compute="fargate-spot", vcpus=4, memory=8192)
    at.aws.account.add("quota", "L-36FBB829", value=4.0)
    at.program("long", the.LONG)
    assert at.submit("long").status == "RUNNING"
    assert at.stack.diagnose() == []
    assert at.submit("long").status == "RUNNING"
    at.aws.account.add("quota", "L-36FBB829", value=100.0)


def test_a_run_is_found_again_and_explained(at: Scene) -> None:
    """
    By its id alone.
    """
    at.program("load", Program(exit=4))
    id = at.submit("load").arn
    run = Run.from_arn(id, session=at.session, clock=at.aws.clock)
    assert rules(run.explain()) == ["program-failed"]


def test_the_children_of_an_array_take_room_too(at: Scene) -> None:
    """
    Batch lists the array alone, as PENDING; its children have all of the queue's vCPUs.
    """
    at.program("long", the.LONG)
    array = at.submit("long", array_size=4)
    waiting = at.submit()
    assert (array.status, waiting.status) == ("PENDING", "RUNNABLE")
    (one,) = waiting.explain()
    assert (one.rule, one.severity) == ("queue-full", Severity.INFO)
    assert "its jobs have 4 of 4 vCPUs" in one.message


def test_the_revision_that_the_state_machine_names_is_looked_at(at: Scene) -> None:
    """
    Another one that is active doesn't help it.
    """
    batch = at.client("batch")
    held = batch.describe_job_definitions(jobDefinitions=[at.id("JobDefinition")])
    keys = ("jobDefinitionName", "type", "containerProperties", "platformCapabilities", "tags")
    batch.register_job_definition(**{key: held["jobDefinitions"][0][key] for key in keys})
    the.definition_deregistered(at)
    (one,) = at.stack.diagnose()
    assert one.rule == "definition-missing" and "the state machine submits jobs" in one.message


def test_an_array_that_is_too_large_is_found_in_the_stack(at: Scene) -> None:
    """
    Its children are stuck, of which Batch lists only the parent.
    """
    at.submit(array_size=2, vcpus=8, memory=16384)
    (one,) = at.stack.diagnose()
    assert one.rule == "job-too-large" and "max_vcpus=8" in one.fix


def test_a_job_that_batch_does_not_tell_of_yet_has_no_finding(at: Scene) -> None:
    """
    For some seconds after it was submitted.
    """
    id = "00000000-0000-0000-0000-000000000000"
    run = Run(id, at.stack._aws, SubmittedJobs(at.stack._aws, [id], fresh=True))
    assert (run.status, run.explain()) == ("SUBMITTED", [])
