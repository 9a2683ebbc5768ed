"""The line at the bottom: the sound device, how hard it works, and the last message."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

from gui import theme
from mesosynth.events import Message, Transport
from mesosynth.host.status import AudioStatus

_COLOURS = {"info": theme.TEXT, "warning": theme.WARNING, "error": theme.ERROR}


class StatusLine(QWidget):
    """Device on the left, message in the middle, load on the right."""

    def __init__(self) -> None:
        super().__init__()
        self.device = theme.note("Starting the sound…")
        self.message = ElidedLabel()
        theme.name(self.message, "Message")
        self.load = theme.note()
        self.load.setToolTip("Share of a block's time that the sound takes, and blocks missed")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(4, 0, 4, 0)
        layout.setSpacing(16)
        layout.addWidget(self.device)
        layout.addWidget(self.message, 1)
        layout.addWidget(self.load)

    def show_transport(self, transport: Transport) -> None:
        """Name the device."""
        self.device.setText(
            "No sound card: silent clock" if transport.silent else f"Sound: {transport.device}"
        )
        tint = theme.WARNING if transport.silent else theme.DIM
        self.device.setStyleSheet(f"color: {tint};")

    def show_message(self, message: Message) -> None:
        """Show a sentence until the next one."""
        self.message.setText(message.text)
        self.message.setToolTip(message.text)
        self.message.setStyleSheet(f"color: {_COLOURS[message.severity]};")

    def show_audio(self, status: AudioStatus | None) -> None:
        """Show rate, block, load and underflows."""
        if status is not None and status.sample_rate > 0 and status.block > 0:
            block_ms = 1000.0 * status.block / status.sample_rate
            self.load.setText(
                f"{status.sample_rate / 1000.0:g} kHz / {status.block} · "
                f"load {status.callback_ms_median / block_ms:.0%} · {status.underflows} missed"
            )


class ElidedLabel(QLabel):
    """A label that ends in … where it is too narrow, and never asks for more room."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def minimumSizeHint(self) -> QSize:  # noqa: D102 - Qt's hook
        return QSize(0, super().minimumSizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: D102 - Qt's hook
        painter = QPainter(self)
        right = Qt.TextElideMode.ElideRight
        text = self.fontMetrics().elidedText(self.text(), right, self.width())
        painter.setPen(self.palette().windowText().color())
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter, text)
