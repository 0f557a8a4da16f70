"""
An embedded AWS in this process, on moto, in which state machines and jobs really run.
"""

from batchkit.local._session import LocalSession, local_aws

__all__ = ["LocalSession", "local_aws"]
