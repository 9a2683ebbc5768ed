"""Scalograms of the target, of the sound and of their difference, on the same axes."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget
from typing_extensions import override

from mesosynth.matching.results import Analysis

from .. import theme
from .axes import Axis, SharedAxes
from .colour_bar import ColourBar
from .frame import Frame, Table
from .old_picture import Picture, Pictures, Readout
from .waveform import Waveform

_FLOOR = -100.0  # dB, what no colour bar goes below
_RANGE = 24.0  # dB of difference at the ends of its map
_ROOMY = 170  # px: a lower frame leaves out a waveform whose window cannot be moved
_QUIET = -36.0  # dB; two sounds do not differ by what is quieter than this in both


def decibel_picture(analysis: Analysis) -> tuple[NDArray[np.float32], float, float]:
    """Scalogram in dB on rows that are even in log-frequency.

    The filter bank's lowest rows are even in hertz, so each row is looked up at its frequency.

    Returns
    -------
    picture : (n_frequencies, n_frames) float32
        dB below the loudest, rows from low to high frequency.
    low, high : float
        log2 of the first and the last row's frequency in Hz.
    """
    octaves = np.log2(analysis.frequencies[::-1].astype(np.float64))
    rows = analysis.scalogram[::-1]
    even = np.linspace(octaves[0], octaves[-1], len(octaves))
    place = np.interp(even, octaves, np.arange(len(octaves)))
    below = place.astype(int)
    above = np.minimum(below + 1, len(octaves) - 1)
    share = (place - below)[:, None]
    amplitude = (1.0 - share) * rows[below] + share * rows[above]
    picture = 20.0 * np.log10(np.maximum(amplitude, 10.0 ** (_FLOOR / 20.0)))
    return picture.astype(np.float32), float(octaves[0]), float(octaves[-1])


def decibel_difference(
    sound: NDArray[np.float32], target: NDArray[np.float32], floor: float
) -> NDArray[np.float32]:
    """Level of the sound above the target, dB; levels below `floor` count as `floor`.

    Parameters
    ----------
    sound, target : (rows, columns) float32
        Levels, dB.
    floor : float
        dB.
    """
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
    """Three pictures that share a log-frequency axis and a time axis."""

    def __init__(self) -> None:
        row, self.waveform = Pictures(), Waveform()
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.waveform)
        column.addWidget(row, 1)
        super().__init__("Scalogram", body)
        self.axes = SharedAxes(Axis(0.0, 4.0, "Time (s)"), _EMPTY)
        levels = (theme.FLOOR_DB, 0.0)
        self.pictures = {
            "target": Picture(
                "Target", "Drop a sound here\nor press Ctrl+O", self.axes, "magma", levels, True,
                self._read("target"),
            ),
            "sound": Picture(
                "Sound now", "Listening…", self.axes, "magma", levels, False, self._read("sound")
            ),
            "difference": Picture(
                "Sound − target", "Needs both", self.axes, "difference", (-_RANGE, _RANGE), False,
                self._read("difference"),
            ),
        }  # fmt: skip
        for picture in self.pictures.values():
            row.add(picture)
        self.levels = ColourBar("Range of the scalograms", "magma", levels, (_FLOOR, 0.0))
        self.difference = ColourBar(
            "Range of the difference", "difference", (-_RANGE, _RANGE), (-60.0, 60.0), mirrored=True
        )
        self.levels.changed.connect(self._on_levels)
        self.difference.changed.connect(
            lambda low, high: self.pictures["difference"].set_levels((low, high))
        )
        self.header.addWidget(self.levels)
        self.header.addWidget(self.difference)
        self.optional = (self.levels, self.difference)
        self._analyses: dict[str, Analysis] = {}

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.waveform.roomy = self.height() >= _ROOMY
        self.waveform.setVisible(self.waveform.wanted)

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

    def set_target_name(self, name: str) -> None:
        """Write the target's name over its picture."""
        self.pictures["target"].title = f"Target: {name}"

    def set_playhead(self, seconds: float | None) -> None:
        """Draw the time of the sound that is heard, from the middle of the window; None for none.

        The pictures' middle is the arpeggio's.
        """
        for what in ("target", "sound"):
            picture = self.pictures[what]
            middle = self._analyses[what].duration / 2.0 if what in self._analyses else 0.0
            picture.set_playhead(None if seconds is None else middle + seconds)

    @override
    def table(self) -> Table:
        rows: list[tuple[float | str, ...]] = []
        for what, picture in self.pictures.items():
            if picture.numbers is None:
                continue
            left, bottom, right, top = picture.box
            n_rows, n_columns = picture.numbers.shape
            times = left + (np.arange(n_columns) + 0.5) / n_columns * (right - left)
            frequencies = bottom * (top / bottom) ** ((np.arange(n_rows) + 0.5) / n_rows)
            rows += [
                (what, float(times[j]), float(frequencies[i]), float(level))
                for (i, j), level in np.ndenumerate(picture.numbers)
            ]
        return Table(("picture", "time_s", "frequency_hz", "level_db"), rows)

    def _show(self, what: str, analysis: Analysis) -> None:
        self._analyses[what] = analysis
        image, low, high = decibel_picture(analysis)
        self.pictures[what].set_numbers(image, (0.0, 2.0**low, analysis.duration, 2.0**high))
        self._show_difference()
        boxes = [self.pictures[name].box for name in self._analyses]
        spans = [sounding_span(each) for each in self._analyses.values()]
        self.axes.set_home(
            Axis(min(s[0] for s in spans), max(s[1] for s in spans), "Time (s)"),
            Axis(min(b[1] for b in boxes), max(b[3] for b in boxes), _EMPTY.label, "octaves"),
        )

    def _show_difference(self) -> None:
        sound, target = self.pictures["sound"], self.pictures["target"]
        if sound.numbers is None or target.numbers is None or sound.box != target.box:
            return
        if sound.numbers.shape == target.numbers.shape:
            difference = decibel_difference(sound.numbers, target.numbers, _QUIET)
            self.pictures["difference"].set_numbers(difference, sound.box)

    def _on_levels(self, low: float, high: float) -> None:
        for what in ("target", "sound"):
            self.pictures[what].set_levels((low, high))

    def _read(self, what: str) -> Readout:
        def read(row: int, column: int, x: float, y: float) -> str:
            numbers = self.pictures[what].numbers
            level = "" if numbers is None else f"{numbers[row, column]:.0f} dB"
            return f"{x:.2f} s · {y:.0f} Hz · {level}".replace("-", "−")

        return read


_EMPTY = Axis(32.0, 16384.0, "Frequency (Hz)", "octaves")
