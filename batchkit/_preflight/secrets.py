"""
The secrets of the job: they are there, and can be decrypted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from batchkit._diagnosis.finding import Finding
from batchkit._engine.aws import Aws
from batchkit._model.calls import Operation
from batchkit._model.secret_arn import SecretArn
from batchkit._preflight.facts import PreflightFacts, finding
from batchkit.spec import StackSpec

DESCRIBE_SECRET: Final = Operation(
    "secretsmanager", "DescribeSecret", absent=("ResourceNotFoundException",)
)
PARAMETERS: Final = Operation("ssm", "DescribeParameters", wide=True)


def secrets(facts: PreflightFacts) -> Iterator[Finding]:
    """
    The secrets and parameters of the job are there, and the execution role may use their keys.
    """
    for name, value_from in facts.spec.secrets.items():
        secret = SecretArn.parse(value_from)
        if not is_here(facts.aws, secret):
            continue
        found = _described(facts.aws, secret)
        if found is None:
            message = f"there is none of the ARN {secret.arn}."
            yield finding(f"secret {name}", message, "Make it, or correct secrets.")
        elif _needs_key(facts.spec, str(found.get("KmsKeyId", ""))):
            key = found["KmsKeyId"]
            message = f"its key {key} must be one that the execution role may decrypt with."
            fix = f'Give execution_grants=[kms_decrypt("{key}")].'
            yield finding(f"secret {name}", message, fix)


def is_here(aws: Aws, secret: SecretArn) -> bool:
    """
    Whether *secret* is of the account and region that the calls go to.
    """
    return (secret.region, secret.account) == (aws.scope.region, aws.scope.account)


def _described(aws: Aws, secret: SecretArn) -> Any:
    """
    The description of a secret or a parameter, or None if there is none.
    """
    if secret.service == "secretsmanager":
        return aws.call(DESCRIBE_SECRET(SecretId=secret.arn))
    named = [{"Key": "Name", "Option": "Equals", "Values": [secret.parameter]}]
    listed = aws.call(PARAMETERS(ParameterFilters=named))["Parameters"]
    return {"KmsKeyId": listed[0].get("KeyId", "")} if listed else None


def _needs_key(spec: StackSpec, key: str) -> bool:
    """
    Whether *key* is a customer's, and no grant of the spec is about decrypting.
    """
    if not key or key.rpartition("alias/")[2].startswith("aws/"):
        return False
    actions = {one.lower() for grant in spec.execution_grants for one in grant.actions}
    return not actions & {"kms:decrypt", "kms:*", "*"}
