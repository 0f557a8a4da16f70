"""
Stacks: the verbs, and what they return.
"""
