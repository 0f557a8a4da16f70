"""
Turns values into something to look at: in terminals, notebooks and pictures.
"""
