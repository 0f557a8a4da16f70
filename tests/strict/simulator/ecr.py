"""
ECR: repositories, and the token for the registry.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

from .api_call import ApiCall
from .rules import after, before, declare

declare(
    (95, "D", "a repository's name is checked; a fresh one may not be found at first"),
    (119, "D", "another account's repository can't be looked into"),
    (96, "M", "a registry's token expires twelve hours ahead"),
)

REPOSITORY = re.compile(r"(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*")


@before(95, "ecr:CreateRepository")
def _repository_name(call: ApiCall) -> None:
    name = call.params["repositoryName"]
    if not 2 <= len(name) <= 256 or not REPOSITORY.fullmatch(name):
        call.refuse_loosely("InvalidParameterException", f"repositoryName {name}")


@after(0, "ecr:CreateRepository")
def _repository_born(call: ApiCall) -> None:
    call.account.add("repository", call.params["repositoryName"])


@before(95, "ecr:DescribeRepositories")
def _repository_unseen(call: ApiCall) -> None:
    account = call.account
    for name in call.params.get("repositoryNames", []):
        flaky = account.profile == "flaky" and account.younger("repository", name, "not_found")
        if flaky and account.once("seen repository", name):
            message = f"The repository with name '{name}' does not exist in the registry"
            call.refuse("RepositoryNotFoundException", message)


@before(119, "ecr:DescribeImages", "ecr:BatchGetImage")
def _own_registry(call: ApiCall) -> None:
    if call.params.get("registryId", call.account.id) != call.account.id:
        call.refuse_loosely("AccessDeniedException", call.params["repositoryName"])


@after(96, "ecr:GetAuthorizationToken")
def _token_lasts(call: ApiCall) -> bool:
    for each in call.answer["authorizationData"]:
        each["expiresAt"] = datetime.now(timezone.utc) + timedelta(hours=12)
    return True
