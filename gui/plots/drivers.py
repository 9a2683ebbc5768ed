"""Which coefficients drive the match: where each parameter is pulled, path by path."""

import numpy as np
from PySide6.QtWidgets import QWidget

from gui.plots.axes import Axis
from gui.plots.frame import Table
from gui.plots.picture import Picture, Pictures, Readout
from gui.plots.shared_axes import SharedAxes
from gui.plots.spins import both_spins, path_at, path_name, spin_axes
from mesosynth.matching.results import Drivers
from mesosynth.plugins.parameters import ParameterTable

SHOWN = 4
"""Parameters that are shown at most: those that are pulled most."""

_COLUMNS = ("parameter", "scale_c_per_oct", "rate_hz", "spin", "pull")


class DriverPictures(Pictures):
    """A picture for each parameter: red paths want more of it, blue ones less."""

    def __init__(self, parameters: ParameterTable, parent: QWidget | None = None) -> None:
        super().__init__()
        self.setParent(parent)
        self._parameters = parameters
        self._drivers: Drivers | None = None
        self._shown: list[int] = []
        self.axes = SharedAxes(Axis(0.0, 1.0, marks=((0.5, ""),)), Axis(0.0, 1.0))
        self.pictures = [
            Picture(
                "–", "Load a target" if place == 0 else "", self.axes, "difference", (-1.0, 1.0),
                place == 0, self._read(place),
            )
            for place in range(SHOWN)
        ]  # fmt: skip
        for picture in self.pictures:
            self.add(picture)

    def set_table(self, parameters: ParameterTable) -> None:
        """Name another instrument's parameters."""
        self._parameters = parameters

    def show_drivers(self, drivers: Drivers) -> None:
        """Draw the pulls on each parameter, relative to the strongest on it."""
        self._drivers = drivers
        strength = np.abs(drivers.pull).sum(axis=(1, 2, 3))
        self._shown = sorted(np.argsort(-strength)[:SHOWN].tolist())
        shares = strength / max(float(strength.sum()), 1e-30)
        self.axes.set_home(*spin_axes(drivers.scales, drivers.rates))
        for place, picture in enumerate(self.pictures):
            if place >= len(self._shown):
                picture.title = "–"
                picture.set_numbers(None, picture.box)
                continue
            pull = drivers.pull[self._shown[place]]
            top = max(float(np.abs(pull).max()), 1e-30)
            numbers = both_spins(pull / top).astype(np.float32)
            rows, columns = numbers.shape
            picture.set_middle(columns / 2.0)
            picture.set_numbers(numbers, (0.0, 0.0, float(columns), float(rows)))
            which = self._shown[place]
            up = float(pull.sum()) > 0.0
            picture.title = self._title(drivers.unknowns[which], up, float(shares[which]))

    def table(self) -> Table:
        """Every parameter's pulls."""
        drivers = self._drivers
        if drivers is None:
            return Table(_COLUMNS, ())
        return Table(
            _COLUMNS,
            [
                (id_, *path_at(i, j, drivers.scales, drivers.rates), float(pull))
                for id_, pulls in zip(drivers.unknowns, drivers.pull, strict=True)
                for (i, j), pull in np.ndenumerate(both_spins(pulls))
            ],
        )

    def _title(self, id_: str, up: bool, share: float) -> str:
        """The parameter, where it is pulled to, and its share of all the pulling."""
        name = self._parameters[id_].name if id_ in self._parameters else id_
        return f"{name} {'▲' if up else '▼'} {share:.0%}"

    def _read(self, place: int) -> Readout:
        def read(row: int, column: int, _x: float, _y: float) -> str:
            numbers, drivers = self.pictures[place].numbers, self._drivers
            if numbers is None or drivers is None:
                return ""
            share = f"{100.0 * numbers[row, column]:+.0f}%".replace("-", "−")
            return f"{path_name(row, column, drivers.scales, drivers.rates)} · {share}"

        return read
