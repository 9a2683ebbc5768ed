"""From a sound to the theta that plays it.

>>> from mesosynth.matching import match                                     # doctest: +SKIP
>>> match(audio, sample_rate, instrument="chirplet", seed=0).theta           # doctest: +SKIP

Importing this package does not import torch: the desk holds the handle of the matcher's process
and its messages from here. :func:`match` brings torch in when it is first looked up.
"""

from typing import TYPE_CHECKING, Any

from mesosynth.matching.results import Analysis, MatchResult, MatchSettings, MatchStep

if TYPE_CHECKING:
    from mesosynth.matching.match import match

__all__ = ["Analysis", "MatchResult", "MatchSettings", "MatchStep", "match"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module's __getattr__ returns anything
    if name == "match":
        from mesosynth.matching.match import match

        return match
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
