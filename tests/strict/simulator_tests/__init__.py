"""
The tests of the simulator itself: its rules, its clock, its faults.
"""
