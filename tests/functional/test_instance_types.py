"""
Which instance types a job fits on: as a function, as a command, and before a stack is made.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner

from account_fixture import AccountFixture
from batchkit import Ec2, Severity, SpecError, StackSpec, instance_types, preflight
from batchkit._diagnosis.finding import Diagnosis
from batchkit.cli.main import main
from test_preflight import answer


def checked(there: AccountFixture, **given: Any) -> Diagnosis:
    spec = StackSpec(**{"name": "films", "image": "public.ecr.aws/x/y:1", **given})
    return preflight(spec, session=there.session)


def test_what_fits_comes_with_its_zones_the_smallest_first(there: AccountFixture) -> None:
    """
    With room beside the system; without GPUs unless the job has some; of one architecture.
    """
    found = instance_types(vcpus=8, memory=30_000, gpus=1, session=there.session)
    assert [one.name for one in found[:2]] == ["g4dn.2xlarge", "g5.2xlarge"]
    assert all(one.vcpus >= 8 and one.memory >= 30_000 and one.gpus for one in found)
    assert "us-east-1a" in found[0].zones and "8 vCPUs" in str(found[0])
    assert not any(one.name.startswith(("g4ad", "g5g", "p3.")) for one in found)
    plain = instance_types(vcpus=8, memory=30_400, session=there.session)
    assert "m6i.2xlarge" in {one.name for one in plain}
    assert not any(one.gpus or ".metal" in one.name for one in plain)
    more = instance_types(vcpus=8, memory=30_500, session=there.session)
    assert "m6i.2xlarge" not in {one.name for one in more}
    arm = instance_types(architecture="ARM64", session=there.session)
    assert arm and {one.architecture for one in arm} == {"ARM64"}


def test_the_command_lists_them(there: AccountFixture) -> None:
    """
    A line each, or as data.
    """
    words = ["types", "--vcpus", "4", "--memory", "15000", "--gpus", "1"]
    lines = CliRunner().invoke(main, words).stdout.splitlines()
    assert lines[0].startswith("g4dn.xlarge: 4 vCPUs, 15173 MiB, 1 GPUs; us-east-1a")
    data = json.loads(CliRunner().invoke(main, [*words, "--json"]).stdout)
    assert (data[0]["name"], data[0]["gpus"], len(data)) == ("g4dn.xlarge", 1, len(lines))


@pytest.mark.parametrize(
    "given", [{"vcpus": 0}, {"memory": 0}, {"gpus": -1}, {"architecture": "x"}]
)
def test_no_job_can_be_like_that(given: dict[str, Any], there: AccountFixture) -> None:
    """
    It is refused before the first call.
    """
    with there.calls() as seen, pytest.raises(SpecError, match=next(iter(given))):
        instance_types(session=there.session, **given)
    assert seen == []


def test_a_job_that_no_type_has_room_for_is_found(there: AccountFixture) -> None:
    """
    The finding names the type, and the memory that would fit.
    """
    small: dict[str, Any] = {"vcpus": 8, "compute": Ec2(types=["m6i.2xlarge"])}
    (found,) = checked(there, memory=32_768, **small)
    assert (found.subject, found.severity) == ("memory", Severity.ERROR)
    assert "m6i.2xlarge" in found.message and "30410" in found.fix
    assert not checked(there, memory=30_410, **small)
    assert checked(there, vcpus=4, gpus=2, compute=Ec2(types=["g5.xlarge"]))


@pytest.mark.parametrize("compute", [Ec2(), Ec2(types=["m6i", "c6i.large"]), Ec2(spot=True)])
def test_what_is_fine_is_not_told(compute: Ec2, there: AccountFixture) -> None:
    """
    Families, types and Batch's own choice.
    """
    assert not checked(there, compute=compute)


def test_a_type_that_the_region_lacks_is_found(there: AccountFixture) -> None:
    """
    Also where another would do.
    """
    (found,) = checked(there, compute=Ec2(types=["m6i", "m99x"]))
    assert found.subject == "instance type m99x"


def test_types_that_the_zones_lack_are_found(there: AccountFixture) -> None:
    """
    The instances are to be in the zones of the stack's subnets.
    """
    offers = {"InstanceTypeOfferings": [{"InstanceType": "m6i.large", "Location": "us-east-1f"}]}
    answer(there, "ec2.DescribeInstanceTypeOfferings", offers)
    (found,) = checked(there, compute=Ec2(types=["m6i.large"]))
    assert found.subject == "compute.types" and "us-east-1a" in found.message


@pytest.mark.parametrize(
    ("given", "value", "told"),
    [
        ({"compute": Ec2(types=["g5"]), "gpus": 1}, 0.0, {"quota L-DB2E81BA": Severity.ERROR}),
        ({"compute": Ec2(types=["m6i"])}, 8.0, {"quota L-1216C47A": Severity.WARNING}),
        (
            {"compute": Ec2(types=["m6i"], spot=True)},
            1.0,
            {"quota L-34B43A08": Severity.WARNING, "quota L-1216C47A": Severity.ERROR},
        ),
        ({"compute": Ec2(types=["p4d"]), "gpus": 1, "vcpus": 8}, 96.0, {}),
    ],
)
def test_the_quota_of_the_class_is_looked_at(
    given: dict[str, Any], value: float, told: dict[str, Severity], there: AccountFixture
) -> None:
    """
    A new account may start no instance with GPUs; Spot and on demand are counted apart.
    """
    asked = answer(there, "service-quotas.GetServiceQuota", {"Quota": {"Value": value}})
    found = checked(there, **given)
    ours = {one.subject: one.severity for one in found if "instance" not in one.subject}
    assert {k: v for k, v in ours.items() if k in told} == told
    assert asked
    assert bool(told) == any("vCPUs of this class" in one.message for one in found)
