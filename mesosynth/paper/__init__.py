"""Figures of the papers: ``mesosynth figures OUT/``."""
