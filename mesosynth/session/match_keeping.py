"""The part of a session that keeps a match in a file, wherever it stands and goes on with it."""

from pathlib import Path

from mesosynth.errors import ArgumentError, MatchFileError
from mesosynth.matching import checkpoint as match_file
from mesosynth.matching.checkpoint import SavedMatch
from mesosynth.session.matching import Matching, Wanted


class MatchKeeping(Matching):
    """Saves matches, and takes them up again."""

    def save_match(self, path: Path) -> None:
        """Write the match that runs, stands still or ended last, with its target.

        Raises
        ------
        ArgumentError
            If there was no match of this target.
        MatchFileError
            If it cannot be written; what the file held before stays.
        """
        if self.target is None or self._is_stale or not self._matcher.evaluations:
            raise ArgumentError("There is no match to save; match a sound first.")
        saved = SavedMatch(
            instrument=self._matched_instrument,
            settings=self._matcher.settings,
            target=self.target,
            evaluations=tuple(self._matcher.evaluations),
            finished=self._matcher.finished,
        )
        match_file.save_match(path, saved)
        self._say(f"Saved the match as {path.name}.")

    def load_match(self, path: Path) -> None:
        """Take a match up from a file: its target, its settings, its steps so far.

        `poll` reports all of these, and then MatchPaused where it stood, or MatchEnded if it had
        come to its end. :meth:`resume_match` goes on.

        Raises
        ------
        MatchFileError
            If it is no match, or one of another instrument; everything stays as it is.
        """
        saved = match_file.load_match(path)
        if saved.instrument != self._matched_instrument:
            raise MatchFileError(
                f"{path} matches the {saved.instrument}, and the {self.instrument} plays; choose "
                f"the {saved.instrument} first."
            )
        self._reading = None  # what is being read comes too late
        self._wanted = None
        self.match_settings = saved.settings
        self._take_target(saved.target, None)
        self._want_match(Wanted(saved.settings, saved.evaluations, paused=not saved.finished))
