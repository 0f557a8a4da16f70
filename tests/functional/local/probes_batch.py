"""
Probes of AWS Batch: compute environments, queues and job definitions.
"""

from __future__ import annotations

from typing import Any

from local_lab import Lab, Probes

PROBES = Probes()

ROLES = "arn:aws:iam::123456789012:role/aws-service-role"
LINKED = f"{ROLES}/batch.amazonaws.com/AWSServiceRoleForBatch"
LIMIT = {
    "reason": "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT",
    "state": "RUNNABLE",
    "maxTimeSeconds": 600,
    "action": "CANCEL",
}


def environment(lab: Lab, name: str = "env") -> dict[str, Any]:
    found = lab.batch.describe_compute_environments(computeEnvironments=[name])
    one: dict[str, Any] = found["computeEnvironments"][0]
    return one


def queue(lab: Lab) -> dict[str, Any]:
    one: dict[str, Any] = lab.batch.describe_job_queues(jobQueues=["queue"])["jobQueues"][0]
    return one


@PROBES("BatchResponse.createcomputeenvironment", "models.SERVICE_NAME_CONVERSION")
def an_environment_needs_neither_role_nor_state(lab: Lab) -> None:
    lab.batch.create_compute_environment(
        computeEnvironmentName="env", type="MANAGED", computeResources=lab.resources()
    )
    assert environment(lab)["serviceRole"] == LINKED
    assert environment(lab)["state"] == "ENABLED"
    assert LINKED in [role["Arn"] for role in lab.iam.list_roles()["Roles"]]


@PROBES("models.COMPUTE_ENVIRONMENT_NAME_REGEX")
def an_environment_name_may_have_one_character(lab: Lab) -> None:
    lab.environment("e")


@PROBES("BatchBackend.create_compute_environment", "ClientException.__init__")
def a_second_environment_of_a_name_is_a_conflict(lab: Lab) -> None:
    lab.environment()
    error = lab.refused("ClientException", lab.environment)
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 409
    message = error.response["Error"]["Message"]
    assert message.startswith("Error executing request, Exception : Object already exists")
    assert ", RequestId: " in message


@PROBES("InvalidParameterValueException.__init__")
def a_missing_role_is_a_client_exception(lab: Lab) -> None:
    role = "arn:aws:iam::123456789012:role/missing"
    error = lab.refused("ClientException", lab.environment, serviceRole=role)
    assert "Error executing request, Exception : " in str(error)


@PROBES("BatchBackend._validate_compute_resources")
def an_environment_needs_a_security_group(lab: Lab) -> None:
    given = {"type": "FARGATE", "maxvCpus": 1, "subnets": [lab.subnet]}
    lab.refused("ClientException", lab.environment, computeResources=given)


def instances(lab: Lab, **given: Any) -> dict[str, Any]:
    made = lab.iam.create_instance_profile(InstanceProfileName="profile")
    return lab.resources(
        type="EC2",
        minvCpus=0,
        instanceRole=made["InstanceProfile"]["Arn"],
        instanceTypes=["default_x86_64"],
        **given,
    )


@PROBES("BatchBackend._validate_compute_resources")
def an_environment_takes_batchs_own_choice_of_types(lab: Lab) -> None:
    lab.environment(computeResources=instances(lab))
    assert environment(lab)["computeResources"]["instanceTypes"] == ["default_x86_64"]


@PROBES("BatchBackend.create_compute_environment")
def an_environment_has_no_instances_here(lab: Lab) -> None:
    given = {**instances(lab), "minvCpus": 2, "instanceTypes": ["m6i.large"]}
    lab.environment(computeResources=given)
    assert environment(lab)["computeResources"] == given
    assert lab.ec2.describe_instances()["Reservations"] == []


@PROBES("BatchBackend.update_compute_environment")
def nothing_is_kept_after_an_update_to_nothing(lab: Lab) -> None:
    lab.environment(computeResources={**instances(lab), "minvCpus": 2})
    lab.batch.update_compute_environment(computeEnvironment="env", computeResources={"minvCpus": 0})
    assert environment(lab)["computeResources"]["minvCpus"] == 0


@PROBES("BatchBackend.describe_compute_environments")
def an_environment_is_described_as_aws_does(lab: Lab) -> None:
    lab.environment(tags={"owner": "me"})
    described = environment(lab)
    assert described["statusReason"] == "ComputeEnvironment Healthy"
    assert described["containerOrchestrationType"] == "ECS"
    assert len(described["uuid"]) == 36
    assert described["ecsClusterArn"] and described["tags"] == {"owner": "me"}


@PROBES("BatchBackend.update_compute_environment")
def an_update_changes_size_and_network(lab: Lab) -> None:
    lab.environment()
    other = lab.more_subnet(2)
    lab.batch.update_compute_environment(
        computeEnvironment="env", computeResources={"maxvCpus": 9, "subnets": [other]}
    )
    described = environment(lab)["computeResources"]
    assert described["maxvCpus"] == 9
    assert described["subnets"] == [other]
    assert described["securityGroupIds"] == [lab.group]


@PROBES("BatchBackend.update_compute_environment")
def an_update_names_the_missing_environment(lab: Lab) -> None:
    error = lab.refused(
        "ClientException",
        lab.batch.update_compute_environment,
        computeEnvironment="missing",
        state="DISABLED",
    )
    assert "missing" in str(error)


@PROBES("BatchBackend.delete_compute_environment")
def an_environment_in_a_queue_is_not_deleted(lab: Lab) -> None:
    lab.queue()
    delete = lab.batch.delete_compute_environment
    error = lab.refused("ClientException", delete, computeEnvironment="env")
    assert "Cannot delete, found existing JobQueue relationship" in str(error)


@PROBES("BatchBackend.delete_compute_environment")
def an_enabled_environment_is_not_deleted(lab: Lab) -> None:
    lab.environment()
    delete = lab.batch.delete_compute_environment
    lab.refused("ClientException", delete, computeEnvironment="env")


@PROBES("BatchBackend.delete_compute_environment")
def a_deleted_environment_leaves_neither_tags_nor_cluster(lab: Lab) -> None:
    arn = lab.environment(tags={"owner": "me"})
    lab.batch.update_compute_environment(computeEnvironment="env", state="DISABLED")
    lab.batch.delete_compute_environment(computeEnvironment="env")
    lab.batch.delete_compute_environment(computeEnvironment="env")
    assert lab.batch.list_tags_for_resource(resourceArn=arn)["tags"] == {}
    assert lab.ecs.list_clusters()["clusterArns"] == []


@PROBES("BatchResponse.createjobqueue")
def a_queue_needs_no_state_and_keeps_its_limits(lab: Lab) -> None:
    arn = lab.environment()
    lab.batch.create_job_queue(
        jobQueueName="queue",
        priority=1,
        computeEnvironmentOrder=[{"order": 1, "computeEnvironment": "env"}],
        jobStateTimeLimitActions=[LIMIT],
    )
    described = queue(lab)
    assert described["state"] == "ENABLED"
    assert described["jobStateTimeLimitActions"] == [LIMIT]
    assert described["computeEnvironmentOrder"] == [{"order": 1, "computeEnvironment": arn}]


@PROBES("BatchResponse.createjobqueue")
def a_second_queue_of_a_name_is_a_conflict(lab: Lab) -> None:
    lab.queue()
    error = lab.refused("ClientException", lab.queue, order=("env",))
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 409


@PROBES("BatchResponse.createjobqueue")
def a_queue_of_a_missing_environment_is_refused_by_name(lab: Lab) -> None:
    error = lab.refused("ClientException", lab.queue, order=("nowhere",))
    assert "nowhere" in str(error)


@PROBES("BatchResponse.updatejobqueue")
def a_queue_is_updated_by_name_and_by_arn(lab: Lab) -> None:
    lab.queue()
    other = lab.environment("other")
    for name, limits in (("other", [LIMIT]), (other, [])):
        lab.batch.update_job_queue(
            jobQueue="queue",
            computeEnvironmentOrder=[{"order": 1, "computeEnvironment": name}],
            jobStateTimeLimitActions=limits,
        )
        assert queue(lab)["computeEnvironmentOrder"] == [{"order": 1, "computeEnvironment": other}]
        assert queue(lab)["jobStateTimeLimitActions"] == limits


@PROBES("JobQueue.describe")
def a_queue_is_described_as_aws_does(lab: Lab) -> None:
    lab.queue(tags={"owner": "me"})
    described = queue(lab)
    assert (described["status"], described["statusReason"]) == ("VALID", "JobQueue Healthy")
    assert described["jobQueueType"] == "ECS_FARGATE"
    assert described["tags"] == {"owner": "me"}


@PROBES("BatchBackend.delete_job_queue")
def only_a_disabled_queue_is_deleted_and_its_tags_are_removed(lab: Lab) -> None:
    arn = lab.queue(tags={"owner": "me"})
    lab.refused("ClientException", lab.batch.delete_job_queue, jobQueue="queue")
    lab.batch.update_job_queue(jobQueue="queue", state="DISABLED")
    lab.batch.delete_job_queue(jobQueue="queue")
    lab.batch.delete_job_queue(jobQueue="queue")
    assert lab.batch.list_tags_for_resource(resourceArn=arn)["tags"] == {}


@PROBES("BatchBackend.register_job_definition")
def a_revision_has_only_what_it_was_given(lab: Lab) -> None:
    rule = {"action": "EXIT", "onExitCode": "2"}
    lab.definition(retryStrategy={"attempts": 3}, timeout={"attemptDurationSeconds": 60})
    lab.definition(platformCapabilities=["EC2"], propagateTags=True)
    lab.definition(retryStrategy={"attempts": 1, "evaluateOnExit": [rule]})
    found = lab.batch.describe_job_definitions(jobDefinitionName="definition")["jobDefinitions"]
    _, second, third = sorted(found, key=lambda one: one["revision"])
    assert second["platformCapabilities"] == ["EC2"] and second["propagateTags"]
    assert "retryStrategy" not in second and "timeout" not in second
    assert third["retryStrategy"]["evaluateOnExit"][0]["action"] == "exit"


@PROBES("JobDefinition.describe")
def a_definition_is_described_as_aws_does(lab: Lab) -> None:
    arn = lab.definition(tags={"owner": "me"})
    described = lab.batch.describe_job_definitions(jobDefinitions=[arn])["jobDefinitions"][0]
    assert described["containerOrchestrationType"] == "ECS"
    assert described["tags"] == {"owner": "me"}


@PROBES("BatchBackend.get_job_definitions")
def a_definition_is_found_by_name_and_revision(lab: Lab) -> None:
    lab.definition()
    expected = lab.definition()
    for name, found in (("definition:2", [expected]), ("definition:9", [])):
        described = lab.batch.describe_job_definitions(jobDefinitions=[name])["jobDefinitions"]
        assert [one["jobDefinitionArn"] for one in described] == found


@PROBES("BatchResponse.describejobdefinitions")
def definitions_come_in_pages(lab: Lab) -> None:
    arns = {lab.definition() for _ in range(3)}
    first = lab.batch.describe_job_definitions(jobDefinitionName="definition", maxResults=2)
    assert len(first["jobDefinitions"]) == 2
    pages = lab.batch.get_paginator("describe_job_definitions").paginate(
        jobDefinitionName="definition", PaginationConfig={"PageSize": 2}
    )
    assert {d["jobDefinitionArn"] for page in pages for d in page["jobDefinitions"]} == arns


@PROBES("BatchBackend.submit_job")
def a_bare_name_is_the_latest_active_revision(lab: Lab) -> None:
    first = lab.ready
    lab.batch.deregister_job_definition(jobDefinition=lab.definition())
    assert lab.job(lab.submit(definition="definition"))["jobDefinition"] == first
    lab.batch.deregister_job_definition(jobDefinition=first)
    lab.refused("ClientException", lab.submit, definition="definition")


@PROBES("BatchBackend.submit_job")
def a_disabled_queue_refuses_jobs(lab: Lab) -> None:
    lab.ready
    lab.batch.update_job_queue(jobQueue="queue", state="DISABLED")
    lab.refused("ClientException", lab.submit)
