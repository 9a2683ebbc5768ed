"""Status line: device, load, underflows, and the level meter of the output."""

from PySide6.QtCore import QEvent, QRectF, QSize, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget
from typing_extensions import override

from mesosynth.engine.limiter import CEILING_DB
from mesosynth.engine.status import AudioStatus
from mesosynth.units import amplitude_to_db

from .. import theme
from ..text import plain_text
from .elided_label import ElidedLabel
from .parts import column, row

# --------------------------------------------------------------------------------------------------
# Level meter: two thin bars, left over right.


LIMITED_DB = CEILING_DB - 0.5
"""From this true peak on, the limiter is near or at work, and the bars say so by their colour."""

_PEAK_WIDTH = 2.0  # px


class LevelMeter(QWidget):
    """Level meter, left over right: RMS as a bar and peak as a mark, from FLOOR_DB to 0 dBFS."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme.name(self, "Output level")
        self._levels = [(theme.FLOOR_DB, theme.FLOOR_DB)] * 2  # RMS and peak of each channel

    @override
    def sizeHint(self) -> QSize:
        return theme.size(96, 12)

    def show_audio(self, status: AudioStatus) -> None:
        """Show the levels of `status`."""
        amplitudes = status.rms_left, status.peak_left, status.rms_right, status.peak_right
        left, left_peak, right, right_peak = map(amplitude_to_db, amplitudes)
        levels = [(left, left_peak), (right, right_peak)]
        if levels != self._levels:
            self._levels = levels
            self.update()
        words = f"{_text(left_peak)} left", f"{_text(right_peak)} right"
        self.setToolTip(
            f"Peak {' and '.join(words)}; largest true peak so far "
            f"{_text(amplitude_to_db(status.true_peak))}. Click the load to begin anew."
        )
        self.setAccessibleDescription(", ".join(words))

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter, height = QPainter(self), (self.height() - 2) / 2.0
        for i, levels in enumerate(self._levels):
            top = i * (height + 2.0)
            rms, peak = (
                self.width() * (1.0 - min(max(level, theme.FLOOR_DB), 0.0) / theme.FLOOR_DB)
                for level in levels
            )
            tint = theme.WARNING if levels[1] < LIMITED_DB else theme.ERROR
            for x, width, ink in (
                (0.0, self.width(), theme.WELL), (0.0, rms, theme.ACCENT),
                (peak - _PEAK_WIDTH, min(peak, _PEAK_WIDTH), tint),
            ):  # fmt: skip
                painter.fillRect(QRectF(x, top, width, height), theme.colour(ink))


def _text(level: float) -> str:
    return f"{level:.1f} dBFS" if level > theme.FLOOR_DB else "silent"


# --------------------------------------------------------------------------------------------------
# Status line.


class StatusLine(QWidget):
    """Status line: device on the left, message in the middle, level and load on the right.

    Signals
    -------
    reset_asked
        A click on the load: count underflows and the largest load and peaks anew.
    """

    reset_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._device: tuple[str, bool] | None = None
        self.device = theme.note("Starting the sound…")
        self.message = ElidedLabel()
        theme.name(self.message, "Message")
        self.level = LevelMeter()
        self.load = theme.tool_button("", "Count anew", kind="meter", named="Load of the sound")
        self.load.clicked.connect(self.reset_asked)
        strip = row(self.device, (self.message, 1), self.level, self.load, spacing=16)
        column(strip, inside=self).setContentsMargins(4, 0, 4, 0)

    def show_device(self, name: str, silent: bool) -> None:
        """Name the device, and say whether it is the silent clock."""
        self._device = name, silent
        self.device.setText("No sound card: silent clock" if silent else f"Sound: {name}")
        tint = theme.WARNING if silent else theme.DIM
        self.device.setStyleSheet(f"color: {tint};")

    @override
    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange and self._device is not None:
            self.show_device(*self._device)
            self.message.setStyleSheet("")
        super().changeEvent(event)

    def show_message(self, text: str, severity: str) -> None:
        """Show a sentence until the next one; `severity` is "info", "warning" or "error"."""
        self.message.setText(text)
        self.message.setToolTip(plain_text(text))
        tint = {"warning": theme.WARNING, "error": theme.ERROR}.get(severity, theme.TEXT)
        self.message.setStyleSheet(f"color: {tint};")

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
        theme.mark(self.load, "problem", bool(status.underflows))


def _blame(status: AudioStatus) -> str:
    """Cause of gaps in the sound: its own computing, or something else on the machine."""
    if status.overruns:
        elsewhere = max(0, status.overruns - status.heavy)
        why = f", at least {elsewhere} as something else had the processor" if elsewhere else ""
        return f", and {status.overruns} blocks took longer to compute than they last{why}"
    return ", though no block took too long: something else held it up" if status.underflows else ""
