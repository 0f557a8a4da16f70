"""
The engine of the sample loader: from objects in S3 to items in DynamoDB. README.md draws the way.
"""

import gc

# Start-up makes many objects that live as long as the process, and rows none that need a collector:
# looking through them again and again is a twentieth of all CPU.
gc.set_threshold(100_000, 50, 50)
