"""
Values that nothing shows: those of a job's variables, as people put passwords there.

Each value of `environment` and `secrets` is a `Confidential` text from where a user states it, or
AWS returns it, to the request.  Its `repr` is `'***'`, so whatever prints values as Python does
(specs, resources, calls, plans, errors) doesn't show it; what prints in another way uses `masked`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from attrs import frozen

from batchkit._model.texts import texts

MASK: Final = "***"
SHORTEST: Final = 6
"""A shorter value ("1", "3.13") is no secret, and hiding it would make a text unreadable."""


class Confidential(str):
    """
    A text that isn't shown.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(MASK)


class Assignment(str):
    """
    What stands where a name belongs, and holds a value as well: `NAME=VALUE`.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(f"{self.partition('=')[0]}={MASK}")


@frozen
class Withheld:
    """
    A value of a wrong type, of which only the type is shown.
    """

    type_name: str

    def __repr__(self) -> str:
        return f"<{self.type_name}>"


class Variables(dict[Any, Any]):
    """
    Variables by their names, which are shown, with values that aren't.
    """


def as_variables(given: Any) -> Any:
    """
    Converts variables to `Variables` in the order of their names; of anything else than a mapping
    only the type is left, for the field's check.
    """
    if not isinstance(given, Mapping):
        return _withheld(given)
    listed = ((_name(name), as_confidential(value)) for name, value in given.items())
    return Variables(sorted(listed, key=lambda item: str(item[0])))


def _name(name: Any) -> Any:
    if not isinstance(name, str):
        return _withheld(name)
    return Assignment(name) if "=" in name else name


def as_confidential(value: Any) -> Any:
    """
    Converts a text to one that isn't shown; of anything else only the type is left.
    """
    return Confidential(value) if isinstance(value, str) else _withheld(value)


def _withheld(value: Any) -> Withheld:
    return value if isinstance(value, Withheld) else Withheld(type(value).__name__)


def masked(value: Any) -> Any:
    """
    *value* with `***` in place of each confidential text in it, however deep: for JSON.
    """
    return _replaced(value, lambda _: MASK)


def revealed(value: Any) -> Any:
    """
    *value* with plain texts in place of the confidential ones in it, for whoever asks to see them.
    """
    return _replaced(value, lambda text: str.__str__(text))


def _replaced(value: Any, replace: Callable[[Confidential], str]) -> Any:
    if isinstance(value, Confidential):
        return replace(value)
    if isinstance(value, Mapping):
        return {key: _replaced(item, replace) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return type(value)(_replaced(item, replace) for item in value)
    return value


def hide(text: str, given: Any) -> str:
    """
    *text*, such as a message of AWS, without the confidential texts in *given*.
    """
    hidden = (one for one in texts(given) if isinstance(one, Confidential) and len(one) >= SHORTEST)
    return without(text, hidden)


def without(text: str, secrets: Iterable[str]) -> str:
    """
    *text* with asterisks in place of the *secrets*.
    """
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text
