"""
Which secret a job's variable gets its value from.
"""

from __future__ import annotations

import pytest

from batchkit._model.secret_arn import VALUE_FROM, SecretArn

DB = "arn:aws:secretsmanager:us-east-1:1:secret:db"
PARAMETER = "arn:aws:ssm:us-east-1:1:parameter/films"


@pytest.mark.parametrize(
    ("given", "parsed"),
    [
        (f"{DB}-AbCdEf", SecretArn(f"{DB}-AbCdEf")),
        (f"{DB}-AbCdEf:user::", SecretArn(f"{DB}-AbCdEf", "user")),
        (f"{DB}:user:AWSPREVIOUS:v1", SecretArn(DB, "user", "AWSPREVIOUS", "v1")),
        (PARAMETER, SecretArn(PARAMETER)),
        (f"{PARAMETER}/db:3", SecretArn(f"{PARAMETER}/db", version="3")),
    ],
)
def test_what_is_wanted_of_a_secret_is_no_part_of_its_arn(given: str, parsed: SecretArn) -> None:
    """
    The JSON key, the stage and the version stand behind it.
    """
    assert VALUE_FROM.fullmatch(given) and SecretArn.parse(given) == parsed
    assert (parsed.region, parsed.account) == ("us-east-1", "1")


@pytest.mark.parametrize(
    ("arn", "ends"),
    [
        (f"{DB}-AbCdEf", [""]),
        (f"{DB}-1b2C3d", [""]),
        (DB, ["-??????"]),
        (f"{DB}-prod", ["-??????"]),
        (f"{DB}-secret", ["", "-??????"]),
        (f"{DB}-202401", ["", "-??????"]),
        (PARAMETER, [""]),
    ],
)
def test_a_policy_names_the_whole_arn(arn: str, ends: list[str]) -> None:
    """
    Where the six characters of Secrets Manager are missing, any may follow.
    """
    assert SecretArn.parse(arn).resources == tuple(arn + end for end in ends)


def test_a_parameter_in_folders_has_a_slash_in_front() -> None:
    """
    As Parameter Store has it.
    """
    assert SecretArn.parse(PARAMETER).parameter == "films"
    assert SecretArn.parse(f"{PARAMETER}/db").parameter == "/films/db"
    assert {SecretArn.parse(one).action for one in (DB, PARAMETER)} == {
        "secretsmanager:GetSecretValue",
        "ssm:GetParameters",
    }
