"""Waveform of the whole target, with its analysis window to move."""

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy
from typing_extensions import override

from mesosynth.audio.target import ANALYSIS_RATE, Target
from mesosynth.audio.waveform_peaks import WaveformPeaks

from .. import theme
from . import canvas as plot_painting
from .axes import Axis
from .canvas import Canvas

_LINES = 2.4  # height, in lines of text
_NUDGE = 0.25  # s for a stroke of an arrow key


class Waveform(Canvas):
    """Envelope of the target's file; drag the window, or move it by the arrow keys.

    Signals
    -------
    moved : float
        Where the window shall begin, s, once the hand lets go of it.
    """

    moved = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        self.peaks: WaveformPeaks | None = None
        self.start = self.length = 0.0
        self.roomy = True  # whether the desk has room for what cannot be moved
        self._wanted: float | None = None  # while a hand moves the window
        self._grip = 0.0
        self.setFixedHeight(round(_LINES * plot_painting.em()))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setVisible(False)
        theme.name(self, "Waveform of the target", "Arrow keys move the part that is matched")

    @override
    def sizeHint(self) -> QSize:
        return QSize(200, self.height())

    @property
    def movable(self) -> bool:
        """Whether the file is longer than the window."""
        return self.peaks is not None and self.peaks.duration > self.length + 0.05

    @property
    def wanted(self) -> bool:
        """Whether there is a waveform, and room or need for it."""
        return self.peaks is not None and (self.movable or self.roomy)

    @property
    def frame(self) -> QRectF:
        """Rectangle of the analysis window, px."""
        return self._box(self.start if self._wanted is None else self._wanted)

    def set_target(self, target: Target, peaks: WaveformPeaks | None) -> None:
        """Show another target.

        Parameters
        ----------
        target : Target
        peaks : WaveformPeaks or None
            Peaks of its whole file; None for one that is no file.
        """
        self.peaks = peaks
        self.start = target.start
        self.length = len(target.audio) / ANALYSIS_RATE
        self._wanted = None
        self.setVisible(self.wanted)
        seconds = 0.0 if peaks is None else peaks.duration
        text = f"{target.name}, {seconds:.1f} s"
        self.setToolTip(
            f"{text}\nDrag, or arrow keys: the part that is matched" if self.movable else text
        )
        self.setCursor(
            Qt.CursorShape.OpenHandCursor if self.movable else Qt.CursorShape.ArrowCursor
        )
        self.refresh()

    @override
    def paint_still(self, painter: QPainter) -> None:
        area = self._area
        plot_painting.paint_ground(painter, area)
        if self.peaks is None:
            return
        high, low = self.peaks.high, self.peaks.low
        top = max(float(np.abs([high, low]).max()), 1e-9)
        x = np.linspace(area.left(), area.right(), len(high))
        middle, scale = area.center().y(), 0.46 * area.height() / top
        points = [QPointF(a, middle - b * scale) for a, b in zip(x, high, strict=True)]
        points += [QPointF(a, middle - b * scale) for a, b in zip(x[::-1], low[::-1], strict=True)]
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(theme.DIM), 0.7))
        painter.setBrush(QColor(theme.DIM))
        painter.drawPolygon(QPolygonF(points))

    @override
    def paint_moving(self, painter: QPainter) -> None:
        if self.peaks is None or not self.movable:
            return
        area, window = self._area, self.frame
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour(theme.WELL, 0.72))
        painter.drawRect(QRectF(area.topLeft(), window.bottomLeft()))
        painter.drawRect(QRectF(window.topRight(), area.bottomRight()))
        painter.setPen(QPen(QColor(theme.ACCENT if self.hasFocus() else theme.MATCH), 1.5))
        for x in (window.left(), window.right()):
            painter.drawLine(QLineF(x, area.top(), x, area.bottom()))
        if self._wanted is not None:
            text = f"{self._wanted:.2f} to {self._wanted + self.length:.2f} s"
            plot_painting.paint_readout(painter, area, window.topLeft(), text)

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton or not self.movable:
            return
        x = event.position().x()
        window = self.frame
        # A press beside the window brings its middle there.
        inside = window.left() <= x <= window.right()
        self._grip = x - window.left() if inside else window.width() / 2.0
        self._want(x)
        self.setCursor(Qt.CursorShape.ClosedHandCursor)

    @override
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._wanted is not None:
            self._want(event.position().x())

    @override
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._wanted is not None:
            self._let_go()
            self.setCursor(Qt.CursorShape.OpenHandCursor)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Left: -_NUDGE, Qt.Key.Key_Right: _NUDGE}
        step = steps.get(Qt.Key(event.key()))
        if step is None or not self.movable:
            super().keyPressEvent(event)
            return
        self._wanted = self._within(self.start + step)
        self._let_go()

    def _let_go(self) -> None:
        wanted, self._wanted = self._wanted, None
        if wanted is not None and abs(wanted - self.start) > 1e-3:
            self.start = wanted
            self.moved.emit(wanted)
        self.update()

    def _want(self, x: float) -> None:
        area = self._area
        duration = 0.0 if self.peaks is None else self.peaks.duration
        self._wanted = self._within(duration * (x - self._grip - area.left()) / area.width())
        self.update()

    def _within(self, start: float) -> float:
        duration = 0.0 if self.peaks is None else self.peaks.duration
        return min(max(start, 0.0), max(duration - self.length, 0.0))

    @property
    def _area(self) -> QRectF:
        return QRectF(self.rect()).adjusted(plot_painting.left_margin(), 1, -1, -3)

    def _box(self, start: float) -> QRectF:
        area = self._area
        axis = Axis(0.0, max(self.peaks.duration if self.peaks else 0.0, 1e-3))
        left, right = axis.share(start), axis.share(start + self.length)
        return QRectF(
            QPointF(area.left() + max(left, 0.0) * area.width(), area.top()),
            QPointF(area.left() + min(right, 1.0) * area.width(), area.bottom()),
        )
