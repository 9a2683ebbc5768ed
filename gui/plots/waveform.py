"""Waveform of the whole target, with its analysis window to move."""

from dataclasses import replace

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QSizePolicy
from typing_extensions import override

from mesosynth.audio.target import ANALYSIS_RATE, Target
from mesosynth.audio.waveform_peaks import WaveformPeaks

from .. import theme
from .axes import Axis
from .frame import Table
from .plot import FONT, Curve, Part, Plot

_LINES = 2.4  # height, in lines of text
_NUDGE = 0.25  # s for a stroke of an arrow key


class Window(Part):
    """Part of the file that is matched, between two lines."""

    def __init__(self, plot: Plot) -> None:
        super().__init__(plot, pg.LinearRegionItem(movable=False))
        self.item.setZValue(10.0)
        self.dress()

    def show(self, start: float, end: float) -> None:
        """Move it.

        Parameters
        ----------
        start, end : float
            s; the same where there is nothing to move.
        """
        self.item.setVisible(end > start)
        self.item.setRegion((start, end))

    @override
    def dress(self) -> None:
        colour = "ACCENT" if self.plot.hasFocus() else "MATCH"
        self.item.setBrush(self.plot.ink(colour, 0.18))
        for line in self.item.lines:
            line.setPen(pg.mkPen(self.plot.ink(colour), width=1.5))


class Waveform(Plot):
    """Envelope of the target's file; drag the window, or move it by the arrow keys.

    Signals
    -------
    moved : float
        Where the window shall begin, s, once the hand lets go of it.
    """

    moved = Signal(float)

    def __init__(self) -> None:
        super().__init__(
            "Waveform of the target", _TIME, Axis(-1.0, 1.0, "Amplitude"),
            "Drag, or arrow keys: the part that is matched. Ctrl-drag: zoom",
        )  # fmt: skip
        self.peaks: WaveformPeaks | None = None
        self.start = self.length = 0.0
        self._roomy = True  # whether the desk has room for what cannot be moved
        self._wanted: float | None = None  # while a hand moves the window
        self._grip = 0.0
        self._envelope = Curve(self, "DIM", width=0.7, fill="enclosed")
        self._window = Window(self)
        self.left.numbered = self.bottom.numbered = False
        self.left.fit()
        self.bottom.fit()
        line = QFontMetricsF(theme.font(FONT)).height()
        self.setFixedHeight(round(_LINES * line))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.hide()

    @override
    def sizeHint(self) -> QSize:
        return QSize(200, self.height())

    @property
    def movable(self) -> bool:
        """Whether the file is longer than the window."""
        return self.peaks is not None and self._duration > self.length + 0.05

    def set_roomy(self, roomy: bool) -> None:
        """Whether there is room for a waveform whose window cannot be moved."""
        self._roomy = roomy
        self.setVisible(self.peaks is not None and (self.movable or roomy))

    def set_target(self, target: Target, peaks: WaveformPeaks | None) -> None:
        """Show another target.

        Parameters
        ----------
        target : Target
        peaks : WaveformPeaks or None
            Peaks of its whole file; None for one that is no file.
        """
        self.peaks, self._wanted = peaks, None
        self.start, self.length = target.start, len(target.audio) / ANALYSIS_RATE
        if peaks is not None:
            top = max(float(np.abs([peaks.high, peaks.low]).max()), 1e-9)
            self.set_axes(
                replace(_TIME, high=max(peaks.duration, 1e-3)), Axis(-top, top, "Amplitude")
            )
            self.reset()
            times = (np.arange(len(peaks.high)) + 0.5) / len(peaks.high) * peaks.duration
            self._envelope.show(
                np.concatenate([times, times[::-1]]), np.concatenate([peaks.high, peaks.low[::-1]])
            )
        shapes = Qt.CursorShape
        self.viewport().setCursor(shapes.OpenHandCursor if self.movable else shapes.ArrowCursor)
        self._show_window()
        self.set_roomy(self._roomy)

    @override
    def read(self, x: float, y: float) -> str:
        if self.peaks is None or not 0.0 <= x < self._duration:
            return ""
        place = int(x / self._duration * len(self.peaks.high))
        low, high = float(self.peaks.low[place]), float(self.peaks.high[place])
        part = f" · matched: {self.begin:.2f} to {self.begin + self.length:.2f} s"
        text = f"{x:.2f} s · {low:.2f} to {high:.2f}{part if self.movable else ''}"
        return text.replace("-", "−")

    @override
    def table(self) -> Table:
        columns = ("time_s", "lowest_amplitude", "highest_amplitude")
        peaks = self.peaks
        if peaks is None:
            return Table(columns, ())
        times = np.arange(len(peaks.high)) / len(peaks.high) * peaks.duration
        return Table(
            columns, zip(times.tolist(), peaks.low.tolist(), peaks.high.tolist(), strict=True)
        )

    @property
    def begin(self) -> float:
        """Where the window begins, s, also while it is dragged."""
        return self.start if self._wanted is None else self._wanted

    @override
    def press(self, x: float, y: float, event: QMouseEvent) -> bool:
        if self.movable:
            # A press beside the window brings its middle there.
            inside = self.start <= x <= self.start + self.length
            self._grip = x - self.start if inside else self.length / 2.0
            self.viewport().setCursor(Qt.CursorShape.ClosedHandCursor)
            self.drag(x, y, event)
        return self.movable

    @override
    def drag(self, x: float, y: float, event: QMouseEvent) -> None:
        self._wanted = self._within(x - self._grip)
        self._show_window()

    @override
    def release(self, x: float, y: float, event: QMouseEvent) -> None:
        self.viewport().setCursor(Qt.CursorShape.OpenHandCursor)
        self._let_go()

    @override
    def keyPressEvent(self, ev: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Left: -_NUDGE, Qt.Key.Key_Right: _NUDGE}
        step = steps.get(Qt.Key(ev.key()))
        if step is None or not self.movable:
            super().keyPressEvent(ev)
            return
        self._wanted = self._within(self.start + step)
        self._let_go()

    @property
    def _duration(self) -> float:
        return 0.0 if self.peaks is None else self.peaks.duration

    def _let_go(self) -> None:
        wanted, self._wanted = self._wanted, None
        if wanted is not None and abs(wanted - self.start) > 1e-3:
            self.start = wanted
            self.moved.emit(wanted)
        self._show_window()

    def _show_window(self) -> None:
        length = self.length if self.movable else 0.0
        self._window.show(self.begin, self.begin + length)

    def _within(self, start: float) -> float:
        return min(max(start, 0.0), max(self._duration - self.length, 0.0))


_TIME = Axis(0.0, 4.0, "Time (s)")
