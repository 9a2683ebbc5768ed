"""JTFS as scale by rate, both spins mirrored: falling patterns on the left, rising on the right."""

import numpy as np
from numpy.typing import NDArray

from gui.views.axes import Axis, short_number
from gui.views.colour_bar import ColourBar
from gui.views.frame import Frame, Table
from gui.views.picture import Picture, Pictures, Readout
from gui.views.scalogram import decibel_difference
from gui.views.shared_axes import SharedAxes
from mesosynth.matching.messages import Analysis

_LEVELS = (-30.0, 0.0)
_FLOOR = -80.0  # dB, what no colour bar goes below
_RANGE = 12.0  # dB of difference at the ends of its map


def mirrored(analysis: Analysis) -> NDArray[np.float32]:
    """Both spins in one picture, see :func:`both_spins`."""
    return both_spins(analysis.scale_rate)


def both_spins(scale_rate: NDArray[np.float32]) -> NDArray[np.float32]:
    """Both spins in one picture.

    Parameters
    ----------
    scale_rate : (2, n_scales, n_rates) float32
        Spin -1 first.

    Returns
    -------
    picture : (n_scales, 2 * n_rates) float32
        Falling patterns (spin -1) from the fastest to the slowest rate, then rising ones (spin +1)
        from the slowest to the fastest.
    """
    falling, rising = scale_rate
    return np.concatenate([falling[:, ::-1], rising], axis=1)


def even_indices(count: int, most: int) -> list[int]:
    """At most `most` indices of `count`, evenly spread, away from both ends."""
    step = max(1, -(-count // max(most, 1)))
    return list(range((count - 1) % step // 2 + step // 4, count, step))


def spin_axes(scales: NDArray[np.float32], rates: NDArray[np.float32]) -> tuple[Axis, Axis]:
    """Axes on which each filter is one cell, named by its rate and scale.

    The filters stand evenly in log rate and log scale, bar the lowest.
    """
    count = len(rates)
    kept = even_indices(count, 3)
    marks = [(count - i - 0.5, f"−{short_number(float(rates[i]))}") for i in reversed(kept)]
    marks += [(count + i + 0.5, short_number(float(rates[i]))) for i in kept]
    rows = [(i + 0.5, short_number(float(scales[i]))) for i in even_indices(len(scales), 4)]
    return (
        Axis(0.0, 2.0 * count, "◂ falling · Rate (Hz) · rising ▸", marks=tuple(marks)),
        Axis(0.0, float(len(scales)), "Scale (c/oct)", marks=tuple(rows)),
    )


def path_at(
    row: int, column: int, scales: NDArray[np.float32], rates: NDArray[np.float32]
) -> tuple[float, float, int]:
    """Scale (c/oct), rate (Hz) and spin of a cell of :func:`both_spins`."""
    rising = column >= len(rates)
    rate = rates[column - len(rates) if rising else len(rates) - 1 - column]
    return float(scales[row]), float(rate), 1 if rising else -1


def path_name(
    row: int, column: int, scales: NDArray[np.float32], rates: NDArray[np.float32]
) -> str:
    """Name the path of a cell of :func:`both_spins` by its scale, rate and spin."""
    scale, rate, spin = path_at(row, column, scales, rates)
    direction = "rising (spin +1)" if spin > 0 else "falling (spin −1)"
    return f"{scale:.3g} c/oct · {rate:.3g} Hz · {direction}"


class ScaleRate(Frame):
    """Target, sound and difference; levels in dB below the greatest path of all."""

    def __init__(self) -> None:
        row = Pictures()
        super().__init__("JTFS: scale × rate", row)
        self.axes = SharedAxes(
            Axis(0.0, 1.0, "◂ falling · Rate (Hz) · rising ▸", marks=((0.5, ""),)),
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
        self.header.addWidget(self.levels)
        self.header.addWidget(self.difference)

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

    def table(self) -> Table:  # noqa: D102 - Frame's hook
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
