"""Choose what the sound goes to: a device, its sample rate, and how much it asks for at once."""

import threading

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QWidget,
)

from gui import theme
from mesosynth.engine.device_list import DeviceList, look_for_devices
from mesosynth.engine.device_settings import RATES
from mesosynth.engine.status import AudioStatus

_BLOCKS = (32, 64, 128, 256, 512, 1024, 2048)
_OWN = "The device's own"
_ALWAYS = [("The system's default", None), ("No sound card: silent clock", "silent")]


class DeviceDialog(QDialog):
    """Three choices, beside the desk; nothing changes before they are applied.

    Signals
    -------
    chosen
        Part of a device's name, sample rate (Hz) and block (frames), each perhaps None.
    """

    chosen = Signal(object, object, object)
    _looked = Signal(object)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Sound device")
        self.setModal(False)
        self.device, self.rate, self.block = QComboBox(), QComboBox(), QComboBox()
        self.note = theme.note()
        self.note.setWordWrap(True)
        for rate in (None, *RATES[3:]):
            self.rate.addItem(_OWN if rate is None else f"{rate} Hz", rate)
        for block in (None, *_BLOCKS):
            self.block.addItem(_OWN if block is None else f"{block} frames", block)
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Apply | QDialogButtonBox.StandardButton.Close
        )
        self.apply = buttons.button(QDialogButtonBox.StandardButton.Apply)
        self.apply.clicked.connect(self._choose)
        buttons.rejected.connect(self.close)
        form = QFormLayout(self)
        form.setContentsMargins(20, 16, 20, 16)
        form.setVerticalSpacing(10)
        for title, box in [("Device", self.device), ("Rate", self.rate), ("Block", self.block)]:
            theme.name(box, title)
            form.addRow(title, box)
        form.addRow(self.note)
        form.addRow(buttons)
        self.setMinimumWidth(420)
        self._looked.connect(self._show_devices)
        self._show_devices(DeviceList([], ""))

    def look(self, status: AudioStatus | None) -> None:
        """Look for devices, which may take a while; `status` says what plays now."""
        now = "" if status is None else f"Now: {status.device}, {status.sample_rate} Hz. "
        self.note.setText(f"{now}Looking for devices…")
        threading.Thread(target=self._look, name="device look", daemon=True).start()

    def _look(self) -> None:
        found = look_for_devices()
        try:
            self._looked.emit(found)
        except RuntimeError:
            return  # the desk was closed meanwhile

    def _show_devices(self, found: DeviceList) -> None:
        chosen = self.device.currentData()
        self.device.clear()
        outputs = [(f"{d.name}  ({d.host_api})", d.name) for d in found.devices if d.outputs]
        for text, name in [_ALWAYS[0], *outputs, _ALWAYS[1]]:
            self.device.addItem(text, name)
        self.device.setCurrentIndex(max(0, self.device.findData(chosen)))
        text = self.note.text().replace("Looking for devices…", "").strip()
        self.note.setText(f"{text} {found.problem}".strip())

    def _choose(self) -> None:
        boxes = (self.device, self.rate, self.block)
        self.chosen.emit(*(box.currentData() for box in boxes))
