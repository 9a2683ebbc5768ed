"""Scalograms of the target and of the sound that plays, side by side on the same axes."""

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QRectF

from gui import theme
from gui.views.axes import OctaveAxis
from gui.views.frame import Frame
from gui.views.picture import ColourBar, Picture, Pictures
from mesosynth.matching.messages import Analysis


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
    floor = 10.0 ** (theme.FLOOR_DB / 20.0)
    picture = 20.0 * np.log10(np.maximum(amplitude, floor))
    return picture.astype(np.float32), float(octaves[0]), float(octaves[-1])


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
    """Two scalograms that share a log-frequency axis and a time axis."""

    def __init__(self) -> None:
        row = Pictures(2)
        super().__init__("Scalogram", row)
        self._target = _picture(row, 0, "Target", "Drop a sound here\nor press Ctrl+O")
        self._sound = _picture(row, 1, "Sound now", "Listening…")
        self._sound.plot.setXLink(self._target.plot)
        self._sound.plot.setYLink(self._target.plot)
        self._target.plot.getAxis("left").setLabel("Frequency (Hz)")
        self._boxes: dict[str, QRectF] = {}
        self._spans: dict[str, tuple[float, float]] = {}
        self._target.plot.setYRange(*_EMPTY_OCTAVES, padding=0.0)
        self.header.addWidget(theme.note(f"−{-theme.FLOOR_DB:.0f}"))
        self.header.addWidget(ColourBar(theme.picture_map()))
        self.header.addWidget(theme.note("0 dB"))

    @property
    def shown(self) -> list[str]:
        """Which pictures there are: "target", "sound"."""
        return list(self._boxes)

    def set_target(self, analysis: Analysis) -> None:
        """Show the target."""
        self._show("target", self._target, analysis)

    def set_sound(self, analysis: Analysis) -> None:
        """Show the sound that the parameters make."""
        self._show("sound", self._sound, analysis)

    def set_target_name(self, name: str) -> None:
        """Write the target's name over its picture."""
        self._target.title(f"Target: {name if len(name) <= 26 else name[:25] + '…'}")

    def _show(self, what: str, picture: Picture, analysis: Analysis) -> None:
        image, low, high = decibel_picture(analysis)
        box = QRectF(0.0, low, analysis.duration, max(high - low, 1e-3))
        picture.show(image, box, (theme.FLOOR_DB, 0.0))
        self._boxes[what], self._spans[what] = box, sounding_span(analysis)
        boxes = self._boxes.values()
        bottom, top = min(b.top() for b in boxes), max(b.bottom() for b in boxes)
        self._target.plot.setYRange(bottom, top, padding=0.0)
        spans = self._spans.values()
        self._target.plot.setXRange(min(s[0] for s in spans), max(s[1] for s in spans), padding=0.0)


_EMPTY_OCTAVES = (5.0, 14.0)


def _picture(row: Pictures, column: int, title: str, hint: str) -> Picture:
    axes = {"left": OctaveAxis("left"), "bottom": pg.AxisItem("bottom")}
    picture = Picture(row, column, title, hint, theme.picture_map(), axes)
    picture.plot.getAxis("bottom").setLabel("Time (s)")
    return picture
