"""
Every view there is; importing it registers them.
"""

from batchkit._display import html, html_run, html_stack, terminal

__all__ = ["html", "html_run", "html_stack", "terminal"]
