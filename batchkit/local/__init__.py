"""
An embedded AWS in this process, on moto, in which state machines and jobs really run.
"""

from batchkit.local.publisher import LocalPublisher
from batchkit.local.session import LocalSession, active, local_aws

__all__ = ["LocalPublisher", "LocalSession", "active", "local_aws"]
