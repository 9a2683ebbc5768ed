"""Waveform of the whole target, with its analysis window to move."""

from dataclasses import replace

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QSize, Qt, QTimer, Signal
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
_ROOMY, _HIGH = 140, 420  # px, see set_room
_NUDGE = 0.25  # s for a stroke of an arrow key
_COLUMNS = 1500  # peaks that are drawn at most, half of them at least
_REST_MS = 200  # that the mouse must have stood still before a part is read again
_LONGEST = 120.0  # s of the file that are read for it


class Window(Part):
    """Part of the file that is matched, between two lines."""

    def __init__(self, plot: Plot) -> None:
        super().__init__(plot, pg.LinearRegionItem(movable=False))
        self.item.setZValue(10.0)
        self.dress()

    def show(self, start: float, end: float) -> None:
        """Move it."""
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
    finer_asked : (float, float)
        Begin and end, s, of a part that was zoomed, for :meth:`show_finer`.
    """

    moved = Signal(float)
    finer_asked = Signal(float, float)

    def __init__(self) -> None:
        super().__init__(
            "Waveform of the target", _TIME, Axis(-1.0, 1.0, "Amplitude"),
            "Drag, or arrow keys: the part that is matched. Ctrl-drag: zoom",
        )  # fmt: skip
        self.peaks: WaveformPeaks | None = None
        self.start = self.length = 0.0
        self._room = 0.0  # px that its frame has
        self._finer: WaveformPeaks | None = None  # of the part from
        self._finer_begin = 0.0
        self._rest = QTimer(self, singleShot=True, interval=_REST_MS)
        self._rest.timeout.connect(self._ask_finer)
        self._wanted: float | None = None  # while a hand moves the window
        self._grip = 0.0
        self._envelope = Curve(self, "DIM", width=0.7, fill="enclosed")
        self._window = Window(self)
        self.looked.connect(self._draw)
        self.left.numbered = self.bottom.numbered = False
        self.left.fit()
        self.bottom.fit()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.set_room(0)
        self.hide()

    @override
    def sizeHint(self) -> QSize:
        return QSize(200, self.height())

    @property
    def movable(self) -> bool:
        """Whether the file is longer than the window."""
        return self.peaks is not None and self._duration > self.length + 0.05

    def set_room(self, height: float) -> None:
        """Take the place that a frame of so many px has for it.

        A low one leaves out a waveform whose window cannot be moved; a high one has a time axis.
        """
        self._room, high = height, height >= _HIGH
        self.bottom.numbered = high
        self.setFixedHeight(
            round((5.5 if high else _LINES) * QFontMetricsF(theme.font(FONT)).height())
        )
        self.setVisible(self.peaks is not None and (self.movable or height >= _ROOMY))

    def set_target(self, target: Target, peaks: WaveformPeaks | None) -> None:
        """Show another target."""
        self.peaks, self._finer, self._wanted = peaks, None, None
        self.start, self.length = target.start, len(target.audio) / ANALYSIS_RATE
        recording = target.recording
        if peaks is not None and peaks.duration > recording.duration + 0.05:
            self.start, self.length = recording.start, recording.duration
        if peaks is not None:
            top = max(float(np.abs([peaks.high, peaks.low]).max()), 1e-9)
            self.set_axes(
                replace(_TIME, high=max(peaks.duration, 1e-3)), Axis(-top, top, "Amplitude")
            )
            self.reset()
            self._draw()
        shapes = Qt.CursorShape
        self.viewport().setCursor(shapes.OpenHandCursor if self.movable else shapes.ArrowCursor)
        self._show_window()
        self.set_room(self._room)

    def show_finer(self, begin: float, peaks: WaveformPeaks) -> None:
        """Show peaks of a part of the file, in place of those of the whole while it is in sight."""
        self._finer_begin, self._finer = begin, peaks
        self._draw()

    def _best(self) -> tuple[float, WaveformPeaks] | None:
        """Begin and peaks of what shows most of the part in sight."""
        left, right, *_ = self.sight
        fine, begin = self._finer, self._finer_begin
        slack = 1e-6 * self._duration
        if fine is not None and begin <= left + slack and right <= begin + fine.duration + slack:
            return begin, fine
        return None if self.peaks is None else (0.0, self.peaks)

    def _draw(self) -> None:
        best = self._best()
        if best is None:
            return
        (begin, peaks), (left, right, *_) = best, self.sight
        count = len(peaks.high)
        first = max(int((left - begin) / peaks.duration * count) - 1, 0)
        last = min(int((right - begin) / peaks.duration * count) + 2, count)
        step = max((last - first) // _COLUMNS, 1)
        starts = np.arange(first, last, step)
        high = np.maximum.reduceat(peaks.high[first:last], starts - first)
        low = np.minimum.reduceat(peaks.low[first:last], starts - first)
        times = begin + (starts + 0.5 * step) / count * peaks.duration
        self._envelope.show(np.concatenate([times, times[::-1]]), np.concatenate([high, low[::-1]]))
        if best[1] is self.peaks and self.zoomed:
            self._rest.start()

    def _ask_finer(self) -> None:
        left, right, *_ = self.sight
        if self.zoomed and right - left <= _LONGEST:
            self.finer_asked.emit(left, right)

    @override
    def read(self, x: float, y: float) -> str:
        best = self._best()
        if best is None or not 0.0 <= x < self._duration:
            return ""
        begin, peaks = best
        place = int((x - begin) / peaks.duration * len(peaks.high))
        place = min(max(place, 0), len(peaks.high) - 1)
        low, high = float(peaks.low[place]), float(peaks.high[place])
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
