"""
What the command `batchkit` is made of.
"""
