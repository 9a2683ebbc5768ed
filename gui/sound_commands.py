"""What the actions of the Sound menu do, besides Play: panic, captures, the device."""

import time
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QWidget

from mesosynth.session.events import Capture, Transport

from .actions import Actions
from .bridge import Bridge
from .dialogs import DeviceDialog
from .settings import Settings
from .widgets.confirm_bar import KeepQuestion

_RECORDINGS = "WAV, 24 bits (*.wav);;FLAC, 24 bits (*.flac)"
_MINUTES = 10.0


class SoundCommands(QObject):
    """Ties the actions to the bridge, and keeps their ticks true.

    Parameters
    ----------
    window : QWidget
        Parent of the dialogs.
    """

    def __init__(
        self, window: QWidget, actions: Actions, bridge: Bridge, settings: Settings
    ) -> None:
        super().__init__(window)
        self._window, self._actions = window, actions
        self._bridge, self._settings = bridge, settings
        self.devices = DeviceDialog(window)
        self.devices.chosen.connect(self._try_device)
        self.question = KeepQuestion()
        self.question.refused.connect(self._go_back)
        self._before: tuple[str | None, int | None, int | None] = (None, None, None)
        actions["panic"].triggered.connect(self._panic)
        actions["capture"].triggered.connect(self._capture)
        actions["save_last"].triggered.connect(self._ask_where_to_save)
        actions["device"].triggered.connect(self._show_devices)
        bridge.capture.connect(self._on_capture)
        bridge.transport.connect(self._on_transport)

    def start_capture(self, path: Path) -> None:
        """Write what is heard to a file."""
        self._settings.folder = str(path.parent)
        self._actions["capture"].setChecked(self._bridge.start_capture(path))

    def save_last(self, path: Path) -> None:
        """Write what was heard in the last minutes to a file."""
        if self._bridge.save_last(_MINUTES, path):
            self._settings.folder = str(path.parent)

    def _panic(self, silent: bool) -> None:
        """Esc silences everything; Esc again goes on."""
        if silent:
            if self._bridge.matching:
                self._bridge.set_matching(False)
            self._bridge.panic()
            self._bridge.say("Silenced. Press Esc again to go on.", "warning")
        else:
            self._bridge.unpanic()
            self._bridge.say("On again.")

    def _capture(self, running: bool) -> None:
        if not running:
            self._bridge.stop_capture()
            return
        self._actions["capture"].setChecked(False)  # until there is a file
        dialog = self._dialog("Capture the output", "capture")
        dialog.fileSelected.connect(lambda name: self.start_capture(Path(name)))
        dialog.open()

    def _ask_where_to_save(self) -> None:
        dialog = self._dialog("Save the last ten minutes", "last minutes")
        dialog.fileSelected.connect(lambda name: self.save_last(Path(name)))
        dialog.open()

    def _dialog(self, title: str, stem: str) -> QFileDialog:
        dialog = QFileDialog(self._window, title, self._settings.folder, _RECORDINGS)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setFileMode(QFileDialog.FileMode.AnyFile)
        dialog.setDefaultSuffix("wav")
        dialog.filterSelected.connect(
            lambda kind: dialog.setDefaultSuffix("flac" if "flac" in kind else "wav")
        )
        dialog.selectFile(f"{stem} {time.strftime('%Y-%m-%d %H.%M.%S')}")
        dialog.finished.connect(dialog.deleteLater)
        return dialog

    def _show_devices(self) -> None:
        self.devices.look(self._bridge.audio_status())
        self.devices.show()
        self.devices.raise_()

    def _try_device(self, device: str | None, rate: int | None, block: int | None) -> None:
        """Change over, and go back by itself unless the user says that it works."""
        session = self._bridge.session
        if session is None:
            return
        before = session.device_settings
        if self._bridge.set_device(device, rate, block):
            if not self.question.isVisible():  # else what was not kept is no way back
                self._before = (before.device, before.sample_rate, before.block)
            self.question.ask(f"Sound goes to {device or 'the system’s default'}")

    def _go_back(self) -> None:
        if self._bridge.set_device(*self._before):
            self._bridge.say("Back to the sound settings before.")

    def _on_capture(self, capture: Capture) -> None:
        self._actions["capture"].setChecked(capture.running)
        if not capture.running:
            self._bridge.say(f"Captured {capture.seconds:.1f} s in {capture.path}.")

    def _on_transport(self, transport: Transport) -> None:
        if transport.playing:
            self._actions["panic"].setChecked(False)
