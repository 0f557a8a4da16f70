"""
The image of a job: its build context, and what talks to Docker.
"""
