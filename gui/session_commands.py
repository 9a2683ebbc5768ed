"""Sessions: opened, saved, kept as they go, and found again at the next start."""

from pathlib import Path
from typing import Any

import msgspec
from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from mesosynth.engine.capture import takes_folder
from mesosynth.session.events import TargetLoaded
from mesosynth.session.snapshots import Snapshot

from .actions import Actions
from .autosave import Autosave
from .bridge import Bridge
from .comparisons import Comparisons
from .settings import Settings
from .undo import History

_SESSIONS = "Sessions (*.json);;All files (*)"
_TAKES = 10


class SessionCommands(QObject):
    """Ties "open_session" and "save_session" to the bridge, and keeps the autosaves.

    Parameters
    ----------
    window : QWidget
        Parent of the file dialogs.
    """

    def __init__(
        self,
        window: QWidget,
        actions: Actions,
        bridge: Bridge,
        history: History,
        comparisons: Comparisons,
        settings: Settings,
    ) -> None:
        super().__init__(window)
        self._window, self._bridge, self._history = window, bridge, history
        self._comparisons, self._settings = comparisons, settings
        self.autosave = Autosave(bridge, self._all_of_the_desk)
        self.recent = QMenu("Recent targets", window)
        self.takes = QMenu("Kept takes", window)
        for menu, fill in ((self.recent, self._fill_recent), (self.takes, self._fill_takes)):
            menu.setToolTipsVisible(True)
            menu.aboutToShow.connect(fill)
        actions["open_session"].triggered.connect(self._ask_session)
        actions["save_session"].triggered.connect(self._ask_where)
        bridge.target_loaded.connect(self._on_target)

    def begin(self) -> None:
        """Go on from the last session, once the bridge has one."""
        self.autosave.begin()
        self._take_up(self.autosave.restore())

    def end(self) -> None:
        """Keep the session for the next start."""
        self.autosave.end()

    def open_session(self, path: Path) -> None:
        """Go on from a session's file."""
        desk = self._bridge.load_session(path)
        if desk is not None:
            self._settings.folder = str(path.parent)
            self._take_up(desk)
            self._bridge.say(f"Session {path.name}.")

    def save_session(self, path: Path) -> None:
        """Write the session to a file; a name without an ending gets ".json"."""
        path = path if path.suffix else path.with_suffix(".json")
        if self._bridge.save_session(path, self._desk()):
            self._settings.folder = str(path.parent)
            self._bridge.say(f"Saved the session as {path.name}.")

    def _take_up(self, desk: dict[str, Any] | None) -> None:
        if desk is None:
            return
        try:
            slots = msgspec.convert(desk.get("snapshots", []), list[Snapshot | None])
        except msgspec.ValidationError as error:
            self._bridge.say(f"The session's snapshots cannot be read ({error}).", "warning")
            slots = []
        self._comparisons.restore(slots)
        # What the session became is no step that could be undone; what was one before, is.
        QTimer.singleShot(100, self._history, lambda: self._history.restore(desk.get("undo")))

    def _desk(self) -> dict[str, Any]:
        return {"snapshots": msgspec.to_builtins(self._comparisons.slots)}

    def _all_of_the_desk(self) -> dict[str, Any]:
        """What the next start goes on with: undo too, which a file of one's own has not."""
        return {**self._desk(), "undo": self._history.kept()}

    def _on_target(self, _target: TargetLoaded) -> None:
        session = self._bridge.session
        if session is not None and session.target_path is not None:
            self._settings.remember_target(session.target_path.absolute())

    def _fill_recent(self) -> None:
        self._fill(self.recent, [Path(name) for name in self._settings.recent])

    def _fill_takes(self) -> None:
        takes = sorted(takes_folder().glob("take *.wav"), reverse=True)
        self._fill(self.takes, takes[:_TAKES])

    def _fill(self, menu: QMenu, paths: list[Path]) -> None:
        menu.clear()
        for path in paths:
            action = menu.addAction(path.name)
            action.setToolTip(str(path))
            action.setEnabled(path.exists())
            action.triggered.connect(lambda _=False, p=path: self._bridge.load_target(p))
        if not paths:
            menu.addAction("None yet").setEnabled(False)

    def _ask_session(self) -> None:
        dialog = self._dialog("Open session")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda name: self.open_session(Path(name)))
        dialog.open()

    def _ask_where(self) -> None:
        dialog = self._dialog("Save session")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setFileMode(QFileDialog.FileMode.AnyFile)
        dialog.setDefaultSuffix("json")
        dialog.fileSelected.connect(lambda name: self.save_session(Path(name)))
        dialog.open()

    def _dialog(self, title: str) -> QFileDialog:
        dialog = QFileDialog(self._window, title, self._settings.folder, _SESSIONS)
        dialog.finished.connect(dialog.deleteLater)
        return dialog
