"""
From a spec to the resources that it amounts to.
"""
