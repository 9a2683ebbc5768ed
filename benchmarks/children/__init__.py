"""What runs in the child processes of a benchmark, one process a program that is measured.

``serving`` needs nothing but Python, and ``peers`` is a script for an environment in which
mesosynth is not installed; both therefore import nothing of ours.
"""
