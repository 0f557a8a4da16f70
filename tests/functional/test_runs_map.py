"""
Fan-out: a job for each item, results in the order of the items.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import attrs
import pytest

from batchkit import BatchkitError, Grant, JobQueue, Role, SpecError, describe_stack
from batchkit._blueprint.blueprint import resources
from batchkit._model.values import Arn
from batchkit._runs.fan_out import _chunks, fan_out
from batchkit._runs.start import Submission
from runs_lab import Stand, stand

PICK = """
import json, os, sys
items = json.loads(os.environ["BATCHKIT_ITEMS"])
print(items[int(os.environ.get("AWS_BATCH_JOB_ARRAY_INDEX", 0))])
"""
FAIL = "sys.exit(items[int(os.environ['AWS_BATCH_JOB_ARRAY_INDEX'])] == 'bad')"
FROM_BUCKET = """
import boto3, json, os
bucket, _, key = os.environ["BATCHKIT_ITEMS_URI"].removeprefix("s3://").partition("/")
items = json.load(boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"])
print(len(items), items[int(os.environ["AWS_BATCH_JOB_ARRAY_INDEX"])][:4])
"""


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with stand(tmp_path_factory.mktemp("job")) as made:
        yield made


def command(program: str) -> list[str]:
    return ["python", "-c", program]


def test_results_come_in_the_order_of_the_items(there: Stand) -> None:
    """
    Each with its status, exit code, attempts, log stream and line; one has failed, twice.
    """
    items = ["a b", {"x": 1}, "bad", "last ü"]
    results = there.stack.map(items, command(PICK + FAIL), attempts=2)
    assert [one.item for one in results] == items
    assert [(one.status, one.exit_code, one.attempts) for one in results] == [
        ("SUCCEEDED", 0, 1),
        ("SUCCEEDED", 0, 1),
        ("FAILED", 1, 2),
        ("SUCCEEDED", 0, 1),
    ]
    assert len({one.log_stream for one in results}) == len(results) == 4
    assert results.failed == [results[2]] and not results[2].succeeded
    lines = {line.job.rpartition(":")[2]: str(line) for line in results.run.logs(follow=True)}
    assert lines == {"0": "a b", "1": "{'x': 1}", "2": "bad", "3": "last ü"}
    assert [one.index for one in results[1:3]] == [1, 2]


def test_a_single_item_is_no_array(there: Stand) -> None:
    """
    AWS takes arrays of two or more; the job has no index, and finds its item all the same.
    """
    results = there.stack.map(["only"], command(PICK))
    assert [one.status for one in results] == ["SUCCEEDED"]
    assert [line.text for line in results.run.logs()] == ["only"]
    assert "size" not in results[0].job.details.get("arrayProperties", {})


def test_a_key_maps_once(there: Stand) -> None:
    """
    The same key is the same jobs; for another list of items it is refused.
    """
    first = there.stack.map(["a", "b"], command(PICK), key="twice")
    again = there.stack.map(["a", "b"], command(PICK), key="twice")
    assert again.run == first.run
    other = there.stack.map(["a", "b", "c"], command(PICK), key="twice", wait=False)
    with pytest.raises(BatchkitError, match="take a new key"):
        list(other)


def test_a_list_without_room_becomes_more_arrays(there: Stand) -> None:
    """
    Without a bucket the items are split so that each array's list has room.
    """
    items = [f"{number:>06}{'x' * 3000}" for number in range(5)]
    results = there.stack.map(items, command(PICK.replace("0))])", "0))][:6])")))
    assert len(results.run.parents) == 3
    assert [one.succeeded for one in results] == [True] * 5
    assert sorted(line.text for line in results.run.logs()) == [item[:6] for item in items]
    assert results.run.status == "SUCCEEDED"


def test_a_list_without_room_goes_to_the_bucket(there: Stand) -> None:
    """
    BATCHKIT_ITEMS_URI says where.
    """
    there.s3.create_bucket(Bucket="films-lists")
    items = [f"{number:>04}{'x' * 3000}" for number in range(5)]
    wanted = Submission(
        queue=there.stack.arn(JobQueue),
        definition=there.stack._definition,
        name="films-listed",
        given={"command": command(FROM_BUCKET)},
    )
    results = fan_out(there.stack._aws, wanted, items, "films-lists", once=False).wait(60)
    assert [one.succeeded for one in results] == [True] * 5
    assert sorted(line.text for line in results.run.logs()) == [f"5 {item[:4]}" for item in items]
    stored = there.s3.get_object(Bucket="films-lists", Key="batchkit/items/films-listed.json")
    assert json.load(stored["Body"]) == items


@pytest.mark.parametrize(
    ("items", "told"),
    [([], "at least one item"), (["x" * 9000], "a stack with a bucket"), ([{1, 2}], "JSON")],
)
def test_what_cant_be_mapped_is_refused(items: list[object], told: str, there: Stand) -> None:
    """
    Before anything is submitted.
    """
    with pytest.raises(SpecError, match=told):
        there.stack.map(items)


def test_ten_thousand_children_are_the_most(there: Stand) -> None:
    """
    More items are more arrays; none of them is larger than AWS takes.
    """
    chunks = list(_chunks(["1"] * 25_001, 10_000, None))
    assert [len(chunk) for chunk in chunks] == [10_000, 10_000, 5_001]


def test_a_fan_out_is_seen_by_others(there: Stand) -> None:
    """
    Its run can be picked up, with the children in order.
    """
    results = there.stack.map(["a", "b"], command(PICK), name="films-seen")
    newest = describe_stack(there.spec.name, session=there.session).runs(limit=1)[0]
    assert newest.name == "films-seen"
    assert [job.index for job in newest.jobs] == [0, 1]
    assert results.run.parents == newest.parents


def test_the_job_role_of_a_stack_with_a_bucket_may_read_lists(there: Stand) -> None:
    """
    And nothing else of it, unless the grants say so.
    """
    for role in resources(attrs.evolve(there.spec, bucket="films-9"), "us-east-1"):
        if isinstance(role, Role) and role.name.startswith("films-job"):
            assert role.grants == (
                Grant(
                    ("s3:GetObject",),
                    (Arn("s3", "films-9/batchkit/items/*", region=False, account=False),),
                ),
            )
