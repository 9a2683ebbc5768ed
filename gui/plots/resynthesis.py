"""Pictures of a resynthesis: original and result, regions of rate and scale, the error's curve."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from typing_extensions import override

from mesosynth.matching.results import Analysis
from mesosynth.resynthesis.results import decibels

from .. import theme
from ..text import error_text
from .axes import Axis
from .parts import Curve, Line
from .picture import ColourBar, Picture, Pictures, decibel_text
from .plot import ARROWS, Plot, Table
from .scale_rate import PATH_LEVELS, Paths, both_spins
from .scalogram import LEVELS, decibel_picture

_TIME = Axis(0.0, 4.0, "Time (s)")
_FREQUENCY = Axis(32.0, 16384.0, "Frequency (Hz)", "octaves")
_RATE = Axis(0.0, 1.0, "Rate (Hz)", marks=((0.5, ""),))
_SCALE = Axis(0.0, 1.0, "Scale (c/oct)", marks=((0.5, ""),))

Region = tuple[int, int, int, int]
"""First and last column, first and last row of cells."""


class _Pair(Pictures):
    """Pictures of the original and of the result on the same axes, with one colour bar."""

    def __init__(self, name: str, pictures: list[Picture], limits: tuple[float, float]) -> None:
        super().__init__(pictures)
        theme.name(self, name)
        self.original, self.result = pictures
        self.analyses: dict[str, Analysis] = {}
        ColourBar(pictures, limits)

    @property
    def empty(self) -> bool:
        """Whether there is no picture."""
        return self.original.numbers is None

    def forget(self) -> None:
        """Show nothing."""
        self.analyses.clear()
        for picture in (self.original, self.result):
            picture.set_numbers(None, picture.x_axis, picture.y_axis)


class ScalogramPair(_Pair):
    """Scalograms of the original and of the result in the file's own time, with a playhead."""

    def __init__(self) -> None:
        self._start = 0.0
        ends = (theme.FLOOR_DB, 0.0)
        pictures = [
            Picture(title, hint, _TIME, _FREQUENCY, "level", ends, _read)
            for title, hint in (("Original", "Open a sound"), ("Result", "Start, and listen"))
        ]
        super().__init__("Resynthesised scalograms", pictures, (-100.0, 0.0))
        self._heads = [Line(picture, "ACCENT") for picture in pictures]

    def show_analysis(self, what: str, analysis: Analysis, start: float) -> None:
        """Show the "original" or the "result", which begins at `start` in the file, s."""
        self._start = start
        numbers, low, high = decibel_picture(analysis)
        x = replace(_TIME, low=start, high=start + analysis.duration)
        y = replace(_FREQUENCY, low=2.0**low, high=2.0**high)
        for picture in (self.original, self.result):
            picture.set_axes(x, y)
        getattr(self, what).set_numbers(numbers, x, y)

    def move_playhead(self, seconds: float | None) -> None:
        """Draw the time of the loop, s; None for none."""
        for line in self._heads:
            line.move(None if seconds is None else self._start + seconds)

    def table(self) -> Table:
        """Levels of both."""
        original, result = self.original.image.rows("original"), self.result.image.rows("result")
        return Table(LEVELS, [*original, *result])


class RegionPicture(Picture):
    """Scale-rate picture in which a drag, or Shift and the arrow keys, select a region of cells.

    Attributes
    ----------
    region : (int, int, int, int) or None
        First and last column, first and last row; both ends belong to it.

    Signals
    -------
    selected
        The region has changed.
    """

    selected = Signal()

    def __init__(
        self, title: str, hint: str, say: Callable[[float, int, int, float, float], str]
    ) -> None:
        super().__init__(title, hint, _RATE, _SCALE, "level", (-30.0, 0.0), say)
        self.region: Region | None = None
        self._anchor = 0, 0
        self._frame = Curve(self, "ACCENT", width=2.0, fill="enclosed", z=30.0)
        self.viewport().setCursor(Qt.CursorShape.CrossCursor)
        self.setWhatsThis(f"Drag: select a region · Ctrl-drag: zoom\n{self.whatsThis()}")

    def select(self, region: Region | None) -> None:
        """Select other cells, or none."""
        self.region = region
        if region is None:
            self._frame.show()
        else:
            left, right, low, high = region[0], region[1] + 1, region[2], region[3] + 1
            self._frame.show([left, right, right, left, left], [low, low, high, high, low])
        self.selected.emit()

    @override
    def press(self, x: float, y: float, event: QMouseEvent) -> bool:
        cell = self.image.cell(x, y)
        if cell is None:
            return False
        self._anchor = cell[1], cell[0]
        self.drag(x, y, event)
        return True

    @override
    def drag(self, x: float, y: float, event: QMouseEvent) -> None:
        if self.numbers is None:
            return
        rows, columns = self.numbers.shape
        column, row = min(max(int(x), 0), columns - 1), min(max(int(y), 0), rows - 1)
        across, up = sorted((self._anchor[0], column)), sorted((self._anchor[1], row))
        self.select((across[0], across[1], up[0], up[1]))

    @override
    def double_click(self, x: float, y: float, event: QMouseEvent) -> None:
        self.select(None)
        super().double_click(x, y, event)

    @override
    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            shift = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
            if shift and Qt.Key(event.key()) in ARROWS:
                event.accept()
                return True
        return super().event(event)

    @override
    def keyPressEvent(self, ev: QKeyEvent) -> None:
        """Shift and an arrow move the region, with Ctrl its last column or row."""
        shift = ev.modifiers() & Qt.KeyboardModifier.ShiftModifier
        way = ARROWS.get(Qt.Key(ev.key()))
        if not shift or way is None or self.numbers is None:
            super().keyPressEvent(ev)
            return
        rows, columns = self.numbers.shape
        left, right, low, high = self.region or (columns // 2, columns // 2, rows // 2, rows // 2)
        grows = ev.modifiers() & Qt.KeyboardModifier.ControlModifier
        right, high = right + way[0], high + way[1]
        if not grows:
            left, low = left + way[0], low + way[1]
        if 0 <= left <= right < columns and 0 <= low <= high < rows:
            self.select((left, right, low, high))


class SpinPair(_Pair):
    """Scale-rate pictures: what is wanted, in which regions are selected, and the result's."""

    def __init__(self) -> None:
        self.wanted = RegionPicture("Wanted", "Open a sound", partial(self._say, "original"))
        result = Picture(
            "Result", "–", _RATE, _SCALE, "level", (-30.0, 0.0), partial(self._say, "result")
        )
        super().__init__("Resynthesised rates", [self.wanted, result], (-80.0, 0.0))

    def show_analysis(self, what: str, analysis: Analysis) -> None:
        """Show the "original" as it is wanted, or the "result"."""
        self.analyses[what] = analysis
        picture = both_spins(analysis.scale_rate)
        level = 20.0 * np.log10(np.maximum(picture / max(float(picture.max()), 1e-12), 1e-4))
        x, y = Paths(analysis).x, Paths(analysis).y
        for each in (self.original, self.result):
            each.set_axes(x, y)
        getattr(self, what).set_numbers(level.astype(np.float32), x, y, mirrored=True)

    def bands(self) -> list[tuple[int, str]]:
        """Spin and edges LOW:HIGH:NARROW:WIDE, Hz and cycles per octave, of the selected region.

        One that lies on both sides of the middle has two bands.
        """
        region, analysis = self.wanted.region, self.analyses.get("original")
        if region is None or analysis is None:
            return []
        left, right, low, high = region
        count, found = len(analysis.rates), list[tuple[int, str]]()
        scales = _edges(analysis.scales, low, high)
        if left < count:
            rates = _edges(analysis.rates, count - 1 - min(right, count - 1), count - 1 - left)
            found.append((-1, f"{rates}:{scales}"))
        if right >= count:
            rates = _edges(analysis.rates, max(left, count) - count, right - count)
            found.append((1, f"{rates}:{scales}"))
        return found

    def table(self) -> Table:
        """Levels of both."""
        shown = (("wanted", "original", self.original), ("result", "result", self.result))
        return Table(PATH_LEVELS, [
            row for what, of, picture in shown if of in self.analyses
            for row in Paths(self.analyses[of]).rows(what, picture.numbers)
        ])  # fmt: skip

    def _say(self, what: str, level: float, row: int, column: int, _x: float, _y: float) -> str:
        analysis = self.analyses.get(what)
        if analysis is None:
            return ""
        return f"{Paths(analysis).name(row, column)} · {decibel_text(level, 1)}"


class ErrorCurve(Plot):
    """Relative error over the iterations, on a logarithmic axis."""

    def __init__(self) -> None:
        super().__init__("Resynthesis error", _ITERATIONS, _ERROR, hint="No descent yet")
        self.show_grid(True)
        self._curve = Curve(self, "MATCH", dots=4.0)
        self.errors: list[float] = []

    def show_errors(self, errors: Sequence[float]) -> None:
        """Show the errors of all iterations so far, 1 for 100 %."""
        self.errors = list(errors)
        known = [100.0 * error for error in errors if error == error] or [100.0]
        low = 10.0 ** math.floor(math.log10(max(min(known), 1e-4)))
        high = 10.0 ** math.ceil(math.log10(max(known)) - 1e-9)
        last = max(len(errors) - 1, 4)
        self.set_axes(
            replace(_ITERATIONS, high=last + 0.3),
            replace(_ERROR, low=low, high=max(high, 10 * low)),
        )
        self._curve.show(np.arange(len(errors)), 100.0 * np.array(self.errors))
        self.set_empty(not errors)

    @override
    def read(self, x: float, y: float) -> str:
        if not self.errors:
            return ""
        place = min(max(round(x), 0), len(self.errors) - 1)
        return f"iteration {place} · {error_text(self.errors[place])}"

    @override
    def table(self) -> Table:
        rows = [(n, error, decibels(error)) for n, error in enumerate(self.errors)]
        return Table(("iteration", "error", "error_db"), rows)


def _edges(centres: NDArray[np.float32], first: int, last: int) -> str:
    """LOW:HIGH around some of the ascending centres, half-way to their neighbours."""
    octaves = np.log2(centres.astype(np.float64))
    between = 0.5 * (octaves[1:] + octaves[:-1])
    low = between[first - 1] if first else octaves[0] - 0.5
    high = between[last] if last < len(between) else octaves[-1] + 0.5
    return f"{2.0**low:.3g}:{2.0**high:.3g}"


def _read(level: float, row: int, column: int, x: float, y: float) -> str:
    return f"{x:.3f} s · {y:.0f} Hz · {decibel_text(level, 0)}"


_ITERATIONS = Axis(-0.3, 4.3, "Iterations")
_ERROR = Axis(1.0, 100.0, "Error (%)", "decades")
