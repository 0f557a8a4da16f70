"""
The steps that the kinds of IAM, ECR, logs, and those that hold data describe.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from attrs import evolve
from fakes import FakeAsk, params

from batchkit import Bucket, Image, ImageSource, LogGroup, Repository, Role, SpecError, Table, allow
from batchkit._model.calls import WAIT_DELETED, WAIT_STABLE, Call, ForEach, Parallel
from batchkit._model.tags import written
from batchkit._model.values import ITEM, Arn, Json
from batchkit.resources.iam_documents import canonical, trust
from batchkit.resources.image import PushImage, login
from batchkit.resources.locks import RecordIntent
from batchkit.resources.s3 import CreateBucket

TAGS = {"batchkit:stack": "movies", "Name": "movies"}
LIST = [{"Key": key, "Value": value} for key, value in TAGS.items()]
ROLE = Role(name="movies", service="batch.amazonaws.com", managed=["arn:a"], grants=[allow("s3:A")])
REPOSITORY = Repository(name="movies")
LOGS = LogGroup(name="movies")
TABLE = Table(name="movies")
BUCKET = Bucket(name="movies")


def actual(desired: Any, **outputs: Any) -> Any:
    given = {"owner": "movies", "state": "", "arn": "arn:x", "written": written(desired.tags)}
    return evolve(desired, **{**given, **outputs})


def test_a_role_is_made_with_its_policies() -> None:
    """
    Under the stack's path, with what it may do attached and inline.
    """
    create, attach, put, *_ = ROLE.create()
    given = params(create)
    assert (given["Path"], given["Tags"]) == ("/batchkit/movies/", LIST)
    assert given["AssumeRolePolicyDocument"] == Json(canonical(trust("batch.amazonaws.com")))
    assert attach == ROLE.ATTACH(RoleName="movies", PolicyArn="arn:a")
    assert params(put)["PolicyName"] == "batchkit"
    bounded = next(evolve(ROLE, boundary="arn:b").create())
    assert params(bounded)["PermissionsBoundary"] == "arn:b"
    assert len(list(evolve(ROLE, managed=None, grants=()).create())) == 1


def test_a_role_is_brought_back_field_by_field() -> None:
    """
    What is missing is attached, what is too much detached; no grants is no inline policy.
    """
    there = actual(ROLE, managed=["arn:b"])
    assert list(ROLE.update(there, ("managed",))) == [
        ROLE.ATTACH(RoleName="movies", PolicyArn="arn:a"),
        ROLE.DETACH(RoleName="movies", PolicyArn="arn:b"),
    ]
    bare = evolve(ROLE, grants=(), boundary=None)
    assert list(bare.update(there, ("grants", "boundary", "session_seconds"))) == [
        ROLE.DELETE_BOUNDARY(RoleName="movies"),
        ROLE.UPDATE(RoleName="movies", MaxSessionDuration=3600),
        ROLE.DELETE_INLINE(RoleName="movies", PolicyName="batchkit"),
    ]


def test_a_role_of_another_path_is_not_found() -> None:
    """
    Also where the answer has all that there are, as that of an emulator that knows no prefixes.
    """
    document = {"Version": "2012-10-17", "Statement": []}
    listed = [
        {
            "RoleName": path.replace("/", "."),
            "Path": path,
            "AssumeRolePolicyDocument": document,
            "Arn": "",
        }
        for path in ("/", "/batchkit/movies/", "/batchkit/movies-2/")
    ]
    found = Role.find("movies", FakeAsk(ListRoles={"Roles": listed}))
    assert [role.name for role in found] == [".batchkit.movies."]


def test_a_role_is_stripped_before_it_is_deleted() -> None:
    """
    Of whatever is attached or inline by then.
    """
    strip, delete = actual(ROLE).delete()
    assert isinstance(strip, Parallel)
    (detach,), (drop,) = strip.parts
    assert isinstance(detach, ForEach) and detach.then.params["PolicyArn"] == ITEM
    assert isinstance(drop, ForEach) and delete == ROLE.DELETE(RoleName="movies")


def test_policies_are_compared_in_one_form() -> None:
    """
    IAM gives lists of one as scalars, and reorders.
    """
    one = {"Statement": [{"Action": ["b", "a"], "Resource": ["*"]}]}
    other = {"Statement": {"Resource": "*", "Action": ["a", "b"]}}
    assert canonical(one) == canonical(other)


def test_a_repository() -> None:
    """
    Made with its scan, and its policy after it; each setting has a call of its own.
    """
    create, expire = REPOSITORY.create()
    assert create == REPOSITORY.CREATE(
        repositoryName="movies",
        imageTagMutability="IMMUTABLE",
        imageScanningConfiguration={"scanOnPush": True},
        tags=LIST,
    )
    drift = ("scan_on_push", "immutable_tags", "keep", "tags")
    steps = list(REPOSITORY.update(actual(REPOSITORY), drift))
    assert steps[2] == expire and len(steps) == 4
    assert list(REPOSITORY.delete()) == [REPOSITORY.DELETE(repositoryName="movies", force=True)]


@pytest.mark.parametrize(
    ("policy", "keep"),
    [
        (None, 0),
        ({"rules": []}, 0),
        ({"rules": [{"selection": {"countNumber": 20}}]}, 0),
        (
            {
                "rules": [
                    {
                        "rulePriority": 1,
                        "selection": {
                            "tagStatus": "any",
                            "countType": "imageCountMoreThan",
                            "countNumber": 20,
                        },
                        "action": {"type": "expire"},
                    }
                ]
            },
            20,
        ),
    ],
)
def test_a_lifecycle_policy_that_is_not_batchkits_counts_as_none(policy: Any, keep: int) -> None:
    """
    0 is what no wish has, so it is a drift.
    """
    text = None if policy is None else {"lifecyclePolicyText": json.dumps(policy)}
    described = {"repositories": [{"repositoryArn": "arn:r", "repositoryUri": "uri"}]}
    ask = FakeAsk(
        DescribeRepositories=described, GetLifecyclePolicy=text, ListTagsForResource={"tags": LIST}
    )
    (there,) = Repository.find("movies", ask)
    assert (there.keep, there.uri, there.owned) == (keep, "uri", True)


def test_log_groups_keep_their_lines_as_long_as_told() -> None:
    """
    For ever is no retention policy.
    """
    assert list(LOGS.create())[:2] == [
        LOGS.CREATE(logGroupName="movies", tags=TAGS),
        LOGS.PUT_RETENTION(logGroupName="movies", retentionInDays=30),
    ]
    forever = evolve(LOGS, retention=None)
    assert list(forever.create()) == [LOGS.CREATE(logGroupName="movies", tags=TAGS), WAIT_STABLE]
    assert list(forever.update(actual(LOGS), ("retention", "tags"))) == [
        LOGS.DELETE_RETENTION(logGroupName="movies"),
        LOGS.TAG(resourceArn=Arn("logs", "log-group:movies"), tags=TAGS),
    ]


def test_a_table() -> None:
    """
    One key, paid for by the request, waited for both ways.
    """
    create, settle = evolve(TABLE, key_name="title", key_type="N").create()
    assert settle == WAIT_STABLE
    given = params(create)
    assert given["KeySchema"] == [{"AttributeName": "title", "KeyType": "HASH"}]
    assert given["AttributeDefinitions"] == [{"AttributeName": "title", "AttributeType": "N"}]
    assert list(TABLE.delete()) == [TABLE.DELETE(TableName="movies"), WAIT_DELETED]


def test_a_bucket_is_made_with_its_tags_and_emptied_before_it_goes() -> None:
    """
    All versions, a thousand at a time; the tags of others are written back.
    """
    intent, create, tagged, drop, block, settle = BUCKET.create()
    assert isinstance(intent, RecordIntent) and intent.name == "movies"
    assert drop == BUCKET.RELEASE_LOCK(logGroupName=intent.group)
    assert create == CreateBucket(BUCKET.CREATE, "movies", TAGS)
    assert settle == WAIT_STABLE
    assert isinstance(block, Call) and block.operation == BUCKET.BLOCK
    assert params(tagged)["Tagging"] == {"TagSet": LIST}
    (tag,) = BUCKET.update(actual(BUCKET, tags={"theirs": "x"}), ("tags",))
    written = params(tag)["Tagging"]["TagSet"]
    assert {"Key": "theirs", "Value": "x"} in written
    empty, delete = BUCKET.delete()
    assert isinstance(empty, ForEach) and empty.batch == 1000
    assert delete == BUCKET.DELETE(Bucket="movies")


class TokenClient:
    """
    A client of AWS that only gives a token.
    """

    def call(self, call: Any) -> Any:
        assert call.operation.name == "GetAuthorizationToken"
        return {"authorizationData": [{"authorizationToken": "QVdTOnNlY3JldA=="}]}


def test_an_image_is_pushed_and_goes_with_its_repository() -> None:
    """
    It is one step, there is nothing to update or delete, and the login is read from the token.
    """
    given: dict[str, Any] = {"source": ImageSource("."), "platform": "linux/amd64", "tag": "t"}
    image = Image(name="movies", repository="uri", **given)
    assert list(image.create()) == [
        PushImage(Image.PUSH, "movies", "uri", "t", ImageSource("."), "linux/amd64")
    ]
    assert [*image.update(image, ()), *image.delete()] == []
    assert list(Image.find("m", FakeAsk())) == []
    assert not image.differs("tag", image)
    aws: Any = TokenClient()
    assert login(aws) == ("AWS", "secret")


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: Role(name="a b", service="batch.amazonaws.com"), "name"),
        (lambda: Role(name="a" * 65, service="batch.amazonaws.com"), "name"),
        (lambda: Role(name="a", service="batch"), "service"),
        (lambda: Role(name="a", service="x.amazonaws.com", session_seconds=60), "session_seconds"),
        (lambda: Role(name="a", service="x.amazonaws.com", managed=["x"]), "managed"),
        (lambda: Repository(name="Movies"), "name"),
        (lambda: Repository(name="movies", keep=0), "keep"),
        (lambda: LogGroup(name="aws/x"), "name"),
        (lambda: LogGroup(name="x", retention=2), "retention"),
        (lambda: Table(name="x"), "name"),
        (lambda: Table(name="films", key_type="BOOL"), "key_type"),
        (lambda: Bucket(name="Films"), "name"),
        (lambda: Bucket(name="films", private=False), "private"),
        # A caller whose types nobody checks gets a SpecError, too.
        (lambda: ImageSource(None), "folder"),  # type: ignore[arg-type]
        (lambda: ImageSource(".", build_args={"A": 1}), "build_args"),  # type: ignore[dict-item]
        (lambda: ImageSource(".", limit=0), "limit"),
        (lambda: LogGroup(name="x", tags={"aws:a": "b"}), "tags"),
        (lambda: LogGroup(name="x", stack=7), "stack"),  # type: ignore[arg-type]
        (lambda: LogGroup(name=None), "name"),  # type: ignore[arg-type]
    ],
)
def test_what_aws_would_refuse_is_refused(make: Any, field: str) -> None:
    """
    A kind on its own tests its fields as a spec does.
    """
    with pytest.raises(SpecError) as caught:
        make()
    assert field in [problem.field for problem in caught.value.problems]
