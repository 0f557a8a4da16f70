"""
What jobs run on: each sort of compute is one module that owns what it decides.
"""
