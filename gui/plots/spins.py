"""How scales, rates and spins lie in a picture: what falls on the left, what rises on the right."""

import numpy as np
from numpy.typing import NDArray

from gui.plots.axes import Axis, short_number

RATES, RATES_SHORT = "◂ falling · Rate (Hz) · rising ▸", "◂ Rate (Hz) ▸"
"""What the axis of both spins says, and where there is little room."""


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


def _two_digits(value: np.float32) -> str:
    return short_number(float(f"{value:.2g}"))
