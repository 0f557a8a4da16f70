"""
Entering and leaving the embedded AWS.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from local_lab import IMAGE, Lab, machine_of, submit_job

from batchkit.errors import ContextError, LocalError
from batchkit.local import LocalSession, local_aws
from batchkit.local.runtime.lock import DISPATCH

LENGTH = 60
FOREVER = f"import time; time.sleep({LENGTH})"


def test_importing_the_package_imports_no_moto() -> None:
    """
    batchkit.local and the class of its session don't need moto.
    """
    code = "import batchkit.local, sys; print([m for m in sys.modules if m.startswith('moto')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_missing_moto_says_what_to_install() -> None:
    """
    Without moto local_aws() raises LocalError with the extra to install.
    """
    code = (
        "import sys; sys.modules['moto'] = None\n"
        "from batchkit.errors import LocalError\n"
        "from batchkit.local import local_aws\n"
        "try:\n"
        "    local_aws(docker=False).__enter__()\n"
        "except LocalError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 'pip install "aws-batchkit[local]"' in done.stdout


def test_it_yields_a_session_for_its_region() -> None:
    """
    The session is a boto3.Session of the given region, and so are its clients.
    """
    with local_aws(region="eu-central-1", docker=False) as session:
        assert isinstance(session, boto3.Session) and isinstance(session, LocalSession)
        assert session.client("batch").meta.region_name == "eu-central-1"
        arn = session.client("ecr").create_repository(repositoryName="job")["repository"]
        assert ":eu-central-1:123456789012:" in arn["repositoryArn"]
        assert not session.docker


def test_every_account_is_new() -> None:
    """
    Resources of one embedded AWS don't exist in the next one.
    """
    for _ in range(2):
        with local_aws(docker=False) as session:
            session.client("iam").create_role(RoleName="mine", AssumeRolePolicyDocument="{}")


def test_there_is_one_at_a_time() -> None:
    """
    A nested local_aws() is refused, and the outer one goes on.
    """
    with local_aws(docker=False) as session:
        with pytest.raises(LocalError, match="already active"), local_aws(docker=False):
            raise AssertionError
        assert session.client("iam").list_roles()["Roles"] == []


def test_it_refuses_to_share_moto() -> None:
    """
    Where mock_aws is active the account would not be empty.
    """
    from moto import mock_aws

    with mock_aws(), pytest.raises(LocalError, match="mock_aws is active"), local_aws(docker=False):
        raise AssertionError


def test_it_reads_no_real_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """
    The user's profile, endpoint and FIPS setting are ignored, and restored at the end.
    """
    theirs = {
        "AWS_PROFILE": "not-there",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_USE_FIPS_ENDPOINT": "true",
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        "AWS_SESSION_TOKEN": "",
        "MOTO_ACCOUNT_ID": "111111111111",
    }
    for name, value in theirs.items():
        monkeypatch.setenv(name, value)
    before = dict(os.environ)
    with local_aws(docker=False) as session:
        identity = session.client("sts").get_caller_identity()
        assert identity["Account"] == "123456789012"
        assert "AWS_PROFILE" not in os.environ
    assert dict(os.environ) == before


def test_the_callers_hooks_see_every_call(lab: Lab) -> None:
    """
    Hooks on the session see its own calls, and not those of the interpreter or of jobs.
    """
    seen: list[str] = []
    lab.session.events.register("before-call", lambda model, **_: seen.append(model.name))
    lab.ready
    machine = lab.machine(machine_of(submit_job()))
    del seen[:]
    lab.execution(lab.start(machine))
    assert set(seen) == {"StartExecution", "DescribeExecution"}


def test_leaving_ends_jobs_and_executions(tmp_path: Path, job_folders: Path) -> None:
    """
    No process, thread, file or patch is left, although the jobs had not ended.
    """
    from moto.batch.models import Job

    before = set(threading.enumerate())
    with local_aws(docker=False) as session:
        lab = Lab(session, tmp_path)
        job = lab.submit(f"import os; print(os.getpid(), flush=True); {FOREVER}")
        waiting = lab.submit(dependsOn=[{"jobId": job}])
        lab.start(lab.machine(machine_of(submit_job(FOREVER))))
        lab.until(lambda: len(lab.batch.list_jobs(jobQueue="queue")["jobSummaryList"]) == 2)
        (pid,) = lab.until(lambda: lab.lines(lab.job(job)))
        assert lab.job(waiting)["status"] == "PENDING"
        assert list(job_folders.glob("batch-job-*"))
        patched: Any = Job.run
        assert "batchkit" in patched.__wrapped__.__module__
        begun = time.monotonic()
    assert time.monotonic() - begun < LENGTH
    assert not Path(f"/proc/{pid}").exists()
    assert set(threading.enumerate()) <= before
    assert list(job_folders.iterdir()) == []
    assert not hasattr(Job.run, "__wrapped__")


def test_an_error_inside_leaves_nothing_either() -> None:
    """
    The error is raised unchanged, and the next embedded AWS starts.
    """
    with pytest.raises(ZeroDivisionError), local_aws(docker=False):
        raise ZeroDivisionError
    with local_aws(docker=False):
        pass


def test_a_session_is_of_no_use_after_the_end() -> None:
    """
    A client raises LocalError after the end; it does not call the real AWS.
    """
    with local_aws(docker=False) as session:
        client = session.client("iam")
    with pytest.raises(LocalError, match="has ended"):
        client.list_roles()


def test_the_endpoint_is_the_same_aws_over_http(lab: Lab) -> None:
    """
    A program outside reads what the session wrote, and the other way round.
    """
    lab.s3.create_bucket(Bucket="bucket")
    outside = boto3.client("s3", endpoint_url=lab.session.endpoint_url)
    outside.put_object(Bucket="bucket", Key="key", Body=b"x" * 100_000)
    body = lab.s3.get_object(Bucket="bucket", Key="key")["Body"].read()
    assert len(body) == 100_000
    with pytest.raises(ClientError, match="NoSuchKey"):
        outside.get_object(Bucket="bucket", Key="other")
    outside.close()


def test_calls_over_http_take_turns_with_the_sessions(lab: Lab) -> None:
    """
    A call from outside waits while a call of this process runs.
    """
    done, url = threading.Event(), f"{lab.session.endpoint_url}/moto-api/data.json"

    def call() -> None:
        with urllib.request.urlopen(url) as answer:
            answer.read()
        done.set()

    call()
    done.clear()
    with DISPATCH:
        caller = threading.Thread(target=call)
        caller.start()
        assert not done.wait(0.3)
    caller.join()
    assert done.is_set()


def test_a_daemon_that_is_asked_for_must_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Without a daemon docker=True is an error, and docker=None runs child processes.
    """
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    with pytest.raises(LocalError, match="no Docker daemon answers"), local_aws(docker=True):
        raise AssertionError
    with local_aws() as session:
        assert not session.docker


def test_images_can_be_given_at_the_start(tmp_path: Path) -> None:
    """
    A folder in *images* is a fake image from the start.
    """
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCMD echo given\n")
    with local_aws(docker=False, images={IMAGE: tmp_path}) as session:
        lab = Lab(session, tmp_path)
        lab.queue()
        lab.definition()
        answer = lab.batch.submit_job(jobName="job", jobQueue="queue", jobDefinition="definition")
        assert lab.lines(lab.ended(answer["jobId"])) == ["given"]


def test_a_folder_without_a_dockerfile_is_no_fake_image(lab: Lab) -> None:
    """
    The error names the folder and what is missing.
    """
    with pytest.raises(ContextError, match="no Dockerfile"):
        lab.session.fake_image(IMAGE, lab.folder)
