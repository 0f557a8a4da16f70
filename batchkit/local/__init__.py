"""
An embedded AWS in this process, on moto, in which state machines and jobs really run.
"""

from batchkit.local._session import LocalSession, active, local_aws

__all__ = ["LocalSession", "active", "local_aws"]
