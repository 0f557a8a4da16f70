"""
How a resource type describes itself.
"""
