"""The figures of the papers, computed anew: ``mesosynth figures OUT/``."""
