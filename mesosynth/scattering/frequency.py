"""Filtering along log-frequency, as plain matrices.

The log-frequency axis has one row for each first-order wavelet: 10 to 100 of them. All wavelets
psi_fr that act along it, decimated as in Kymatio, are therefore the rows of one small complex
matrix ``psi``, and the averaging by phi_F after the modulus is one small real matrix ``phi``::

    Y_2_fr = psi @ Y_2        U_2 = |Y_2_fr|        S_2 = phi @ U_2

The numbers are those of Kymatio's FFTs over an axis padded to N_fr, at a fraction of the cost.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mesosynth.errors import ArgumentError
from mesosynth.scattering.filterbank import WaveletFilter, low_pass, spinned_wavelets

Averaging = Literal["local", "global", "none"]
Format = Literal["time", "joint"]
Layout = Literal["time", "joint", "time-list", "joint-list"]
"""Format, and whether paths are listed one by one."""


@dataclass(frozen=True)
class FrequencyStage:
    """Matrices of all psi_fr and phi_F for an axis of `n1_count` rows.

    Attributes
    ----------
    psi : (n_in, n1_count) complex128
        Rows grouped by n_fr.
    phi : (n_out, n_in) float64 or None
        Averaging after modulus and time averaging; None where it is the identity.
    spinless : int
        Number of rows of spin 0, which come first.
    n_fr : (n_out,) int
        Index of the wavelet psi_fr of each output row.
    n1 : (n_out,) int
        Index of the first-order wavelet of each output row.
    n1_count : int
        Rows of the input.
    strides : dict of int to int
        For each n_fr, Kymatio's step of n1 between output rows.
    """

    psi: NDArray[np.complex128]
    phi: NDArray[np.float64] | None
    spinless: int
    n_fr: NDArray[np.int64]
    n1: NDArray[np.int64]
    n1_count: int
    strides: dict[int, int]

    @property
    def paths(self) -> Iterator[tuple[int, int, list[int]]]:
        """For each n_fr: its index, the step of n1, and the n1 of its rows."""
        for n_fr, stride in self.strides.items():
            yield n_fr, stride, self.n1[self.n_fr == n_fr].tolist()


_MOST_SCALE = 64


class LogFrequency:
    """The wavelets psi_fr and the low-pass phi_F along log-frequency.

    Parameters
    ----------
    n1_nominal : int
        Kymatio's bound on the number of rows, ``(J + 1) * Q``.
    J_fr, Q_fr : int
        Octaves of scale and wavelets an octave.
    F : int or float, "global" or None
        Support of phi_F in rows; 0 does not average, None stands for ``2 ** J_fr``.
    format : {"time", "joint", "time-list", "joint-list"}

    Raises
    ------
    ArgumentError
        For an `F` outside 1 to `n1_nominal`, or one that `format` cannot stack.
    """

    def __init__(
        self, n1_nominal: int, J_fr: int, Q_fr: int, F: float | str | None, format: Layout
    ) -> None:
        if J_fr > math.log2(_MOST_SCALE * n1_nominal):  # its filters would fill the memory
            raise ArgumentError(
                f"J_fr={J_fr} is too large for {n1_nominal} rows of log-frequency; 2**J_fr must "
                f"not exceed {_MOST_SCALE} times that."
            )
        self.averaging, support = parse_support(F, J_fr, n1_nominal, "F")
        self.format: Layout = format
        margin = 8 * min(support, 2**J_fr)
        self.N = int((n1_nominal + margin) // 2**J_fr) * 2**J_fr
        self.phi = low_pass(self.N, support)
        self.psis = spinned_wavelets(self.N, J_fr, Q_fr)
        self._check_joint(F, J_fr)

    def _check_joint(self, F: float | str | None, J_fr: int) -> None:
        """Raise where Kymatio cannot stack the paths into one array either."""
        if self.format != "joint":
            return
        rows = {self._rows_after_averaging(psi) for psi in self.psis}
        if self.averaging == "none" or len(rows) > 1:
            raise ArgumentError(
                f"F={F!r} gives paths of different lengths, which format='joint' cannot stack; "
                f"use format='time', or F=None for 2**J_fr={2**J_fr}."
            )

    @property
    def spins(self) -> list[int]:
        """Sign of each psi_fr's centre frequency: 0 for the low-pass, then +1s, then -1s."""
        return [int(np.sign(psi.xi)) for psi in self.psis]

    def stage(self, n1_count: int, *, spinned: bool) -> FrequencyStage:
        """Matrices for the `n1_count` highest rows.

        Parameters
        ----------
        n1_count : int
            Rows.
        spinned : bool
            False leaves out negative spins, which are the same as positive ones for a real input.

        Returns
        -------
        FrequencyStage
        """
        used = [(i, psi) for i, psi in enumerate(self.psis) if spinned or psi.xi >= 0.0]
        psi_blocks: list[NDArray[np.complex128]] = []
        phi_blocks: list[NDArray[np.float64]] = []
        n_fr: list[int] = []
        n1: list[int] = []
        strides = {i: self._stride(psi, n1_count) for i, psi in used}
        for i, psi in used:
            kept = self._kept_rows(psi, n1_count)
            psi_rows = self._convolution(psi, n1_count)
            phi_rows = self._averaging_rows(psi, len(psi_rows))
            if phi_rows is None:
                psi_rows = psi_rows[: len(kept)]
                phi_rows = np.eye(len(kept))
            psi_blocks.append(psi_rows)
            phi_blocks.append(phi_rows[: len(kept)])
            n_fr += [i] * len(kept)
            n1 += kept
        return FrequencyStage(
            psi=np.concatenate(psi_blocks),
            phi=None if self.averaging == "none" else _block_diagonal(phi_blocks),
            spinless=len(psi_blocks[0]),
            n_fr=np.array(n_fr),
            n1=np.array(n1),
            n1_count=n1_count,
            strides=strides,
        )

    def _log2_stride_before(self, psi: WaveletFilter) -> int:
        return min(psi.j, self.phi.j) if self.averaging == "local" else psi.j

    def _convolution(self, psi: WaveletFilter, n1_count: int) -> NDArray[np.complex128]:
        """Rows of the circular convolution with psi, zero-padded to N and decimated."""
        impulse = np.fft.ifft(psi.hat)
        rows = np.arange(0, self.N, 2 ** self._log2_stride_before(psi))
        return impulse[(rows[:, None] - np.arange(n1_count)[None, :]) % self.N]

    def _averaging_rows(self, psi: WaveletFilter, n_in: int) -> NDArray[np.float64] | None:
        """phi_F from the rows of one psi_fr to its output; None where nothing is averaged."""
        # The n_fr = 0 wavelet is a low-pass already.
        if self.averaging == "none" or psi.xi == 0.0:
            return None
        if self.averaging == "global":
            return np.ones((1, n_in))
        level = self._log2_stride_before(psi)
        impulse = np.fft.ifft(self.phi.at(self.N >> level)).real
        rows = np.arange(0, n_in, 2 ** (self.phi.j - level))
        return impulse[(rows[:, None] - np.arange(n_in)[None, :]) % n_in]

    def _rows_after_averaging(self, psi: WaveletFilter) -> int:
        level = self._log2_stride_before(psi)
        n_in = self.N // 2**level
        if self.averaging == "none" or psi.xi == 0.0:
            return n_in
        return 1 if self.averaging == "global" else n_in // 2 ** (self.phi.j - level)

    def _stride(self, psi: WaveletFilter, n1_count: int) -> int:
        """Step of n1 between the output rows of one psi_fr."""
        # As in Kymatio, which numbers unaveraged spin-0 rows in steps of 2**j_fr even where the
        # rows themselves are denser.
        if psi.xi != 0.0 and self.averaging == "local":
            return 2**self.phi.j
        if psi.xi != 0.0 and self.averaging == "global":
            return n1_count
        return 2**psi.j

    def _kept_rows(self, psi: WaveletFilter, n1_count: int) -> list[int]:
        """n1 of each output row of one psi_fr."""
        stride = self._stride(psi, n1_count)
        n_out = self._rows_after_averaging(psi)
        if self.format == "joint":
            return [row * stride for row in range(n_out)]
        if self.format == "joint-list":
            return [row * stride for row in range(min(n_out, 1 + n1_count // stride))]
        return list(range(0, n1_count, stride))[:n_out]


def parse_support(T: float | str | None, J: int, length: int, name: str) -> tuple[Averaging, float]:
    """Averaging and support for an argument T or F of Kymatio.

    Parameters
    ----------
    T : float, "global" or None
        None and "global" have the support ``2 ** J``; 0 does not average.
    J, length : int
        Octaves of scale, and length of the axis, samples.
    name : str
        Name of the argument in messages.

    Returns
    -------
    averaging : {"local", "global", "none"}
    support : float
        Samples.

    Raises
    ------
    ArgumentError
        For anything else.
    """
    if T is None:
        return "local", 2**J
    if T == "global":
        return "global", 2**J
    if isinstance(T, str) or not math.isfinite(T) or T < 0 or 0 < T < 1:
        raise ArgumentError(f"{name}={T!r} must be 0, at least 1, None or 'global'.")
    if T == 0:
        return "none", 2**J
    if T > length:
        raise ArgumentError(
            f"{name}={T!r} is longer than the axis it averages ({length}); "
            f"use {name}='global' to average over all of it."
        )
    return "local", T


def _block_diagonal(blocks: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    rows, columns = (sum(block.shape[axis] for block in blocks) for axis in (0, 1))
    whole = np.zeros((rows, columns))
    row = column = 0
    for block in blocks:
        whole[row : row + block.shape[0], column : column + block.shape[1]] = block
        row += block.shape[0]
        column += block.shape[1]
    return whole
