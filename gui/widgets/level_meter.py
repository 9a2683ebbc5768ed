"""How loud the sound leaves: two thin bars, left over right."""

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget
from typing_extensions import override

from gui import theme
from mesosynth.engine.limiter import CEILING_DB
from mesosynth.engine.status import AudioStatus
from mesosynth.units import amplitude_to_db

LIMITED_DB = CEILING_DB - 0.5
"""From this true peak on, the limiter is near or at work, and the bars say so by their colour."""

_PEAK_WIDTH = 2.0  # px


class LevelMeter(QWidget):
    """RMS as a bar and peak as a mark, from FLOOR_DB to 0 dB of full scale."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme.name(self, "Output level")
        self._levels = [(theme.FLOOR_DB, theme.FLOOR_DB)] * 2  # RMS and peak, left and right

    @override
    def sizeHint(self) -> QSize:
        return QSize(96, 12)

    def show_audio(self, status: AudioStatus) -> None:
        """Show the levels of `status`."""
        rms = (status.rms_left, status.rms_right)
        peak = (status.peak_left, status.peak_right)
        levels = [
            (amplitude_to_db(one), amplitude_to_db(other))
            for one, other in zip(rms, peak, strict=True)
        ]
        if levels != self._levels:
            self._levels = levels
            self.update()
        left, right = (_text(level) for _, level in levels)
        self.setToolTip(
            f"Peak {left} left and {right} right; largest true peak so far "
            f"{_text(amplitude_to_db(status.true_peak))}. Click the load to begin anew."
        )
        self.setAccessibleDescription(f"{left} left, {right} right")

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        height = (self.height() - 2) / 2.0
        for i, (rms, peak) in enumerate(self._levels):
            top = i * (height + 2.0)
            tint = theme.WARNING if peak < LIMITED_DB else theme.ERROR
            painter.fillRect(QRectF(0.0, top, self.width(), height), theme.colour(theme.WELL))
            painter.fillRect(QRectF(0.0, top, self._x(rms), height), theme.colour(theme.ACCENT))
            if peak > theme.FLOOR_DB:
                mark = QRectF(self._x(peak) - _PEAK_WIDTH, top, _PEAK_WIDTH, height)
                painter.fillRect(mark, theme.colour(tint))

    def _x(self, level: float) -> float:
        share = 1.0 - min(max(level, theme.FLOOR_DB), 0.0) / theme.FLOOR_DB
        return share * self.width()


def _text(level: float) -> str:
    return f"{level:.1f} dB" if level > theme.FLOOR_DB else "silent"
