"""The line at the bottom: the sound device, how hard it works, and the last message."""

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget
from typing_extensions import override

from gui import theme
from gui.widgets.elided_label import ElidedLabel
from gui.widgets.level_meter import LevelMeter
from mesosynth.engine.status import AudioStatus
from mesosynth.session.events import Message, Transport


def _tint(severity: str) -> str:
    return {"warning": theme.WARNING, "error": theme.ERROR}.get(severity, theme.TEXT)


class StatusLine(QWidget):
    """Device on the left, message in the middle, level and load on the right.

    Signals
    -------
    reset_asked
        A click on the load: count underflows and the largest load and peaks anew.
    """

    reset_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._transport: Transport | None = None
        self.device = theme.note("Starting the sound…")
        self.message = ElidedLabel()
        theme.name(self.message, "Message")
        self.level = LevelMeter()
        self.load = ClickableLabel()
        self.load.clicked.connect(self.reset_asked)
        theme.name(self.load, "Load of the sound", "Press Enter to count anew")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(4, 0, 4, 0)
        layout.setSpacing(16)
        layout.addWidget(self.device)
        layout.addWidget(self.message, 1)
        layout.addWidget(self.level)
        layout.addWidget(self.load)

    def show_transport(self, transport: Transport) -> None:
        """Name the device."""
        self._transport = transport
        self.device.setText(
            "No sound card: silent clock" if transport.silent else f"Sound: {transport.device}"
        )
        tint = theme.WARNING if transport.silent else theme.DIM
        self.device.setStyleSheet(f"color: {tint};")

    @override
    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange and self._transport is not None:
            self.show_transport(self._transport)
            self.message.setStyleSheet("")
        super().changeEvent(event)

    def show_message(self, message: Message) -> None:
        """Show a sentence until the next one."""
        self.message.setText(message.text)
        self.message.setToolTip(message.text)
        self.message.setStyleSheet(f"color: {_tint(message.severity)};")

    def show_audio(self, status: AudioStatus | None) -> None:
        """Show levels, rate, block, latency, load and underflows."""
        if status is None or not status.sample_rate or not status.block:
            return
        self.level.show_audio(status)
        self.load.setText(
            f"{status.sample_rate / 1000.0:g} kHz / {status.block} · "
            f"{1000.0 * status.latency:.1f} ms · load {status.load:.0%} · "
            f"{status.underflows} missed"
        )
        heard = f", input {1000.0 * status.latency_in:.1f} ms" if status.latency_in else ""
        self.load.setToolTip(
            f"Latency of the output {1000.0 * status.latency:.1f} ms{heard}. The sound takes "
            f"{status.load:.1%} of a block's time, at most {status.load_max:.1%}; the device ran "
            f"dry {status.underflows} times{_blame(status)}. Click to count anew."
        )
        tint = theme.WARNING if status.underflows else theme.DIM
        self.load.setStyleSheet(f"color: {tint};")


def _blame(status: AudioStatus) -> str:
    """Where to look when the sound has gaps: at its own work, or at whatever holds it up."""
    if status.overruns:
        elsewhere = max(0, status.overruns - status.heavy)
        why = f", at least {elsewhere} as something else had the processor" if elsewhere else ""
        return f", and {status.overruns} blocks took longer to compute than they last{why}"
    return ", though no block took too long: something else held it up" if status.underflows else ""


class ClickableLabel(QLabel):
    """A label that may be clicked, or reached by Tab and pressed."""

    clicked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("note")  # what the style sheet goes by
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.clicked.emit()

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.clicked.emit()
        else:
            super().keyPressEvent(event)
