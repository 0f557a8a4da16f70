"""
The public names, each with its home: the one list of them, which `__init__.py` loads from.
"""

from ._diagnosis.finding import (
    Diagnosis as Diagnosis,
    Finding as Finding,
    Severity as Severity,
)
from ._display.progress import (
    Progress as Progress,
    progress as progress,
)
from ._engine.plan import (
    Plan as Plan,
)
from ._engine.policy import (
    Policy as Policy,
)
from ._engine.teardown import (
    Teardown as Teardown,
)
from ._jobs.jobs import (
    Attempt as Attempt,
    Job as Job,
)
from ._jobs.logs import (
    LogLine as LogLine,
)
from ._preflight.instances import (
    InstanceType as InstanceType,
    instance_types as instance_types,
)
from ._preflight.preflight import (
    preflight as preflight,
)
from ._runs.fan_out import (
    Mapped as Mapped,
    Result as Result,
)
from ._runs.run import (
    Run as Run,
)
from .cli.config import (
    load_spec as load_spec,
)
from .compute.ec2 import Ec2 as Ec2
from .compute.fargate import Fargate as Fargate
from .compute.unmanaged import Unmanaged as Unmanaged
from .ensure import (
    ensure as ensure,
    ensure_bucket as ensure_bucket,
    ensure_compute_environment as ensure_compute_environment,
    ensure_image as ensure_image,
    ensure_job_definition as ensure_job_definition,
    ensure_job_queue as ensure_job_queue,
    ensure_log_group as ensure_log_group,
    ensure_network as ensure_network,
    ensure_repository as ensure_repository,
    ensure_role as ensure_role,
    ensure_schedule as ensure_schedule,
    ensure_security_group as ensure_security_group,
    ensure_state_machine as ensure_state_machine,
    ensure_table as ensure_table,
)
from .errors import (
    AccessDenied as AccessDenied,
    ApplyError as ApplyError,
    AwsError as AwsError,
    BatchkitError as BatchkitError,
    BrokenResource as BrokenResource,
    BuildFailed as BuildFailed,
    ConfigError as ConfigError,
    ContextError as ContextError,
    CredentialsError as CredentialsError,
    DockerUnavailable as DockerUnavailable,
    ImageError as ImageError,
    JobFailed as JobFailed,
    LocalError as LocalError,
    NotOwnedError as NotOwnedError,
    PreflightError as PreflightError,
    PushFailed as PushFailed,
    QuotaExceeded as QuotaExceeded,
    ReplacementNeeded as ReplacementNeeded,
    RunNotFound as RunNotFound,
    SpecError as SpecError,
    StackNotFound as StackNotFound,
    StillWaiting as StillWaiting,
    TeardownError as TeardownError,
    WrongArchitecture as WrongArchitecture,
)
from .events import (
    Action as Action,
    Event as Event,
    Phase as Phase,
)
from .grants import (
    Grant as Grant,
    allow as allow,
    dynamodb_read as dynamodb_read,
    dynamodb_write as dynamodb_write,
    kms_decrypt as kms_decrypt,
    s3_read as s3_read,
    s3_write as s3_write,
    secret_read as secret_read,
)
from .local import (
    local_aws as local_aws,
)
from .networks.nat import Nat as Nat
from .resources.definitions import (
    JobDefinition as JobDefinition,
)
from .resources.dynamodb import (
    Table as Table,
)
from .resources.ecr import (
    Repository as Repository,
)
from .resources.environments import (
    ComputeEnvironment as ComputeEnvironment,
)
from .resources.environments_ec2 import Ec2Environment as Ec2Environment
from .resources.environments_fargate import FargateEnvironment as FargateEnvironment
from .resources.environments_unmanaged import UnmanagedEnvironment as UnmanagedEnvironment
from .resources.gateways import (
    ElasticIp as ElasticIp,
    InternetGateway as InternetGateway,
    NatGateway as NatGateway,
)
from .resources.iam import (
    Role as Role,
    aws_managed as aws_managed,
)
from .resources.image import (
    Image as Image,
    ImageSource as ImageSource,
)
from .resources.instance_profile import InstanceProfile as InstanceProfile
from .resources.launch_template import LaunchTemplate as LaunchTemplate
from .resources.logs import (
    LogGroup as LogGroup,
)
from .resources.network import (
    Network as Network,
)
from .resources.queues import (
    JobQueue as JobQueue,
)
from .resources.routes import (
    Route as Route,
    RouteTable as RouteTable,
)
from .resources.s3 import (
    Bucket as Bucket,
)
from .resources.schedule import (
    Schedule as Schedule,
    ScheduleGroup as ScheduleGroup,
)
from .resources.security_group import (
    SecurityGroup as SecurityGroup,
)
from .resources.states import (
    StateMachine as StateMachine,
    run_job as run_job,
)
from .resources.vpc import (
    Subnet as Subnet,
    Vpc as Vpc,
)
from .spec import (
    StackSpec as StackSpec,
)
from .stack.joining import Joining as Joining
from .stack.stack import (
    Stack as Stack,
)
from .stack.verbs import (
    describe_stack as describe_stack,
    destroy_stack as destroy_stack,
    ensure_stack as ensure_stack,
    list_stacks as list_stacks,
    plan_stack as plan_stack,
    stack_policy as stack_policy,
)

__version__: str
