"""
IAM: what AWS authorises for each call, and whether policy documents allow it.
"""
