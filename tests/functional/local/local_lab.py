"""
Shared by the tests of the embedded AWS: a small stack, and the registry of probes.
"""

from __future__ import annotations

import functools
import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from batchkit.local import local_aws
from batchkit.local.runtime.account import LocalAccount
from batchkit.local.runtime.images import FakeImages
from batchkit.local.runtime.server import HttpEndpoint
from batchkit.local.session import LocalSession, embedded
from fakes import client

TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
IMAGE = "local/job:v1"
DOCKERFILE = "FROM python:3\nENV PYTHONUNBUFFERED=1\nWORKDIR /app\nCOPY . .\nCMD python main.py\n"

Probe = Callable[["Lab"], None]


class Probes(list[tuple[Probe, tuple[str, ...]]]):
    """
    The registry of one module's probes, each with the names of the patches that it needs.

    A probe asserts what AWS does. Without any of these patches moto makes it fail.
    """

    def __call__(self, *patches: str) -> Callable[[Probe], Probe]:
        def keep(probe: Probe) -> Probe:
            self.append((probe, patches))
            return probe

        return keep


@contextmanager
def lab_without(folder: Path, *patches: str) -> Iterator[Lab]:
    """
    A lab with little patience, on an embedded AWS without these *patches*.
    """
    account = LocalAccount(region="us-east-1", images=FakeImages(), server=HttpEndpoint())
    with embedded(account, without=patches) as session:
        yield Lab(session, folder, patience=1)


class Lab:
    """
    A session, and the resources that a job needs, created at first use.
    """

    def __init__(
        self, session: LocalSession, folder: Path, patience: float = 60, image: str = IMAGE
    ) -> None:
        self.session = session
        self.folder = folder
        self.patience = patience
        self.image = image

    def until(self, condition: Callable[[], Any]) -> Any:
        """
        The first true result of *condition*; fails after *patience* seconds.
        """
        deadline, pause = time.monotonic() + self.patience, threading.Event()
        while time.monotonic() < deadline:
            if result := condition():
                return result
            pause.wait(0.02)
        raise AssertionError(f"not within {self.patience} s")

    def __getattr__(self, service: str) -> Any:
        made = client(self.session, service)
        setattr(self, service, made)
        return made

    def refused(self, code: str, call: Callable[..., Any], **given: Any) -> Any:
        """
        The error of a call that AWS refuses.
        """
        with pytest.raises(ClientError) as caught:
            call(**given)
        assert caught.value.response["Error"]["Code"] == code, caught.value
        return caught.value

    @functools.cached_property
    def vpc(self) -> str:
        return str(self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"])

    @functools.cached_property
    def subnet(self) -> str:
        return self.more_subnet(1)

    def more_subnet(self, number: int) -> str:
        made = self.ec2.create_subnet(VpcId=self.vpc, CidrBlock=f"10.0.{number}.0/24")
        return str(made["Subnet"]["SubnetId"])

    @functools.cached_property
    def group(self) -> str:
        made = self.ec2.create_security_group(GroupName="g", Description="d", VpcId=self.vpc)
        return str(made["GroupId"])

    @functools.cached_property
    def role(self) -> str:
        made = self.iam.create_role(RoleName="role", AssumeRolePolicyDocument=TRUST)
        return str(made["Role"]["Arn"])

    def resources(self, **given: Any) -> dict[str, Any]:
        return {
            "type": "FARGATE",
            "maxvCpus": 4,
            "subnets": [self.subnet],
            "securityGroupIds": [self.group],
            **given,
        }

    def environment(self, name: str = "env", **given: Any) -> str:
        """
        The ARN of a new compute environment.
        """
        base: dict[str, Any] = {"type": "MANAGED", "serviceRole": self.role, "state": "ENABLED"}
        base["computeResources"] = self.resources()
        made = self.batch.create_compute_environment(
            computeEnvironmentName=name, **{**base, **given}
        )
        return str(made["computeEnvironmentArn"])

    def queue(self, name: str = "queue", *, order: tuple[str, ...] = (), **given: Any) -> str:
        """
        The ARN of a new queue.
        """
        items = [
            {"order": place, "computeEnvironment": one}
            for place, one in enumerate(order or (self.environment(),), start=1)
        ]
        base = {"state": "ENABLED", "priority": 1, "computeEnvironmentOrder": items}
        made = self.batch.create_job_queue(jobQueueName=name, **{**base, **given})
        return str(made["jobQueueArn"])

    def definition(self, name: str = "definition", image: str = "", **given: Any) -> str:
        """
        The ARN of a new revision; lower-case names in *given* are container properties.
        """
        top = {k: given.pop(k) for k in list(given) if k in _TOP}
        properties = {
            "image": image or self.image,
            "resourceRequirements": [
                {"type": "VCPU", "value": "1"},
                {"type": "MEMORY", "value": "2048"},
            ],
            **given,
        }
        made = self.batch.register_job_definition(
            jobDefinitionName=name,
            type="container",
            containerProperties=properties,
            **{"platformCapabilities": ["FARGATE"], **top},
        )
        return str(made["jobDefinitionArn"])

    @functools.cached_property
    def ready(self) -> str:
        """
        A queue that accepts jobs, a definition, and its fake image.
        """
        (self.folder / "Dockerfile").write_text(DOCKERFILE)
        (self.folder / "main.py").write_text("print('main')\n")
        self.session.fake_image(self.image, self.folder)
        self.queue()
        return self.definition()

    def submit(self, code: str = "pass", *, definition: str = "", **given: Any) -> str:
        """
        The id of a job that runs *code*.
        """
        self.ready
        overrides = {"command": ["python", "-c", code], **given.pop("containerOverrides", {})}
        answer = self.batch.submit_job(
            jobName=given.pop("jobName", "job"),
            jobQueue="queue",
            jobDefinition=definition or self.ready,
            containerOverrides=overrides,
            **given,
        )
        return str(answer["jobId"])

    def job(self, job_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.batch.describe_jobs(jobs=[job_id])["jobs"][0]
        return found

    def running(self, job_id: str) -> dict[str, Any]:
        return self._in(job_id, ("RUNNING",))

    def ended(self, job_id: str) -> dict[str, Any]:
        return self._in(job_id, ("SUCCEEDED", "FAILED"))

    def _in(self, job_id: str, statuses: tuple[str, ...]) -> dict[str, Any]:
        self.until(lambda: self.job(job_id)["status"] in statuses)
        return self.job(job_id)

    def ran(self, code: str = "pass", **given: Any) -> dict[str, Any]:
        """
        The job, after it ran *code* to the end.
        """
        return self.ended(self.submit(code, **given))

    def lines(self, job: dict[str, Any], group: str = "/aws/batch/job") -> list[str]:
        """
        The lines that the job has written so far.
        """
        events = self.logs.get_log_events(
            logGroupName=group,
            logStreamName=job["container"]["logStreamName"],
            startFromHead=True,
        )
        return [event["message"] for event in events["events"]]

    def machine(self, definition: dict[str, Any], name: str = "machine") -> str:
        made = self.stepfunctions.create_state_machine(
            name=name, definition=json.dumps(definition), roleArn=self.role
        )
        return str(made["stateMachineArn"])

    def start(self, machine: str, name: str = "run", **given: Any) -> str:
        answer = self.stepfunctions.start_execution(
            stateMachineArn=machine, name=name, input=json.dumps(given)
        )
        return str(answer["executionArn"])

    def execution(self, arn: str) -> dict[str, Any]:
        """
        The execution after its end.
        """
        self.until(lambda: self._execution(arn)["status"] != "RUNNING")
        return self._execution(arn)

    def _execution(self, arn: str) -> dict[str, Any]:
        found: dict[str, Any] = self.stepfunctions.describe_execution(executionArn=arn)
        return found


_TOP = ("platformCapabilities", "retryStrategy", "timeout", "tags", "propagateTags", "parameters")


def submit_job(code: str = "pass", **given: Any) -> dict[str, Any]:
    """
    A state that submits a job which runs *code*, and waits for it.
    """
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::batch:submitJob.sync",
        "Parameters": {
            "JobName": "job",
            "JobQueue": "queue",
            "JobDefinition": "definition",
            "ContainerOverrides": {"Command": ["python", "-c", code]},
            **given.pop("Parameters", {}),
        },
        "End": True,
        **given,
    }


def machine_of(state: dict[str, Any]) -> dict[str, Any]:
    """
    A machine of one state.
    """
    return {"StartAt": "Job", "States": {"Job": state}}


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """
    An embedded AWS whose jobs are child processes.
    """
    with local_aws(docker=False) as session:
        yield Lab(session, tmp_path)


@pytest.fixture
def job_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """
    The folder in which jobs that are child processes have their files; only this test uses it.
    """
    folder = tmp_path_factory.mktemp("jobs")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder
