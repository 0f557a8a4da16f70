"""
Probes of IAM, CloudWatch Logs, ECR, DynamoDB and the tagging API.
"""

from __future__ import annotations

import hashlib
import json
import threading
from datetime import datetime, timedelta, timezone
from typing import Any

import boto3
from local_lab import TRUST, Lab, Probes

PROBES = Probes()

EXECUTION = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"


@PROBES("IAMBackend.attach_role_policy")
def the_managed_policies_of_aws_can_be_attached(lab: Lab) -> None:
    lab.role
    lab.iam.attach_role_policy(RoleName="role", PolicyArn=EXECUTION)
    described = lab.iam.list_attached_role_policies(RoleName="role")["AttachedPolicies"]
    assert [one["PolicyArn"] for one in described] == [EXECUTION]
    assert lab.iam.list_policies(Scope="Local")["Policies"] == []


@PROBES("IAMBackend.get_policy")
def the_managed_policies_of_aws_can_be_read(lab: Lab) -> None:
    described = lab.iam.get_policy(PolicyArn=EXECUTION)["Policy"]
    version = lab.iam.get_policy_version(
        PolicyArn=EXECUTION, VersionId=described["DefaultVersionId"]
    )
    assert "ecr:GetAuthorizationToken" in json.dumps(version["PolicyVersion"]["Document"])
    for wrong in (EXECUTION.replace("service-role/", ""), EXECUTION + "X"):
        lab.refused("NoSuchEntity", lab.iam.get_policy, PolicyArn=wrong)


@PROBES("IAMBackend.create_service_linked_role")
def a_service_has_one_linked_role(lab: Lab) -> None:
    create = lab.iam.create_service_linked_role
    create(AWSServiceName="ecs.amazonaws.com")
    lab.refused("InvalidInput", create, AWSServiceName="ecs.amazonaws.com")


@PROBES("BaseResponse.get_region_from_url")
def the_roles_of_govcloud_are_of_its_partition(lab: Lab) -> None:
    for region in ("us-gov-west-1", "us-gov-east-1"):
        iam = boto3.Session("key", "secret", region_name=region).client("iam")
        name = f"role-{region}"
        made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
        assert made == f"arn:aws-us-gov:iam::123456789012:role/{name}"


@PROBES("Repository.__init__", "ECRResponse.get_authorization_token")
def a_registry_of_china_is_in_its_domain(lab: Lab) -> None:
    host = "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn"
    ecr = boto3.Session("key", "secret", region_name="cn-north-1").client("ecr")
    made = ecr.create_repository(repositoryName="movies")["repository"]["repositoryUri"]
    assert made == f"{host}/movies"
    [data] = ecr.get_authorization_token()["authorizationData"]
    assert data["proxyEndpoint"] == f"https://{host}"


@PROBES("ManagedPolicy.policy_name")
def an_accounts_policies_have_names(lab: Lab) -> None:
    allow = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    lab.iam.create_policy(PolicyName="mine", PolicyDocument=document)
    details = lab.iam.get_account_authorization_details(Filter=["LocalManagedPolicy"])
    assert [policy["PolicyName"] for policy in details["Policies"]] == ["mine"]


@PROBES("models.iter_taggable_backends")
def resources_of_every_service_are_found_by_their_tags(lab: Lab) -> None:
    tags = {"stack": "mine"}
    pairs = [{"Key": "stack", "Value": "mine"}]
    spec = [{"ResourceType": "elastic-ip", "Tags": pairs}]
    expected = {
        lab.environment(tags=tags),
        lab.queue(order=("env",), tags=tags),
        lab.definition(tags=tags),
        lab.ecr.create_repository(repositoryName="job", tags=pairs)["repository"]["repositoryArn"],
        lab.scheduler.create_schedule_group(Name="group", Tags=pairs)["ScheduleGroupArn"],
        "arn:aws:ec2:us-east-1:123456789012:elastic-ip/"
        + lab.ec2.allocate_address(TagSpecifications=spec)["AllocationId"],
        "arn:aws:s3:::my-bucket",
        create_table(lab, "movies", Tags=pairs)["TableDescription"]["TableArn"],
    }
    lab.s3.create_bucket(Bucket="my-bucket")
    lab.s3.put_bucket_tagging(Bucket="my-bucket", Tagging={"TagSet": pairs})
    find = lab.resourcegroupstaggingapi.get_resources
    described = find(TagFilters=[{"Key": "stack", "Values": ["mine"]}])["ResourceTagMappingList"]
    assert {one["ResourceARN"] for one in described} == expected
    batch = find(ResourceTypeFilters=["batch:job-queue"])["ResourceTagMappingList"]
    assert [one["ResourceARN"] for one in batch] == [
        "arn:aws:batch:us-east-1:123456789012:job-queue/queue"
    ]


@PROBES("LogsBackend.create_log_group")
def a_log_group_has_a_name_that_aws_accepts(lab: Lab) -> None:
    create = lab.logs.create_log_group
    for name in ("no spaces", "aws/mine", "ü"):
        lab.refused("InvalidParameterException", create, logGroupName=name)
    create(logGroupName="/mine/a_b.c-d#1", tags={"owner": "me"})


@PROBES("LogsBackend.put_retention_policy")
def logs_are_kept_for_a_number_of_days_that_aws_offers(lab: Lab) -> None:
    lab.logs.create_log_group(logGroupName="group")
    put = lab.logs.put_retention_policy
    lab.refused("InvalidParameterException", put, logGroupName="group", retentionInDays=2)
    put(logGroupName="group", retentionInDays=14)


@PROBES("ECRResponse.get_authorization_token")
def a_token_for_the_registry_is_valid_for_twelve_hours(lab: Lab) -> None:
    token = lab.ecr.get_authorization_token()["authorizationData"][0]
    left = token["expiresAt"] - datetime.now(timezone.utc)
    assert timedelta(hours=11, minutes=59) < left <= timedelta(hours=12)


@PROBES("Image._create_digest")
def an_image_has_the_digest_of_its_manifest(lab: Lab) -> None:
    lab.ecr.create_repository(repositoryName="team/job")
    media_type = "application/vnd.docker.distribution.manifest.v2+json"
    manifest = json.dumps({"schemaVersion": 2, "mediaType": media_type, "layers": []})
    put = lab.ecr.put_image(repositoryName="team/job", imageManifest=manifest, imageTag="v1")
    expected = f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"
    assert put["image"]["imageId"]["imageDigest"] == expected


def create_table(lab: Lab, name: str, **given: Any) -> dict[str, Any]:
    made: dict[str, Any] = lab.dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        **given,
    )
    return made


@PROBES("DynamoDBBackend.create_table")
def a_table_has_a_name_of_three_characters(lab: Lab) -> None:
    lab.refused("ValidationException", create_table, lab=lab, name="ab")


@PROBES("Table.describe")
def a_table_has_an_id(lab: Lab) -> None:
    made = create_table(lab, "movies")["TableDescription"]["TableId"]
    assert made == lab.dynamodb.describe_table(TableName="movies")["Table"]["TableId"]


@PROBES("DynamoDBBackend.update_time_to_live")
def time_to_live_is_enabled_once(lab: Lab) -> None:
    create_table(lab, "movies")
    update, on = lab.dynamodb.update_time_to_live, {"Enabled": True, "AttributeName": "until"}
    lab.refused(
        "ValidationException",
        update,
        TableName="movies",
        TimeToLiveSpecification={**on, "Enabled": False},
    )
    update(TableName="movies", TimeToLiveSpecification=on)
    lab.refused("ValidationException", update, TableName="movies", TimeToLiveSpecification=on)


@PROBES("BotocoreStubber.process_request")
def calls_of_many_threads_take_turns(lab: Lab) -> None:
    from moto.batch.models import batch_backends

    lab.environment("first")
    lab.environment("second")
    reading, written = threading.Event(), threading.Event()

    class Slow(dict[str, Any]):
        def items(self) -> Any:
            for item in super().items():
                reading.set()
                written.wait(0.2)
                yield item

    backend = batch_backends["123456789012"]["us-east-1"]
    backend._compute_environments = Slow(backend._compute_environments)

    def write() -> None:
        reading.wait(5)
        lab.environment("third")
        written.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        lab.batch.describe_compute_environments()
    finally:
        writer.join()
