"""Finding sounds by how they sound: what is near to one, and a map on which neighbours are alike.

A preset is played for a few seconds, and the JTFS of that, averaged over time, is its fingerprint
(:mod:`~mesosynth.finding.fingerprint_torch`). Fingerprints and map are kept by content
(:mod:`~mesosynth.finding.survey`); those of the presets that mesosynth brings travel with it. So
looking needs no torch, and only sounds that are new are played, in a process of their own:
``python -m mesosynth.finding``.
"""

from mesosynth.finding.sound_key import sound_key
from mesosynth.finding.survey import Survey, read_survey, write_survey

__all__ = ["Survey", "read_survey", "sound_key", "write_survey"]
