"""
The command `batchkit`.
"""
