"""JTFS as scale by rate, both spins mirrored, and which of its paths drive a match."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QStackedLayout, QToolButton, QWidget
from typing_extensions import override

from gui.plots.axes import Axis
from gui.plots.colour_bar import ColourBar
from gui.plots.drivers import DriverPictures
from gui.plots.frame import Frame, Table
from gui.plots.picture import Picture, Pictures, Readout
from gui.plots.scalogram import decibel_difference
from gui.plots.shared_axes import SharedAxes
from gui.plots.spins import RATES, RATES_SHORT, both_spins, path_at, path_name, spin_axes
from mesosynth.matching.results import Analysis
from mesosynth.plugins.parameters import ParameterTable

_LEVELS = (-30.0, 0.0)
_FLOOR = -80.0  # dB, what no colour bar goes below
_RANGE = 12.0  # dB of difference at the ends of its map


def mirrored(analysis: Analysis) -> NDArray[np.float32]:
    """Both spins in one picture, see :func:`both_spins`."""
    return both_spins(analysis.scale_rate)


class ScaleRate(Frame):
    """Target, sound and difference; levels in dB below the greatest path of all.

    The button changes over to what drives a match from the live point.

    Signals
    -------
    drivers_shown : bool
    """

    drivers_shown = Signal(bool)

    def __init__(self, parameters: ParameterTable) -> None:
        row, self.drivers = Pictures(), DriverPictures(parameters)
        body = QWidget()
        self._rows = QStackedLayout(body)
        self._rows.addWidget(row)
        self._rows.addWidget(self.drivers)
        super().__init__("JTFS: scale × rate", body)
        self.axes = SharedAxes(
            Axis(0.0, 1.0, RATES, short=RATES_SHORT, marks=((0.5, ""),)),
            Axis(0.0, 1.0, "Scale (c/oct)", marks=((0.5, ""),)),
        )
        ends = (-_RANGE, _RANGE)
        self.pictures = {
            name: Picture(
                title, hint, self.axes, colours, levels, name == "target", self._read(name)
            )
            for name, title, hint, colours, levels in (
                ("target", "Target", "No target yet", "magma", _LEVELS),
                ("sound", "Sound now", "Listening…", "magma", _LEVELS),
                ("difference", "Sound − target", "Needs both", "difference", ends),
            )
        }
        for picture in self.pictures.values():
            row.add(picture)
        self._analyses: dict[str, Analysis] = {}
        self.levels = ColourBar("Range of the JTFS", "magma", _LEVELS, (_FLOOR, 0.0))
        self.difference = ColourBar(
            "Range of the JTFS difference", "difference", ends, (-60.0, 60.0), mirrored=True
        )
        self.levels.changed.connect(self._on_levels)
        self.difference.changed.connect(
            lambda low, high: self.pictures["difference"].set_levels((low, high))
        )
        self.switch = QToolButton()
        self.switch.setObjectName("small")
        self.switch.setText("Drivers")
        self.switch.setCheckable(True)
        self.switch.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.switch.setToolTip("Which paths drive a match from here: residual × Jacobian")
        self.switch.toggled.connect(self._show_drivers)
        for widget in (self.levels, self.difference, self.switch):
            self.header.addWidget(widget)
        self.optional = (self.levels, self.difference)

    @property
    def shown(self) -> list[str]:
        """Which pictures there are: "target", "sound", "difference"."""
        return [name for name, picture in self.pictures.items() if picture.shown]

    def set_target(self, analysis: Analysis) -> None:
        """Show the target and its difference from the sound."""
        self._show("target", analysis)

    def set_sound(self, analysis: Analysis) -> None:
        """Show the sound and its difference from the target."""
        self._show("sound", analysis)

    @override
    def table(self) -> Table:
        if self.switch.isChecked():
            return self.drivers.table()
        rows: list[tuple[float | str, ...]] = []
        for what, picture in self.pictures.items():
            analysis = self._analyses.get("sound" if what == "difference" else what)
            if picture.numbers is not None and analysis is not None:
                rows += [
                    (what, *path_at(i, j, analysis.scales, analysis.rates), float(level))
                    for (i, j), level in np.ndenumerate(picture.numbers)
                ]
        return Table(("picture", "scale_c_per_oct", "rate_hz", "spin", "level_db"), rows)

    def _show(self, what: str, analysis: Analysis) -> None:
        self._analyses[what] = analysis
        amplitudes = {name: mirrored(each) for name, each in self._analyses.items()}
        top = max(float(each.max()) for each in amplitudes.values()) or 1.0
        least = 10.0 ** (_FLOOR / 20.0)
        for name, amplitude in amplitudes.items():
            level = 20.0 * np.log10(np.maximum(amplitude / top, least))
            self._set(name, level.astype(np.float32))
        self._show_difference()
        self.axes.set_home(*spin_axes(analysis.scales, analysis.rates))

    def _show_difference(self) -> None:
        sound, target = self.pictures["sound"].numbers, self.pictures["target"].numbers
        if sound is not None and target is not None and sound.shape == target.shape:
            self._set("difference", decibel_difference(sound, target, self.levels.levels[0]))

    def _set(self, what: str, numbers: NDArray[np.float32]) -> None:
        rows, columns = numbers.shape
        self.pictures[what].set_middle(columns / 2.0)
        self.pictures[what].set_numbers(numbers, (0.0, 0.0, float(columns), float(rows)))

    def _show_drivers(self, shown: bool) -> None:
        self._rows.setCurrentIndex(int(shown))
        self.optional = () if shown else (self.levels, self.difference)
        self.levels.setVisible(False)
        self.difference.setVisible(False)
        self.fit_header()
        self.note.say("red: more of it, blue: less" if shown else "", "red: more", "")
        self.drivers_shown.emit(shown)

    def _on_levels(self, low: float, high: float) -> None:
        for what in ("target", "sound"):
            self.pictures[what].set_levels((low, high))
        self._show_difference()

    def _read(self, what: str) -> Readout:
        def read(row: int, column: int, _x: float, _y: float) -> str:
            numbers = self.pictures[what].numbers
            analysis = self._analyses.get("sound" if what == "difference" else what)
            if numbers is None or analysis is None:
                return ""
            path = path_name(row, column, analysis.scales, analysis.rates)
            sign = "+" if what == "difference" else ""
            level = f"{numbers[row, column]:{sign}.1f} dB".replace("-", "−")
            return f"{path} · {level}"

        return read
