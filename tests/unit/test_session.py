"""
Sessions that batchkit makes itself.
"""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

import boto3
import pytest
from botocore.exceptions import UnknownServiceError

import batchkit
from batchkit._engine.aws import Aws
from batchkit._engine.session import EC2_OPERATIONS, PlainFiles, new_session
from batchkit._model.calls import Operation
from fakes import client

LEFT_OUT = ("batchkit.local", "batchkit.__main__", "batchkit.job_image")
SERVICES = ("iam", "batch", "s3", "ec2-instance-connect")


@pytest.mark.parametrize("service", SERVICES)
def test_models_are_those_of_botocore(service: str) -> None:
    """
    A client knows the same operations, and each the same parameters.
    """
    usual = client(boto3.Session(region_name="us-east-1"), service).meta.service_model
    own = client(new_session(region="us-east-1"), service).meta.service_model
    assert type(own._service_description) is dict
    assert own._service_description == usual._service_description


def test_services_are_those_of_botocore() -> None:
    """
    The same are known; one that isn't is refused in botocore's way.
    """
    usual, own = boto3.Session(region_name="us-east-1"), new_session(region="us-east-1")
    assert own.get_available_services() == usual.get_available_services()
    with pytest.raises(UnknownServiceError, match="nowhere"):
        client(own, "nowhere")


def test_a_model_of_the_users_own_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    As botocore finds it in AWS_DATA_PATH, also where it has no rules for its endpoint.
    """
    folder = tmp_path / "ministry" / "2024-01-01"
    folder.mkdir(parents=True)
    about = {
        "apiVersion": "2024-01-01",
        "endpointPrefix": "ministry",
        "protocol": "json",
        "serviceId": "Ministry",
        "signatureVersion": "v4",
    }
    model = {
        "metadata": about,
        "operations": {"Ask": {"name": "Ask", "http": {"method": "POST"}}},
        "shapes": {},
    }
    (folder / "service-2.json").write_text(json.dumps(model))
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path))
    ministry = client(new_session(region="eu-north-1"), "ministry")
    assert ministry.meta.endpoint_url == "https://ministry.eu-north-1.amazonaws.com"
    assert not ministry.can_paginate("ask")


def called() -> set[str]:
    """
    The operations of EC2 that any module of the package states.
    """
    names = set()
    for found in walk_packages(batchkit.__path__, "batchkit."):
        if not found.name.startswith(LEFT_OUT):
            for one in vars(import_module(found.name)).values():
                stated = [*vars(one).values()] if isinstance(one, type) else [one]
                stated += one if isinstance(one, tuple) else ()
                names |= {op.name for op in stated if is_of_ec2(op)}
    return names


def is_of_ec2(value: object) -> bool:
    """
    Whether *value* is an operation of EC2.
    """
    return isinstance(value, Operation) and value.service == "ec2"


def test_of_ec2_only_what_is_called_is_kept() -> None:
    """
    The list has what the package's modules state, and each has the shapes that botocore's own model
    gives it.
    """
    assert called() == EC2_OPERATIONS
    usual = boto3.Session(region_name="us-east-1").client("ec2").meta.service_model
    own = new_session(region="us-east-1").client("ec2").meta.service_model
    assert set(own.operation_names) == EC2_OPERATIONS < set(usual.operation_names)
    for name in EC2_OPERATIONS:
        ours, theirs = (model.operation_model(name) for model in (own, usual))
        assert flat(ours.input_shape) == flat(theirs.input_shape)
        assert flat(ours.output_shape) == flat(theirs.output_shape)


def test_a_model_of_another_form_is_loaded_as_botocore_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    What can't be made smaller is taken whole.
    """
    folder = tmp_path / "ec2" / "2999-01-01"
    folder.mkdir(parents=True)
    (folder / "service-2.json").write_text('{"metadata": {}, "operations": []}')
    model = PlainFiles().load_file(str(folder / "service-2"))
    assert model == {"metadata": {}, "operations": []}


def flat(shape: Any, seen: tuple[str, ...] = ()) -> Any:
    """
    A shape with those of its members, and theirs.
    """
    if shape is None or shape.name in seen:
        return None
    inside = {**getattr(shape, "members", {})}
    inside.update(
        {part: getattr(shape, part) for part in ("member", "key", "value") if hasattr(shape, part)}
    )
    below = {name: flat(one, (*seen, shape.name)) for name, one in inside.items()}
    return shape.name, shape.type_name, shape.serialization, below


def test_profile_and_region_are_taken() -> None:
    """
    As boto3's own session takes them.
    """
    session = new_session(region="eu-north-1")
    assert (session.region_name, session.profile_name) == ("eu-north-1", "default")


def test_the_default_session_is_used_if_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    What `boto3.setup_default_session` has set up holds here too.
    """
    default = boto3.Session(region_name="eu-north-1")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", default)
    assert Aws().session is default
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    assert Aws().session is not default
