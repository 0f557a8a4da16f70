"""
Service roles that are seconds old, or were broken, and the compute environment that has them.
"""

from __future__ import annotations

import pytest

from batchkit import FargateEnvironment
from batchkit.errors import ApplyError
from batchkit.stack.stack import Stack

from .simulator import StrictAws
from .simulator.batch.held import environment, settle
from .simulator_tests.batch_helpers import client as used_before
from .stacks import BARE, NAME, destroy, make, new_mutations, operations


def test_no_environment_meets_a_role_of_seconds() -> None:
    """
    The environment is made once Batch can assume its role; the NAT gateway takes longer anyway.
    """
    with StrictAws(seed=2, delays={"iam": 15}) as aws:
        used_before(aws)  # else the wait for ECS's own role comes first
        make(aws, BARE)
        assert aws.hits[57] == 0
        assert aws.clock.monotonic() < 150


def test_a_role_that_was_mended_is_named_to_batch(strict_aws: StrictAws) -> None:
    """
    An environment that lost its role's policy is INVALID; the next run puts the policy back, waits
    until it counts, and names the role in the update.
    """
    made = make(strict_aws, BARE)
    iam, role = strict_aws.raw.client("iam"), f"{NAME}_batch-us-east-1"
    (policy,) = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    iam.detach_role_policy(RoleName=role, PolicyArn=policy["PolicyArn"])
    name = made.arn(FargateEnvironment).rpartition("/")[2]
    entry = environment(strict_aws.account, name)
    assert entry is not None
    settle(entry, "INVALID", "CLIENT_ERROR - not authorized to perform: ecs:DescribeClusters")
    with new_mutations(strict_aws) as changed:
        make(strict_aws, BARE, by=strict_aws.another())
    updates = [call for call in changed if call.operation == "UpdateComputeEnvironment"]
    assert [call.params["serviceRole"].rpartition("/")[2] for call in updates] == [role]
    assert not strict_aws.hits[171]
    assert entry["shown"]["status"] == "VALID"


def test_an_invalid_environment_of_an_earlier_run_is_made_anew() -> None:
    """
    The process dies after it has made the environment with a role that counts late: the next run
    finds it INVALID, and makes it anew, as no queue has it.
    """
    with StrictAws(seed=5, delays={"iam": 60}) as aws:
        before = aws.snapshot()
        first = aws.another()
        aws.fail("batch", "CreateJobQueue", "ClientException", times=99)
        with pytest.raises(ApplyError):
            make(aws, BARE, by=first, timeout=70)
        aws.faults.clear()
        with new_mutations(aws) as changed:
            make(aws, BARE, by=aws.another())
        assert operations(changed).count("CreateComputeEnvironment") == 1
        assert aws.hits[172] and aws.hits[173]
        destroy(aws, by=aws.another())
        assert aws.snapshot() == before


def break_environment(aws: StrictAws, made: Stack) -> None:
    """
    The environment of a stack has never been VALID, as its role couldn't be assumed.
    """
    entry = environment(aws.account, made.arn(FargateEnvironment).rpartition("/")[2])
    assert entry is not None
    entry["never_valid"] = True
    settle(entry, "INVALID", "CLIENT_ERROR - not authorized to perform: sts:AssumeRole")


def test_an_environment_that_a_queue_has_is_never_made_anew(strict_aws: StrictAws) -> None:
    """
    What doesn't get well stays, with the reason that Batch gives, as the queue would lose it.
    """
    made = make(strict_aws, BARE)
    break_environment(strict_aws, made)
    with new_mutations(strict_aws) as changed, pytest.raises(ApplyError, match="sts:AssumeRole"):
        make(strict_aws, BARE, by=strict_aws.another())
    assert "DeleteComputeEnvironment" not in operations(changed)


def test_a_deletion_that_ends_invalid_is_asked_for_again(strict_aws: StrictAws) -> None:
    """
    The first deletion of an INVALID environment may fail: a teardown goes on with a second.
    """
    before = strict_aws.snapshot()
    made = make(strict_aws, BARE)
    break_environment(strict_aws, made)
    with new_mutations(strict_aws) as changed:
        destroy(strict_aws, by=strict_aws.another())
    assert operations(changed).count("DeleteComputeEnvironment") == 2
    assert strict_aws.hits[173]
    assert strict_aws.snapshot() == before
