"""
How often a job is tried, and after which ends of an attempt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

MOST_ATTEMPTS: Final = 10
"""How often Batch tries a job at most, whatever ends the attempts."""
_OTHERWISE: Final = {"onReason": "*", "action": "EXIT"}


def retry_strategy(attempts: int, reclaims: Sequence[str]) -> dict[str, Any]:
    """
    How often a job is tried: *attempts* times if its program fails, and again after a reclaim.

    Batch has one count for both (docs/decisions/0011-attempts-on-spot.md): a program that may fail
    once leaves all ten to the reclaims, and any other shares its attempts with them.  Without a
    rule that matches, a failure is tried again.
    """
    if not reclaims:
        return {"attempts": attempts}
    # A job that matches no rule is tried again, so the last rule ends all others
    # (https://docs.aws.amazon.com/batch/latest/userguide/job_retries.html).
    rules = [{"onStatusReason": reason, "action": "RETRY"} for reason in reclaims]
    if attempts == 1:
        return {"attempts": MOST_ATTEMPTS, "evaluateOnExit": [*rules, _OTHERWISE]}
    return {"attempts": attempts, "evaluateOnExit": rules}


def retries_in(strategy: Mapping[str, Any]) -> dict[str, Any]:
    """
    The properties of a job definition that its retry strategy gives.
    """
    rules = strategy.get("evaluateOnExit") or ()
    retried = [rule for rule in rules if str(rule.get("action", "")).upper() == "RETRY"]
    reclaims = tuple(rule["onStatusReason"] for rule in retried if rule.get("onStatusReason"))
    attempts = strategy.get("attempts", 1)
    once = rules_of(strategy) == rules_of(retry_strategy(1, reclaims))
    return {"attempts": 1 if once else attempts, "reclaims": reclaims, "retries": strategy}


def rules_of(strategy: Mapping[str, Any]) -> list[Any]:
    """
    A retry strategy in one form: AWS tells actions in lower case.
    """
    listed = strategy.get("evaluateOnExit") or ()
    rules = [{**rule, "action": str(rule["action"]).upper()} for rule in listed]
    return [strategy.get("attempts", 1), *rules]
