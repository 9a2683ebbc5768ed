"""Scalograms of the target, of the sound and of their difference, on the same axes."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QResizeEvent
from typing_extensions import override

from mesosynth.audio.target import Target
from mesosynth.audio.waveform_peaks import WaveformPeaks
from mesosynth.matching.results import Analysis, Magnified, Section

from .. import theme
from .axes import Axis
from .parts import Line
from .picture import Comparison, decibel_difference, decibel_text
from .plot import Table
from .waveform import Waveform

_FLOOR = -100.0  # dB, what no colour bar goes below
_RANGE = 24.0  # dB of difference at the ends of its map
_REST_MS = 150  # that the mouse must have stood still before a part is computed finer
_FINEST = 192, 1024  # rows and columns of such a part
_QUIET = -36.0  # dB; two sounds do not differ by what is quieter than this in both
LEVELS = ("picture", "time_s", "frequency_hz", "level_db")
"""Columns of a scalogram's table."""

_TIME = Axis(0.0, 4.0, "Time (s)")
_EMPTY = Axis(32.0, 16384.0, "Frequency (Hz)", "octaves")


def decibel_picture(analysis: Analysis) -> tuple[NDArray[np.float32], float, float]:
    """Scalogram in dB on rows that are even in log-frequency, from low to high.

    The filter bank's lowest rows are even in hertz, so each row is looked up at its frequency.
    Also log2 of the first and the last row's frequency in Hz.
    """
    octaves = np.log2(analysis.frequencies[::-1].astype(np.float64))
    rows = analysis.scalogram[::-1]
    even = np.linspace(octaves[0], octaves[-1], len(octaves))
    place = np.interp(even, octaves, np.arange(len(octaves)))
    below = place.astype(int)
    above = np.minimum(below + 1, len(octaves) - 1)
    share = (place - below)[:, None]
    amplitude = (1.0 - share) * rows[below] + share * rows[above]
    return _decibels(amplitude), float(octaves[0]), float(octaves[-1])


def _decibels(amplitude: NDArray[np.floating]) -> NDArray[np.float32]:
    return (20.0 * np.log10(np.maximum(amplitude, 10.0 ** (_FLOOR / 20.0)))).astype(np.float32)


def sounding_span(analysis: Analysis) -> tuple[float, float]:
    """Stretch of time, s, in which most of the energy lies, with as much again around it.

    The ends are multiples of a quarter second, so that the axis stands still while a knob turns.
    """
    energy = np.cumsum((analysis.scalogram.astype(np.float64) ** 2).sum(axis=0))
    if not energy[-1] > 0.0:
        return 0.0, analysis.duration
    first, last = np.searchsorted(energy, np.array([0.05, 0.95]) * energy[-1])
    frame = analysis.duration / len(energy)
    margin = 0.75 * (last + 1 - first) * frame
    start = np.floor((first * frame - margin) * 4.0) / 4.0
    end = np.ceil(((last + 1) * frame + margin) * 4.0) / 4.0
    return max(float(start), 0.0), min(float(end), analysis.duration)


class Scalograms(Comparison):
    """Three pictures on one log-frequency axis and one time axis, that of the target's file.

    Signals
    -------
    finer_asked : Section
        A part to be computed finer, for :meth:`show_finer`.
    """

    finer_asked = Signal(Section)

    def __init__(self) -> None:
        hint = "Drop a sound here\nor press Ctrl+O"
        levels, limits = (theme.FLOOR_DB, 0.0), (_FLOOR, 0.0)
        super().__init__("Scalogram", _TIME, _EMPTY, hint, levels, limits, _RANGE)
        self.note.say("dB below the loudest; difference in dB", "dB below the loudest", "dB", "")
        self.start = 0.0
        self.waveform = Waveform()
        self.column.insertWidget(0, self.waveform)
        self._heads = [Line(self.pictures[what], "ACCENT") for what in ("target", "sound")]
        self._rest = QTimer(self, singleShot=True, interval=_REST_MS)
        self._rest.timeout.connect(self._ask_finer)
        self.pictures["target"].looked.connect(self._rest.start)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.waveform.set_room(self.height())

    def set_file(self, target: Target, peaks: WaveformPeaks | None) -> None:
        """Show another target's waveform and name, and everything of it."""
        self.pictures["target"].title = f"Target: {target.name}"
        self.waveform.set_target(target, peaks)
        self.start = target.start
        for what in [*self.analyses]:
            self.draw(what)
        self.pictures["target"].reset()

    def set_playhead(self, seconds: float | None) -> None:
        """Draw the time of the sound that is heard, from the middle of the window; None for none.

        The pictures' middle is the arpeggio's.
        """
        for what, line in zip(("target", "sound"), self._heads, strict=True):
            middle = self.analyses[what].duration / 2.0 if what in self.analyses else 0.0
            line.move(None if seconds is None else self.start + middle + seconds)

    def show_finer(self, magnified: Magnified) -> None:
        """Show a part of the pictures that was computed finer."""
        if not self.pictures["target"].zoomed:
            return
        part = magnified.section
        x = replace(_TIME, low=self.start + part.begin, high=self.start + part.end)
        y = replace(_EMPTY, low=part.low, high=part.high)
        shown = {
            what: _decibels(amplitude)
            for what, amplitude in (("target", magnified.target), ("sound", magnified.sound))
            if amplitude is not None and what in self.analyses
        }
        if len(shown) == 2:
            shown["difference"] = decibel_difference(shown["sound"], shown["target"], _QUIET)
        for what, numbers in shown.items():
            self.pictures[what].fine.show(numbers, x, y)

    def _ask_finer(self) -> None:
        target = self.pictures["target"]
        if not (target.zoomed and self.analyses):
            for picture in self.pictures.values():
                picture.fine.show(None, picture.x_axis, picture.y_axis)
            return
        left, right, low, high = target.sight
        pixels = target.devicePixelRatioF()
        rows = min(max(round(target.area.height() * pixels / 2.0), 8), _FINEST[0])
        columns = min(max(round(target.area.width() * pixels), 8), _FINEST[1])
        begin, end = left - self.start, right - self.start
        self.finer_asked.emit(Section(begin, end, low, high, rows, columns))

    def table(self) -> Table:
        """Levels of all pictures, and of the parts that were computed finer."""
        whole = [row for what, each in self.pictures.items() for row in each.image.rows(what)]
        finer = [
            row for what, each in self.pictures.items() for row in each.fine.rows(f"{what}, finer")
        ]
        return Table(LEVELS, [*whole, *finer])

    @override
    def draw(self, what: str) -> None:
        numbers, low, high = decibel_picture(self.analyses[what])
        time = replace(_TIME, low=self.start, high=self.start + self.analyses[what].duration)
        rows = replace(_EMPTY, low=2.0**low, high=2.0**high)
        self.pictures[what].set_numbers(numbers, time, rows)
        self.show_difference(_QUIET)
        # A short target is not squeezed by a long sound beside it.
        begin, end = sounding_span(self.analyses.get("target", self.analyses[what]))
        shown = [self.pictures[name].image.y for name in self.analyses]
        x = replace(_TIME, low=self.start + begin, high=self.start + end)
        y = replace(_EMPTY, low=min(r.low for r in shown), high=max(r.high for r in shown))
        for each in self.pictures.values():
            each.set_axes(x, y)
        self._rest.start()

    @override
    def say(self, what: str, level: float, row: int, column: int, x: float, y: float) -> str:
        return f"{x:.3f} s · {y:.0f} Hz · ".replace("-", "−") + decibel_text(level, 0)
