"""
What jobs run on: one module for each compute, with everything that depends on it.
"""
