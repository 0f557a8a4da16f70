"""
The networks that jobs run in: one module for each, with everything that depends on it.
"""
