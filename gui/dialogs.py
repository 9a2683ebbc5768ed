"""Dialogs: the choice of sound device, and the sheet of shortcuts."""

import threading

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeySequence, QShowEvent
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QFrame,
    QGridLayout,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from mesosynth.engine.portaudio import RATES, DeviceList, look_for_devices
from mesosynth.engine.status import AudioStatus

from . import theme
from .actions import ACTIONS, SLOTS

# --------------------------------------------------------------------------------------------------
# Choose what the sound goes to: a device, its sample rate, and how much it asks for at once.


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


# --------------------------------------------------------------------------------------------------
# The sheet that F1 shows: every shortcut and every way to use the mouse.


_MOUSE = [
    ("Drag the pad's point", "Note rate and chirp rate"),
    ("Double-click the pad", "Set the point there"),
    ("Wheel, Alt-wheel on the pad", "Chirp rate, note rate"),
    ("Drag a knob, wheel", "Turn it"),
    ("Double-click a knob", "Its default"),
    ("Click a knob's value, Return", "Type a value: 440, 1.2k, A4"),
    ("Right click on a knob", "MIDI, pin for matching, copy, paste"),
    ("Right click on a snapshot", "Keep the sound in it"),
    ("Drag an effect's title, Alt+Up", "Move it in the rack"),
    ("B, Delete on an effect", "Bypass it, take it out"),
    ("Wheel on a picture, drag", "Zoom (Shift: sideways), move what is in sight"),
    ("Drag an end of a colour bar", "Range of levels"),
    ("Drag the pad's right edge", "More room for the pad, or for the pictures"),
    ("Right click on a view", "Save it as a picture, a drawing or numbers"),
    ("Arrow keys", "Move the pad's point or a knob"),
    ("Shift", "Ten times finer"),
]

_BESIDE = 60  # px of its screen that the sheet leaves free


class ShortcutSheet(QDialog):
    """A window beside the desk; it never takes the desk's keys for itself, and scrolls."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard and mouse")
        self.setObjectName("sheet")
        self.setModal(False)
        self._page = QWidget()
        self._page.setObjectName("sheetPage")
        _fill(QGridLayout(self._page))
        self.area = QScrollArea()
        self.area.setWidget(self._page)
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        theme.name(self.area, "Shortcuts")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.area)

    @override
    def sizeHint(self) -> QSize:
        page = self._page.sizeHint()
        bar = self.area.verticalScrollBar().sizeHint().width()
        return QSize(page.width() + bar, page.height() + 2)

    @override
    def showEvent(self, event: QShowEvent) -> None:
        self.setFixedWidth(self.sizeHint().width())
        room = self.screen().availableSize().height() - _BESIDE
        window = self.parentWidget()
        if window is not None:
            room = min(room, window.height())
        self.resize(self.width(), min(self.sizeHint().height(), room))
        super().showEvent(event)


def _fill(grid: QGridLayout) -> None:
    grid.setContentsMargins(20, 16, 20, 20)
    grid.setHorizontalSpacing(18)
    grid.setVerticalSpacing(6)
    for column, (title, rows) in enumerate([("Keyboard", _keys()), ("Mouse", _MOUSE)]):
        grid.addWidget(theme.title(title), 0, 3 * column, 1, 2)
        for row, (left, right) in enumerate(rows, start=1):
            key = QLabel(left)
            key.setObjectName("key")  # what the style sheet goes by
            grid.addWidget(key, row, 3 * column)
            grid.addWidget(QLabel(right), row, 3 * column + 1, Qt.AlignmentFlag.AlignLeft)
    grid.setColumnMinimumWidth(2, 20)


def _keys() -> list[tuple[str, str]]:
    """The shortcuts, and what they do; of the snapshots, which are alike, a line for all."""
    native = QKeySequence.SequenceFormat.NativeText
    keys = [
        (QKeySequence(action.keys).toString(native), action.text.rstrip("…"))
        for action in ACTIONS
        if not action.id.startswith(("recall_", "store_"))
    ]
    return [*keys, (f"1 … {SLOTS}", "Recall a snapshot"), (f"Ctrl+1 … {SLOTS}", "Keep a snapshot")]
