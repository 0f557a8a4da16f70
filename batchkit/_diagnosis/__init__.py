"""
Why jobs are stuck or have failed: facts, rules, findings.
"""
