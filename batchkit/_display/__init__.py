"""
Shows values: in terminals, notebooks and pictures.
"""
