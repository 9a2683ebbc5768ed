"""The joint time-frequency scattering transform (JTFS) and its kin.

Importing this package imports torch; the desk and the audio process must not.
"""

from mesosynth.scattering.jtfs import JTFS

__all__ = ["JTFS"]
