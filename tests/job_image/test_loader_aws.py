"""
Credentials, signatures and addresses.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from botocore.credentials import Credentials, RefreshableCredentials
from botocore.exceptions import CredentialRetrievalError
from fake_state import ACCESS_KEY, SECRET_KEY, TOKEN, FakeAws
from loader.aws import Service, endpoint_url, find_credentials, s3_path
from loader.bucket import SourceBucket
from loader.channel import BROKEN, HttpChannel
from loader.faults import Refused
from loader.table import TargetTable


class Expiring:
    """
    A source of credentials that are always about to expire.
    """

    def __init__(self) -> None:
        self.fetched = 0

    def fetch(self) -> dict[str, Any]:
        """
        The next credentials.
        """
        self.fetched += 1
        return {
            "access_key": f"key{self.fetched}",
            "secret_key": "s",
            "token": "t",
            "expiry_time": "2020-01-01T00:00:00Z" if self.fetched == 1 else "2999-01-01T00:00:00Z",
        }


def test_credentials_are_renewed_between_requests() -> None:
    """
    Each signature is made with credentials that are valid at that moment.
    """
    source = Expiring()
    credentials = RefreshableCredentials.create_from_metadata(source.fetch(), source.fetch, "test")
    service = Service("dynamodb", "us-east-1", credentials, {})
    assert service.signer().credentials.access_key == "key2"


def test_without_credentials_the_job_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """
    The message says what a job needs.
    """
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(Refused, match="job role"):
        find_credentials()


def test_a_service_of_its_own_endpoint_goes_before_the_common_one() -> None:
    """
    AWS_ENDPOINT_URL_S3 is for S3 alone.
    """
    environ = {"AWS_ENDPOINT_URL": "http://all/", "AWS_ENDPOINT_URL_S3": "http://s3"}
    assert endpoint_url("s3", environ) == "http://s3"
    assert endpoint_url("dynamodb", environ) == "http://all"
    assert endpoint_url("s3", {}) is None


@pytest.mark.parametrize(
    ("region", "bucket", "wanted"),
    [
        ("eu-west-1", "data", "https://data.s3.eu-west-1.amazonaws.com/a%20b/%C3%A9"),
        ("cn-north-1", "data", "https://data.s3.cn-north-1.amazonaws.com.cn/a%20b/%C3%A9"),
        ("eu-west-1", "my.data", "https://s3.eu-west-1.amazonaws.com/my.data/a%20b/%C3%A9"),
    ],
)
def test_addresses_on_aws(region: str, bucket: str, wanted: str) -> None:
    """
    A bucket is part of the host name, unless it has dots.
    """
    service = Service("s3", region, Credentials("a", "b"), {})
    host, path = s3_path(service, bucket, "a b/é")
    assert service.pool(host)[0] + path == wanted
    service.close()


def test_the_ca_bundle_is_the_one_that_is_named() -> None:
    """
    AWS_CA_BUNDLE goes before botocore's own.
    """
    service = Service("s3", "x", Credentials("a", "b"), {"AWS_CA_BUNDLE": "/ca.pem"})
    assert service.ca_bundle() == "/ca.pem"
    assert Path(Service("s3", "x", None, {}).ca_bundle()).exists()


class Failing:
    """
    Credentials whose source does not answer, or only so often.
    """

    def __init__(self, *faults: Exception) -> None:
        self._faults = list(faults)

    def get_frozen_credentials(self) -> Any:
        """
        The next fault, and then credentials.
        """
        if self._faults:
            raise self._faults.pop(0)
        return Credentials(ACCESS_KEY, SECRET_KEY, TOKEN).get_frozen_credentials()


@pytest.mark.parametrize(
    "fault",
    [
        CredentialRetrievalError(provider="container-role", error_msg="500"),
        RuntimeError(
            "Credentials were refreshed, but the refreshed credentials are still expired."
        ),
    ],
)
def test_credentials_that_do_not_come_may_come_later(fault: Exception, aws: FakeAws) -> None:
    """
    Requests to both services wait and try again, as when the network fails.
    """
    aws.put("m.csv", b"id\n1\n")
    for name in ("s3", "dynamodb"):
        service = Service(name, "us-east-1", Failing(fault, fault), aws.environ())
        waits: list[float] = []
        if name == "s3":
            assert SourceBucket(service, "data", waits.append).head("m.csv").size == 5
        else:
            TargetTable(service, "movies", waits.append).find_keys(pytest.fail)
        assert len(waits) == 2
        service.close()
    channel = HttpChannel(Service("dynamodb", "us-east-1", Failing(fault), aws.environ()), "x")
    with pytest.raises(BROKEN, match="no fresh credentials"):
        channel.send(b"")


@pytest.mark.parametrize(
    "environ",
    [
        {"AWS_ACCESS_KEY_ID": "a"},
        {"AWS_PROFILE": "nobody"},
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://elsewhere.example/"},
    ],
)
def test_credentials_that_botocore_cannot_get_refuse_the_job(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """
    One line, not botocore's traceback.
    """
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "HOME": str(tmp_path),
        "AWS_EC2_METADATA_DISABLED": "true",
        **environ,
    }.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(Refused, match="no AWS credentials"):
        find_credentials()
