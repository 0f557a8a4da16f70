"""
One API call on its way through the rules: what was asked, and the answer as it comes to be.
"""

from __future__ import annotations

import copy
from typing import Any, NoReturn, Protocol

from botocore.exceptions import ClientError
from botocore.model import OperationModel

from .account import Account
from .refusal import Refusal


class Caller(Protocol):
    """
    Who makes a call: a number among the callers, and what it is not permitted to do.
    """

    @property
    def number(self) -> int:
        """
        The caller's number.
        """

    def is_denied(self, action: str) -> bool:
        """
        Whether the permission for *action* was taken away.
        """


class ApiCall:
    """
    One call on its way through the rules.
    """

    def __init__(
        self, account: Account, caller: Caller, model: OperationModel, params: dict[str, Any]
    ) -> None:
        self.account = account
        self.caller = caller
        self.model = model
        self.service: str = model.service_model.service_name
        self.operation: str = model.name
        self.asked = copied(params)
        self.params = copied(params)
        self.region = account.region
        self.answer: Any = None

    @property
    def raw(self) -> Any:
        """
        A client of this call's service, under the rules.
        """
        return self.account.raw(self.service)

    @property
    def method(self) -> str:
        """
        What boto3 calls the operation.
        """
        mapping = self.raw.meta.method_to_api_mapping
        return str(next(method for method, api in mapping.items() if api == self.operation))

    def ask(self, params: dict[str, Any]) -> dict[str, Any]:
        """
        The backend's answer to this call with these parameters.
        """
        try:
            answer: dict[str, Any] = getattr(self.raw, self.method)(**params)
        except ClientError as error:
            raise refused_by(self.service, error) from error
        answer.pop("ResponseMetadata", None)
        return answer

    def refuse(self, code: str, message: str, status: int = 400) -> NoReturn:
        """
        Answer with an error.
        """
        raise Refusal(code, message, status)

    def refuse_loosely(self, code: str, facts: str, status: int = 400) -> NoReturn:
        """
        Answer with an error whose wording is not known.
        """
        raise Refusal(code, self.account.loose(facts), status)


def refused_by(service: str, error: ClientError) -> Refusal:
    """
    The refusal that the backend's *error* stands for, in the code of the real service.
    """
    answer: dict[str, Any] = dict(error.response)
    about = answer.pop("Error", {})
    status = answer.pop("ResponseMetadata", {}).get("HTTPStatusCode", 400)
    code, message = about.get("Code", ""), about.get("Message", "")
    if service == "batch":
        # The real service has one code for whatever the caller did wrong.
        code = "ClientException"
    return Refusal(code, message, status, answer)


def copied(params: dict[str, Any]) -> dict[str, Any]:
    """
    A copy of *params* that may be changed; streams are handed on as they are.
    """
    try:
        return copy.deepcopy(params)
    except TypeError:
        return dict(params)
