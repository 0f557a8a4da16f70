"""
Jobs as containers: what a process can't show, and what must be the same.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from local_lab import Lab
from stopped_programs import job_runs

from batchkit.local import local_aws
from batchkit.local.runtime.docker import docker_answers

BASE = os.environ.get("BATCHKIT_E2E_BASE", "")

pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(not (BASE and docker_answers()), reason="no daemon, or no base image"),
]


@pytest.fixture
def docked(tmp_path: Path) -> Iterator[Lab]:
    """
    A lab whose image is on the daemon, under a name of its own.
    """
    import docker

    client, image = docker.from_env(), f"local/job:{uuid4().hex}"
    client.images.get(BASE).tag(*image.split(":"))
    try:
        with local_aws(docker=True) as session:
            yield Lab(session, tmp_path, patience=30, image=image)
        assert image not in [one["Image"] for one in client.api.containers(all=True)]
    finally:
        client.images.remove(image)
        client.close()


def test_a_job_is_a_container_that_reaches_the_embedded_aws(docked: Lab) -> None:
    """
    The file system is the image's, and the endpoint in its environment answers.
    """
    docked.s3.create_bucket(Bucket="bucket")
    docked.s3.put_object(Bucket="bucket", Key="key", Body=b"from S3")
    docked.ready
    definition = docked.definition("with-role", jobRoleArn=docked.role)
    signed = docked.s3.generate_presigned_url(
        "get_object", Params={"Bucket": "bucket", "Key": "key"}
    )
    code = (
        "import os, urllib.request; print(os.path.exists('/.dockerenv'), flush=True);"
        f"url = os.environ['AWS_ENDPOINT_URL'] + '/bucket/key?{signed.partition('?')[2]}';"
        "print(urllib.request.urlopen(url).read().decode(), 'AWS_SECRET_ACCESS_KEY' in os.environ)"
    )
    job = docked.ran(code, definition=definition)
    assert (job["status"], docked.lines(job)) == ("SUCCEEDED", ["True", "from S3 True"])


def test_a_containers_lines_are_there_while_it_runs(docked: Lab) -> None:
    """
    Lines stream; a container that does not listen to SIGTERM is killed after a while.
    """
    code = "import time; print('one', flush=True); print('two', flush=True); time.sleep(60)"
    job_id = docked.submit(code)
    docked.running(job_id)
    docked.until(lambda: docked.lines(docked.job(job_id)) == ["one", "two"])
    docked.batch.terminate_job(jobId=job_id, reason="enough")
    job = docked.ended(job_id)
    assert (job["statusReason"], job["container"]["exitCode"]) == ("enough", 137)
    assert docked.lines(job) == ["one", "two"]


def test_a_container_fails_times_out_or_does_not_start_as_a_process_does(docked: Lab) -> None:
    """
    Exit code and reasons are the same in both modes.
    """
    job = docked.ran("raise SystemExit(3)")
    assert (job["status"], job["container"]["exitCode"]) == ("FAILED", 3)
    job = docked.ran("import time; time.sleep(60)", timeout={"attemptDurationSeconds": 1})
    assert job["statusReason"] == "Job attempt duration exceeded timeout"
    job = docked.ran(containerOverrides={"command": ["no-such-program"]})
    assert job["statusReason"].startswith("CannotStartContainerError: ")
    assert "no-such-program" in job["statusReason"]


def test_an_image_that_the_daemon_lacks_is_a_folder_or_missing(docked: Lab) -> None:
    """
    A fake image runs as a child process; without one the image can't be pulled.
    """
    docked.ready
    (docked.folder / "Dockerfile").write_text("FROM a\nCMD echo process\n")
    for image, status in (("local/folder:v1", "SUCCEEDED"), ("local/none:v1", "FAILED")):
        if status == "SUCCEEDED":
            docked.session.fake_image(image, docked.folder)
        definition = docked.definition("other", image=image)
        answer = docked.batch.submit_job(jobName="j", jobQueue="queue", jobDefinition=definition)
        assert docked.ended(answer["jobId"])["status"] == status


def test_leaving_removes_running_containers(docked: Lab) -> None:
    """
    A container that runs when the embedded AWS ends is removed; the fixture checks it.
    """
    docked.running(docked.submit("import time; time.sleep(60)"))


@pytest.fixture
def tagged() -> Iterator[tuple[str, Callable[[], int]]]:
    """
    An image of a name of its own, and how many containers of it there are.
    """
    import docker

    client, image = docker.from_env(), f"local/job:{uuid4().hex}"
    client.images.get(BASE).tag(*image.split(":"))

    def containers() -> int:
        return len(client.containers.list(all=True, filters={"ancestor": image}))

    try:
        yield image, containers
    finally:
        client.images.remove(image)
        client.close()


def test_a_stopped_program_leaves_no_container(
    tagged: tuple[str, Callable[[], int]], temporary: Path
) -> None:
    """
    As a pipeline's stop ends it.
    """
    image, containers = tagged
    with job_runs(temporary, image) as (program, _):
        assert containers() == 1
        program.terminate()
        assert program.wait(30) == 143
    assert containers() == 0 and list(temporary.iterdir()) == []


def test_the_container_of_a_killed_program_goes_with_the_next_start(
    tagged: tuple[str, Callable[[], int]], temporary: Path
) -> None:
    """
    With one that uses Docker; until then it is known where it came from.
    """
    image, containers = tagged
    with job_runs(temporary, image) as (program, _):
        with local_aws(docker=True):
            assert containers() == 1
        program.kill()
        program.wait()
    with local_aws(docker=False):
        assert containers() == 1
    with local_aws(docker=True):
        assert containers() == 0 and list(temporary.iterdir()) == []
