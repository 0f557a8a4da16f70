"""
AWS Batch: compute environments, job queues, job definitions and jobs.
"""
