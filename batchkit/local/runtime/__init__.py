"""
Runs jobs, as containers or as child processes.
"""
