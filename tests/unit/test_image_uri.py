"""
The URI of an image: taken apart, and put together again.
"""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from batchkit._model.image_uri import EcrRegistry, ImageUri, is_image_uri
from batchkit.resources.image_reference import is_tag_in_ecr

HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
DIGEST = "sha256:" + "a" * 64

PARTS = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,10}", fullmatch=True)
HOSTS = st.one_of(
    st.just("localhost"),
    st.from_regex(r"[a-z0-9]{1,8}(\.[a-z]{2,5}){1,2}", fullmatch=True),
    st.from_regex(r"[a-z0-9]{1,8}(\.[a-z]{2,5})?:[1-9][0-9]{0,4}", fullmatch=True),
    st.just(HOST),
)
# Without a registry, a first part with a dot would itself be one.
PATHS = st.lists(PARTS, min_size=1, max_size=4).map("/".join)
BARE = PATHS.filter(lambda path: "." not in path.partition("/")[0] and path[:9] != "localhost")
NAMES = st.one_of(st.tuples(HOSTS, PATHS), st.tuples(st.just(""), BARE))
TAGS = st.one_of(st.just(""), st.from_regex(r"\w[\w.-]{0,20}", fullmatch=True))
DIGESTS = st.one_of(
    st.just(""), st.from_regex(r"[0-9a-f]{64}", fullmatch=True).map(lambda one: f"sha256:{one}")
)


@given(NAMES, TAGS, DIGESTS)
def test_what_is_printed_is_parsed_as_the_same(
    name: tuple[str, str], tag: str, digest: str
) -> None:
    """
    With ports, nested paths, tags and digests, in any combination; and each is well-formed.
    """
    uri = ImageUri(*name, tag, digest)
    assert ImageUri.parse(str(uri)) == uri
    assert is_image_uri(str(uri))


@given(st.from_regex(r"[a-z0-9][\w.-]*(:\d+)?(/[\w.-]+)*(:[\w.-]+)?(@sha256:[0-9a-f]{64})?"))
def test_what_is_parsed_is_printed_as_the_same(text: str) -> None:
    """
    Whatever is well-formed, also what no registry would have.
    """
    if is_image_uri(text):
        assert str(ImageUri.parse(text)) == text


@given(st.text())
def test_any_text_can_be_parsed(text: str) -> None:
    """
    A job definition of somebody else may say anything; only an empty tag or digest is left out.
    """
    assert str(ImageUri.parse(text)) in (
        text,
        text.rstrip("@").rstrip(":"),
        text.replace(":@", "@"),
    )


@pytest.mark.parametrize(
    ("text", "host", "name", "repository", "tag", "digest"),
    [
        ("job", "docker.io", "job", "job", "", ""),
        ("job:v1", "docker.io", "job", "job", "v1", ""),
        ("library/python:3", "docker.io", "library/python", "library/python", "3", ""),
        ("docker.io/python", "docker.io", "docker.io/python", "python", "", ""),
        ("localhost/job", "localhost", "localhost/job", "job", "", ""),
        ("r:5000/a/job", "r:5000", "r:5000/a/job", "a/job", "", ""),
        ("r:5000/a/job:v1", "r:5000", "r:5000/a/job", "a/job", "v1", ""),
        ("public.ecr.aws/x/y", "public.ecr.aws", "public.ecr.aws/x/y", "x/y", "", ""),
        (f"{HOST}/team/job@{DIGEST}", HOST, f"{HOST}/team/job", "team/job", "", DIGEST),
        (f"{HOST}/team/job:v1@{DIGEST}", HOST, f"{HOST}/team/job", "team/job", "v1", DIGEST),
    ],
)
def test_a_uri_is_taken_apart(
    text: str, host: str, name: str, repository: str, tag: str, digest: str
) -> None:
    """
    A port is no tag, a registry is no part of the repository; without one it is Docker Hub's.
    """
    uri = ImageUri.parse(text)
    assert (uri.host, uri.name, uri.repository) == (host, name, repository)
    assert (uri.tag, uri.digest) == (tag, digest)


@pytest.mark.parametrize(
    ("text", "explicit", "image_id"),
    [
        ("job", "job:latest", {"imageTag": "latest"}),
        ("r:5000/job", "r:5000/job:latest", {"imageTag": "latest"}),
        ("job:v1", "job:v1", {"imageTag": "v1"}),
        (f"job@{DIGEST}", f"job@{DIGEST}", {"imageDigest": DIGEST}),
        (f"job:v1@{DIGEST}", f"job:v1@{DIGEST}", {"imageDigest": DIGEST}),
    ],
)
def test_an_image_is_named_by_digest_or_tag(
    text: str, explicit: str, image_id: dict[str, str]
) -> None:
    """
    A digest counts before a tag, and the tag is latest if there is neither.
    """
    assert str(ImageUri.parse(text).explicit) == explicit
    assert ImageUri.parse(text).image_id == image_id


@pytest.mark.parametrize(
    ("host", "region", "partition"),
    [
        ("dkr.ecr.us-east-1.amazonaws.com", "us-east-1", "aws"),
        ("dkr.ecr-fips.us-east-1.amazonaws.com", "us-east-1", "aws"),
        ("dkr-ecr.eu-central-1.on.aws", "eu-central-1", "aws"),
        ("dkr.ecr.us-gov-west-1.amazonaws.com", "us-gov-west-1", "aws-us-gov"),
        ("dkr.ecr.cn-north-1.amazonaws.com.cn", "cn-north-1", "aws-cn"),
        ("dkr.ecr.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1", "aws-eusc"),
        ("dkr.ecr.us-iso-east-1.c2s.ic.gov", "us-iso-east-1", "aws-iso"),
        ("dkr.ecr.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1", "aws-iso-b"),
    ],
)
def test_a_registry_of_ecr_is_known_by_its_host(host: str, region: str, partition: str) -> None:
    """
    Every endpoint of every partition; its images by tag are looked up in that region only.
    """
    text = f"123456789012.{host}/team/job:v1"
    registry = ImageUri.parse(text).ecr
    assert registry == EcrRegistry("123456789012", region)
    assert registry.partition == partition
    assert is_tag_in_ecr(text, region) and not is_tag_in_ecr(text, "ap-south-1")
    assert not is_tag_in_ecr(f"{text}@{DIGEST}", region)


@pytest.mark.parametrize(
    "text",
    [
        "python:3",
        "public.ecr.aws/docker/library/python:3",
        "1.dkr.ecr.us-east-1.amazonaws.com/job",
        f"{HOST}.evil.example/job",
        f"x/{HOST}/job",
        f"{HOST}:443/job",
    ],
)
def test_other_registries_are_not_in_ecr(text: str) -> None:
    """
    Docker Hub, ECR Public, and what only looks like a registry of ECR.
    """
    assert ImageUri.parse(text).ecr is None


@pytest.mark.parametrize("text", ["", "Job", "a:b:c d", "https://x/y", "x@sha256:1", "a:", "a@"])
def test_what_is_not_well_formed_is_no_uri(text: str) -> None:
    """
    A scheme, spaces, a short digest and empty parts are refused.
    """
    assert not is_image_uri(text)
