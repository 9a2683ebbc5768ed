"""Scale-rate pictures of JTFS coefficients, and the attribution of a match to them."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedLayout, QWidget
from typing_extensions import override

from mesosynth.matching.results import Analysis, Attribution
from mesosynth.plugins.parameters import ParameterTable

from .. import theme
from .axes import Axis, short_number
from .frame import Frame, Later, Table
from .scalogram import decibel_difference

if TYPE_CHECKING:
    from .picture import Picture, Readout

# --------------------------------------------------------------------------------------------------
# Scales, rates and spins in one picture: falling on the left, rising on the right.


RATES, RATES_SHORT = "◂ falling · Rate (Hz) · rising ▸", "◂ Rate (Hz) ▸"
"""What the axis of both spins says, and where there is little room."""


def both_spins(scale_rate: NDArray[np.float32]) -> NDArray[np.float32]:
    """Both spins of (2, n_scales, n_rates) in one picture, (n_scales, 2 * n_rates).

    Falling patterns (spin -1) come first, from the fastest to the slowest rate, then rising ones
    (spin +1) from the slowest to the fastest.
    """
    falling, rising = scale_rate
    return np.concatenate([falling[:, ::-1], rising], axis=1)


def even_indices(count: int, most: int) -> list[int]:
    """Indices of at most so many labels of `count` items, evenly spaced and away from both ends."""
    step = max(1, -(-count // max(most, 1)))
    return list(range((count - 1) % step // 2 + step // 4, count, step))


def spin_axes(scales: NDArray[np.float32], rates: NDArray[np.float32]) -> tuple[Axis, Axis]:
    """Axes on which each filter is one cell, named by its rate (Hz) and scale (c/oct).

    The filters stand evenly in log rate and log scale, bar the lowest.
    """
    count = len(rates)
    kept = even_indices(count, 3)
    marks = [(count - i - 0.5, f"−{_two_digits(rates[i])}") for i in reversed(kept)]
    marks += [(count + i + 0.5, _two_digits(rates[i])) for i in kept]
    rows = [(i + 0.5, _two_digits(scales[i])) for i in even_indices(len(scales), 4)]
    return (
        Axis(0.0, 2.0 * count, RATES, short=RATES_SHORT, marks=tuple(marks)),
        Axis(0.0, float(len(scales)), "Scale (c/oct)", marks=tuple(rows)),
    )


def path_at(
    row: int, column: int, scales: NDArray[np.float32], rates: NDArray[np.float32]
) -> tuple[float, float, int]:
    """Scale (c/oct), rate (Hz) and spin of a cell of :func:`both_spins`, from the lower left."""
    rising = column >= len(rates)
    rate = rates[column - len(rates) if rising else len(rates) - 1 - column]
    return float(scales[row]), float(rate), 1 if rising else -1


def path_name(
    row: int, column: int, scales: NDArray[np.float32], rates: NDArray[np.float32]
) -> str:
    """Name of the path of a cell, by its scale, rate and spin; see :func:`path_at`."""
    scale, rate, spin = path_at(row, column, scales, rates)
    direction = "rising (spin +1)" if spin > 0 else "falling (spin −1)"
    return f"{scale:.3g} c/oct · {rate:.3g} Hz · {direction}"


def _two_digits(value: np.float32) -> str:
    return short_number(float(f"{value:.2g}"))


# --------------------------------------------------------------------------------------------------
# Attribution: which paths pull each parameter of the match, and where to.


SHOWN = 4
"""Parameters that are shown at most: those that are pulled most."""

_COLUMNS = ("parameter", "scale_c_per_oct", "rate_hz", "spin", "pull")


class AttributionPictures:
    """Pictures of the pulls on each parameter: red paths want more of it, blue ones less.

    Attributes
    ----------
    place : Later
        Where they stand.
    """

    def __init__(self, parameters: ParameterTable) -> None:
        self._parameters = parameters
        self._attribution: Attribution | None = None
        self.place = Later(self._make)

    def _make(self) -> QWidget:
        from .picture import Picture, Pictures
        from .plot import Link

        self._pictures = [
            Picture(
                f"Pull {place + 1}", "Open a sound" if place == 0 else "–", _RATE, _SCALE,
                "difference", (-1.0, 1.0), self._read(place),
            )
            for place in range(SHOWN)
        ]  # fmt: skip
        self._link = Link(self._pictures)
        return Pictures([*self._pictures])

    @property
    def pictures(self) -> "list[Picture]":
        """One for each parameter that is shown."""
        _ = self.place.plot
        return self._pictures

    def set_table(self, parameters: ParameterTable) -> None:
        """Name another instrument's parameters."""
        self._parameters = parameters

    def show_attribution(self, attribution: Attribution) -> None:
        """Draw the pulls on each parameter, relative to the strongest on it."""
        self._attribution = attribution
        strength = np.abs(attribution.pull).sum(axis=(1, 2, 3))
        shown = sorted(np.argsort(-strength)[:SHOWN].tolist())
        shares = strength / max(float(strength.sum()), 1e-30)
        x, y = spin_axes(attribution.scales, attribution.rates)
        for place, picture in enumerate(self.pictures):
            picture.set_axes(x, y)
            if place >= len(shown):
                picture.title = "–"
                picture.set_numbers(None, x, y)
                continue
            which = shown[place]
            pull = attribution.pull[which]
            top = max(float(np.abs(pull).max()), 1e-30)
            picture.set_middle(x.high / 2.0)
            picture.set_numbers(both_spins(pull / top).astype(np.float32), x, y)
            up = float(pull.sum()) > 0.0
            picture.title = self._title(attribution.unknowns[which], up, float(shares[which]))

    def table(self) -> Table:
        """Every parameter's pulls."""
        attribution = self._attribution
        if attribution is None:
            return Table(_COLUMNS, ())
        return Table(
            _COLUMNS,
            [
                (id_, *path_at(i, j, attribution.scales, attribution.rates), float(pull))
                for id_, pulls in zip(attribution.unknowns, attribution.pull, strict=True)
                for (i, j), pull in np.ndenumerate(both_spins(pulls))
            ],
        )

    def _title(self, id_: str, up: bool, share: float) -> str:
        """Title: the parameter, the direction of the pull, and its share of all pulls."""
        name = self._parameters[id_].name if id_ in self._parameters else id_
        return f"{name} {'▲' if up else '▼'} {share:.0%}"

    def _read(self, place: int) -> "Readout":
        def read(pull: float, row: int, column: int, _x: float, _y: float) -> str:
            attribution = self._attribution
            if attribution is None:
                return ""
            share = f"{100.0 * pull:+.0f}%".replace("-", "−")
            return f"{path_name(row, column, attribution.scales, attribution.rates)} · {share}"

        return read


# --------------------------------------------------------------------------------------------------
# JTFS as scale by rate, both spins mirrored.


_LEVELS = (-30.0, 0.0)
_FLOOR = -80.0  # dB, what no colour bar goes below
_RANGE = 12.0  # dB of difference at the ends of its map


def mirrored(analysis: Analysis) -> NDArray[np.float32]:
    """Both spins in one picture, see :func:`both_spins`."""
    return both_spins(analysis.scale_rate)


class ScaleRatePlot(Frame):
    """Target, sound and difference; levels in dB below the greatest path of all.

    The button changes over to what drives a match from the live point.

    Signals
    -------
    drivers_shown : bool
    """

    drivers_shown = Signal(bool)

    def __init__(self, parameters: ParameterTable) -> None:
        self._place, self.attribution = Later(self._make), AttributionPictures(parameters)
        body = QWidget()
        self._rows = QStackedLayout(body)
        self._rows.addWidget(self._place)
        self._rows.addWidget(self.attribution.place)
        super().__init__("JTFS: scale × rate", body)
        self._analyses: dict[str, Analysis] = {}
        self.switch = theme.tool_button(
            "Attribution", "Which paths drive a match from here: residual × Jacobian"
        )
        self.switch.setCheckable(True)
        self.switch.toggled.connect(self._show_drivers)
        self.header.addWidget(self.switch)
        self.note.say(*_UNITS)

    def _make(self) -> QWidget:
        from .picture import ComparedPictures

        row = ComparedPictures(
            _RATE, _SCALE, "No target yet", _LEVELS, (_FLOOR, 0.0), _RANGE, self._read
        )
        row.bar.changed.connect(self._show_difference)
        self._pictures = row.pictures
        return row

    @property
    def pictures(self) -> "dict[str, Picture]":
        """By "target", "sound" and "difference"."""
        _ = self._place.plot
        return self._pictures

    def set_table(self, parameters: ParameterTable) -> None:
        """Name another instrument's parameters."""
        self.attribution.set_table(parameters)

    @property
    def shown(self) -> list[str]:
        """Pictures that are shown: "target", "sound", "difference"."""
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
            return self.attribution.table()
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
        x, y = spin_axes(analysis.scales, analysis.rates)
        for picture in self.pictures.values():
            picture.set_axes(x, y)
            picture.set_middle(x.high / 2.0)
        for name, amplitude in amplitudes.items():
            level = 20.0 * np.log10(np.maximum(amplitude / top, least))
            self.pictures[name].set_numbers(level.astype(np.float32), x, y)
        self._show_difference()

    def _show_difference(self) -> None:
        sound, target = self.pictures["sound"], self.pictures["target"]
        if sound.numbers is None or target.numbers is None:
            return
        if sound.numbers.shape == target.numbers.shape:
            numbers = decibel_difference(sound.numbers, target.numbers, sound.image.levels[0])
            x, y = sound.image.x, sound.image.y
            self.pictures["difference"].set_numbers(numbers, x, y)

    def _show_drivers(self, shown: bool) -> None:
        self._rows.setCurrentIndex(int(shown))
        if shown:
            self.note.say("red: more of it, blue: less", "red: more", "")
        else:
            self.note.say(*_UNITS)
        self.drivers_shown.emit(shown)

    def _read(self, what: str) -> "Readout":
        def read(decibels: float, row: int, column: int, _x: float, _y: float) -> str:
            analysis = self._analyses.get("sound" if what == "difference" else what)
            if analysis is None:
                return ""
            path = path_name(row, column, analysis.scales, analysis.rates)
            sign = "+" if what == "difference" else ""
            level = f"{decibels:{sign}.1f} dB".replace("-", "−")
            return f"{path} · {level}"

        return read


_UNITS = "dB below the greatest path; difference in dB", "dB below the greatest path", "dB", ""
_RATE = Axis(0.0, 1.0, RATES, short=RATES_SHORT, marks=((0.5, ""),))
_SCALE = Axis(0.0, 1.0, "Scale (c/oct)", marks=((0.5, ""),))
