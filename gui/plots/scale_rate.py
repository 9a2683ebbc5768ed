"""Scale-rate pictures of JTFS coefficients, and the attribution of a match to them."""

from collections.abc import Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedLayout, QWidget
from typing_extensions import override

from mesosynth.learning.maps import Relevance
from mesosynth.matching.results import Attribution
from mesosynth.plugins.parameters import ParameterTable

from .. import theme
from ..widgets.parts import row
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
PATH_LEVELS = ("picture", "scale_c_per_oct", "rate_hz", "spin", "level_db")
"""Columns of a scale-rate picture's table."""

# --------------------------------------------------------------------------------------------------
# Scales, rates and spins in one picture: falling on the left, rising on the right.


def both_spins(scale_rate: NDArray[np.floating]) -> NDArray[np.floating]:
    """Both spins of (2, n_scales, n_rates) in one picture, (n_scales, 2 * n_rates).

    Falling patterns (spin -1) come first, from the fastest to the slowest rate, then rising ones
    (spin +1) from the slowest to the fastest.
    """
    falling, rising = scale_rate
    return np.concatenate([falling[:, ::-1], rising], axis=1)


class _Filters(Protocol):
    @property
    def scales(self) -> NDArray[np.floating]: ...
    @property
    def rates(self) -> NDArray[np.floating]: ...


class Paths:
    """Second-order paths of a picture of both spins: axes on which each is one cell, and names.

    The filters stand evenly in log rate and log scale, bar the lowest.
    """

    def __init__(self, of: _Filters) -> None:
        self._scales, self._rates = of.scales, of.rates
        count = len(of.rates)
        kept = _even_indices(count, 3)
        marks = [(count - i - 0.5, f"−{_short(of.rates[i])}") for i in reversed(kept)]
        marks += [(count + i + 0.5, _short(of.rates[i])) for i in kept]
        self.x = Axis(0.0, 2.0 * count, _RATE.label, short=_RATE.short, marks=tuple(marks))
        self.y = cells(_SCALE.label, of.scales, 4)

    def at(self, row: int, column: int) -> tuple[float, float, int]:
        """Scale (c/oct), rate (Hz) and spin of a cell, from the lower left."""
        count = len(self._rates)
        rising = column >= count
        rate = self._rates[column - count if rising else count - 1 - column]
        return float(self._scales[row]), float(rate), 1 if rising else -1

    def rows(
        self, what: str, picture: NDArray[np.floating] | None
    ) -> Iterator[tuple[float | str, ...]]:
        """Rows of a table: `what`, scale, rate, spin and number of each cell of a picture."""
        for (i, j), number in () if picture is None else np.ndenumerate(picture):
            yield what, *self.at(i, j), float(number)

    def name(self, row: int, column: int) -> str:
        """Scale, rate and spin of a cell in words."""
        scale, rate, spin = self.at(row, column)
        if scale == 0.0:
            return f"all scales · {rate:.3g} Hz"
        direction = "rising (spin +1)" if spin > 0 else "falling (spin −1)"
        return f"{scale:.3g} c/oct · {rate:.3g} Hz · {direction}"


def cells(label: str, values: NDArray[np.floating], most: int) -> Axis:
    """Axis on which each of `values` is one cell, of which `most` have labels at most."""
    marks = tuple((i + 0.5, _short(values[i])) for i in _even_indices(len(values), most))
    return Axis(0.0, float(len(values)), label, marks=marks)


def _even_indices(count: int, most: int) -> list[int]:
    """Indices of at most so many labels of `count` items, evenly spaced and away from both ends."""
    step = max(1, -(-count // max(most, 1)))
    return list(range((count - 1) % step // 2 + step // 4, count, step))


def _short(value: np.floating) -> str:
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
            numbers = both_spins(pull / top).astype(np.float32)
            picture.set_numbers(numbers, paths.x, paths.y, mirrored=True)
            name = self.parameters[id_].name if id_ in self.parameters else id_
            way = "▲" if float(pull.sum()) > 0.0 else "▼"
            picture.shorten(f"{name} {way}", name)
            picture.title = f"{name} {way} {float(shares[which]):.0%}"

    def table(self) -> Table:
        """Every parameter's pulls."""
        shown = self._attribution
        return Table(("parameter", *PATH_LEVELS[1:-1], "pull"), () if shown is None else [
            row for id_, pulls in zip(shown.unknowns, shown.pull, strict=True)
            for row in self._paths.rows(id_, both_spins(pulls))
        ])  # fmt: skip

    def _say(self, pull: float, row: int, column: int, _x: float, _y: float) -> str:
        return f"{self._paths.name(row, column)} · {100.0 * pull:+.0f}%".replace("-", "−")


# --------------------------------------------------------------------------------------------------
# Relevance: which paths speak for the class of the target.


class RelevancePictures(Pictures):
    """Pictures of a relevance, scale by rate and carrier by rate: red speaks for the class."""

    def __init__(self) -> None:
        self._relevance: Relevance | None = None
        ends, name = (-1.0, 1.0), "Relevance, scale by rate"
        self.spins = Picture(name, "Listening…", _RATE, _SCALE, "difference", ends, self._say_spin)
        name = "Relevance, carrier by rate"
        self.carriers = Picture(
            name, "–", Axis(0.0, 1.0, "Rate (Hz)"), Axis(0.0, 1.0, "Carrier (Hz)"), "difference",
            ends, self._say_carrier,
        )  # fmt: skip
        super().__init__([self.spins, self.carriers])

    def show_relevance(self, relevance: Relevance) -> None:
        """Draw a relevance, each picture relative to its largest value."""
        self._relevance = relevance
        spins, carriers = relevance.spins, relevance.carrier_rate
        self._paths, self._carriers = Paths(spins), carriers
        rates = ["–" if rate == 0.0 else _short(rate) for rate in carriers.columns]
        kept = _even_indices(len(rates), 6)
        x = Axis(
            0.0, float(len(rates)), "Rate (Hz), – is the first order", short="Rate (Hz)",
            marks=tuple((i + 0.5, rates[i]) for i in kept),
        )  # fmt: skip
        for picture, numbers, across, up in (
            (self.spins, both_spins(spins.values), self._paths.x, self._paths.y),
            (self.carriers, carriers.values, x, cells("Carrier (Hz)", carriers.rows, 5)),
        ):
            if not numbers.size:  # cepstral coefficients, or no scales
                picture.title = "–"
                picture.set_numbers(None, across, up)
                continue
            top = max(float(np.abs(numbers).max()), 1e-30)
            picture.set_axes(across, up)
            shown = (numbers / top).astype(np.float32)
            picture.set_numbers(shown, across, up, mirrored=picture is self.spins)
            said = f"{relevance.label} {relevance.probability:.2f}"
            picture.shorten(said, relevance.label)
            picture.title = f"Sounds like {said}"

    def clear(self) -> None:
        """Show nothing: target or classifier is another one."""
        self._relevance = None
        for picture in (self.spins, self.carriers):
            picture.title = "–"
            picture.set_numbers(None, picture.x_axis, picture.y_axis)

    def table(self) -> Table:
        """Relevance of every path."""
        columns = "class", "carrier_hz", "rate_hz", "scale_c_per_oct", "relevance"
        shown = self._relevance
        if shown is None:
            return Table(columns, ())
        paths = (shown.paths.carrier, shown.paths.rate, shown.paths.scale, shown.values)
        return Table(columns, [
            (shown.label, *("" if np.isnan(each) else float(each) for each in path))
            for path in zip(*(axis.ravel() for axis in paths), strict=True)
        ])  # fmt: skip

    def _say_spin(self, relevance: float, row: int, column: int, _x: float, _y: float) -> str:
        return f"{self._paths.name(row, column)} · {100.0 * relevance:+.0f}%".replace("-", "−")

    def _say_carrier(self, relevance: float, row: int, column: int, _x: float, _y: float) -> str:
        rate = self._carriers.columns[column]
        move = "first order" if rate == 0.0 else f"{rate:.3g} Hz"
        return (
            f"{self._carriers.rows[row]:.3g} Hz carrier · {move} · {100.0 * relevance:+.0f}%"
        ).replace("-", "−")


# --------------------------------------------------------------------------------------------------
# JTFS as scale by rate, both spins mirrored.


class ScaleRatePlot(Comparison):
    """Target, sound and difference; levels in dB below the greatest path of all.

    Buttons change over to what drives a match from the live point, and to what speaks for the
    class of the target; both lie beside each other.

    Signals
    -------
    drivers_shown, relevance_shown : bool
    """

    drivers_shown, relevance_shown = Signal(bool), Signal(bool)

    def __init__(self, parameters: ParameterTable) -> None:
        super().__init__(
            "JTFS: scale × rate", _RATE, _SCALE, "No target yet", (-30.0, 0.0), (_FLOOR, 0.0),
            _RANGE,
        )  # fmt: skip
        self.bar.changed.connect(self._show_difference)
        self.attribution, self.relevance = AttributionPictures(parameters), RelevancePictures()
        rows, reasons = QWidget(), QWidget()
        for half in (self.attribution, self.relevance):
            half.setMinimumWidth(self.row.minimumWidth() // 2 - 4)
        row((self.attribution, 2), (self.relevance, 1), inside=reasons)
        self._rows = QStackedLayout(rows)
        self._rows.addWidget(self.row)
        self._rows.addWidget(reasons)
        self.column.addWidget(rows, 1)
        self.switch = theme.tool_button(
            "Attribution", "Which paths drive a match from here: residual × Jacobian"
        )
        tip = "Relevance: which paths speak for the class that the target sounds like"
        self.why = theme.tool_button("", tip, icon="ph.tag", named="Relevance")
        for button, shown in (
            (self.switch, self.drivers_shown), (self.why, self.relevance_shown)
        ):  # fmt: skip
            button.setCheckable(True)
            button.toggled.connect(self._show_reasons)
            button.toggled.connect(shown)
            self.header.addWidget(button)
        self._show_reasons()

    def set_table(self, parameters: ParameterTable) -> None:
        """Name another instrument's parameters."""
        self.attribution.parameters = parameters

    def table(self) -> Table:
        """Levels of all pictures, or every parameter's pulls, or every path's relevance."""
        if self.switch.isChecked():
            return self.attribution.table()
        if self.why.isChecked():
            return self.relevance.table()
        return Table(PATH_LEVELS, [
            row for what in self.shown
            for row in self._paths(what).rows(what, self.pictures[what].numbers)
        ])  # fmt: skip

    @override
    def draw(self, what: str) -> None:
        amplitudes = {name: both_spins(each.scale_rate) for name, each in self.analyses.items()}
        top = max(float(each.max()) for each in amplitudes.values()) or 1.0
        paths = Paths(self.analyses[what])
        for picture in self.pictures.values():
            picture.set_axes(paths.x, paths.y)
        for name, amplitude in amplitudes.items():
            own = Paths(self.analyses[name])
            level = 20.0 * np.log10(np.maximum(amplitude / top, 10.0 ** (_FLOOR / 20.0)))
            self.pictures[name].set_numbers(level.astype(np.float32), own.x, own.y, mirrored=True)
        self._show_difference()

    def _show_difference(self) -> None:
        self.show_difference(self.bar.shown[0])

    def _show_reasons(self) -> None:
        drivers, relevance = self.switch.isChecked(), self.why.isChecked()
        self.attribution.setVisible(drivers)
        self.relevance.setVisible(relevance)
        self._rows.setCurrentIndex(int(drivers or relevance))
        if drivers:
            self.note.say("red: more of it, blue: less", "red: more", "")
        elif relevance:
            self.note.say("red speaks for the class, blue against it", "red: for it", "")
        else:
            self.note.say(*_UNITS)

    @override
    def say(self, what: str, level: float, row: int, column: int, x: float, y: float) -> str:
        sign = "+" if what == "difference" else ""
        return f"{self._paths(what).name(row, column)} · {decibel_text(level, 1, sign)}"

    def _paths(self, what: str) -> Paths:
        return Paths(self.analyses["sound" if what == "difference" else what])
