"""Scalograms of the target, of the sound and of their difference, on the same axes."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget
from typing_extensions import override

from mesosynth.audio.target import Target
from mesosynth.audio.waveform_peaks import WaveformPeaks
from mesosynth.matching.results import Analysis, Magnified, Section

from .. import theme
from .axes import Axis
from .frame import Frame, Later, Table

if TYPE_CHECKING:
    from .picture import Picture
    from .waveform import Waveform

_FLOOR = -100.0  # dB, what no colour bar goes below
_RANGE = 24.0  # dB of difference at the ends of its map
_REST_MS = 150  # that the mouse must have stood still before a part is computed finer
_FINEST = 192, 1024  # rows and columns of such a part
_QUIET = -36.0  # dB; two sounds do not differ by what is quieter than this in both


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


def decibel_difference(
    sound: NDArray[np.float32], target: NDArray[np.float32], floor: float
) -> NDArray[np.float32]:
    """Level of the sound above the target, dB; levels below `floor` count as `floor`."""
    return np.maximum(sound, floor) - np.maximum(target, floor)


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


class Scalograms(Frame):
    """Three pictures on one log-frequency axis and one time axis, that of the target's file.

    Signals
    -------
    window_moved : float
        Where in its file the target shall begin, s.
    part_asked : (float, float)
        Begin and end of a part of the file, s, for :meth:`Waveform.show_finer`.
    finer_asked : Section
        A part to be computed finer, for :meth:`show_finer`.
    """

    window_moved = Signal(float)
    part_asked = Signal(float, float)
    finer_asked = Signal(Section)

    def __init__(self) -> None:
        self._place = Later(self._make)
        super().__init__("Scalogram", self._place)
        self.note.say("dB below the loudest; difference in dB", "dB below the loudest", "dB", "")
        self.start = 0.0
        self._analyses: dict[str, Analysis] = {}
        self._playhead: float | None = None
        self._rest = QTimer(self, singleShot=True, interval=_REST_MS)
        self._rest.timeout.connect(self._ask_finer)

    def _make(self) -> QWidget:
        from .picture import ComparedPictures
        from .plot import Line
        from .waveform import Waveform

        hint = "Drop a sound here\nor press Ctrl+O"
        levels, limits = (theme.FLOOR_DB, 0.0), (_FLOOR, 0.0)
        row = ComparedPictures(_TIME, _EMPTY, hint, levels, limits, _RANGE, lambda _: _read)
        self._pictures = row.pictures
        target, sound, _ = self._pictures.values()
        self._heads = [Line(target, "ACCENT"), Line(sound, "ACCENT")]
        target.looked.connect(self._rest.start)
        self._waveform = Waveform()
        self._waveform.moved.connect(self.window_moved)
        self._waveform.finer_asked.connect(self.part_asked)
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self._waveform)
        column.addWidget(row, 1)
        return body

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._place.made:
            self._waveform.set_room(self.height())

    @property
    def pictures(self) -> "dict[str, Picture]":
        """By "target", "sound" and "difference"."""
        _ = self._place.plot
        return self._pictures

    @property
    def waveform(self) -> "Waveform":
        """The target's whole file."""
        _ = self._place.plot
        return self._waveform

    @property
    def shown(self) -> list[str]:
        """Pictures that are shown of "target" and "sound"."""
        return list(self._analyses)

    def set_target(self, analysis: Analysis) -> None:
        """Show the target."""
        self._show("target", analysis)

    def set_sound(self, analysis: Analysis) -> None:
        """Show the sound that the parameters make."""
        self._show("sound", analysis)

    def set_file(self, target: Target, peaks: WaveformPeaks | None) -> None:
        """Show another target's waveform and name, and everything of it."""
        self.pictures["target"].title = f"Target: {target.name}"
        self.waveform.set_target(target, peaks)
        self.waveform.set_room(self.height())
        self.start = target.start
        for what, analysis in [*self._analyses.items()]:
            self._show(what, analysis)
        self.pictures["target"].reset()

    def set_playhead(self, seconds: float | None) -> None:
        """Draw the time of the sound that is heard, from the middle of the window; None for none.

        The pictures' middle is the arpeggio's.
        """
        if seconds == self._playhead or not self._place.made:
            return
        self._playhead = seconds
        for what, line in zip(("target", "sound"), self._heads, strict=True):
            middle = self._analyses[what].duration / 2.0 if what in self._analyses else 0.0
            line.move(None if seconds is None else self.start + middle + seconds)

    def show_finer(self, magnified: Magnified) -> None:
        """Show a part of the pictures that was computed finer."""
        part, target = magnified.section, self.pictures["target"]
        x = replace(_TIME, low=self.start + part.begin, high=self.start + part.end)
        y = replace(_EMPTY, low=part.low, high=part.high)
        levels = {"target": magnified.target, "sound": magnified.sound}
        shown = {
            what: _decibels(amplitude)
            for what, amplitude in levels.items()
            if amplitude is not None and what in self._analyses
        }
        if not target.zoomed:
            return
        if len(shown) == 2:
            shown["difference"] = decibel_difference(shown["sound"], shown["target"], _QUIET)
        for what, numbers in shown.items():
            self.pictures[what].fine.show(numbers, x, y)

    def _ask_finer(self) -> None:
        target = self.pictures["target"]
        if not (target.zoomed and self._analyses):
            for picture in self.pictures.values():
                picture.fine.show(None, picture.x_axis, picture.y_axis)
            return
        left, right, low, high = target.sight
        pixels = target.devicePixelRatioF()
        rows = min(round(target.area.height() * pixels / 2.0), _FINEST[0])
        columns = min(round(target.area.width() * pixels), _FINEST[1])
        begin, end = left - self.start, right - self.start
        self.finer_asked.emit(Section(begin, end, low, high, max(rows, 8), max(columns, 8)))

    @override
    def table(self) -> Table:
        rows: list[tuple[float | str, ...]] = []
        images = [(what, each.image) for what, each in self.pictures.items()]
        images += [(f"{what}, finer", each.fine) for what, each in self.pictures.items()]
        for what, image in images:
            if image.numbers is None:
                continue
            n_rows, n_columns = image.numbers.shape
            times = [image.x.at((j + 0.5) / n_columns) for j in range(n_columns)]
            frequencies = [image.y.at((i + 0.5) / n_rows) for i in range(n_rows)]
            rows += [
                (what, times[j], frequencies[i], float(level))
                for (i, j), level in np.ndenumerate(image.numbers)
            ]
        return Table(("picture", "time_s", "frequency_hz", "level_db"), rows)

    def _show(self, what: str, analysis: Analysis) -> None:
        self._analyses[what] = analysis
        picture, low, high = decibel_picture(analysis)
        time = replace(_TIME, low=self.start, high=self.start + analysis.duration)
        self.pictures[what].set_numbers(
            picture, time, replace(_EMPTY, low=2.0**low, high=2.0**high)
        )
        self._show_difference()
        spans = np.array([sounding_span(each) for each in self._analyses.values()]) + self.start
        rows = [self.pictures[name].image.y for name in self._analyses]
        x = replace(_TIME, low=float(spans[:, 0].min()), high=float(spans[:, 1].max()))
        y = replace(_EMPTY, low=min(r.low for r in rows), high=max(r.high for r in rows))
        for each in self.pictures.values():
            each.set_axes(x, y)
        self._rest.start()

    def _show_difference(self) -> None:
        sound, target = self.pictures["sound"].image, self.pictures["target"].image
        if sound.numbers is None or target.numbers is None or (sound.x, sound.y) != (
            target.x, target.y
        ):  # fmt: skip
            return
        if sound.numbers.shape == target.numbers.shape:
            difference = decibel_difference(sound.numbers, target.numbers, _QUIET)
            self.pictures["difference"].set_numbers(difference, sound.x, sound.y)


def _read(decibels: float, row: int, column: int, x: float, y: float) -> str:
    return f"{x:.3f} s · {y:.0f} Hz · {decibels:.0f} dB".replace("-", "−")


_TIME = Axis(0.0, 4.0, "Time (s)")
_EMPTY = Axis(32.0, 16384.0, "Frequency (Hz)", "octaves")
