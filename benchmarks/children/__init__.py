"""Programs of child processes: one process for each thing that is measured.

``serving`` needs nothing but Python, and ``peers`` is a script for an environment in which
mesosynth is not installed; both therefore import nothing of ours.
"""
