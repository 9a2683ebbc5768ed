"""The part of a session that is kept in a file, with everything on the desk, and taken up again."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mesosynth.errors import MesosynthError
from mesosynth.matching.results import MatchSettings
from mesosynth.session import file as session_file
from mesosynth.session.file import SavedSession, TargetFile
from mesosynth.session.presets import Presets


class Keeping(Presets):
    """Writes the whole session to a file, and goes on from one."""

    _unknown: Mapping[str, Any] = {}  # what a later version had put into the file

    def save_session(self, path: Path, desk: Mapping[str, Any] | None = None) -> None:
        """Write everything on the desk to a file.

        Parameters
        ----------
        path : Path
        desk : mapping, optional
            What the desk itself wants to find again, as plain JSON values.

        Raises
        ------
        SessionError
            If it cannot be written; what the file held before stays.
        """
        session_file.save_session(path, self.saved(desk))

    def saved(self, desk: Mapping[str, Any] | None = None) -> SavedSession:
        """Everything on the desk, as it is kept."""
        target = None
        if self.target is not None and self.target_path is not None:
            target = TargetFile(path=str(self.target_path.absolute()), sha256=self.target.sha256)
        return SavedSession(
            sound=self.preset(self.loaded.name if self.loaded else ""),
            target=target,
            match=None if self.match_settings == MatchSettings() else self.match_settings,
            follow=self.follow,
            bank=tuple(str(path) for path in self.bank),
            desk=dict(desk or {}),
            extra=dict(self._unknown),
        )

    def load_session(self, path: Path) -> dict[str, Any]:
        """Go on from a file; return what the desk had put there.

        A target that is gone or has changed is told of by a message, and the rest is as it was.

        Raises
        ------
        SessionError
            If the file is no session; everything stays as it is.
        PluginError
            If its instrument is a user's, and is not here; everything stays as it is.
        """
        return self.restore(session_file.load_session(path))

    def restore(self, saved: SavedSession) -> dict[str, Any]:
        """Go on from what :meth:`saved` gave; return and raise as :meth:`load_session`."""
        self.play_preset(saved.sound)
        self.match_settings = saved.match or MatchSettings()
        self.follow = saved.follow
        self.bank = tuple(Path(path) for path in saved.bank)
        self._unknown = saved.extra
        if saved.target is not None:
            self._restore_target(saved.target)
        return saved.desk

    def _restore_target(self, file: TargetFile) -> None:
        path = Path(file.path)
        try:
            self.load_target(path)
        except MesosynthError as error:
            self._say(f"The session's target is not there: {error}", "warning")
            return
        if self.target_path == path and self.target and self.target.sha256 != file.sha256:
            self._say(f"The session's target {path.name} is another sound than it was.", "warning")
