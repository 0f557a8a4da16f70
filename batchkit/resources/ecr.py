"""
ECR: the repository that holds a stack's images.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from typing import Any, ClassVar, Final

from attrs import frozen

from batchkit._model.calls import NotYet, Operation, Steps
from batchkit._model.checks import a_bool, checked, text, whole
from batchkit._model.properties import read_only
from batchkit._model.reader import Reader
from batchkit._model.resource import Resource
from batchkit._model.tags import as_list, tag_fields
from batchkit._model.values import Arn, Json

_ABSENT: Final = "RepositoryNotFoundException"
# A new repository may be unknown to the call that follows its creation.
_FRESH: Final = (NotYet(_ABSENT, 30),)


@frozen(kw_only=True)
class Repository(Resource):
    """
    A repository that scans what is pushed, and keeps the *keep* newest images.

    Deleting it deletes its images.
    """

    DESCRIBE: ClassVar = Operation("ecr", "DescribeRepositories", absent=(_ABSENT,))
    LIFECYCLE: ClassVar = Operation(
        "ecr", "GetLifecyclePolicy", absent=("LifecyclePolicyNotFoundException", _ABSENT)
    )
    TAGS: ClassVar = Operation("ecr", "ListTagsForResource", absent=(_ABSENT,))
    CREATE: ClassVar = Operation(
        "ecr",
        "CreateRepository",
        ("ecr:TagResource",),
        exists=("RepositoryAlreadyExistsException",),
    )
    SCAN: ClassVar = Operation("ecr", "PutImageScanningConfiguration")
    MUTABILITY: ClassVar = Operation("ecr", "PutImageTagMutability")
    PUT_LIFECYCLE: ClassVar = Operation("ecr", "PutLifecyclePolicy", not_yet=_FRESH)
    TAG: ClassVar = Operation("ecr", "TagResource")
    UNTAG: ClassVar = Operation("ecr", "UntagResource")
    DELETE: ClassVar = Operation("ecr", "DeleteRepository", absent=(_ABSENT,))

    name: str = checked(
        text(
            r"(?=.{2,256}$)([a-z0-9]+([._-][a-z0-9]+)*/)*[a-z0-9]+([._-][a-z0-9]+)*",
            "2-256 lower-case letters, digits, and single . _ - or / between them",
        )
    )
    scan_on_push: bool = checked(a_bool(), default=True)
    immutable_tags: bool = checked(a_bool(), default=True)
    keep: int = checked(whole(1, 1000, "images"), default=20)
    arn: str = read_only("repository.repositoryArn")
    uri: str = read_only("repository.repositoryUri")

    @classmethod
    def targets_of(cls, stack: str) -> tuple[str | Arn, ...]:
        return (Arn("ecr", f"repository/{stack}"),)

    @classmethod
    def find(cls, stack: str, reader: Reader) -> Iterable[Repository]:
        # ECR can't list by tag: a stack's repository has the name of the stack.
        if reader(cls.DESCRIBE(repositoryNames=[stack])) is not None:
            actual = cls._read(stack, stack, reader)
            if actual is not None and actual.owned:
                yield actual

    def read(self, reader: Reader) -> Repository | None:
        return self._read(self.name, self.stack, reader)

    @classmethod
    def _read(cls, name: str, stack: str, reader: Reader) -> Repository | None:
        # DescribeRepositories returns neither the lifecycle policy nor the tags.
        described, lifecycle, tags = reader.all(
            cls.DESCRIBE(repositoryNames=[name]),
            cls.LIFECYCLE(repositoryName=name),
            cls.TAGS(resourceArn=Arn("ecr", f"repository/{name}")),
        )
        if described is None or tags is None:
            return None
        repository = described["repositories"][0]
        return cls(
            **tag_fields(tags["tags"], name=name, stack=stack),
            scan_on_push=repository.get("imageScanningConfiguration", {}).get("scanOnPush", False),
            immutable_tags=repository.get("imageTagMutability") == "IMMUTABLE",
            keep=_kept(lifecycle),
            arn=repository["repositoryArn"],
            uri=repository["repositoryUri"],
        )

    @property
    def known_as(self) -> Collection[str]:
        return (*super().known_as, self.uri)

    def create(self) -> Steps:
        yield self.CREATE(
            repositoryName=self.name,
            imageTagMutability=self._mutability(),
            imageScanningConfiguration={"scanOnPush": self.scan_on_push},
            tags=as_list(self.all_tags),
        )
        # CreateRepository takes no lifecycle policy
        # (https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html).
        yield self._expire()

    def update(self, actual: Repository, drift: Collection[str]) -> Steps:
        if "scan_on_push" in drift:
            scan = {"scanOnPush": self.scan_on_push}
            yield self.SCAN(repositoryName=self.name, imageScanningConfiguration=scan)
        if "immutable_tags" in drift:
            yield self.MUTABILITY(repositoryName=self.name, imageTagMutability=self._mutability())
        if "keep" in drift:
            yield self._expire()
        if "tags" in drift:
            tag = self.TAG(resourceArn=actual.arn, tags=as_list(self.all_tags))
            untag = self.UNTAG(resourceArn=actual.arn, tagKeys=self.left_out(actual))
            yield from self.retag(actual, tag, untag)

    def delete(self) -> Steps:
        # Without force, ECR deletes no repository that has images
        # (https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DeleteRepository.html).
        yield self.DELETE(repositoryName=self.name, force=True)

    def _mutability(self) -> str:
        return "IMMUTABLE" if self.immutable_tags else "MUTABLE"

    def _expire(self) -> Any:
        return self.PUT_LIFECYCLE(
            repositoryName=self.name, lifecyclePolicyText=Json(_policy(self.keep))
        )


def _policy(keep: int) -> dict[str, Any]:
    selection = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": keep}
    rule = {"rulePriority": 1, "selection": selection, "action": {"type": "expire"}}
    return {"rules": [rule]}


def _kept(answer: Any) -> int:
    """
    How many images a lifecycle policy keeps; 0 if batchkit did not write it.
    """
    if answer is None:
        return 0
    # ECR may return the text in another format: only the parsed policies can be compared.
    policy = json.loads(answer["lifecyclePolicyText"])
    try:
        keep = int(policy["rules"][0]["selection"]["countNumber"])
    except (KeyError, IndexError, TypeError):
        return 0
    return keep if policy == _policy(keep) else 0
