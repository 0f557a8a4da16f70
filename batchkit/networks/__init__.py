"""
The networks that jobs run in: each sort is one module that owns what it decides.
"""
