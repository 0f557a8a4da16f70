"""
IAM: roles, their policies, and who may use them from when on.
"""
