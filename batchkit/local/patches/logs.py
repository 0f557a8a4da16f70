"""
Patches for CloudWatch Logs: log groups.
"""

from __future__ import annotations

import re
from typing import Any

from moto.logs.exceptions import InvalidParameterException
from moto.logs.models import LogsBackend

from batchkit.local.patches.patch import Patches

PATCHES = Patches()

_NAME = re.compile(r"[\.\-_/#A-Za-z0-9]{1,512}")
_DAYS = frozenset(
    (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731)
    + (1096, 1827, 2192, 2557, 2922, 3288, 3653)
)


@PATCHES(
    LogsBackend,
    "create_log_group",
    reason="CreateLogGroup refuses names with other characters than its pattern allows, but "
    "moto accepts any name",
)
def create_group(original: Any, self: Any, log_group_name: str, *args: Any, **given: Any) -> Any:
    if not _NAME.fullmatch(log_group_name) or log_group_name.startswith("aws/"):
        raise InvalidParameterException(
            constraint=r"Member must satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+",
            parameter="logGroupName",
            value=log_group_name,
        )
    return original(self, log_group_name, *args, **given)


@PATCHES(
    LogsBackend,
    "put_retention_policy",
    reason="PutRetentionPolicy accepts only the numbers of days that AWS offers, but moto "
    "accepts any number",
)
def put_retention(original: Any, self: Any, log_group_name: str, days: Any) -> None:
    if int(days) not in _DAYS:
        raise InvalidParameterException(
            constraint="Member must satisfy enum value set",
            parameter="retentionInDays",
            value=str(days),
        )
    original(self, log_group_name, days)
