"""
EC2: networks, addresses, and what keeps them from being deleted.
"""
