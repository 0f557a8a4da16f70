"""
What a run is made of: submissions, executions, jobs and their lines.
"""
