"""Sessions: saved, opened, and kept as they go for the next start, also after a crash.

Ten files rotate in the user's folder for state. The newest is written anew while it is young, so
that the ten reach back some twenty minutes rather than two.
"""

import os
import time
from pathlib import Path
from typing import Any

import msgspec
import platformdirs
from PySide6.QtCore import QLockFile, QObject, QTimer

from mesosynth.session.file import SESSION
from mesosynth.session.presets import Snapshot
from mesosynth.system.documents import put_aside
from mesosynth.system.paths import CONFIG_VARIABLE, in_order, numbered_path

from .desk import Desk
from .undo import Comparisons, History

KEPT = 10
"""Files that rotate."""

EVERY_MS = 10_000
"""Time between two looks whether there is something new, ms."""

YOUNG = 120.0
"""Time for which a file is written anew, s."""

_LAST_WORD_MS = 1500


def autosave_folder() -> Path:
    """The user's folder of autosaves; beside the settings where those were put elsewhere."""
    elsewhere = os.environ.get(CONFIG_VARIABLE)
    folder = Path(elsewhere) if elsewhere else platformdirs.user_state_path("mesosynth", False)
    return folder / "autosave"


def autosaves() -> list[Path]:
    """All autosaves, the newest first."""
    return in_order(autosave_folder(), "desk", ".json")[::-1]


class Sessions(QObject):
    """Saves and opens sessions, keeps the present one every few seconds, and goes on from it.

    Parameters
    ----------
    desk : Desk
    history : History
        Its steps outlive the window; a session that is opened from a file clears them.
    comparisons : Comparisons
        Whose snapshots belong to a session.

    Attributes
    ----------
    alone : bool
        Whether no other desk runs, which would go on from the same files.
    crashed : bool
        Whether the last desk did not end as it should.
    """

    def __init__(self, desk: Desk, history: History, comparisons: Comparisons) -> None:
        super().__init__(history)
        self._desk, self._history, self._comparisons = desk, history, comparisons
        self._written: object = None
        self._path: Path | None = None
        self._born = 0.0
        self.alone = self.crashed = False
        self._lock: QLockFile | None = None
        self._timer = QTimer(self, interval=EVERY_MS)
        self._timer.timeout.connect(self.autosave)

    def begin(self) -> None:
        """Go on from the last session, once the desk has one; this desk counts as running now."""
        folder = autosave_folder()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self._desk.say(f"{folder}: nothing can be kept there ({error.strerror}).", "warning")
            return
        path = folder / "running"
        was_there = path.exists()
        self._lock = QLockFile(str(path))
        self._lock.setStaleLockTime(0)  # however old: only a dead process makes it stale
        self.alone = self._lock.tryLock(0)
        self.crashed = was_there and self.alone
        self._timer.start()
        if self.alone:
            self._restore()

    def end(self) -> None:
        """Keep the session for the next start; this desk counts as ended as it should now."""
        self._timer.stop()
        self.autosave()
        if self._lock is not None and self.alone:
            self._lock.unlock()

    def open(self, path: Path) -> bool:
        """Go on from a session's file; False (and a message) if it is none."""
        if opened := self._load(path):
            self._desk.say(f"Session {path.name}.")
        return opened

    def save(self, path: Path) -> bool:
        """Write the session to a file; False (and a message) if it cannot be written."""
        extra = self._snapshots()
        if not self._desk.ask(lambda session: session.save(path, extra)):
            return False
        self._desk.say(f"Saved the session as {path.name}.")
        return True

    def autosave(self) -> None:
        """Write an autosave if something has changed."""
        saved, extra = self._saved()
        if saved is None or saved == self._written:
            return
        now = time.monotonic()  # the other clock may be put back
        if self._path is None or now - self._born > YOUNG:
            self._path, self._born = numbered_path(autosave_folder(), "desk", ".json"), now
        path = self._path
        if self._desk.ask(lambda session: session.save(path, extra), by_itself=True):
            self._written = saved
            for old in autosaves()[KEPT:]:
                old.unlink(missing_ok=True)

    def _restore(self) -> None:
        """Go on from the newest autosave that can be read; put broken ones beside."""
        for path in autosaves():
            if self._load(path):
                self._written = self._saved()[0]
                if self.crashed:
                    when = time.strftime("%H:%M:%S", time.localtime(path.stat().st_mtime))
                    text = f"The desk had ended unexpectedly; this is how it was at {when}."
                    self._say_last(text)
                return
            aside = None if SESSION.is_later(path) else put_aside(path)
            now = "" if aside is None else f"; it is now {aside.name}"
            self._say_last(f"{path.name} cannot be used{now}.", "warning")

    def _say_last(self, text: str, severity: str = "info") -> None:
        """Say it after the messages of preset, target and rescued minutes."""
        QTimer.singleShot(_LAST_WORD_MS, self, lambda: self._desk.say(text, severity))

    def _load(self, path: Path) -> bool:
        """Go on from a session's file, with its snapshots and steps of undo."""
        extra: dict[str, Any] = {}
        if not self._desk.ask(lambda session: extra.update(session.load(path))):
            return False
        try:
            slots = msgspec.convert(extra.get("snapshots", []), list[Snapshot | None])
        except msgspec.ValidationError as error:
            self._desk.say(f"The session's snapshots cannot be read ({error}).", "warning")
            slots = []
        self._comparisons.restore(slots)
        # Loading a session is no step to undo; the steps of before are back.
        QTimer.singleShot(100, self._history, lambda: self._history.restore(extra.get("undo")))
        return True

    def _saved(self) -> tuple[object, dict[str, Any]]:
        """The session as it is, None before its start, and the desk's part of its autosave."""
        if not (session := self._desk.session).started:
            return None, {}
        extra = {**self._snapshots(), "undo": self._history.kept()}
        return session.saved(extra), extra

    def _snapshots(self) -> dict[str, Any]:
        """Part of a session's file that is the desk's; undo is kept in the autosaves alone."""
        return {"snapshots": msgspec.to_builtins(self._comparisons.slots)}
