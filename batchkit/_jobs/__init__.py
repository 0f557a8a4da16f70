"""
Batch jobs as AWS describes them: their states, attempts and log lines.
"""
