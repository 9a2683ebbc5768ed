"""Requests around a match: its target, how it goes about, what it found, and maps of its loss."""

from pathlib import Path

from gui.asking import Asking
from mesosynth.matching.results import MatchSettings


class MatchRequests(Asking):
    """Look for the parameters that sound like a target."""

    @property
    def matching(self) -> bool:
        """Whether a match runs."""
        return self.session is not None and self.session.matching

    @property
    def is_match_paused(self) -> bool:
        """Whether a match stands still."""
        return self.session is not None and self.session.match_paused

    def load_target(self, path: Path) -> bool:
        """Take a sound file as the target; False (and a message) if it cannot be one."""
        return self.request(lambda session: session.load_target(path))

    def take_sound_as_target(self) -> bool:
        """Make the sound that plays now the target."""
        return self.request(lambda session: session.take_sound_as_target())

    def known_values(self) -> dict[str, float] | None:
        """The parameters that made the target, where they are known."""
        known = None if self.session is None else self.session.known_values
        return None if known is None else dict(known)

    def set_recording(self, running: bool) -> bool:
        """Start to record from the input, or end the recording and take it as the target."""
        if running:
            return self.request(lambda session: session.start_recording())
        return self.request(lambda session: session.stop_recording())

    def move_window(self, start: float) -> bool:
        """Match another part of the target's file, from `start`, s."""
        return self.request(lambda session: session.move_window(start))

    def set_match_settings(self, settings: MatchSettings) -> bool:
        """Go about the next match like this."""
        return self.request(lambda session: setattr(session, "match_settings", settings))

    def set_matching(self, matching: bool) -> bool:
        """Start or stop a match."""
        if matching:
            return self.request(lambda session: session.start_match())
        return self.request(lambda session: session.stop_match())

    def set_match_paused(self, paused: bool) -> bool:
        """Let the match stand still, or go on."""
        if paused:
            return self.request(lambda session: session.pause_match())
        return self.request(lambda session: session.resume_match())

    def save_match(self, path: Path) -> bool:
        """Write the match as far as it came; False (and a message) if it cannot be written."""
        return self.request(lambda session: session.save_match(path))

    def load_match(self, path: Path) -> bool:
        """Take a match up from a file; False (and a message) if it is none."""
        return self.request(lambda session: session.load_match(path))

    def apply_candidate(self, place: int) -> bool:
        """Play a candidate of the last match, 0 for the best."""
        done = self.request(lambda session: session.apply_candidate(place))
        self.show_sound()
        return done

    def morph_to_match(self, amount: float) -> bool:
        """Play what lies between the sound before the match (0) and the match (1)."""
        done = self.request(lambda session: session.morph_to_match(amount))
        self.show_sound()
        return done

    def explore(self, axes: tuple[str, str] | None) -> bool:
        """Have the loss mapped over two parameters; None ends it."""
        return self.request(lambda session: session.explore(axes))

    def ask_drivers(self) -> bool:
        """Have it told which coefficients would drive a match from here."""
        return self.request(lambda session: session.ask_drivers())
