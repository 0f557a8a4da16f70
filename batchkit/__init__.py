"""
AWS Batch from Python: from a folder with a Dockerfile to a running, watched, explained job.
"""
