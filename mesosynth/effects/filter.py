"""State-variable filter, solved block-wise as a banded linear system."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mesosynth.plugins.parameters import Parameter, ParameterTable
from mesosynth.plugins.plugin import CHANNELS, Effect, Events
from mesosynth.plugins.ramps import Ramps

# --------------------------------------------------------------------------------------------------
# Recursive filters in place, with coefficients for every sample
#
# A recursion is a lower triangular, banded system of equations: ``y[n] + a[n] y[n - 1] = x[n]``
# for all n of a block at once. BLAS solves it (``tbsv``) in a few nanoseconds a sample without
# allocating, which SciPy's ``lfilter`` and ``sosfilt`` cannot, and unlike them takes other
# coefficients in every row.


Solve = Callable[[NDArray[np.float64], NDArray[np.float64]], None]
"""``solve(bands, values)`` [audio] solves ``y[i] + sum_j a[i, i - j] y[i - j] = x[i]`` for y.

bands : (order + 1, n) float64, in Fortran's order
    ``bands[j, i]`` is ``a[i + j, i]``, the part of y[i] in equation i + j; row 0 is not read.
values : (n,) float64, contiguous
    x, overwritten by y.
"""

SILENT = 1e-15
"""State below this magnitude (-300 dB) becomes zero: subnormal numbers are slow."""


def banded_solver() -> Solve:
    """[control] Load BLAS; SciPy is imported to play, not to read a table of parameters."""
    from scipy.linalg.blas import dtbsv  # pyright: ignore[reportAttributeAccessIssue] - f2py's

    def solve(bands: NDArray[np.float64], values: NDArray[np.float64]) -> None:
        dtbsv(len(bands) - 1, bands, values, lower=1, diag=1, overwrite_x=1)

    return solve


class OnePole:
    """Low-pass ``y[n] = (1 - c) x[n] + c y[n - 1]`` of several sounds at once.

    A new c is reached by the end of the block: y only moves from its last value towards x, and with
    a small c that is a step.

    Parameters
    ----------
    rows : int
        Number of sounds.
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
        """[audio] Filter a block in place.

        Parameters
        ----------
        block : (rows, n) float64
            Contiguous.
        c : float
            Coefficient at the end of the block, -1 < c < 1.
        """
        rows, n = block.shape
        below = self._bands[1, : rows * n]
        before = c if self._c is None else self._c
        if c == before:
            first = c
            if self._still != n:
                below.fill(-c)
                below[n - 1 :: n] = 0.0  # the end of a row is not the past of the next row
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
        """Set up a ramp from `before` to c; return its value at the first sample."""
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
    """Coefficient c of a :class:`OnePole` with a cut-off of about -3 dB, ``exp(-2 pi f / rate)``.

    Parameters
    ----------
    cutoff : float
        Hz, clamped to half the sample rate.
    sample_rate : float
        Hz.

    Returns
    -------
    float
    """
    return math.exp(-2.0 * math.pi * min(cutoff / sample_rate, 0.5))


# --------------------------------------------------------------------------------------------------
# State-variable filter
#
# Zavalishin's trapezoidal form (*The Art of VA Filter Design*, 2012): with ``g = tan(pi f / rate)``
# and ``k = 1 / Q`` its two integrators move by
#
#     s[n + 1] = A[n] s[n] + B[n] x[n],    low, band = the means of s[n] and s[n + 1],
#
# which is stable however fast f and Q move. All steps of a block are one banded system of
# equations.


HIGHEST = 0.49
"""Highest cut-off frequency, of the sample rate."""

_CUTOFF, _DAMPING, _SHAPE, _MIX = range(4)


class Filter(Effect):
    """Low-pass, band-pass or high-pass of 12 dB per octave, and all shapes between them."""

    name = "Filter"
    parameters = ParameterTable(
        [
            Parameter("cutoff", "Cut-off", "Hz", 20.0, 20000.0, 2000.0,
                      "Where the filter begins to cut.", curve="log"),
            Parameter("resonance", "Resonance", "", 0.5, 20.0, 0.7071,
                      "Height of the peak at the cut-off frequency, as Q.", curve="log"),
            Parameter("shape", "Shape", "", 0.0, 1.0, 0.0,
                      "Low-pass (0), band-pass (0.5), high-pass (1)."),
            Parameter("mix", "Mix", "", 0.0, 1.0, 1.0, "From dry (0) to filtered (1)."),
        ]
    )  # fmt: skip

    def prepare(self, sample_rate: float, max_block: int) -> None:
        """[control] Allocate everything for blocks of up to `max_block` frames, then reset."""
        self._pi_by_rate = math.pi / float(sample_rate)
        self._solve = banded_solver()
        self._ramps = Ramps(4, max_block)
        self._targets = np.zeros(4)
        # A's elements, B's, and the parts of input, low and band in the output.
        self._a = np.zeros((4, max_block))
        self._b = np.zeros((2, max_block))
        self._dry, self._low, self._band = np.zeros((3, max_block))
        self._bands = np.zeros((4, 2 * max_block), order="F")
        self._x, self._sum = np.zeros((2, max_block))
        # Both integrators in turn, sample after sample, from the last block's end on.
        self._states = np.zeros(2 * max_block + 2)
        self._held = np.zeros((CHANNELS, 2))
        self.reset()

    def reset(self) -> None:
        """[control] Forget all sound, as if `prepare` had just returned."""
        self._ramps.reset()
        self._held.fill(0.0)

    def process(
        self, values: NDArray[np.float64], events: Events, block: NDArray[np.float32]
    ) -> None:
        """[audio] Filter `block`, (2, frames) float32; `values` are in the table's order."""
        frames = block.shape[1]
        targets = self._targets
        targets[_CUTOFF] = math.log2(float(values[0]))
        targets[_DAMPING] = 1.0 / float(values[1])
        targets[_SHAPE] = values[2]
        targets[_MIX] = values[3]
        lines = self._ramps.move(targets, frames)
        if self._ramps.changed:
            self._design(lines, frames)
        for held, row in zip(self._held, block, strict=True):
            self._filter(held, row)

    def _design(self, lines: NDArray[np.float64], frames: int) -> None:
        """Coefficients of every sample from the parameters."""
        g, k, a_1, a_2 = self._x[:frames], lines[_DAMPING], self._a[0, :frames], self._b[0, :frames]
        np.exp2(lines[_CUTOFF], out=g)
        np.multiply(g, self._pi_by_rate, out=g)
        np.minimum(g, HIGHEST * math.pi, out=g)
        np.tan(g, out=g)
        np.add(g, k, out=a_1)
        np.multiply(a_1, g, out=a_1)
        np.add(a_1, 1.0, out=a_1)
        np.divide(1.0, a_1, out=a_1)
        np.multiply(g, a_1, out=a_2)
        np.multiply(a_2, 2.0, out=a_2)  # from here on twice Zavalishin's a_1 g
        np.multiply(g, a_2, out=self._b[1, :frames])
        np.multiply(a_1, 2.0, out=a_1)
        np.subtract(a_1, 1.0, out=a_1)
        np.negative(a_2, out=self._a[1, :frames])
        np.copyto(self._a[2, :frames], a_2)
        np.subtract(1.0, self._b[1, :frames], out=self._a[3, :frames])
        bands, last = self._bands, 2 * (frames - 1)
        np.negative(self._a[0, 1:frames], out=bands[2, 0:last:2])
        np.negative(self._a[1, 1:frames], out=bands[1, 1:last:2])
        np.negative(self._a[2, 1:frames], out=bands[3, 0:last:2])
        np.negative(self._a[3, 1:frames], out=bands[2, 1:last:2])
        self._weigh(lines, frames)

    def _weigh(self, lines: NDArray[np.float64], frames: int) -> None:
        """Weights of the three outputs: low, k band, and x - low - k band, of unit gain each."""
        dry, low, band = self._dry[:frames], self._low[:frames], self._band[:frames]
        shape, mix = lines[_SHAPE], lines[_MIX]
        np.multiply(shape, 2.0, out=dry)
        np.subtract(1.0, dry, out=low)
        np.abs(low, out=band)
        np.subtract(1.0, band, out=band)  # 1 at the middle
        np.maximum(low, 0.0, out=low)
        np.subtract(dry, 1.0, out=dry)
        np.maximum(dry, 0.0, out=dry)
        np.subtract(low, dry, out=low)
        np.subtract(band, dry, out=band)
        np.multiply(band, lines[_DAMPING], out=band)
        for weight in (low, band):
            np.multiply(weight, mix, out=weight)
            np.multiply(weight, 0.5, out=weight)  # of the mean of two states
        np.subtract(dry, 1.0, out=dry)
        np.multiply(dry, mix, out=dry)
        np.add(dry, 1.0, out=dry)

    def _filter(self, held: NDArray[np.float64], row: NDArray[np.float32]) -> None:
        frames = len(row)
        x, y = self._x[:frames], self._sum[:frames]
        states = self._states[: 2 * frames + 2]
        moved = states[2:]
        np.copyto(x, row)
        np.copyto(states[:2], held)
        np.multiply(x, self._b[0, :frames], out=moved[0::2])
        np.multiply(x, self._b[1, :frames], out=moved[1::2])
        one, two = float(held[0]), float(held[1])
        moved[0] += float(self._a[0, 0]) * one + float(self._a[1, 0]) * two
        moved[1] += float(self._a[2, 0]) * one + float(self._a[3, 0]) * two
        self._solve(self._bands[:, : 2 * frames], moved)
        np.copyto(held, states[2 * frames :])
        if abs(float(held[0])) + abs(float(held[1])) < SILENT:
            held.fill(0.0)
        np.multiply(x, self._dry[:frames], out=x)
        for first, weight in ((0, self._band), (1, self._low)):
            np.add(states[first:-2:2], moved[first::2], out=y)
            np.multiply(y, weight[:frames], out=y)
            np.add(x, y, out=x)
        np.copyto(row, x, casting="same_kind")
