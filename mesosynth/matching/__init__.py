"""Matching: from a sound to the parameters that play it.

Importing this package does not import torch: the desk reads the records of results from here, and
:func:`mesosynth.matching.match.match` runs in a process that has torch.
"""

from mesosynth.matching.results import Analysis, MatchResult, MatchSettings, MatchStep

__all__ = ["Analysis", "MatchResult", "MatchSettings", "MatchStep"]
