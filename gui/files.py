"""Requests that write or read presets, sessions, and what was heard."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gui.asking import Asking


class FileRequests(Asking):
    """Every one returns False (and says why) where a file cannot be read or written."""

    def load_preset(self, path: Path) -> bool:
        """Take all parameters from a preset."""
        return self.request(lambda session: session.load_preset(path))

    def save_preset(self, path: Path) -> bool:
        """Write all parameters to a preset."""
        return self.request(lambda session: session.save_preset(path))

    def save_session(self, path: Path, desk: Mapping[str, Any]) -> bool:
        """Write the whole session and what the desk remembers."""
        return self.request(lambda session: session.save_session(path, desk))

    def load_session(self, path: Path) -> dict[str, Any] | None:
        """Go on from a session's file; return what the desk had put there, None if it is none."""
        desk: dict[str, Any] = {}
        done = self.request(lambda session: desk.update(session.load_session(path)))
        self.show_sound(rack=True)
        return desk if done else None

    def start_capture(self, path: Path) -> bool:
        """Write what is heard to a file."""
        return self.request(lambda session: session.start_capture(path))

    def stop_capture(self) -> bool:
        """Finish the capture."""
        return self.request(lambda session: session.stop_capture())

    def save_last(self, minutes: float, path: Path) -> bool:
        """Write what was heard in the last minutes to a file, in the background."""
        return self.request(lambda session: session.save_last(minutes, path))
