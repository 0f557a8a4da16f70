"""
Specs that refuse what AWS would refuse: one clear error that names the field.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given, settings, strategies as st

from batchkit import (
    Bucket,
    Ec2,
    Fargate,
    ImageSource,
    Nat,
    SpecError,
    StackSpec,
    Table,
    allow,
    kms_decrypt,
    s3_read,
)
from batchkit.compute.choices import COMPUTES
from batchkit.networks.choices import NETWORKS
from batchkit.resources.platforms import FARGATE_MEMORY

ODD = [None, True, 1, 1.5, "", "x y", b"x", [], {}, object(), [None], {1: 2}, float("nan")]
SECRET = "arn:aws:secretsmanager:us-east-1:1:secret:db-AbCdEf"
MIB = [256, 512, 1024, 1536, 2048, 4096, 5120, 8192, 9216, 16384, 30720, 32768, 61440, 122880]


def spec(**given: Any) -> StackSpec:
    return StackSpec(**{"name": "movies", "image": "alpine:3", **given})


def problems(**given: Any) -> list[str]:
    """
    The fields that a spec is refused for.
    """
    with pytest.raises(SpecError) as caught:
        spec(**given)
    return [problem.field for problem in caught.value.problems]


REFUSED: dict[str, list[Any]] = {
    "name": ["", "sg-x", "Movies", "movies_1", "1movies", "a" * 41, "-a", "a-", "a--b", "é", "a\n"],
    "image": ["", "alpine", "Alpine:3", "no-such-folder", "a:b:c d", "https://x/y"],
    "vcpus": [0, 0.3, 3, 64, -1, "1"],
    "memory": [0, 2047, 2048.0, 16384, "2048", -1],
    "gpus": [-1, 1, 17, 1.0, True, "1"],
    "command": ["echo", [1], [None], {"a": 1}, ["\ud800"], ["a\0b"]],
    "environment": [["A"], {"1A": "x"}, {"A-B": "x"}, {"": "x"}, {"A": 1}, {"AWS_BATCH_X": ""}]
    + [{"A": "\ud800"}, {"A": "x\0"}],
    "secrets": [["A"], {"A": 1}, {"A B": "arn"}, {"A": ""}, {"A": SECRET + ":key"}]
    + [{"A": SECRET + ":key:"}, {"A": SECRET + ":k:s:v:x"}, {"A": SECRET.replace(":secret", "")}],
    "grants": ["s3:GetObject", [{"Effect": "Allow"}], [None], 1],
    "execution_grants": ["kms:Decrypt", [{"Effect": "Allow"}], [None], 1],
    "timeout": [59, 0, 14 * 86400 + 1, 60.0, "60"],
    "attempts": [0, 11, 1.0, "1"],
    "architecture": ["x86_64", "AMD64", "arm64", 64],
    "ephemeral_storage": [20, 201, 21.5, "30"],
    "compute": ["", "ecs", "FARGATE", None, 1, Nat(), Fargate, {"spot": True}],
    "network": ["", "public", None, 1, Fargate(), Nat, {"zones": 2}],
    "boundary": ["", "policy/x", 1, True],
    "log_retention": [0, 2, 31, 30.0, True, "30"],
    "priority": [-1, 1001, 1.0],
    "runnable_limit": [599, 86401, None, 600.0],
    "run_timeout": [59, 0, "60", 60.0],
    "schedule": ["", "daily", "rate(1 days)", "rate(2 day)", "rate(0 hours)", "rate(1 week)"]
    + ["cron(0 9 * * ?)", "cron(0 9 ? * ? *)", "cron(0 9 * * * *)", "cron(0 9 * * ? * *)"]
    + ["at(2030-01-31)", "at(2030-13-01T00:00:00)", "at(2030-02-30T00:00:00)", "rate(01 hours)"]
    + ["cron(60 9 * * ? *)", "cron(0 24 * * ? *)", "cron(0 9 32 * ? *)", "cron(0 9 ? * 8 *)"]
    + ["cron(0 9 * 13 ? *)", "cron(0 9 * * ? 1969)", "cron(0/x 9 * * ? *)"]
    + ["cron(0 1-2-3 * * ? *)"],
    "time_zone": ["", "Berlin", "CEST", "Europe/", None, 1],
    "table": ["ab", "a b", 1, Bucket(name="a-bucket")],
    "bucket": ["ab", "A-bucket", "a..b", "1.2.3.4", "xn--a", "a-s3alias", 1, Table(name="tab")],
    "tags": [["a"], {"aws:x": "y"}, {"Name": "x"}, {"batchkit:stack": "x"}, {"a" * 129: ""}]
    + [{"a": "b" * 257}, {"a": 1}, {"a": "<>"}, {str(n): "" for n in range(41)}]
    + [{"name": "x"}, {"NAME": "x"}, {"Batchkit:Stack": "x"}, {"Team": "a", "team": "b"}],
}
CIDRS = ["10.1.0.0", "10.1.0.1/16", "10.1.0.0/15", "10.1.0.0/25", "x", 16, "::/16", "10.1/16"]
REFUSED_PARTS: dict[tuple[type, str], list[Any]] = {
    (Fargate, "spot"): [1, 0, "yes", None],
    (Fargate, "max_vcpus"): [0, 100_001, 4.0, True],
    (Fargate, "service_role"): ["other", "", None, 1],
    (Ec2, "types"): [[], "m6i", ["m6i."], ["M6i"], [1], ["m6i", "m6g"], ["p3"], ["g5g.xlarge"]],
    (Ec2, "spot"): [1, 0, "yes", None],
    (Ec2, "min_vcpus"): [-1, 1.0, True, None, 17],
    (Ec2, "max_vcpus"): [0, 100_001, 4.0, True],
    (Ec2, "disk"): [29, 16385, 30.0, "30"],
    (Ec2, "keep_minutes"): [0, 19, 10081, 20.0],
    (Ec2, "ami"): ["", "ami-", "m6i", 1],
    (Ec2, "key_pair"): ["", " x", 1],
    (Ec2, "user_data"): ["", "date", "#!" + "x" * 15 * 1024, 1],
    (Nat, "cidr"): CIDRS,
    (Nat, "zones"): [
        *(0, 4, 1.0, "1", True, "us-east-1a", [], [1], ["us-east-1a"] * 2),
        *(["us-east-1"], ["us-east-1-bos-1a"], ["us-east-1-wl1-bos-wlz-1"], ["use1-bos1-az1"]),
        ["us-east-1a", "us-east-1b", "us-east-1c", "us-east-1d"],
    ],
}
TAKEN: dict[str, list[Any]] = {
    "name": ["a", "a" * 40, "movies-2", "m1-x-9"],
    "image": ["alpine:3", "a.b.c/d/e", "localhost:5000/x@sha256:" + "a" * 64, "x/y:z"],
    "command": [(), ["echo", "hello"], ("x",)],
    "environment": [{}, {"A": "", "_b1": "x"}],
    "grants": [[], [s3_read("films"), allow("sqs:*")], (allow("sqs:*"),)],
    "execution_grants": [[], [kms_decrypt("alias/films")], (allow("kms:Decrypt"),)],
    "secrets": [{}, {"A": SECRET}, {"A": SECRET + ":key::"}, {"A": SECRET + ":::v-1"}]
    + [{"A": "arn:aws-cn:ssm:cn-north-1:1:parameter/films/db:3"}],
    "timeout": [60, 14 * 86400],
    "attempts": [1, 10],
    "ephemeral_storage": [None, 21, 200],
    "compute": [
        "ec2",
        "ec2-spot",
        Ec2(types=["m6i.large", "c7i"]),
        Ec2(types=["p3"], ami="ami-12345678"),
    ]
    + ["fargate", "fargate-spot", Fargate(), Fargate(max_vcpus=16_000, spot=True)],
    "network": [
        *("nat", Nat(), Nat(zones=3, cidr="192.168.3.0/24")),
        *(Nat(zones=["us-east-1a", "use1-az4"]), Nat(zones=("us-gov-west-1b",))),
    ],
    "boundary": [None, "arn:aws:iam::1:policy/x"],
    "log_retention": [None, 1, 3653],
    "priority": [0, 1000],
    "runnable_limit": [600, 86400],
    "run_timeout": [None, 60],
    "schedule": [None, "rate(1 day)", "rate(2 days)", "rate(15 minutes)", "at(2030-01-31T09:00:00)"]
    + ["cron(0 9 * * ? *)", "cron(0/5 8-17 ? * MON-FRI 2030)", "cron(0 0 L * ? *)"]
    + ["cron(0 9,17 1-15 JAN,JUL ? *)", "cron(*/5 * ? * 6#3 *)", "cron(0 9 15W * ? 2030-2033)"],
    "time_zone": ["UTC", "Europe/Berlin", "America/Sao_Paulo"],
    "table": [None, "films", Table(name="films")],
    "bucket": [None, "films-1", Bucket(name="films-1")],
    "tags": [{}, {"a": "", "team/b": "x y"}],
}


@pytest.mark.parametrize(
    ("field", "value"),
    [pytest.param(f, v, id=f"{f}-{n}") for f, vs in REFUSED.items() for n, v in enumerate(vs)],
)
def test_what_aws_would_refuse_is_refused(field: str, value: Any) -> None:
    """
    The error names the field alone, what it got, and what it expects.
    """
    with pytest.raises(SpecError) as caught:
        spec(**{field: value})
    problem, *others = caught.value.problems
    assert (problem.field, bool(problem.expects)) == (field, True)
    assert {one.field for one in others} <= ({"compute.max_vcpus"} if field == "vcpus" else set())
    assert f"{field}: got {problem.got!r}, expects {problem.expects}" in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [pytest.param(f, v, id=f"{f}-{n}") for f, vs in TAKEN.items() for n, v in enumerate(vs)],
)
def test_what_aws_takes_is_taken(field: str, value: Any) -> None:
    """
    The edges of what is valid.
    """
    assert spec(**{field: value}).name


def test_every_field_has_its_refusals() -> None:
    """
    A field can't be added without its place in the table.
    """
    assert set(REFUSED) == {a.name for a in attrs.fields(StackSpec)}
    values = {*COMPUTES.values(), *NETWORKS.values()}
    assert set(REFUSED_PARTS) == {(v, a.name) for v in values for a in attrs.fields(v)}


@pytest.mark.parametrize(
    ("part", "field", "value"),
    [(part, field, value) for (part, field), values in REFUSED_PARTS.items() for value in values],
)
def test_what_a_part_would_not_take_is_refused(part: type, field: str, value: Any) -> None:
    """
    A value that a spec is made of checks itself, when it is made.
    """
    with pytest.raises(SpecError, match=f"{part.__name__} is not valid:\n  {field}: got") as caught:
        part(**{field: value})
    assert len(caught.value.problems) == 1


@pytest.mark.parametrize("field", REFUSED)
@pytest.mark.parametrize("value", ODD, ids=[f"odd-{n}" for n in range(len(ODD))])
def test_odd_types_are_refused_by_name_or_taken(field: str, value: Any) -> None:
    """
    Never a TypeError or AttributeError from inside.
    """
    try:
        spec(**{field: value})
    except SpecError as error:
        assert field in {problem.field for problem in error.problems}


@pytest.mark.parametrize("vcpus", FARGATE_MEMORY)
@pytest.mark.parametrize("memory", sorted({*MIB, *sum(FARGATE_MEMORY.values(), ())}))
def test_fargates_pairs(vcpus: float, memory: int) -> None:
    """
    Of all CPU and memory pairs exactly those that Fargate has are taken.
    """
    compute = Fargate(max_vcpus=32)
    given: dict[str, Any] = {"vcpus": vcpus, "memory": memory, "compute": compute}
    if memory in FARGATE_MEMORY[vcpus]:
        assert spec(**given).memory == memory
    else:
        with pytest.raises(SpecError, match=f"with {vcpus:g} vCPU: "):
            spec(**given)


def test_fargates_table_is_awss() -> None:
    """
    The ends and steps of the documentation.
    """
    ends = {v: (m[0], m[-1], m[1] - m[0], len(m)) for v, m in FARGATE_MEMORY.items()}
    assert ends == {
        0.25: (512, 2048, 512, 3),
        0.5: (1024, 4096, 1024, 4),
        1: (2048, 8192, 1024, 7),
        2: (4096, 16384, 1024, 13),
        4: (8192, 30720, 1024, 23),
        8: (16384, 61440, 4096, 12),
        16: (32768, 122880, 8192, 12),
        32: (61440, 249856, 61440, 3),
    }


MANY_TAGS = {str(number): "" for number in range(30)}
TOO_LARGE: list[tuple[str, dict[str, Any]]] = [
    ("environment", {"environment": {"A": "x" * 24_000}}),
    ("environment", {"command": ["x" * 12_000], "environment": {"A": "x" * 12_000}}),
    ("environment", {"environment": {f"A{n}": "ä" * 60 for n in range(200)}}),
    ("environment", {"secrets": {f"A{n}": SECRET for n in range(300)}}),
    ("grants", {"grants": [s3_read(f"films-{n}") for n in range(80)]}),
    ("execution_grants", {"execution_grants": [kms_decrypt(f"mrk-{n}") for n in range(120)]}),
    (
        "table",
        {"tags": MANY_TAGS, "table": Table(name="films", tags={"a" + k: "" for k in MANY_TAGS})},
    ),
    ("bucket", {"tags": {"Team": "a"}, "bucket": Bucket(name="films-1", tags={"team": "b"})}),
]


@pytest.mark.parametrize(("field", "given"), TOO_LARGE)
def test_what_is_too_large_for_aws_is_refused(field: str, given: dict[str, Any]) -> None:
    """
    A job definition, a role's inline policy and the tags of a resource have their limits.
    """
    assert problems(**given) == [field]


def test_what_has_room_is_taken() -> None:
    """
    Near the limits.
    """
    assert spec(environment={"A": "x" * 22_000})
    assert spec(grants=[s3_read(f"films-{n}") for n in range(55)])


def test_several_faults_are_told_together() -> None:
    """
    One error, in the order of the fields.
    """
    given: dict[str, Any] = {"name": "", "vcpus": "3", "compute": "x", "network": "y"}
    assert problems(**given) == ["vcpus", "name", "compute", "network"]


def test_faults_between_fields() -> None:
    """
    A job that is larger than the whole, more jobs than addresses, and a name that is both a
    variable and a secret.
    """
    assert problems(vcpus=8, memory=16384) == ["compute.max_vcpus"]
    crowded: dict[str, Any] = {"vcpus": 0.25, "memory": 512, "compute": Fargate(max_vcpus=15)}
    assert problems(**crowded, network=Nat(cidr="10.1.0.0/24")) == ["network.cidr"]
    assert spec(**crowded, network=Nat(cidr="10.1.0.0/24", zones=2)).name
    both = {"environment": {"A": "x"}, "secrets": {"A": "arn:aws:ssm:x:1:parameter/a"}}
    assert problems(**both) == ["secrets"]


ON_EC2: list[tuple[list[str], dict[str, Any]]] = [
    (["vcpus"], {"vcpus": 0.5}),
    (["memory"], {"memory": 3}),
    (["ephemeral_storage"], {"ephemeral_storage": 30}),
    (["compute.max_vcpus"], {"vcpus": 17}),
    (["compute.types"], {"compute": Ec2(types=["m6g"])}),
    (["compute.types"], {"architecture": "ARM64", "compute": Ec2(types=["m6i.large", "c7i"])}),
    (["compute.types"], {"gpus": 1, "compute": Ec2(types=["g5", "m6i"])}),
    (["compute.types"], {"gpus": 1, "compute": Ec2(types=["g4ad"])}),
    (["compute.types"], {"gpus": 1, "architecture": "ARM64"}),
    (["vcpus"], {"vcpus": 1.5, "compute": "unmanaged"}),
    (["network"], {"network": Nat(), "compute": "unmanaged"}),
]


@pytest.mark.parametrize(("fields", "given"), ON_EC2)
def test_what_ec2_would_refuse_or_never_run_is_refused(
    fields: list[str], given: dict[str, Any]
) -> None:
    """
    Its sizes, and jobs that no instance of the types could take.
    """
    assert problems(**{"compute": Ec2(), **given}) == fields


def test_what_ec2_has_room_for_is_taken() -> None:
    """
    Any memory; GPUs without a word about types; instances of one's own, which have no network.
    """
    assert spec(compute="ec2", vcpus=3, memory=10_001).memory == 10_001
    assert spec(compute="ec2", vcpus=4, gpus=1).gpus == 1
    assert spec(compute=Ec2(types=["g5.12xlarge"]), vcpus=4, gpus=4).gpus == 4
    assert spec(compute="ec2", architecture="ARM64").architecture == "ARM64"
    assert spec(compute="unmanaged", gpus=1).network is None


def test_a_folder_is_an_image_to_build(tmp_path: Path) -> None:
    """
    A path, or the text of a folder that is there; what isn't there is no image by accident.
    """
    assert spec(image=tmp_path).image == ImageSource(tmp_path) == spec(image=str(tmp_path)).image
    assert spec(image=ImageSource(tmp_path)).image == ImageSource(tmp_path)


ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(),
    st.lists(st.text() | st.integers() | st.none(), max_size=3),
    st.dictionaries(st.text() | st.integers(), st.text() | st.integers() | st.none(), max_size=3),
)


@settings(max_examples=400)
@given(st.sampled_from(sorted(REFUSED)), ANYTHING)
def test_anything_gives_a_spec_or_an_error_that_names_the_field(field: str, value: Any) -> None:
    """
    Whatever a field is given.
    """
    try:
        made = spec(**{field: value})
    except SpecError as error:
        named = {problem.field for problem in error.problems}
        assert field in named or (field == "vcpus" and named <= {"memory", "compute.max_vcpus"})
    else:
        assert hash(made.name)
