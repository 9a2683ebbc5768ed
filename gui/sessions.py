"""Sessions: saved, opened, and kept as they go for the next start, also after a crash.

Ten files rotate in the user's folder for state. The newest is written anew while it is young, so
that the ten reach back some twenty minutes rather than two.
"""

import os
import time
from collections.abc import Callable
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


class Autosave(QObject):
    """Writes the session every few seconds if it has changed.

    Parameters
    ----------
    desk : Desk
    extra : callable
        Gives what the window wants to find again, as plain JSON values.

    Attributes
    ----------
    alone : bool
        Whether no other desk runs, which would go on from the same files.
    crashed : bool
        Whether the last desk did not end as it should.
    """

    def __init__(self, desk: Desk, extra: Callable[[], dict[str, Any]]) -> None:
        super().__init__(desk)
        self._desk, self._extra = desk, extra
        self._written: object = None
        self._path: Path | None = None
        self._born = 0.0
        self.alone = self.crashed = False
        self._lock: QLockFile | None = None
        self._timer = QTimer(self, interval=EVERY_MS)
        self._timer.timeout.connect(self.save)

    def begin(self) -> None:
        """Find out whether the last desk crashed; from here on this one counts as running."""
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

    def restore(self) -> dict[str, Any] | None:
        """Go on from the newest autosave that can be read; put broken ones beside.

        Returns
        -------
        dict or None
            What the window had put there; None if there was nothing to go on from.
        """
        if not self.alone:
            return None
        for path in autosaves():
            extra = _load(self._desk, path)
            if extra is not None:
                self._written = self._saved()
                if self.crashed:
                    when = time.strftime("%H:%M:%S", time.localtime(path.stat().st_mtime))
                    text = f"The desk had ended unexpectedly; this is how it was at {when}."
                    self._say_last(text)
                return extra
            aside = None if SESSION.is_later(path) else put_aside(path)
            now = "" if aside is None else f"; it is now {aside.name}"
            self._say_last(f"{path.name} cannot be used{now}.", "warning")
        return None

    def _say_last(self, text: str, severity: str = "info") -> None:
        """Say it after the messages of preset, target and rescued minutes."""
        QTimer.singleShot(_LAST_WORD_MS, self, lambda: self._desk.say(text, severity))

    def save(self) -> None:
        """Write an autosave if something has changed."""
        saved = self._saved()
        if saved is None or saved == self._written:
            return
        now = time.monotonic()  # the other clock may be put back
        if self._path is None or now - self._born > YOUNG:
            self._path, self._born = numbered_path(autosave_folder(), "desk", ".json"), now
        path = self._path
        if self._desk.ask(lambda session: session.save(path, self._extra()), by_itself=True):
            self._written = saved
            for old in autosaves()[KEPT:]:
                old.unlink(missing_ok=True)

    def end(self) -> None:
        """Write the last state; from here on the desk counts as ended as it should."""
        self._timer.stop()
        self.save()
        self._extra = dict  # the desk, whose child this is, outlives the window
        if self._lock is not None and self.alone:
            self._lock.unlock()

    def _saved(self) -> object:
        session = self._desk.session
        return session.saved(self._extra()) if session.started else None


def _load(desk: Desk, path: Path) -> dict[str, Any] | None:
    """Go on from a session's file; return what a window had put there, None if it is none."""
    extra: dict[str, Any] = {}
    return extra if desk.ask(lambda session: extra.update(session.load(path))) else None


# --------------------------------------------------------------------------------------------------
# Sessions in files: what sounds, and what the desk adds to it (snapshots, undo).


class Sessions(QObject):
    """Opens and saves sessions, and goes on from the last one.

    Parameters
    ----------
    desk : Desk
    history : History
        Its steps outlive the window; a session that is opened from a file clears them.
    comparisons : Comparisons
        Whose snapshots belong to a session.

    Attributes
    ----------
    autosave : Autosave
    """

    def __init__(self, desk: Desk, history: History, comparisons: Comparisons) -> None:
        super().__init__(history)
        self._desk, self._history, self._comparisons = desk, history, comparisons
        self.autosave = Autosave(desk, lambda: {**self._extra(), "undo": history.kept()})

    def begin(self) -> None:
        """Go on from the last session, once the desk has one."""
        self.autosave.begin()
        self._take_up(self.autosave.restore())

    def end(self) -> None:
        """Keep the session for the next start."""
        self.autosave.end()

    def open(self, path: Path) -> bool:
        """Go on from a session's file; False (and a message) if it is none."""
        extra = _load(self._desk, path)
        if extra is None:
            return False
        self._take_up(extra)
        self._desk.say(f"Session {path.name}.")
        return True

    def save(self, path: Path) -> bool:
        """Write the session to a file; False (and a message) if it cannot be written."""
        if not self._desk.ask(lambda session: session.save(path, self._extra())):
            return False
        self._desk.say(f"Saved the session as {path.name}.")
        return True

    def _take_up(self, extra: dict[str, Any] | None) -> None:
        if extra is None:
            return
        try:
            slots = msgspec.convert(extra.get("snapshots", []), list[Snapshot | None])
        except msgspec.ValidationError as error:
            self._desk.say(f"The session's snapshots cannot be read ({error}).", "warning")
            slots = []
        self._comparisons.restore(slots)
        # Loading a session is no step to undo; the steps of before are back.
        QTimer.singleShot(100, self._history, lambda: self._history.restore(extra.get("undo")))

    def _extra(self) -> dict[str, Any]:
        """Part of a session's file that is the desk's; undo is kept in the autosaves alone."""
        return {"snapshots": msgspec.to_builtins(self._comparisons.slots)}
