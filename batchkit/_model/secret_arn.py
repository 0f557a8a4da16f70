"""
What a job's secrets name: a secret or a parameter, and what of it.

Secrets Manager and IAM know `arn:...:secret:name-AbCdEf`.  A job may add the JSON key, the stage
and the version that it wants
(https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html).
"""

from __future__ import annotations

import re
from typing import Final

from attrs import frozen

# ECS's agent takes all three of key, stage and version, each of which may be empty, or none.
VALUE_FROM: Final = re.compile(
    r"arn:[\w-]+:secretsmanager:[\w-]+:\d+:secret:[\w/+=.@!-]+(:[^:\s]*:[^:\s]*:[^:\s]*)?"
    r"|arn:[\w-]+:ssm:[\w-]+:\d+:parameter/[\w./-]+(:[\w.-]+)?"
)
_SUFFIX: Final = "-??????"


@frozen
class SecretArn:
    """
    A secret or a parameter that the variable of a job gets its value from.

    Args:
        arn: Its own ARN, perhaps without the six characters that Secrets Manager adds to the name.
        key: The JSON key; empty for the whole value.
    """

    arn: str
    key: str = ""
    stage: str = ""
    version: str = ""

    @classmethod
    def parse(cls, value_from: str) -> SecretArn:
        """
        What *value_from* names.
        """
        parts = value_from.split(":")
        if parts[2:3] == ["ssm"]:
            return cls(":".join(parts[:6]), version=":".join(parts[6:]))
        return cls(":".join(parts[:7]), *(parts[7:10] if len(parts) == 10 else ()))

    @property
    def service(self) -> str:
        """
        The service that keeps it: `secretsmanager` or `ssm`.
        """
        return self.arn.split(":")[2]

    @property
    def region(self) -> str:
        """
        The region that it is in.
        """
        return self.arn.split(":")[3]

    @property
    def account(self) -> str:
        """
        The account that it belongs to.
        """
        return self.arn.split(":")[4]

    @property
    def action(self) -> str:
        """
        What whoever reads it must be allowed to do.
        """
        return "ssm:GetParameters" if self.service == "ssm" else "secretsmanager:GetSecretValue"

    @property
    def parameter(self) -> str:
        """
        The name of a parameter: one with folders begins with a slash.
        """
        path = self.arn.partition(":parameter/")[2]
        return f"/{path}" if "/" in path else path

    @property
    def resources(self) -> tuple[str, ...]:
        """
        The ARNs that a policy must allow: the end of a secret's name is six random characters, and
        an ARN without them is one of any.

        A word or a number of six letters at the end may be either.
        """
        end = re.search(r"-([A-Za-z0-9]{6})$", self.arn)
        if self.service == "ssm":
            return (self.arn,)
        if end is None:
            return (self.arn + _SUFFIX,)
        if re.fullmatch(r"[a-z]{6}|\d{6}", end[1]):
            return (self.arn, self.arn + _SUFFIX)
        return (self.arn,)
