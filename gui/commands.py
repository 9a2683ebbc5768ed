"""What the actions of files, editing and playing do."""

from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QWidget

from mesosynth.session.events import Recording, Transport

from .actions import Actions
from .bridge import Bridge
from .settings import Settings
from .undo import History

_SOUNDS = "Sounds (*.wav *.flac *.ogg *.oga *.opus *.mp3 *.aif *.aiff *.au *.caf);;All files (*)"
_PRESETS = "Presets (*.json);;All files (*)"


class Commands(QObject):
    """Ties the actions to the bridge and keeps their ticks and greys true.

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
        settings: Settings,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._actions = actions
        self._bridge = bridge
        self._history = history
        self._settings = settings
        self._connect_actions()
        bridge.attached.connect(self._on_attached)
        bridge.transport.connect(self._on_transport)
        bridge.recording.connect(self._on_recording)
        bridge.follow_changed.connect(self._on_follow)
        actions["undo"].setEnabled(False)
        actions["redo"].setEnabled(False)
        self._refresh()

    def load_target(self, path: Path) -> None:
        """Take a sound file as the target."""
        if self._bridge.load_target(path):
            self._settings.folder = str(path.parent)

    def open_preset(self, path: Path) -> None:
        """Take all parameters from a preset."""
        if self._bridge.load_preset(path):
            self._settings.folder = str(path.parent)

    def save_preset(self, path: Path) -> None:
        """Write all parameters to a preset; a name without an ending gets ".json"."""
        path = path if path.suffix else path.with_suffix(".json")
        if self._bridge.save_preset(path):
            self._settings.folder = str(path.parent)

    def _connect_actions(self) -> None:
        actions = self._actions
        actions["load"].triggered.connect(self._ask_target)
        actions["open_preset"].triggered.connect(self._ask_preset)
        actions["save_preset"].triggered.connect(self._ask_where)
        actions["quit"].triggered.connect(self._window.close)
        actions["record"].triggered.connect(self._record)
        actions["play"].triggered.connect(self._play)
        actions["follow"].triggered.connect(self._bridge.set_follow)
        actions["flip"].triggered.connect(self._flip)
        actions["sound_target"].triggered.connect(self._bridge.take_sound_as_target)
        actions["undo"].triggered.connect(self._history.undo)
        actions["redo"].triggered.connect(self._history.redo)
        stack = self._history.stack
        stack.canUndoChanged.connect(actions["undo"].setEnabled)
        stack.canRedoChanged.connect(actions["redo"].setEnabled)
        stack.undoTextChanged.connect(self._name_undo)
        stack.redoTextChanged.connect(self._name_redo)

    def _ask_target(self) -> None:
        dialog = self._dialog("Load target sound", _SOUNDS)
        dialog.fileSelected.connect(lambda name: self.load_target(Path(name)))
        dialog.open()

    def _ask_preset(self) -> None:
        dialog = self._dialog("Open preset", _PRESETS)
        dialog.fileSelected.connect(lambda name: self.open_preset(Path(name)))
        dialog.open()

    def _ask_where(self) -> None:
        dialog = self._dialog("Save preset", _PRESETS)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setFileMode(QFileDialog.FileMode.AnyFile)
        dialog.setDefaultSuffix("json")
        dialog.fileSelected.connect(lambda name: self.save_preset(Path(name)))
        dialog.open()

    def _dialog(self, title: str, kinds: str) -> QFileDialog:
        dialog = QFileDialog(self._window, title, self._settings.folder, kinds)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.finished.connect(dialog.deleteLater)
        return dialog

    def _record(self, running: bool) -> None:
        if not self._bridge.set_recording(running):
            self._actions["record"].setChecked(False)

    def _play(self, playing: bool) -> None:
        self._bridge.set_playing(playing)
        self._show_playing(self._bridge.playing)

    def _flip(self) -> None:
        gamma = -self._bridge.values["gamma"]
        self._history.set_at_once({"gamma": gamma}, "flip of direction")

    def _name_undo(self, text: str) -> None:
        self._actions["undo"].setText(f"Undo {text}".strip())

    def _name_redo(self, text: str) -> None:
        self._actions["redo"].setText(f"Redo {text}".strip())

    def _on_attached(self) -> None:
        session = self._bridge.session
        if session is not None:
            session.follow = self._settings.follow
            self._actions["follow"].setChecked(session.follow)
            self._show_playing(session.playing)
        self._refresh()

    def _on_transport(self, transport: Transport) -> None:
        self._show_playing(transport.playing)

    def _on_recording(self, recording: Recording) -> None:
        self._actions["record"].setChecked(recording.running)

    def _on_follow(self, follow: bool) -> None:
        self._settings.follow = follow
        self._actions["follow"].setChecked(follow)

    def _show_playing(self, playing: bool) -> None:
        self._actions["play"].setChecked(playing)

    def _refresh(self) -> None:
        ready = self._bridge.session is not None
        actions = self._actions
        for id_ in (
            "load", "record", "open_preset", "save_preset", "play", "follow", "flip",
            "sound_target", "open_match",
        ):  # fmt: skip
            actions[id_].setEnabled(ready)
