"""
AWS Batch from Python: from a folder with a Dockerfile to a running, watched, explained job.
"""

from batchkit._plan import Plan
from batchkit._teardown import Teardown
from batchkit._version import VERSION as __version__
from batchkit.errors import (
    AccessDenied,
    ApplyError,
    AwsError,
    BatchkitError,
    BrokenResource,
    BuildFailed,
    ContextError,
    CredentialsError,
    DockerUnavailable,
    ImageError,
    JobFailed,
    LocalError,
    NotOwnedError,
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
from batchkit.resources.batch import (
    ComputeEnvironment,
    JobQueue,
    ensure_compute_environment,
    ensure_job_queue,
)
from batchkit.resources.data import Bucket, Table, ensure_bucket, ensure_table
from batchkit.resources.definitions import JobDefinition, ensure_job_definition
from batchkit.resources.ecr import Repository, ensure_repository
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
    Stack,
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
    "AwsError",
    "BatchkitError",
    "BrokenResource",
    "Bucket",
    "BuildFailed",
    "ComputeEnvironment",
    "ContextError",
    "CredentialsError",
    "DockerUnavailable",
    "ElasticIp",
    "Event",
    "Grant",
    "Image",
    "ImageError",
    "ImageSource",
    "InternetGateway",
    "JobDefinition",
    "JobFailed",
    "JobQueue",
    "LocalError",
    "LogGroup",
    "NatGateway",
    "Network",
    "NotOwnedError",
    "Phase",
    "Plan",
    "PushFailed",
    "QuotaExceeded",
    "ReplacementNeeded",
    "Repository",
    "Role",
    "Route",
    "RouteTable",
    "Run",
    "RunNotFound",
    "Schedule",
    "ScheduleGroup",
    "SecurityGroup",
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
    "local_aws",
    "plan_stack",
    "run_job",
    "s3_read",
    "s3_write",
    "secret_read",
    "stack_policy",
]
