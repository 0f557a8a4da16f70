"""
The values of a job's secrets, as ECS reads them before it starts the container.
"""

from __future__ import annotations

import json
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.secretsmanager.models import secretsmanager_backends
from moto.ssm.models import ssm_backends

from batchkit._model.secret_arn import VALUE_FROM, SecretArn
from batchkit.local.runtime.container import CannotStart
from batchkit.local.runtime.job import MotoJob
from batchkit.local.runtime.lock import DISPATCH

_PULL = (
    "ResourceInitializationError: unable to pull secrets or registry auth: "
    "execution resource retrieval failed: "
)


def secrets(job: MotoJob) -> dict[str, str]:
    """
    The variables that the definition's secrets give.

    Raises:
        CannotStart: One of them isn't there, or has no such JSON key.
    """
    given = job.job_definition.container_properties.get("secrets") or ()
    with DISPATCH:
        return {one["name"]: _value(one["valueFrom"]) for one in given}


def _value(value_from: str) -> str:
    if not VALUE_FROM.fullmatch(value_from):
        raise CannotStart(f"{_PULL}an invalid ARN format for {value_from} was specified")
    secret = SecretArn.parse(value_from)
    if secret.service == "ssm":
        return _parameter(secret)
    text = _secret(secret)
    return _member(text, secret.key) if secret.key else text


def _secret(secret: SecretArn) -> str:
    backend = secretsmanager_backends[secret.account][secret.region]
    wanted: dict[str, Any] = {
        "version_id": secret.version or None,
        "version_stage": secret.stage or None,
    }
    try:
        found = backend.get_secret_value(secret_id=secret.arn, **wanted)
        return str(found["SecretString"])
    except (JsonRESTError, KeyError) as error:
        why = getattr(error, "message", "it has no text")
        name = getattr(error, "error_type", "ResourceNotFoundException")
        msg = f"{_PULL}unable to retrieve secret from asm: failed to fetch secret {secret.arn}"
        raise CannotStart(f"{msg} from secrets manager: {name}: {why}") from error


def _member(text: str, key: str) -> str:
    """
    The value of a JSON *key*: a text as it is, anything else as JSON.
    """
    try:
        value = json.loads(text)[key]
    except (ValueError, KeyError, TypeError) as error:
        msg = f"retrieved secret from Secrets Manager did not contain json key {key}"
        raise CannotStart(f"{_PULL}unable to retrieve secret from asm: {msg}") from error
    return value if isinstance(value, str) else json.dumps(value)


def _parameter(parameter: SecretArn) -> str:
    name = ":".join(filter(None, [parameter.parameter, parameter.version]))
    backend = ssm_backends[parameter.account][parameter.region]
    found = backend.get_parameters([name]).get(name)
    if found is None:
        msg = f"{_PULL}unable to retrieve secrets from ssm: invalid parameters: {name}"
        raise CannotStart(msg)
    return str(found.response_object(decrypt=True)["Value"])
