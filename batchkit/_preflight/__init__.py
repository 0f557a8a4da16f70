"""
What would stop a stack, looked for before anything is made.
"""
