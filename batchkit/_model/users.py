"""
Who works with what: jobs that have not ended, executions, network interfaces.
"""

from __future__ import annotations

from attrs import frozen

Use = tuple[str, str]
"""A resource as others refer to it: the name of its resource type, and its id, ARN or name."""


@frozen
class User:
    """
    Something that is at work: *words* say what, and *needs* name the resources that it works with.
    """

    words: str
    needs: frozenset[Use]
