"""
`batchkit.toml`: the spec as a file.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest

from batchkit import (
    ConfigError,
    Ec2,
    Fargate,
    Nat,
    StackSpec,
    Table,
    Unmanaged,
    dynamodb_write,
    s3_read,
)
from batchkit.cli import scaffold as _scaffold
from batchkit.cli.config import load_spec
from batchkit.cli.outputs import as_env, as_json, as_make
from batchkit.compute.choices import COMPUTES
from batchkit.grants import Grant, allow, kms_decrypt
from batchkit.networks.choices import NETWORKS
from batchkit.resources.image import ImageSource

START = 'name = "films"\nimage = "a:b"\n'
ALL = """\
name = "films"
image = {folder = "job", build_args = {A = "b"}}
vcpus = 1
memory = 2048
command = ["python", "main.py"]
timeout = 600
attempts = 2
architecture = "ARM64"
ephemeral_storage = 50
compute = {kind = "fargate", max_vcpus = 8, spot = true, service_role = "linked"}
boundary = "arn:aws:iam::1:policy/b"
log_retention = 7
priority = 2
runnable_limit = 700
run_timeout = 7000
schedule = "rate(1 day)"
time_zone = "Europe/Berlin"
bucket = "films-files"
grants = [
    {s3_read = ["other", "key"]},
    {dynamodb_write = "films"},
    {allow = {actions = ["sqs:SendMessage"], resources = "*"}},
]
execution_grants = [{kms_decrypt = "alias/films"}]

[environment]
A = "b"
[secrets]
B = "arn:aws:secretsmanager:eu-west-1:1:secret:x"
[table]
name = "films"
[tags]
team = "data"
[network]
kind = "nat"
cidr = "10.2.0.0/16"
zones = ["us-east-1b", "use1-az2"]
"""


ON_EC2 = """
name = "movies"
image = "alpine:3"
gpus = 1
[compute]
kind = "ec2"
types = ["g5.xlarge", "g6"]
spot = true
min_vcpus = 4
max_vcpus = 64
disk = 200
keep_minutes = 20
ami = "ami-12345678"
key_pair = "mine"
user_data = """ + '"#!/bin/sh\\ndate"\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "batchkit.toml"
    path.write_text(text, encoding="utf-8")
    return path


def lacking(text: str) -> list[str]:
    """
    The fields of a spec, and of the values that it is made of, that *text* doesn't name.
    """
    parts: list[type[Any]] = [StackSpec, *COMPUTES.values(), *NETWORKS.values()]
    names = {field.name for part in parts for field in attrs.fields(part)}
    return sorted(n for n in names if f"{n} = " not in text and f"[{n}]" not in text)


def test_what_init_writes_names_every_field() -> None:
    """
    So a field can't be added that nobody hears of.
    """
    assert lacking(_scaffold.CONFIG) == []


def test_every_field_has_a_key(tmp_path: Path) -> None:
    """
    The file gives the spec that the same arguments give.
    """
    spec = load_spec(write(tmp_path, ALL))
    assert lacking(ALL + ON_EC2) == []
    assert isinstance(spec.image, ImageSource) and spec.image.folder == tmp_path / "job"
    assert spec.table == Table(name="films")
    grants: list[Grant | Sequence[Grant]] = [
        s3_read("other", "key"),
        dynamodb_write("films"),
        allow(["sqs:SendMessage"]),
    ]
    same = attrs.evolve(spec, grants=grants, execution_grants=kms_decrypt("alias/films"))
    assert spec == same and (spec.vcpus, spec.time_zone) == (1, "Europe/Berlin")
    assert spec.compute == Fargate(max_vcpus=8, spot=True, service_role="linked")
    assert spec.network == Nat(cidr="10.2.0.0/16", zones=["us-east-1b", "use1-az2"])


def test_a_table_names_the_sort_of_compute(tmp_path: Path) -> None:
    """
    With the fields of that sort; one without fields has its text.
    """
    spec = load_spec(write(tmp_path, ON_EC2))
    assert spec == StackSpec(
        name="movies",
        image="alpine:3",
        gpus=1,
        compute=Ec2(
            types=["g5.xlarge", "g6"],
            spot=True,
            min_vcpus=4,
            max_vcpus=64,
            disk=200,
            keep_minutes=20,
            ami="ami-12345678",
            key_pair="mine",
            user_data="#!/bin/sh\ndate",
        ),
    )
    own = 'name = "movies"\nimage = "alpine:3"\ncompute = "unmanaged"\n'
    assert load_spec(write(tmp_path, own)).compute == Unmanaged()


def test_a_folder_is_relative_to_the_file(tmp_path: Path) -> None:
    """
    Wherever the command is run.
    """
    (tmp_path / "job").mkdir()
    spec = load_spec(write(tmp_path, 'name = "films"\nimage = "job"\n'))
    assert isinstance(spec.image, ImageSource) and spec.image.folder == tmp_path / "job"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('name = "films\n', r":1:\d+: Illegal character"),
        ('name = "films"\n\n# a\nmemroy = 3\nimage = "a:b"', r":4: memroy: .*mean memory\?"),
        ('image = "a:b"', r": name: is required"),
        ('name = "films"\nimage = "a:b"\nmemory = 3', r":3: memory: got 3, expects with 1 vCPU"),
        (
            'name = "films"\nimage = "a:b"\n[environment]\nA = "x"\nB = 2',
            r":5: environment.B: got <int>",
        ),
        ('name = "films"\nimage = "a:b"\ngrants = [\n {x = 1},\n]', r":3: grants: expects tables"),
        (
            'name = "films"\nimage = "a:b"\ngrants = [{s3_read = "B"}]',
            r":3: grants.bucket: got 'B'",
        ),
        (
            'name = "films"\nimage = "a:b"\n[table]\nname = "t"\nkey = 1',
            r":3: table: .*unexpected key",
        ),
        ('name = "films"\nimage = "a:b"\n[bucket]\nname = "B"', r":4: bucket.name: got 'B'"),
        ('name = """\nfilms\n"""\nimage = "a:b"', r":1: name: got"),
        ('name = "films"\nimage = {dockerfile = ""}', r":2: image.dockerfile: got ''"),
        ('name = "films"\r\nimage = "a:b"\r\nmemory = 3', r":3: memory"),
        (f"{START}spot = true", r":3: spot: .*mean compute.spot\?"),
        (f"{START}zone = 2", r":3: zone: .*mean network.zones\?"),
        (f'{START}compute = "fargte"', r":3: compute: got 'fargte', expects one of 'fargate'"),
        (f"{START}[compute]\nspot = true", r":3: compute.kind: is one of 'fargate'"),
        (f'{START}[compute]\nkind = "x"', r":4: compute.kind: got 'x', expects one of"),
        (
            f'{START}[compute]\nkind = "fargate"\nmax_vcpu = 1',
            r":5: compute.max_vcpu: .*mean compute.max_vcpus\?",
        ),
        (
            f'{START}[compute]\nkind = "fargate"\n\nmax_vcpus = 0',
            r":6: compute.max_vcpus: got 0, expects a whole number",
        ),
        (
            f"{START}vcpus = 8\nmemory = 16384",
            r": compute.max_vcpus: got 4, expects at least vcpus",
        ),
        (f'{START}network = {{kind = "nat", zones = 9}}', r":3: network.zones: got 9"),
    ],
)
def test_a_fault_says_its_line(text: str, told: str, tmp_path: Path) -> None:
    """
    The line on which the key begins.
    """
    with pytest.raises(ConfigError, match=f"batchkit.toml{told}"):
        load_spec(write(tmp_path, text))


def test_all_faults_are_told_in_the_order_of_their_lines(tmp_path: Path) -> None:
    """
    Those of the file and those of the spec.
    """
    text = 'name = "BAD"\nnope = 1\nimage = "a:b"\ntimeout = 1\n'
    with pytest.raises(ConfigError) as caught:
        load_spec(write(tmp_path, text))
    lines = [line.split(":")[1] for line in str(caught.value).splitlines()]
    assert lines == ["1", "2", "4"]


def test_a_file_that_cant_be_read_is_said(tmp_path: Path) -> None:
    """
    Missing, or not a text.
    """
    with pytest.raises(ConfigError, match="batchkit init"):
        load_spec(tmp_path / "batchkit.toml")
    (tmp_path / "batchkit.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="can't be read"):
        load_spec(tmp_path / "batchkit.toml")


def test_what_init_writes_is_a_spec(tmp_path: Path) -> None:
    """
    As it is, and with every line that is commented out turned on.
    """
    _scaffold.write(tmp_path, "films", "job")
    assert load_spec(tmp_path / "batchkit.toml").name == "films"
    text = (tmp_path / "batchkit.toml").read_text(encoding="utf-8")
    lines = text.split("\n")
    start = next(n for n, line in enumerate(lines) if line.startswith("# command"))
    on = [
        line[2:] if line.startswith("# ") and _is_toml(line[2:]) else line for line in lines[start:]
    ]
    spec = load_spec(write(tmp_path, "\n".join([*lines[:start], *on])))
    assert spec.schedule and spec.grants and spec.secrets and spec.tags


def _is_toml(line: str) -> bool:
    return "=" in line or line.startswith(("[", "]", "    {"))


def test_nothing_is_written_over(tmp_path: Path) -> None:
    """
    Not even the files that aren't there yet.
    """
    (tmp_path / "job").mkdir()
    (tmp_path / "job" / "main.py").write_text("mine")
    with pytest.raises(ConfigError, match="main.py exists already"):
        _scaffold.write(tmp_path, "films", "job")
    assert not (tmp_path / "batchkit.toml").exists()


def test_outputs_are_quoted_for_their_readers() -> None:
    """
    A shell, make, a program.
    """
    given = {"A": "x y'z", "B": "$h#k"}
    assert as_env(given) == "A='x y'\"'\"'z'\nB='$h#k'"
    assert as_make(given) == "A := x y'z\nB := $$h\\#k"
    assert '"A": "x y\'z"' in as_json(given)
