"""
What a spec no longer says goes: it is as if it had never been said.
"""

from __future__ import annotations

import re
from typing import Any

import attrs
import pytest
from other_values import BESIDE, OTHERS

from batchkit import StackSpec, plan_stack
from batchkit.compute.choices import COMPUTES
from batchkit.networks.choices import NETWORKS

from .drift_cases import DRIFTS, TAGGED, DriftedStack
from .simulator import StrictAws
from .stacks import BARE, SPEC, make

PARTS = {"compute": COMPUTES, "network": NETWORKS}
STAYS = {"table": "table/", "bucket": "bucket/"}
"""What holds data stays until it is asked for by `delete_data`."""
REFUSED = {"network.Nat.cidr"}
"""What AWS can't change is refused, so there is nothing that could be left out."""


def optional(value_type: type) -> list[str]:
    """
    The fields of a value that can be left out.
    """
    return [one.name for one in attrs.fields(value_type) if one.default is not attrs.NOTHING]


def cases() -> dict[str, dict[str, Any]]:
    """
    By each optional field of every value of a spec: what a spec says that sets it.
    """
    found = {field: {field: OTHERS[StackSpec][field]} for field in optional(StackSpec)}
    for part, choices in PARTS.items():
        for choice in choices.values():
            for field in optional(choice):
                found[f"{part}.{choice.__name__}.{field}"] = {
                    part: choice(**{field: OTHERS[choice][field]})
                }
    return {name: said for name, said in found.items() if name not in REFUSED}


GIVEN = {"uuid", "ecsClusterArn", "RoleId"}
"""What AWS gives anew to an environment or a role that is made again."""


def account(aws: StrictAws) -> dict[str, Any]:
    """
    All that the account holds, but for the numbers that AWS gives.
    """
    found = {key: value for key, value in aws.snapshot().items() if "job-definition" not in key}
    definitions = [(k, v) for k, v in aws.snapshot().items() if k.startswith("job-definition")]
    newest = max(definitions, key=lambda item: int(item[1]["revision"]))
    numbered = {**found, "job-definition": {**newest[1], "revision": 0}}
    return {key: numberless(value) for key, value in numbered.items()}


def numberless(value: Any) -> Any:
    """
    The same without what AWS numbers anew.
    """
    if isinstance(value, dict):
        return {key: numberless(each) for key, each in value.items() if key not in GIVEN}
    if isinstance(value, list):
        return [numberless(each) for each in value]
    return re.sub(r"(job-definition/\w+):\d+", r"\1", value) if isinstance(value, str) else value


@pytest.mark.parametrize("said", cases().values(), ids=cases())
def test_what_is_left_out_is_as_if_it_had_never_been_said(
    strict_aws: StrictAws, said: dict[str, Any]
) -> None:
    """
    Set, ensured, left out, ensured: the account is as it was, and there is nothing to do.
    """
    limits = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}'
    strict_aws.raw.client("iam").create_policy(PolicyName="limits", PolicyDocument=limits)
    (field,) = said
    plain = attrs.evolve(BARE, **BESIDE.get(field, {}))
    make(strict_aws, plain)
    strict_aws.clock.advance(60)
    before = account(strict_aws)
    make(strict_aws, attrs.evolve(plain, **said))
    strict_aws.clock.advance(60)
    assert account(strict_aws) != before
    make(strict_aws, plain)
    strict_aws.clock.advance(60)
    after = account(strict_aws)
    stays = {key for key in after if key.startswith(STAYS.get(field, "-"))}
    assert len(stays) == (field in STAYS)
    differing = {k for k in {*before, *after} - stays if before.get(k) != after.get(k)}
    assert {key: (before.get(key), after.get(key)) for key in differing} == {}
    assert plan_stack(plain, session=strict_aws.session, clock=strict_aws.clock).empty


def tags_in(aws: StrictAws) -> dict[str, set[str]]:
    """
    The keys of the tags of whatever has any.
    """
    found = {key: value for key, value in aws.snapshot().items() if isinstance(value, dict)}
    listed = {key: one.get("Tags") or one.get("tags") or [] for key, one in found.items()}
    return {
        key: {*tags} if isinstance(tags, dict) else {tag.get("Key", tag.get("key")) for tag in tags}
        for key, tags in listed.items()
    }


def test_tags_of_others_stay_where_one_is_left_out(strict_aws: StrictAws) -> None:
    """
    On everything that a stack tags; a value that somebody has changed goes with its tag.
    """
    make(strict_aws, SPEC)
    plain = tags_in(strict_aws)
    place = DriftedStack(strict_aws)
    written = tags_in(strict_aws)
    marked = {key for key, tags in written.items() if "team" in tags}
    assert {key for key, tags in written.items() if "batchkit:tags" in tags} == marked
    for what, (change, _) in DRIFTS.items():
        if what.startswith("tags of"):
            change(place)
    more = {key for key, tags in tags_in(strict_aws).items() if "extra" in tags}
    kinds = {key.partition("/")[0] for key in marked}
    assert kinds == {key.partition("/")[0] for key in more}
    strict_aws.clock.advance(60)
    make(strict_aws, SPEC)
    assert tags_in(strict_aws) == {
        key: {*tags, "extra"} if key in more else tags for key, tags in plain.items()
    }
    make(strict_aws, attrs.evolve(TAGGED, tags={"Team": "red"}))
    make(strict_aws, attrs.evolve(TAGGED, tags={"team": "red"}))
    roles = {key: tags for key, tags in tags_in(strict_aws).items() if key.startswith("role/")}
    assert {"team" in tags and "Team" not in tags for tags in roles.values()} == {True}
