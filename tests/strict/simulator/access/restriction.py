"""
A caller who may do what policy documents allow, and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..api_call import ApiCall
from ..permissions import denied
from .evaluation import AccessRequest, Statement, allows, listed, statements
from .requests import requests

USER = "user/strict"


class Restriction:
    """
    What a caller may do, and what AWS has authorised for it so far.
    """

    def __init__(self, documents: Sequence[Mapping[str, Any]]) -> None:
        self.statements: list[Statement] = statements(documents)
        self.asked: dict[AccessRequest, None] = {}

    def check(self, call: ApiCall) -> None:
        """
        Refuses *call* if the documents don't allow all that it needs.
        """
        for request in requests(call):
            self.asked[request] = None
            if not allows(self.statements, request):
                raise denied(call, request.action, request.resource)

    def answer(self, call: ApiCall) -> dict[str, Any] | None:
        """
        IAM's answer to a call about the caller itself; None for any other call.
        """
        if call.operation == "GetCallerIdentity":
            return {"UserId": "AIDASTRICT", "Account": call.account.id, "Arn": _user(call)}
        if call.operation == "SimulatePrincipalPolicy":
            return {"EvaluationResults": self._simulated(call.params), "IsTruncated": False}
        return None

    def _simulated(self, params: Mapping[str, Any]) -> list[dict[str, Any]]:
        """
        One result for each action: with several resources, an aggregate that holds one for each.
        """
        context = tuple(
            (entry["ContextKeyName"], value)
            for entry in params.get("ContextEntries", ())
            for value in listed(entry["ContextKeyValues"])[:1]
        )
        results = []
        for action in params["ActionNames"]:
            by_resource = {
                arn: allows(self.statements, AccessRequest(action, arn, context))
                for arn in params.get("ResourceArns", ["*"])
            }
            results.append(_result(action, by_resource))
        return results


def _result(action: str, by_resource: Mapping[str, bool]) -> dict[str, Any]:
    said = {True: "allowed", False: "implicitDeny"}
    result: dict[str, Any] = {
        "EvalActionName": action,
        "EvalResourceName": next(iter(by_resource)),
        "EvalDecision": said[all(by_resource.values())],
    }
    if len(by_resource) > 1:
        result["ResourceSpecificResults"] = [
            {"EvalResourceName": arn, "EvalResourceDecision": said[allowed]}
            for arn, allowed in by_resource.items()
        ]
    return result


def _user(call: ApiCall) -> str:
    return f"arn:{call.account.partition}:iam::{call.account.id}:{USER}"
