"""Choice of sound device and its confirmation, and the tour."""

import threading
from collections.abc import Sequence

from PySide6.QtCore import QPoint, Qt, QTimer, Signal, SignalInstance
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QComboBox,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from mesosynth.engine.portaudio import RATES, DeviceList, look_for_devices
from mesosynth.engine.status import AudioStatus

from . import theme

# --------------------------------------------------------------------------------------------------
# Choice of device, sample rate and block.


_BLOCKS = (32, 64, 128, 256, 512, 1024, 2048)
_SHORT = QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
_OWN = "The device's own"
_ALWAYS = [("The system's default", None), ("No sound card: silent clock", "silent")]


class DeviceForm(QWidget):
    """Form of device, sample rate and block; nothing changes before Apply.

    Signals
    -------
    chosen
        Part of a device's name, sample rate (Hz) and block (frames), each perhaps None.
    """

    chosen = Signal(object, object, object)
    _looked = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.device, self.rate, self.block = QComboBox(), QComboBox(), QComboBox()
        self.note = theme.note()
        self.note.setWordWrap(True)
        for rate in (None, *RATES[3:]):
            self.rate.addItem(_OWN if rate is None else f"{rate} Hz", rate)
        for block in (None, *_BLOCKS):
            self.block.addItem(_OWN if block is None else f"{block} frames", block)
        self.apply = QPushButton("Apply")
        theme.name(self.apply, "Use this sound device")
        self.apply.clicked.connect(self._choose)
        self.device.setSizeAdjustPolicy(_SHORT)
        self.device.setMinimumContentsLength(12)
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(6)
        for title, box in [("Device", self.device), ("Rate", self.rate), ("Block", self.block)]:
            theme.name(box, title)
            form.addRow(title, box)
        form.addRow(self.note)
        form.addRow(self.apply)
        self._looked.connect(self._show_devices)
        self._show_devices(DeviceList([], ""))

    def look(self, status: AudioStatus | None) -> None:
        """Look for devices in a thread, which may take seconds; `status` says what plays now."""
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
# Question after a change of device.


SECONDS = 10
"""Time to answer whether new sound settings stay; silence means that they did not work."""


class ConfirmBar(QFrame):
    """Strip over the status line that asks whether new sound settings stay.

    Hidden until :meth:`ask`. Without an answer in time the old settings come back.

    Signals
    -------
    kept
    refused
        By the button, or because there was no answer in time.
    """

    kept = Signal()
    refused = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("card")
        self._left = 0
        self._what = ""
        self.text = theme.title()
        self.keep = QPushButton("Keep")
        self.back = QPushButton("Go back")
        theme.name(self.keep, "Keep the sound settings")
        theme.name(self.back, "Go back to the sound settings before")
        self.keep.clicked.connect(lambda: self._answer(self.kept))
        self.back.clicked.connect(lambda: self._answer(self.refused))
        self._timer = QTimer(self, interval=1000)
        self._timer.timeout.connect(self._count)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(theme.GAP, 4, theme.GAP, 4)
        layout.addWidget(self.text, 1)
        layout.addWidget(self.keep)
        layout.addWidget(self.back)
        self.hide()

    def ask(self, what: str) -> None:
        """Ask anew, for example "Sound goes to hw:0"."""
        self._what, self._left = what, SECONDS
        self._show()
        self.show()
        self._timer.start()

    def take_escape(self) -> bool:
        """Go back to the settings before."""
        self._answer(self.refused)
        return True

    def _count(self) -> None:
        self._left -= 1
        if self._left <= 0:
            self._answer(self.refused)
        else:
            self._show()

    def _show(self) -> None:
        self.text.setText(f"{self._what}. Keep these settings? Back in {self._left} s")

    def _answer(self, signal: SignalInstance) -> None:
        self._timer.stop()
        self.hide()
        signal.emit()


# --------------------------------------------------------------------------------------------------
# Tour: five short notes at the first start, each beside what it tells of.


_WIDTH = 320
_MARGIN = 14


class Tour(QFrame):
    """Card over the desk that goes from place to place; the desk stays usable meanwhile.

    Parameters
    ----------
    window : QWidget
    steps : sequence of (QWidget, str, str)
        What a step shows, its title, and what it says.

    Signals
    -------
    ended
        After the last step, or when it was closed.
    """

    ended = Signal()

    def __init__(self, window: QWidget, steps: Sequence[tuple[QWidget, str, str]]) -> None:
        super().__init__(window)
        self.setObjectName("tour")
        self.setFixedWidth(_WIDTH)
        self._window, self._steps, self.step = window, steps, 0
        self._ring = _Ring(window)
        self.title, self.text, self.count = theme.title(), QLabel(), theme.note()
        self.text.setWordWrap(True)
        self.next, self.close_ = QPushButton("Next"), QPushButton("Close")
        self.next.clicked.connect(self.go_on)
        self.close_.clicked.connect(self.end)
        theme.name(self, "Tour")
        row = QHBoxLayout()
        row.addWidget(self.count, 1)
        row.addWidget(self.close_)
        row.addWidget(self.next)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(_MARGIN, 10, _MARGIN, 10)
        layout.addWidget(self.title)
        layout.addWidget(self.text)
        layout.addLayout(row)
        self.hide()
        self._ring.hide()

    def start(self) -> None:
        """Begin with the first step."""
        self.step = 0
        self._show()

    def go_on(self) -> None:
        """Show the next step, or end after the last."""
        self.step += 1
        if self.step < len(self._steps):
            self._show()
        else:
            self.end()

    def end(self) -> None:
        """Close it."""
        self.hide()
        self._ring.hide()
        self.ended.emit()

    def take_escape(self) -> bool:
        """Close it."""
        self.end()
        return True

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        event.ignore()  # the desk's keys stay the desk's

    def _show(self) -> None:
        target, title, text = self._steps[self.step]
        self.title.setText(title)
        self.text.setText(text)
        theme.name(self, f"Tour: {title}", text)
        self.count.setText(f"{self.step + 1} of {len(self._steps)}")
        self.next.setText("Next" if self.step < len(self._steps) - 1 else "Done")
        self.text.setFixedHeight(self.text.heightForWidth(_WIDTH - 2 * _MARGIN))
        self.adjustSize()
        corner = target.mapTo(self._window, QPoint(0, 0))
        self._ring.setGeometry(
            corner.x() - 3, corner.y() - 3, target.width() + 6, target.height() + 6
        )
        self.move(self._beside(corner, target))
        for widget in (self._ring, self):
            widget.show()
            widget.raise_()
        self.next.setFocus()

    def _beside(self, corner: QPoint, target: QWidget) -> QPoint:
        """Place beside `target`, within the window."""
        room = self._window.size() - self.size()
        right = corner.x() + target.width() + _MARGIN
        x = right if right <= room.width() else corner.x() - self.width() - _MARGIN
        y = corner.y() + _MARGIN
        if x < 0:  # it is as wide as the desk: above or below
            x = corner.x() + _MARGIN
            above, below = (
                corner.y() - self.height() - _MARGIN,
                corner.y() + target.height() + _MARGIN,
            )
            y = above if above >= 0 else below
        return QPoint(min(max(x, 0), room.width()), min(max(y, 0), room.height()))


class _Ring(QWidget):
    """Ring around the widget of a step; it lets the mouse through."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.colour(theme.ACCENT), 2))
        painter.drawRoundedRect(self.rect().adjusted(1, 1, -1, -1), 7, 7)
