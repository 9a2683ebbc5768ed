"""What went to the device in the last seconds: its envelope, and a level meter."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QColor, QLinearGradient, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.views.frame import Frame
from mesosynth.units import amplitude_to_db

SECONDS = 2.0
"""Time that the scope looks back, s."""

_METER = 10
_FALL_DB = 0.5  # per tick: some 30 dB a second, slow enough to read a peak
_BOTTOM_DB = -60.0


def envelope(samples: NDArray[np.float32], columns: int) -> NDArray[np.float32]:
    """Least and greatest sample in each of `columns` equal stretches, (2, columns)."""
    if len(samples) < columns:
        return np.zeros((2, columns), np.float32)
    stretches = samples[len(samples) % columns :].reshape(columns, -1)
    return np.stack([stretches.min(axis=1), stretches.max(axis=1)])


class Scope(Frame):
    """Envelope of the last seconds with a peak meter."""

    def __init__(self) -> None:
        self._canvas = _Canvas()
        super().__init__("Output", self._canvas)

    def show_samples(self, samples: NDArray[np.float32], sample_rate: float) -> None:
        """Draw `samples`, mono, full scale is 1; nothing is drawn again while nothing sounds."""
        latest = samples[-max(1, int(sample_rate * 0.05)) :]
        peak = float(np.abs(latest).max()) if len(latest) else 0.0
        level = self._canvas.draw(samples, amplitude_to_db(peak))
        self.note.setText(f"{level:.0f} dB" if level > _BOTTOM_DB else "−∞ dB")


class _Canvas(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self.setMinimumSize(120, 40)
        self._samples = np.zeros(0, np.float32)
        self._level = _BOTTOM_DB
        self._silent = False

    def draw(self, samples: NDArray[np.float32], level: float) -> float:
        silent = not len(samples) or not samples.any()
        self._level = max(level, self._level - _FALL_DB, _BOTTOM_DB)
        if not (silent and self._silent and self._level <= _BOTTOM_DB):
            self._samples = samples
            self.update()
        self._silent = silent
        return self._level

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.WELL))
        width, height = self.width() - _METER - 8, self.height()
        middle = height / 2.0
        painter.setPen(QPen(QColor(theme.GRID)))
        painter.drawLine(QLineF(0, middle, width, middle))
        low, high = envelope(self._samples, max(width, 1))
        painter.setPen(QPen(theme.colour(theme.ACCENT, 0.85)))
        scale = middle - 2.0
        painter.drawLines(
            [
                QLineF(x, middle - min(top, 1.0) * scale, x, middle - max(bottom, -1.0) * scale)
                for x, (bottom, top) in enumerate(zip(low.tolist(), high.tolist(), strict=True))
                if top > bottom
            ]
        )
        self._paint_meter(painter, QRectF(width + 8, 2, _METER, height - 4))

    def _paint_meter(self, painter: QPainter, well: QRectF) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.GRID))
        painter.drawRoundedRect(well, 2, 2)
        share = 1.0 - self._level / _BOTTOM_DB
        if share <= 0.0:
            return
        shade = QLinearGradient(well.bottomLeft(), well.topLeft())
        shade.setColorAt(0.0, theme.colour(theme.ACCENT, 0.5))
        shade.setColorAt(0.85, QColor(theme.ACCENT))
        shade.setColorAt(1.0, QColor(theme.ERROR))
        painter.setBrush(shade)
        painter.drawRoundedRect(well.adjusted(0, well.height() * (1.0 - share), 0, 0), 2, 2)
