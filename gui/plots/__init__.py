"""Plots: scalograms, JTFS, loss, waveform, scope and the map of the library."""
