"""Recursive filters in place, with coefficients that may move with every sample.

A recursion is a system of equations that is lower triangular and banded: ``y[n] + a[n] y[n - 1] =
x[n]`` for all n of a block at once. BLAS solves it (``tbsv``) at a few nanoseconds a sample without
allocating anything, which SciPy's ``lfilter`` and ``sosfilt`` cannot, and unlike them takes other
coefficients in every row.
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Solve = Callable[[NDArray[np.float64], NDArray[np.float64]], None]
"""``solve(bands, values)`` [audio] solves ``y[i] + sum_j a[i, i - j] y[i - j] = x[i]`` for y.

bands : (order + 1, n) float64, in Fortran's order
    ``bands[j, i]`` is ``a[i + j, i]``, the part of y[i] in equation i + j; row 0 is not read.
values : (n,) float64, contiguous
    x, overwritten by y.
"""

SILENT = 1e-15
"""State below this magnitude (-300 dB) becomes zero, before it turns into slow subnormals."""


def banded_solver() -> Solve:
    """[control] Load BLAS; only who plays imports SciPy, not who looks at a table of parameters."""
    from scipy.linalg.blas import dtbsv  # pyright: ignore[reportAttributeAccessIssue] - f2py's

    def solve(bands: NDArray[np.float64], values: NDArray[np.float64]) -> None:
        dtbsv(len(bands) - 1, bands, values, lower=1, diag=1, overwrite_x=1)

    return solve


class OnePole:
    """Low-pass ``y[n] = (1 - c) x[n] + c y[n - 1]`` of several sounds at once.

    A new c is reached by the end of the block: from one sample to the next y may only go from the
    last y towards x, and with a small c that is a step.

    Parameters
    ----------
    rows : int
        Sounds.
    max_block : int
        Samples in the largest block.
    """

    def __init__(self, rows: int, max_block: int) -> None:
        self._solve = banded_solver()
        self._bands = np.zeros((2, rows * max_block), order="F")
        self._count = np.arange(1.0, max_block + 1.0)
        self._line, self._rest = np.zeros((2, max_block))
        self._state, self._carry = np.zeros((2, rows))
        self._c: float | None = None
        self._still = 0  # samples in a row for which the bands hold c

    def reset(self) -> None:
        """[control] Forget all sound."""
        self._state.fill(0.0)
        self._c, self._still = None, 0

    def process(self, block: NDArray[np.float64], c: float) -> None:
        """[audio] Filter `block`, (rows, n) float64 and contiguous, in place; -1 < c < 1."""
        rows, n = block.shape
        below = self._bands[1, : rows * n]
        before = c if self._c is None else self._c
        if c == before:
            first = c
            if self._still != n:
                below.fill(-c)
                below[n - 1 :: n] = 0.0  # one row's end is not the next one's past
                self._still = n
            np.multiply(block, 1.0 - c, out=block)
        else:
            first = self._sweep(block, before, c)
            self._still = 0
        self._c = c
        start = block[:, 0]
        np.add(start, np.multiply(self._state, first, out=self._carry), out=start)
        self._solve(self._bands[:, : rows * n], block.reshape(-1))
        np.copyto(self._state, block[:, n - 1])
        if np.abs(self._state, out=self._carry).max() < SILENT:
            self._state.fill(0.0)

    def _sweep(self, block: NDArray[np.float64], before: float, c: float) -> float:
        """Set up a line from `before` to c; return where it stands at the first sample."""
        n = block.shape[1]
        line, rest = self._line[:n], self._rest[:n]
        np.multiply(self._count[:n], (c - before) / n, out=line)
        np.add(line, before, out=line)
        np.subtract(1.0, line, out=rest)
        np.negative(line, out=line)
        for row, sound in enumerate(block):
            np.multiply(sound, rest, out=sound)
            part = self._bands[1, row * n : (row + 1) * n]
            np.copyto(part[: n - 1], line[1:])
            part[n - 1] = 0.0
        return -float(line[0])


def one_pole_coefficient(cutoff: float, sample_rate: float) -> float:
    """The `c` of a :class:`OnePole` that has fallen by 3 dB at `cutoff` Hz, or nearly so."""
    return math.exp(-2.0 * math.pi * min(cutoff / sample_rate, 0.5))
