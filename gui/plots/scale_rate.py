"""Scale-rate pictures of JTFS coefficients, and the attribution of a match to them."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedLayout, QWidget
from typing_extensions import override

from mesosynth.matching.results import Analysis, Attribution
from mesosynth.plugins.parameters import ParameterTable

from .. import theme
from .axes import Axis, short_number
from .picture import Comparison, Picture, Pictures, decibel_text
from .plot import Table

_FLOOR = -80.0  # dB, what no colour bar goes below
_RANGE = 12.0  # dB of difference at the ends of its map
_UNITS = "dB below the greatest path; difference in dB", "dB below the greatest path", "dB", ""
_RATE = Axis(
    0.0, 1.0, "◂ falling · Rate (Hz) · rising ▸", short="◂ Rate (Hz) ▸", marks=((0.5, ""),)
)
_SCALE = Axis(0.0, 1.0, "Scale (c/oct)", marks=((0.5, ""),))

# --------------------------------------------------------------------------------------------------
# Scales, rates and spins in one picture: falling on the left, rising on the right.


def both_spins(scale_rate: NDArray[np.float32]) -> NDArray[np.float32]:
    """Both spins of (2, n_scales, n_rates) in one picture, (n_scales, 2 * n_rates).

    Falling patterns (spin -1) come first, from the fastest to the slowest rate, then rising ones
    (spin +1) from the slowest to the fastest.
    """
    falling, rising = scale_rate
    return np.concatenate([falling[:, ::-1], rising], axis=1)


class Paths:
    """Second-order paths of a picture of both spins: axes on which each is one cell, and names.

    The filters stand evenly in log rate and log scale, bar the lowest.
    """

    def __init__(self, of: Analysis | Attribution) -> None:
        self._scales, self._rates = of.scales, of.rates
        count = len(of.rates)
        kept = _even_indices(count, 3)
        marks = [(count - i - 0.5, f"−{_short(of.rates[i])}") for i in reversed(kept)]
        marks += [(count + i + 0.5, _short(of.rates[i])) for i in kept]
        rows = [(i + 0.5, _short(of.scales[i])) for i in _even_indices(len(of.scales), 4)]
        self.x = Axis(0.0, 2.0 * count, _RATE.label, short=_RATE.short, marks=tuple(marks))
        self.y = Axis(0.0, float(len(of.scales)), _SCALE.label, marks=tuple(rows))

    def at(self, row: int, column: int) -> tuple[float, float, int]:
        """Scale (c/oct), rate (Hz) and spin of a cell, from the lower left."""
        count = len(self._rates)
        rising = column >= count
        rate = self._rates[column - count if rising else count - 1 - column]
        return float(self._scales[row]), float(rate), 1 if rising else -1

    def name(self, row: int, column: int) -> str:
        """Scale, rate and spin of a cell in words."""
        scale, rate, spin = self.at(row, column)
        direction = "rising (spin +1)" if spin > 0 else "falling (spin −1)"
        return f"{scale:.3g} c/oct · {rate:.3g} Hz · {direction}"


def _even_indices(count: int, most: int) -> list[int]:
    """Indices of at most so many labels of `count` items, evenly spaced and away from both ends."""
    step = max(1, -(-count // max(most, 1)))
    return list(range((count - 1) % step // 2 + step // 4, count, step))


def _short(value: np.float32) -> str:
    return short_number(float(f"{value:.2g}"))


# --------------------------------------------------------------------------------------------------
# Attribution: which paths pull each parameter of the match, and where to.


SHOWN = 4
"""Parameters that are shown at most: those that are pulled most."""


class AttributionPictures(Pictures):
    """Pictures of the pulls on each parameter: red paths want more of it, blue ones less."""

    def __init__(self, parameters: ParameterTable) -> None:
        self.parameters = parameters
        self._attribution: Attribution | None = None
        self.pictures = [
            Picture(
                f"Pull {place + 1}", "–" if place else "Open a sound", _RATE, _SCALE,
                "difference", (-1.0, 1.0), self._say,
            )
            for place in range(SHOWN)
        ]  # fmt: skip
        super().__init__(self.pictures)

    def show_attribution(self, attribution: Attribution) -> None:
        """Draw the pulls on each parameter, relative to the strongest on it."""
        self._attribution = attribution
        strength = np.abs(attribution.pull).sum(axis=(1, 2, 3))
        shown = sorted(np.argsort(-strength)[:SHOWN].tolist())
        shares = strength / max(float(strength.sum()), 1e-30)
        self._paths = paths = Paths(attribution)
        for place, picture in enumerate(self.pictures):
            picture.set_axes(paths.x, paths.y)
            if place >= len(shown):
                picture.title = "–"
                picture.set_numbers(None, paths.x, paths.y)
                continue
            which = shown[place]
            pull, id_ = attribution.pull[which], attribution.unknowns[which]
            top = max(float(np.abs(pull).max()), 1e-30)
            picture.middle.move(paths.x.high / 2.0)
            picture.set_numbers(both_spins(pull / top).astype(np.float32), paths.x, paths.y)
            name = self.parameters[id_].name if id_ in self.parameters else id_
            way = "▲" if float(pull.sum()) > 0.0 else "▼"
            picture.title = f"{name} {way} {float(shares[which]):.0%}"

    def table(self) -> Table:
        """Every parameter's pulls."""
        columns, shown = (
            ("parameter", "scale_c_per_oct", "rate_hz", "spin", "pull"),
            self._attribution,
        )
        return Table(columns, () if shown is None else [
            (id_, *self._paths.at(i, j), float(pull))
            for id_, pulls in zip(shown.unknowns, shown.pull, strict=True)
            for (i, j), pull in np.ndenumerate(both_spins(pulls))
        ])  # fmt: skip

    def _say(self, pull: float, row: int, column: int, _x: float, _y: float) -> str:
        return f"{self._paths.name(row, column)} · {100.0 * pull:+.0f}%".replace("-", "−")


# --------------------------------------------------------------------------------------------------
# JTFS as scale by rate, both spins mirrored.


class ScaleRatePlot(Comparison):
    """Target, sound and difference; levels in dB below the greatest path of all.

    The button changes over to what drives a match from the live point.

    Signals
    -------
    drivers_shown : bool
    """

    drivers_shown = Signal(bool)

    def __init__(self, parameters: ParameterTable) -> None:
        super().__init__(
            "JTFS: scale × rate", _RATE, _SCALE, "No target yet", (-30.0, 0.0), (_FLOOR, 0.0),
            _RANGE,
        )  # fmt: skip
        self.bar.changed.connect(self._show_difference)
        self.attribution = AttributionPictures(parameters)
        rows = QWidget()
        self._rows = QStackedLayout(rows)
        self._rows.addWidget(self.row)
        self._rows.addWidget(self.attribution)
        self.column.addWidget(rows, 1)
        self.switch = theme.tool_button(
            "Attribution", "Which paths drive a match from here: residual × Jacobian"
        )
        self.switch.setCheckable(True)
        self.switch.toggled.connect(self._show_drivers)
        self.header.addWidget(self.switch)
        self.note.say(*_UNITS)

    def set_table(self, parameters: ParameterTable) -> None:
        """Name another instrument's parameters."""
        self.attribution.parameters = parameters

    def table(self) -> Table:
        """Levels of all pictures, or every parameter's pulls."""
        if self.switch.isChecked():
            return self.attribution.table()
        rows = [
            (what, *paths.at(i, j), float(level))
            for what, picture in self.pictures.items() if picture.numbers is not None
            for paths in (self._paths(what),)
            for (i, j), level in np.ndenumerate(picture.numbers)
        ]  # fmt: skip
        return Table(("picture", "scale_c_per_oct", "rate_hz", "spin", "level_db"), rows)

    @override
    def draw(self, what: str) -> None:
        amplitudes = {name: both_spins(each.scale_rate) for name, each in self.analyses.items()}
        top = max(float(each.max()) for each in amplitudes.values()) or 1.0
        paths = Paths(self.analyses[what])
        for picture in self.pictures.values():
            picture.set_axes(paths.x, paths.y)
            picture.middle.move(paths.x.high / 2.0)
        for name, amplitude in amplitudes.items():
            own = Paths(self.analyses[name])
            level = 20.0 * np.log10(np.maximum(amplitude / top, 10.0 ** (_FLOOR / 20.0)))
            self.pictures[name].set_numbers(level.astype(np.float32), own.x, own.y)
        self._show_difference()

    def _show_difference(self) -> None:
        self.show_difference(self.bar.shown[0])

    def _show_drivers(self, shown: bool) -> None:
        self._rows.setCurrentIndex(int(shown))
        self.note.say(*(("red: more of it, blue: less", "red: more", "") if shown else _UNITS))
        self.drivers_shown.emit(shown)

    @override
    def say(self, what: str, level: float, row: int, column: int, x: float, y: float) -> str:
        sign = "+" if what == "difference" else ""
        return f"{self._paths(what).name(row, column)} · {decibel_text(level, 1, sign)}"

    def _paths(self, what: str) -> Paths:
        return Paths(self.analyses["sound" if what == "difference" else what])
