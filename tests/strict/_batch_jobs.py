"""
Section D: jobs, which run on simulated time, or show why they don't.
"""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError, ParamValidationError

from . import _batch as batch
from ._batch_environments import environment
from ._batch_queues import queue
from ._ec2_interfaces import plant_task, uproot
from ._ec2_routes import blackholed
from ._rules import before, declare
from ._trust import assumable
from ._world import Call, Thing, World

declare(
    (78, "D", "only a valid, enabled queue takes jobs, of an active definition"),
    (81, "M", "a job goes through its states on time, or is stuck, or fails, and says why"),
    (82, "D", "only RUNNING jobs are listed unless asked otherwise; a started job isn't cancelled"),
)

WAITING = ("SUBMITTED", "PENDING", "RUNNABLE")
DONE = ("SUCCEEDED", "FAILED")


@before(78, "batch:SubmitJob")
def _takes_jobs(call: Call) -> None:
    world, name = call.world, call.params["jobQueue"]
    thing = queue(world, name)
    if thing is None:
        batch.refuse(f"Job queue {name} does not exist.")
    if thing["shown"]["state"] != "ENABLED" or batch.status(thing) not in ("VALID", "UPDATING"):
        batch.refuse(world.loose(f"job queue {name}"))
    if _definition(world, call.params["jobDefinition"]) is None:
        batch.refuse(f"Job definition {call.params['jobDefinition']} does not exist.")


def _definition(world: World, wanted: str) -> dict[str, Any] | None:
    """
    The active job definition of that name (its latest revision), name and revision, or ARN.
    """
    name, _, revision = batch.short(wanted).partition(":")
    found = world.raw("batch").describe_job_definitions(jobDefinitionName=name, status="ACTIVE")
    every = [e for e in found["jobDefinitions"] if revision in ("", str(e["revision"]))]
    latest: dict[str, Any] | None = max(every, key=lambda each: each["revision"], default=None)
    return latest


@before(81, "batch:SubmitJob")
def _submit(call: Call) -> bool:
    world, params = call.world, call.params
    call.answer = call.ask(params)
    return submitted(world, params, call.answer["jobId"]) is not None


def submitted(world: World, params: dict[str, Any], id: str) -> Thing | None:
    """
    Have a job that the backend took go its way.
    """
    thing = queue(world, params["jobQueue"])
    definition = _definition(world, params["jobDefinition"])
    if thing is None or definition is None:
        return None
    first = thing["shown"]["computeEnvironmentOrder"][0]["computeEnvironment"]
    job = world.add(
        "job",
        id,
        queue=thing.id,
        environment=first,
        definition=definition,
        live=True,
        status="SUBMITTED",
        reason="",
        name=params["jobName"],
    )
    world.at("job_runnable", lambda: _runnable(world, job))
    return job


def _move(job: Thing, status: str) -> bool:
    if job["live"]:
        job["status"] = status
    return bool(job["live"])


def end(world: World, job: Thing, status: str, reason: str) -> None:
    """
    End a job, if it has not ended.
    """
    if job["live"]:
        job["status"], job["reason"], job["live"] = status, reason, False
        interface = job.get("interface")
        if interface:
            world.at("task_interface", lambda: uproot(world, interface))


def _runnable(world: World, job: Thing) -> None:
    if not _move(job, "RUNNABLE"):
        return
    job["reason"] = _stuck(world, job)
    if job["reason"]:
        world.hit(81)
    else:
        seconds = world.delays["job_starting"] - world.delays["job_runnable"]
        world.at(seconds, lambda: _start(world, job))


def _stuck(world: World, job: Thing) -> str:
    thing = environment(world, job["environment"])
    if thing is None or batch.status(thing) == "INVALID":
        return "ACTION_REQUIRED - CE(s) associated with the job queue are invalid."
    shown = thing["shown"]
    if shown["state"] == "DISABLED":
        return "ACTION_REQUIRED - CE(s) associated with the job queue are disabled."
    if shown["computeResources"].get("maxvCpus", 0) < _cpus(job):
        return (
            "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - CE(s) associated with the job "
            "queue cannot meet the CPU requirement of the job."
        )
    return ""


def _cpus(job: Thing) -> float:
    container = _container(job)
    needs = {each["type"]: each["value"] for each in container.get("resourceRequirements", [])}
    return float(needs.get("VCPU", container.get("vcpus", 0)))


def _container(job: Thing) -> dict[str, Any]:
    found: dict[str, Any] = job["definition"].get("containerProperties", {})
    return found


def _start(world: World, job: Thing) -> None:
    if not _move(job, "STARTING"):
        return
    reason = _why_not(world, job)
    if reason:
        world.hit(81)
        end(world, job, "FAILED", reason)
        return
    resources = _resources(world, job)
    if resources.get("type", "").startswith("FARGATE") and world.on(47):
        subnet, groups = resources["subnets"][0], resources["securityGroupIds"]
        job["interface"] = plant_task(world, subnet, groups)
    world.at(world.delays["job_running"] - world.delays["job_starting"], lambda: _run(world, job))


def _resources(world: World, job: Thing) -> dict[str, Any]:
    thing = environment(world, job["environment"])
    found: dict[str, Any] = thing["shown"].get("computeResources", {}) if thing else {}
    return found


def _run(world: World, job: Thing) -> None:
    if _move(job, "RUNNING"):
        seconds = world.delays["job_done"] - world.delays["job_running"]
        reason = "Essential container in task exited"
        world.at(seconds, lambda: end(world, job, "SUCCEEDED", reason))


def _why_not(world: World, job: Thing) -> str:
    container = _container(job)
    role = container.get("executionRoleArn")
    if role and not assumable(world, role, "ecs-tasks.amazonaws.com"):
        return (
            f"ECS was unable to assume the role '{role}' that was provided for this task. Please "
            "verify that the role being passed has the proper trust relationship and permissions "
            "and that your IAM user has permissions to pass this role."
        )
    public = container.get("networkConfiguration", {}).get("assignPublicIp") == "ENABLED"
    subnets = _resources(world, job).get("subnets", [])
    if subnets and not _way_out(world, subnets[0], public):
        return (
            "ResourceInitializationError: unable to pull secrets or registry auth: "
            "execution resource retrieval failed: unable to retrieve ecr registry auth"
        )
    return _image(world, container.get("image", "")) or _logs(world, container)


def _way_out(world: World, subnet: str, public: bool) -> bool:
    """
    Whether a task in *subnet* reaches the internet: by a gateway if it is public, else by a NAT.
    """
    for table in world.raw("ec2").describe_route_tables()["RouteTables"]:
        if any(each.get("SubnetId") == subnet for each in table.get("Associations", [])):
            routes = [r for r in table["Routes"] if r.get("DestinationCidrBlock") == "0.0.0.0/0"]
            wanted = "GatewayId" if public else "NatGatewayId"
            return any(r.get(wanted) and not blackholed(world, table, r) for r in routes)
    return False


def _image(world: World, image: str) -> str:
    host, _, rest = image.partition("/")
    if ".dkr.ecr." not in host:
        return ""
    name, _, digest = rest.partition("@")
    repository, _, tag = name.partition(":")
    wanted = {"imageDigest": digest} if digest else {"imageTag": tag or "latest"}
    try:
        world.raw("ecr").describe_images(repositoryName=repository, imageIds=[wanted])
    except (ClientError, ParamValidationError):
        return f"CannotPullContainerError: pull image manifest has been retried: {image}: not found"
    return ""


def _logs(world: World, container: dict[str, Any]) -> str:
    options = container.get("logConfiguration", {}).get("options", {})
    group = options.get("awslogs-group")
    if not group or options.get("awslogs-create-group") == "true":
        return ""
    found = world.raw("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    if group in {each["logGroupName"] for each in found}:
        return ""
    return (
        "ResourceInitializationError: failed to validate logger args: create stream has been "
        "retried 1 times: The specified log group does not exist"
    )


@before(82, "batch:ListJobs")
def _list(call: Call) -> bool:
    params = call.params
    if "jobQueue" not in params:
        return False
    thing = queue(call.world, params["jobQueue"])
    if thing is None:
        batch.refuse(f"Job queue {params['jobQueue']} does not exist.")
    wanted = params.get("jobStatus", "RUNNING")
    jobs = [job for job in call.world.all("job") if job["queue"] == thing.id]
    if not params.get("filters"):
        jobs = [job for job in jobs if job["status"] == wanted]
    call.answer = {"jobSummaryList": [_summary(job) for job in jobs]}
    return "jobStatus" not in params


def _summary(job: Thing) -> dict[str, Any]:
    return {
        "jobId": job.id,
        "jobName": job["name"],
        "status": job["status"],
        "statusReason": job["reason"],
        "createdAt": int(job.born * 1000),
    }


@before(82, "batch:DescribeJobs")
def _hundred(call: Call) -> None:
    if len(call.params["jobs"]) > 100:
        batch.refuse("Maximum number of jobs supported is 100")


@before(81, "batch:DescribeJobs")
def _describe(call: Call) -> bool:
    call.answer = call.ask(call.params)
    for shown in call.answer["jobs"]:
        job = call.world.find("job", shown["jobId"])
        if job is not None:
            shown.update(status=job["status"], statusReason=job["reason"])
            if job["live"]:
                shown.pop("stoppedAt", None)
    return False


@before(82, "batch:CancelJob")
def _cancel(call: Call) -> bool:
    job = call.world.find("job", call.params["jobId"])
    if job is None:
        return False
    call.answer = {}
    if job["status"] in WAITING:
        end(call.world, job, "FAILED", call.params["reason"])
        return False
    return True


@before(81, "batch:TerminateJob")
def _terminate(call: Call) -> bool:
    job = call.world.find("job", call.params["jobId"])
    if job is None:
        return False
    call.answer = {}
    end(call.world, job, "FAILED", call.params["reason"])
    return False
