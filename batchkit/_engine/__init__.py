"""
Observes an account, compares, and acts: the only part that calls AWS.
"""
