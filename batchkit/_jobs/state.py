"""
How far a run is.
"""

from __future__ import annotations

from attrs import frozen

from batchkit._jobs import jobs as _jobs


@frozen
class State:
    """
    How far a run is: AWS's word for it, and why.
    """

    status: str
    reason: str = ""

    @property
    def ended(self) -> bool:
        """
        Whether nothing will change any more.
        """
        return self.succeeded or self.status in ("FAILED", "TIMED_OUT", "ABORTED")

    @property
    def succeeded(self) -> bool:
        """
        Whether it ended well.
        """
        return self.status == _jobs.SUCCEEDED
