"""
What moto does differently from AWS, patched.
"""
