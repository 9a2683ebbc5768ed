"""A match that is written to a file as it goes, so that whatever ends it costs one measurement."""

from pathlib import Path

from mesosynth.matching.checkpoint import SavedMatch, save_match
from mesosynth.matching.journal import Entry, Journal
from mesosynth.matching.match import OnStep
from mesosynth.matching.matcher import Matcher
from mesosynth.matching.results import MatchResult


def run_and_keep(
    matcher: Matcher, saved: SavedMatch, path: Path | None, on_step: OnStep | None = None
) -> MatchResult:
    """Match, or go on with a match, and keep it in a file.

    Parameters
    ----------
    matcher : Matcher
        Of the instrument of `saved`.
    saved : SavedMatch
        With entries if it is an older match.
    path : Path, optional
        The file, which holds all that was measured at any moment; None keeps nothing.
    on_step : callable, optional
        Called with every accepted step, those of an older match included.

    Raises
    ------
    ArgumentError
        If a setting does not exist.
    MatchFileError
        If the file cannot be written.
    """
    entries = list(saved.entries)

    def keep(finished: bool = False) -> None:
        if path is not None:
            match = SavedMatch(
                instrument=saved.instrument,
                settings=saved.settings,
                target=saved.target,
                entries=tuple(entries),
                finished=finished,
            )
            save_match(path, match)

    def on_entry(place: int, entry: Entry) -> None:
        entries[place:] = [entry]
        keep()

    keep()
    journal = Journal(saved.entries, on_entry)
    result = matcher.match(saved.target, on_step, settings=saved.settings, journal=journal)
    keep(finished=True)
    return result
