"""
What every network has to say.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import ClassVar

from attrs import frozen

from batchkit._model.checks import Checked
from batchkit._parts import Demand, Ground, Site
from batchkit.errors import Problem


@frozen(kw_only=True)
class NetworkMode(Checked):
    """
    A network that jobs run in, as a user states it.
    """

    KIND: ClassVar[str]
    """The word for it in batchkit.toml."""

    def problems_with(self, demand: Demand) -> Iterator[Problem]:
        """
        What it can't offer of *demand*, as problems of fields such as `network.x`.
        """
        return iter(())

    @abstractmethod
    def site(self, ground: Ground, demand: Demand) -> Site:
        """
        What it offers, and the resources that it consists of.
        """
