"""Benchmarks and comparisons, run in a clone: ``python -m benchmarks.NAME``.

They are no part of the wheel. One module answers one question; ``--json`` prints one object.
"""
