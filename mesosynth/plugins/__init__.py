"""The contract of instruments and effects, their parameters, and the check that plugins pass."""
