"""Joint time-frequency scattering (JTFS), the multi-scale spectrogram, and the scale-rate picture.

Importing this package imports torch; the desk and the audio process must not.
"""

from mesosynth.scattering.jtfs import JTFS

__all__ = ["JTFS"]
