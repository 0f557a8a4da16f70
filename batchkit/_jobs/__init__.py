"""
Batch jobs as AWS tells of them: their states, attempts and log lines.
"""
