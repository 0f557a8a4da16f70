"""
A strict simulator of AWS, its tests, and the tests of batchkit on it.
"""
