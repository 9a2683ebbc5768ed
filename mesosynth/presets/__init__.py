"""Presets, the library of presets, banks, morphs, and the search by similarity."""
