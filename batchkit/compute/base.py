"""
What every compute has to say.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from attrs import frozen

from batchkit._model.checks import Checked
from batchkit._parts import Demand, Ground, Place, Site
from batchkit.errors import Problem
from batchkit.networks.base import NetworkMode
from batchkit.resources.job_settings import JobSettings
from batchkit.resources.platforms import Platform


@frozen(kw_only=True)
class Compute(Checked):
    """
    What jobs run on, as a user states it.
    """

    KIND: ClassVar[str]
    """The word for it in batchkit.toml, and in the names of its compute environments."""
    PLATFORM: ClassVar[Platform]
    """What its jobs are defined for."""
    NETWORK: ClassVar[type[NetworkMode] | None]
    """The network that its jobs run in where none is named; None for a compute that takes none."""

    def problems_with(self, job: Any) -> Iterator[Problem]:
        """
        What is wrong with *job* on this compute, and with the compute for it (as `compute.x`).
        """
        return self.PLATFORM.problems(job)

    @abstractmethod
    def demand(self, jobs: Sequence[JobSettings]) -> Demand:
        """
        What *jobs* that run on it need of a network.
        """

    @abstractmethod
    def place(self, ground: Ground, site: Site, jobs: Sequence[JobSettings]) -> Place:
        """
        The compute environments that it consists of at *site*, for *jobs*.
        """
