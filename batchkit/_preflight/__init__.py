"""
What would stop a stack, found before anything is made.
"""
