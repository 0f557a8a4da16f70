"""
The engine of the sample loader: from objects in S3 to items in DynamoDB. README.md draws the way.
"""
