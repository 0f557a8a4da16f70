"""
CloudWatch Logs: log groups.
"""

from __future__ import annotations

import re

from .api_call import ApiCall
from .rules import before, declare

declare(
    (97, "D", "a log group's name and retention are checked; a change may meet another once"),
    (
        134,
        "D",
        "lines are read on with startFromHead too, not with the token of the last page alone",
    ),
)

GROUP_NAME = re.compile(r"[.\-_/#A-Za-z0-9]{1,512}")
RETENTIONS = {
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
}


@before(97, "logs:CreateLogGroup")
def _group_name(call: ApiCall) -> None:
    name = call.params["logGroupName"]
    if not GROUP_NAME.fullmatch(name) or name.startswith("aws/"):
        call.refuse_loosely("InvalidParameterException", f"logGroupName {name}")


@before(97, "logs:PutRetentionPolicy")
def _retention(call: ApiCall) -> None:
    if call.params["retentionInDays"] not in RETENTIONS:
        call.refuse_loosely("InvalidParameterException", str(call.params["retentionInDays"]))


@before(97, "logs:CreateLogGroup", "logs:PutRetentionPolicy", "logs:DeleteLogGroup")
def _aborted_once(call: ApiCall) -> None:
    name, account = call.params["logGroupName"], call.account
    if account.once("aborted", name, call.operation) and account.rng.random() < 0.4:
        call.refuse_loosely("OperationAbortedException", name)


@before(134, "logs:GetLogEvents")
def _same_direction(call: ApiCall) -> None:
    token = call.params.get("nextToken", "")
    if token.startswith("f/") and not call.params.get("startFromHead"):
        call.refuse_loosely("InvalidParameterException", f"nextToken {token}")
