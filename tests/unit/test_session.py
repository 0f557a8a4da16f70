"""
Sessions that batchkit makes itself.
"""

from __future__ import annotations

import boto3
import pytest

from batchkit._aws import Aws
from batchkit._session import new_session

SERVICES = ("ec2", "iam", "batch", "s3")


@pytest.mark.parametrize("service", SERVICES)
def test_models_are_those_of_botocore(service: str) -> None:
    """
    A client knows the same operations, and each the same parameters.
    """
    usual = boto3.Session(region_name="us-east-1").client(service).meta.service_model
    own = new_session(region="us-east-1").client(service).meta.service_model
    assert type(own._service_description) is dict
    assert own._service_description == usual._service_description


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
