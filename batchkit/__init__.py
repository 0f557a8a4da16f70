"""
AWS Batch from Python: from a folder with a Dockerfile to a running, watched, explained job.

The names are loaded when they are first used, so that importing the package costs little.
"""

from typing import TYPE_CHECKING

from batchkit._version import VERSION as __version__

if TYPE_CHECKING:
    from batchkit._command.config import load_spec
    from batchkit._diagnose.finding import Diagnosis, Finding, Severity
    from batchkit._diagnose.preflight import preflight
    from batchkit._plan import Plan
    from batchkit._runs.jobs import Attempt, Job
    from batchkit._runs.logs import LogLine
    from batchkit._runs.map_ import Mapped, Result
    from batchkit._show.progress import Progress, progress
    from batchkit._stack import Stack
    from batchkit._teardown import Teardown
    from batchkit.errors import (
        AccessDenied,
        ApplyError,
        AwsError,
        BatchkitError,
        BrokenResource,
        BuildFailed,
        ConfigError,
        ContextError,
        CredentialsError,
        DockerUnavailable,
        ImageError,
        JobFailed,
        LocalError,
        NotOwnedError,
        PreflightError,
        PushFailed,
        QuotaExceeded,
        ReplacementNeeded,
        RunNotFound,
        SpecError,
        StackNotFound,
        StillWaiting,
        TeardownError,
        WrongArchitecture,
    )
    from batchkit.events import Action, Event, Phase
    from batchkit.grants import (
        Grant,
        allow,
        dynamodb_read,
        dynamodb_write,
        s3_read,
        s3_write,
        secret_read,
    )
    from batchkit.local import local_aws
    from batchkit.resources.batch import JobQueue, ensure_job_queue
    from batchkit.resources.data import Bucket, Table, ensure_bucket, ensure_table
    from batchkit.resources.definitions import JobDefinition, ensure_job_definition
    from batchkit.resources.ecr import Repository, ensure_repository
    from batchkit.resources.environments import ComputeEnvironment, ensure_compute_environment
    from batchkit.resources.gateways import ElasticIp, InternetGateway, NatGateway
    from batchkit.resources.iam import Role, aws_managed, ensure_role
    from batchkit.resources.image import Image, ImageSource, ensure_image
    from batchkit.resources.logs import LogGroup, ensure_log_group
    from batchkit.resources.network import Network, ensure_network
    from batchkit.resources.routes import Route, RouteTable
    from batchkit.resources.schedule import Schedule, ScheduleGroup, ensure_schedule
    from batchkit.resources.states import StateMachine, ensure_state_machine, run_job
    from batchkit.resources.vpc import SecurityGroup, Subnet, Vpc, ensure_security_group
    from batchkit.runs import Run
    from batchkit.spec import StackSpec
    from batchkit.stack import (
        describe_stack,
        destroy_stack,
        ensure_stack,
        list_stacks,
        plan_stack,
        stack_policy,
    )

__all__ = [
    "AccessDenied",
    "Action",
    "ApplyError",
    "Attempt",
    "AwsError",
    "BatchkitError",
    "BrokenResource",
    "Bucket",
    "BuildFailed",
    "ComputeEnvironment",
    "ConfigError",
    "ContextError",
    "CredentialsError",
    "Diagnosis",
    "DockerUnavailable",
    "ElasticIp",
    "Event",
    "Finding",
    "Grant",
    "Image",
    "ImageError",
    "ImageSource",
    "InternetGateway",
    "Job",
    "JobDefinition",
    "JobFailed",
    "JobQueue",
    "LocalError",
    "LogGroup",
    "LogLine",
    "Mapped",
    "NatGateway",
    "Network",
    "NotOwnedError",
    "Phase",
    "Plan",
    "PreflightError",
    "Progress",
    "PushFailed",
    "QuotaExceeded",
    "ReplacementNeeded",
    "Repository",
    "Result",
    "Role",
    "Route",
    "RouteTable",
    "Run",
    "RunNotFound",
    "Schedule",
    "ScheduleGroup",
    "SecurityGroup",
    "Severity",
    "SpecError",
    "Stack",
    "StackNotFound",
    "StackSpec",
    "StateMachine",
    "StillWaiting",
    "Subnet",
    "Table",
    "Teardown",
    "TeardownError",
    "Vpc",
    "WrongArchitecture",
    "__version__",
    "allow",
    "aws_managed",
    "describe_stack",
    "destroy_stack",
    "dynamodb_read",
    "dynamodb_write",
    "ensure_bucket",
    "ensure_compute_environment",
    "ensure_image",
    "ensure_job_definition",
    "ensure_job_queue",
    "ensure_log_group",
    "ensure_network",
    "ensure_repository",
    "ensure_role",
    "ensure_schedule",
    "ensure_security_group",
    "ensure_stack",
    "ensure_state_machine",
    "ensure_table",
    "list_stacks",
    "load_spec",
    "local_aws",
    "plan_stack",
    "preflight",
    "progress",
    "run_job",
    "s3_read",
    "s3_write",
    "secret_read",
    "stack_policy",
]

_HOMES = {
    "._command.config": "load_spec",
    "._diagnose.finding": "Diagnosis Finding Severity",
    "._runs.jobs": "Attempt Job",
    "._runs.logs": "LogLine",
    "._runs.map_": "Mapped Result",
    "._plan": "Plan",
    "._diagnose.preflight": "preflight",
    "._show.progress": "Progress progress",
    "._stack": "Stack",
    "._teardown": "Teardown",
    ".errors": (
        "AccessDenied ApplyError AwsError BatchkitError BrokenResource BuildFailed "
        "ConfigError ContextError CredentialsError DockerUnavailable ImageError JobFailed "
        "LocalError NotOwnedError PreflightError PushFailed QuotaExceeded "
        "ReplacementNeeded RunNotFound SpecError StackNotFound StillWaiting TeardownError "
        "WrongArchitecture"
    ),
    ".events": "Action Event Phase",
    ".grants": "Grant allow dynamodb_read dynamodb_write s3_read s3_write secret_read",
    ".local": "local_aws",
    ".resources.batch": "JobQueue ensure_job_queue",
    ".resources.data": "Bucket Table ensure_bucket ensure_table",
    ".resources.definitions": "JobDefinition ensure_job_definition",
    ".resources.ecr": "Repository ensure_repository",
    ".resources.environments": "ComputeEnvironment ensure_compute_environment",
    ".resources.gateways": "ElasticIp InternetGateway NatGateway",
    ".resources.iam": "Role aws_managed ensure_role",
    ".resources.image": "Image ImageSource ensure_image",
    ".resources.logs": "LogGroup ensure_log_group",
    ".resources.network": "Network ensure_network",
    ".resources.routes": "Route RouteTable",
    ".resources.schedule": "Schedule ScheduleGroup ensure_schedule",
    ".resources.states": "StateMachine ensure_state_machine run_job",
    ".resources.vpc": "SecurityGroup Subnet Vpc ensure_security_group",
    ".runs": "Run",
    ".spec": "StackSpec",
    ".stack": "describe_stack destroy_stack ensure_stack list_stacks plan_stack stack_policy",
}


def __getattr__(name: str) -> object:
    from importlib import import_module

    for home, names in _HOMES.items():
        if name in names.split():
            value: object = getattr(import_module(f"{__name__}{home}"), name)
            globals()[name] = value
            return value
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
