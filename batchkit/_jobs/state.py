"""
How far a run is.
"""

from __future__ import annotations

from attrs import frozen

from batchkit._jobs import jobs as _jobs


@frozen
class State:
    """
    How far a run is: the status that AWS gives it, and why.
    """

    status: str
    reason: str = ""

    @property
    def ended(self) -> bool:
        """
        Whether it has ended, well or not.
        """
        # A job ends as FAILED; an execution may also be TIMED_OUT or ABORTED.
        return self.succeeded or self.status in ("FAILED", "TIMED_OUT", "ABORTED")

    @property
    def succeeded(self) -> bool:
        """
        Whether it ended well.
        """
        return self.status == _jobs.SUCCEEDED
