"""
How things look in a terminal and in a notebook.
"""
