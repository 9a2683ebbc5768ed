"""Waveform of the whole target, with its analysis window to move."""

from dataclasses import replace

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QSizePolicy
from typing_extensions import override

from mesosynth.audio.target import ANALYSIS_RATE, Target
from mesosynth.audio.waveform_peaks import WaveformPeaks

from .. import theme
from .axes import Axis
from .parts import Curve, Part
from .plot import Plot, Table

_LINES = 2.4, 5.5  # height, in lines of text; in a high frame
_ROOMY, _HIGH = 140, 420  # px, see set_room
_NUDGE = {Qt.Key.Key_Left: -0.25, Qt.Key.Key_Right: 0.25}  # s for a stroke of an arrow key
_COLUMNS = 1500  # peaks that are drawn at most, half of them at least
_REST_MS = 200  # that the mouse must have stood still before a part is read again
_LONGEST = 120.0  # s of the file that are read for it
_TIME = Axis(0.0, 4.0, "Time (s)")


class Window(Part):
    """Part of the file that is matched, between two lines."""

    def __init__(self, plot: Plot) -> None:
        super().__init__(plot, pg.LinearRegionItem(movable=False), z=10.0)

    def show(self, start: float, end: float) -> None:
        """Move it."""
        self.item.setVisible(end > start)
        self.item.setRegion((start, end))

    @override
    def draw(self) -> None:
        self.item.setBrush(self.plot.ink("MATCH", 0.18))
        for line in self.item.lines:
            line.setPen(pg.mkPen(self.plot.ink("MATCH"), width=1.5))


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
            "Drag, or arrow keys: the part that is matched. Ctrl-drag: zoom", bare=True,
        )  # fmt: skip
        self.peaks: WaveformPeaks | None = None
        self.start = self.length = self._room = 0.0
        self._finer: tuple[float, WaveformPeaks] | None = None  # and where it begins
        self._rest = QTimer(self, singleShot=True, interval=_REST_MS)
        self._rest.timeout.connect(self._ask_finer)
        self._wanted: float | None = None  # while a hand moves the window
        self._grip = 0.0
        self._envelope = Curve(self, "DIM", width=0.7, fill="enclosed")
        self._window = Window(self)
        self.looked.connect(self._draw)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.set_room(0)

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
        self._room, high = height, height >= _HIGH * theme.zoom
        self.bottom.numbered = high
        self.setFixedHeight(round(_LINES[high] * self.line_height))
        roomy = height >= _ROOMY * theme.zoom
        self.setVisible(self.peaks is not None and (self.movable or roomy))

    def set_target(self, target: Target, peaks: WaveformPeaks | None) -> None:
        """Show another target."""
        self.peaks, self._finer, self._wanted = peaks, None, None
        self.start, self.length = target.start, len(target.audio) / ANALYSIS_RATE
        recording = target.recording
        if peaks is not None:
            if peaks.duration > recording.duration + 0.05:
                self.start, self.length = recording.start, recording.duration
            top = max(float(np.abs([peaks.high, peaks.low]).max()), 1e-9)
            time = replace(_TIME, high=max(peaks.duration, 1e-3))
            self.set_axes(time, Axis(-top, top, "Amplitude"))
            self.reset()
            self._draw()
        shapes = Qt.CursorShape
        self.viewport().setCursor(shapes.OpenHandCursor if self.movable else shapes.ArrowCursor)
        self._show_window()
        self.set_room(self._room)

    def show_finer(self, begin: float, peaks: WaveformPeaks) -> None:
        """Show peaks of a part of the file, in place of those of the whole while it is in sight."""
        self._finer = begin, peaks
        self._draw()

    def _best(self) -> tuple[float, WaveformPeaks] | None:
        """Begin and peaks of what shows most of the part in sight."""
        left, right, *_ = self.sight
        slack = 1e-6 * self._duration
        if self._finer is not None:
            begin, fine = self._finer
            if begin <= left + slack and right <= begin + fine.duration + slack:
                return self._finer
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
        if peaks is self.peaks and self.zoomed:
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
        count = len(peaks.high)
        place = min(max(int((x - begin) / peaks.duration * count), 0), count - 1)
        part = f" · matched: {self.begin:.2f} to {self.begin + self.length:.2f} s"
        text = f"{x:.2f} s · {peaks.low[place]:.2f} to {peaks.high[place]:.2f}"
        return (text + part * self.movable).replace("-", "−")

    @override
    def table(self) -> Table:
        columns, peaks = ("time_s", "lowest_amplitude", "highest_amplitude"), self.peaks
        if peaks is None:
            return Table(columns, ())
        times = np.arange(len(peaks.high)) / len(peaks.high) * peaks.duration
        return Table(columns, np.stack([times, peaks.low, peaks.high], axis=1).tolist())

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
        self._want(x - self._grip)
        self._show_window()

    @override
    def release(self, x: float, y: float, event: QMouseEvent) -> None:
        self.viewport().setCursor(Qt.CursorShape.OpenHandCursor)
        self._let_go()

    @override
    def keyPressEvent(self, ev: QKeyEvent) -> None:
        step = _NUDGE.get(Qt.Key(ev.key()))
        if step is None or not self.movable:
            super().keyPressEvent(ev)
        else:
            self._want(self.start + step)
            self._let_go()

    @property
    def _duration(self) -> float:
        return 0.0 if self.peaks is None else self.peaks.duration

    def _want(self, start: float) -> None:
        self._wanted = min(max(start, 0.0), max(self._duration - self.length, 0.0))

    def _let_go(self) -> None:
        wanted, self._wanted = self._wanted, None
        if wanted is not None and abs(wanted - self.start) > 1e-3:
            self.start = wanted
            self.moved.emit(wanted)
        self._show_window()

    def _show_window(self) -> None:
        self._window.show(self.begin, self.begin + self.length * self.movable)
