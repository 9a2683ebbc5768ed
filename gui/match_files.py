"""Matches in files: kept wherever they stand, and taken up again."""

from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QWidget

from .actions import Actions
from .bridge import Bridge
from .settings import Settings

ENDING = ".run"
"""Of a match's file, as `mesosynth match --save` is shown with."""

_MATCHES = f"Matches (*{ENDING});;All files (*)"


class MatchFiles(QObject):
    """Ties "save_match" and "open_match" to the bridge.

    Parameters
    ----------
    window : QWidget
        Parent of the file dialogs.
    """

    def __init__(
        self, window: QWidget, actions: Actions, bridge: Bridge, settings: Settings
    ) -> None:
        super().__init__(window)
        self._window, self._bridge, self._settings = window, bridge, settings
        self._save = actions["save_match"]
        self._save.triggered.connect(self._ask_where)
        actions["open_match"].triggered.connect(self._ask_match)
        bridge.match_progress.connect(self._on_progress)
        bridge.target_loaded.connect(self._on_target)
        self._save.setEnabled(False)

    def open(self, path: Path) -> None:
        """Take a match up from a file; P goes on with one that had not ended."""
        if self._bridge.load_match(path):
            self._settings.folder = str(path.parent)

    def save(self, path: Path) -> None:
        """Write the match to a file; a name without an ending gets :data:`ENDING`."""
        path = path if path.suffix else path.with_suffix(ENDING)
        if self._bridge.save_match(path):
            self._settings.folder = str(path.parent)

    # Methods and no lambdas: the bridge outlives the window.
    def _on_progress(self, _step: object) -> None:
        self._save.setEnabled(True)

    def _on_target(self, _target: object) -> None:
        self._save.setEnabled(False)  # the match was of another target

    def _ask_match(self) -> None:
        dialog = self._dialog("Open match")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda name: self.open(Path(name)))
        dialog.open()

    def _ask_where(self) -> None:
        dialog = self._dialog("Save match")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setFileMode(QFileDialog.FileMode.AnyFile)
        dialog.setDefaultSuffix(ENDING.lstrip("."))
        dialog.fileSelected.connect(lambda name: self.save(Path(name)))
        dialog.open()

    def _dialog(self, title: str) -> QFileDialog:
        dialog = QFileDialog(self._window, title, self._settings.folder, _MATCHES)
        dialog.finished.connect(dialog.deleteLater)
        return dialog
