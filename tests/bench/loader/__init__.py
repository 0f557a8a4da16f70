"""
How fast the sample job's loader is, beside other ways to load a CSV into DynamoDB.
"""
