"""
Why a container is not started.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError, ParamValidationError

from ..account import Account, OverlayEntry
from ..ec2.route_tables import blackholed
from ..iam.trust import assumable, authorised
from .held import environment

TASKS = "ecs-tasks.amazonaws.com"
PULL = "ResourceInitializationError: unable to pull secrets or registry auth: "
LOGGER = "ResourceInitializationError: failed to validate logger args: "
RETRIEVAL = f"{PULL}execution resource retrieval failed: "
ANYWHERE = "0.0.0.0/0"
ARM = ("m6g",)
"""The families of instances with ARM that there are here."""
MACHINES = {"X86_64": "amd64", "ARM64": "arm64"}


def why_not(account: Account, job: OverlayEntry) -> str:
    """
    Why the container of a job can't be started, or "".
    """
    held = environment(account, job["environment"])
    resources = held["shown"].get("computeResources", {}) if held else {}
    container = {**job["container"], **_machine_of(resources)}
    resources = {**resources, "subnets": [job["subnet"]]}
    looks = (_roles, _network, _registry, _secrets, _image, _logs)
    return next((why for look in looks for why in look(account, container, resources)), "")


def _machine_of(resources: dict[str, Any]) -> dict[str, Any]:
    """
    The platform that instances have, in the place of what a definition says on Fargate.
    """
    types = resources.get("instanceTypes")
    if not types:
        return {}
    arm = any(one == "default_arm64" or one.partition(".")[0] in ARM for one in types)
    return {"runtimePlatform": {"cpuArchitecture": "ARM64" if arm else "X86_64"}}


def _in_ecr(container: dict[str, Any]) -> bool:
    return ".dkr.ecr." in container.get("image", "").partition("/")[0]


def _roles(account: Account, container: dict[str, Any], _: Any) -> Iterator[str]:
    for role in (container.get("executionRoleArn"), container.get("jobRoleArn")):
        if role and not assumable(account, role, TASKS):
            yield (
                f"ECS was unable to assume the role '{role}' that was provided for this task. "
                "Please verify that the role being passed has the proper trust relationship and "
                "permissions and that your IAM user has permissions to pass this role."
            )


def _network(
    account: Account, container: dict[str, Any], resources: dict[str, Any]
) -> Iterator[str]:
    if not resources.get("type", "").startswith("FARGATE"):
        return  # the instance has joined, so it has a way out
    public = container.get("networkConfiguration", {}).get("assignPublicIp") == "ENABLED"
    for subnet in resources.get("subnets", [])[:1]:
        out = _way_out(account, subnet, public)
        if _lets_out(account, resources) and (out or _endpoints(account, subnet)):
            if not out and not _in_ecr(container):
                where = f"{container.get('image')}: dial tcp: i/o timeout"
                yield f"CannotPullContainerError: pull image manifest has been retried: {where}"
        else:
            yield f"{RETRIEVAL}unable to retrieve ecr registry auth"


def _lets_out(account: Account, resources: dict[str, Any]) -> bool:
    groups = resources.get("securityGroupIds", [])
    held = account.raw("ec2").describe_security_groups()["SecurityGroups"]
    rules = [r for g in held if g["GroupId"] in groups for r in g["IpPermissionsEgress"]]
    return any(r.get("FromPort", 0) <= 443 <= r.get("ToPort", 65535) for r in rules)


def joins(account: Account, resources: dict[str, Any]) -> bool:
    """
    Whether an instance reaches ECS from its subnet, which gives it a public address or doesn't.
    """
    held = {one["SubnetId"]: one for one in account.raw("ec2").describe_subnets()["Subnets"]}
    places = [held[id] for id in resources["subnets"] if id in held]
    out = (_way_out(account, one["SubnetId"], one["MapPublicIpOnLaunch"]) for one in places)
    return _lets_out(account, resources) and any(out)


def _way_out(account: Account, subnet: str, public: bool) -> bool:
    """
    Whether a task in *subnet* reaches the internet: by a gateway if it is public, else by a NAT.
    """
    for table in account.raw("ec2").describe_route_tables()["RouteTables"]:
        if any(each.get("SubnetId") == subnet for each in table.get("Associations", [])):
            routes = [r for r in table["Routes"] if r.get("DestinationCidrBlock") == ANYWHERE]
            wanted = "GatewayId" if public else "NatGatewayId"
            return any(r.get(wanted) and not blackholed(account, table, r) for r in routes)
    return False


def connected(account: Account, container: dict[str, Any], subnet: str) -> bool:
    """
    Whether a task in *subnet* reaches what its program calls.
    """
    public = container.get("networkConfiguration", {}).get("assignPublicIp") == "ENABLED"
    return _way_out(account, subnet, public) or _endpoints(account, subnet)


def _endpoints(account: Account, subnet: str) -> bool:
    ec2 = account.raw("ec2")
    held = ec2.describe_vpc_endpoints()["VpcEndpoints"]
    names = {each["ServiceName"].partition(account.region)[2] for each in held}
    return names >= {".ecr.api", ".ecr.dkr", ".logs", ".s3"}


def _refused(role: str, action: str) -> str:
    user = f"{role.replace(':role/', ':assumed-role/')}/task"
    return f"AccessDeniedException: User: {user} is not authorized to perform: {action}"


def _registry(account: Account, container: dict[str, Any], _: Any) -> Iterator[str]:
    action, role = "ecr:GetAuthorizationToken", container.get("executionRoleArn", "")
    if _in_ecr(container) and not authorised(account, role, action):
        yield f"{RETRIEVAL}unable to retrieve ecr registry auth: {_refused(role, action)}"


def _secrets(account: Account, container: dict[str, Any], _: Any) -> Iterator[str]:
    role = container.get("executionRoleArn", "")
    for secret in container.get("secrets", []):
        if ":ssm:" in secret["valueFrom"]:
            yield from _parameter(account, role, secret["valueFrom"])
        else:
            yield from _secret(account, role, secret["valueFrom"])


def _secret(account: Account, role: str, given: str) -> Iterator[str]:
    """
    Why one secret isn't read; what is authorised is its own ARN (rule 133).
    """
    action, parts = "secretsmanager:GetSecretValue", given.split(":")
    told = f"{RETRIEVAL}unable to retrieve secret from asm: "
    if len(parts) not in (7, 10) and account.hit(133):
        yield f"{told}an invalid ARN format for the AWS Secrets Manager secret was specified."
        return
    arn, key = ":".join(parts[:7]), (parts[7:8] or [""])[0]
    told += f"failed to fetch secret {arn} from secrets manager: "
    held = _held_secret(account, arn)
    may = authorised(account, role, action, on=held.get("ARN", arn))
    if not may:
        account.hit(133)
        yield f"{told}{_refused(role, action)} on resource: {arn}"
    elif not held:
        yield f"{told}ResourceNotFoundException: can't find the specified secret."
    elif not _decrypts(account, role, held):
        yield f"{told}AccessDeniedException: Access to KMS is not allowed"
    elif key and key not in json.loads(held["SecretString"]):
        what = f"retrieved secret from Secrets Manager did not contain json key {key}"
        yield f"{RETRIEVAL}unable to retrieve secret from asm: {what}"


def _held_secret(account: Account, arn: str) -> dict[str, Any]:
    secrets = account.raw("secretsmanager", arn.split(":")[3])
    try:
        return {**secrets.describe_secret(SecretId=arn), **secrets.get_secret_value(SecretId=arn)}
    except ClientError:
        return {}


def _decrypts(account: Account, role: str, held: dict[str, Any]) -> bool:
    key = held.get("KmsKeyId")
    return not key or authorised(account, role, "kms:Decrypt", on=key)


def _parameter(account: Account, role: str, arn: str) -> Iterator[str]:
    action, told = "ssm:GetParameters", f"{RETRIEVAL}unable to retrieve secrets from ssm: "
    if not authorised(account, role, action, on=arn):
        yield f"{told}{_refused(role, action)} on resource: {arn}"
        return
    name = arn.partition(":parameter/")[2]
    name = f"/{name}" if "/" in name else name
    if account.raw("ssm", arn.split(":")[3]).get_parameters(Names=[name])["InvalidParameters"]:
        yield f"{told}invalid parameters: {name}"


def _image(account: Account, container: dict[str, Any], _: Any) -> Iterator[str]:
    image = container.get("image", "")
    host, _, rest = image.partition("/")
    if not _in_ecr(container):
        return
    if not host.startswith(account.id):
        if not account.find("open image", image):
            yield f"CannotPullContainerError: pull access denied for {image}: 403 Forbidden"
        return
    name, _, digest = rest.partition("@")
    repository, _, tag = name.partition(":")
    wanted = {"imageDigest": digest} if digest else {"imageTag": tag or "latest"}
    try:
        held = account.raw("ecr").batch_get_image(repositoryName=repository, imageIds=[wanted])
        manifests = [each["imageManifest"] for each in held["images"]]
    except (ClientError, ParamValidationError):
        manifests = []
    if not manifests:
        yield f"CannotPullContainerError: pull image manifest has been retried: {image}: not found"
    yield from _platform(manifests, container)


def _platform(manifests: list[str], container: dict[str, Any]) -> Iterator[str]:
    platform = (container.get("runtimePlatform") or {}).get("cpuArchitecture", "X86_64")
    listed = json.loads(manifests[0]).get("manifests", []) if manifests else []
    machines = {each["platform"]["architecture"] for each in listed}
    if machines and MACHINES[platform] not in machines:
        yield (
            "CannotPullContainerError: image Manifest does not contain descriptor matching "
            f"platform 'linux/{MACHINES[platform]}'"
        )


def _logs(account: Account, container: dict[str, Any], _: Any) -> Iterator[str]:
    options = (container.get("logConfiguration") or {}).get("options") or {}
    group, role = options.get("awslogs-group"), container.get("executionRoleArn", "")
    if not group:
        return
    found = account.raw("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    create = options.get("awslogs-create-group") == "true"
    if not create and group not in {each["logGroupName"] for each in found}:
        yield (
            f"{LOGGER}create stream has been retried 1 times: "
            "The specified log group does not exist"
        )
    if not authorised(account, role, "logs:CreateLogStream"):
        yield f"{LOGGER}{_refused(role, 'logs:CreateLogStream')}"
