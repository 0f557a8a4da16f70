"""
The availability zones of a region: which of them jobs and NAT gateways can have, and in what order.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from attrs import field, frozen

from batchkit.errors import BatchkitError

_WITH_FARGATE: Final[Mapping[str, tuple[str, ...]]] = {
    "apne1": ("apne1-az1", "apne1-az2", "apne1-az4"),
    "cnn1": ("cnn1-az1", "cnn1-az2"),
    "usw1": ("usw1-az1", "usw1-az3"),
}
"""
The only zones with Fargate, of regions that don't have it in all
(https://docs.aws.amazon.com/AmazonECS/latest/developerguide/AWS_Fargate-Regions.html).
"""
# AWS gives no new capacity to it: much can't be had there, or not by every account.
_LAST: Final = ("use1-az3",)
_OPEN: Final = ("opt-in-not-required", "opted-in")


# "Nat Gateway is not available in this availability zone", with the code NotAvailableInZone; "Value
# (us-east-1e) for parameter availabilityZone is invalid. Subnets can currently only be created in".
_LACKING: Final = re.compile(
    r"NotAvailableInZone|not (available|supported) in (this|the requested|your requested) "
    r"availability zone|parameter availabilityZone is invalid",
    re.IGNORECASE,
)


def lacks_something(told: str) -> bool:
    """
    Whether what AWS has *told* is that something isn't in an availability zone.
    """
    return _LACKING.search(told) is not None


@frozen
class KnownZone:
    """
    A zone by its *name*, of which each account has its own, and its *id*, the same for all.
    """

    name: str
    id: str

    @property
    def with_fargate(self) -> bool:
        """
        Whether Fargate is there, as far as it is known.
        """
        only = _WITH_FARGATE.get(self.id.partition("-")[0])
        return only is None or self.id in only

    def __str__(self) -> str:
        return f"{self.name} ({self.id})" if self.id else self.name


def _in_order(answer: Mapping[str, Any]) -> tuple[KnownZone, ...]:
    zones = [
        KnownZone(one["ZoneName"], one.get("ZoneId", ""))
        for one in answer["AvailabilityZones"]
        # Not every emulator applies the filters.
        if one.get("ZoneType", "availability-zone") == "availability-zone"
        and one.get("OptInStatus", _OPEN[0]) in _OPEN
    ]
    return tuple(sorted(zones, key=lambda zone: (zone.id in _LAST, zone.name)))


@frozen
class Zones:
    """
    The zones of *region* that are open to the account: neither local nor Wavelength zones.
    """

    region: str
    all: Sequence[KnownZone] = field(converter=_in_order)

    @property
    def usable(self) -> list[KnownZone]:
        """
        Those with Fargate, in the order in which they are taken by number.
        """
        return [zone for zone in self.all if zone.with_fargate]

    def find(self, wanted: int | str) -> KnownZone:
        """
        The zone that is *wanted*: by number, from 0 on, or by name or id.

        Raises:
            BatchkitError: There is no such zone.
        """
        if isinstance(wanted, int):
            if wanted >= len(self.usable):
                listed = f"{self.region} has {len(self.usable)} availability zones"
                raise BatchkitError(f"{listed}; number {wanted + 1} is wanted")
            return self.usable[wanted]
        found = next((zone for zone in self.all if wanted in (zone.name, zone.id)), None)
        if found is None:
            raise BatchkitError(f"{wanted} is no zone of {self.region} here; {self.told()}")
        return found

    def check(self, wanted: int | str) -> None:
        """
        A zone that is *wanted* by name or id is there.
        """
        if isinstance(wanted, str):
            self.find(wanted)

    def told(self, *without: str) -> str:
        """
        The zones that may be named, in words, but for those called *without*.
        """
        others = [str(zone) for zone in self.usable if zone.name not in without]
        return f"there are {', '.join(others)}" if others else "there is no other"

    def advice(self, lacking: str) -> str:
        """
        Which zones to name where one is *lacking* something, or may be any.
        """
        first = next((zone.name for zone in self.usable if zone.name != lacking), "...")
        where = f"in {lacking}" if lacking else "there"
        return (
            f"It can't be had {where}: name other zones in the spec, as in network=Nat(zones=[\""
            f'{first}"]), and run it again. In {self.region} {self.told(lacking)}.'
        )
