"""
What keeps a stack or a job from running: facts, rules and findings.
"""
