"""
The version of this distribution, once.
"""

VERSION = "0.1.0"
