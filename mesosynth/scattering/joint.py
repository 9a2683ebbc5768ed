"""Wavelets along log-frequency, modulus and averaging, one block of paths at a time."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch

from mesosynth.scattering.time import AveragingBlock

# --------------------------------------------------------------------------------------------------
# Selection of paths within a tolerance


def needed(
    parts: torch.Tensor, whole: torch.Tensor, tolerance: float, count: int | None = None
) -> torch.Tensor:
    """Mask of the parts that must be computed; all others together stay below `tolerance`.

    Parameters
    ----------
    parts : (1 + p, parts) tensor
        Power of each part, of a value and of its p tangents.
    whole : (1 + p,) tensor
        Power of all.
    tolerance : float
        Relative, of amplitudes.
    count : int, optional
        Number of parts that share the tolerance, where `parts` are not all.

    Returns
    -------
    (parts,) bool tensor
        Whether a part holds more than its share, in the value or in any tangent.
    """
    return (parts > (tolerance**2 / (count or parts.shape[1])) * whole[:, None]).any(dim=0)


# --------------------------------------------------------------------------------------------------
# Wavelets, modulus and averaging while a block of time is in cache
#
# Wavelets of negative spin are the complex conjugates of those of positive spin. So with the real
# part a and the imaginary part b of Y_2, two real products serve both spins::
#
#     psi  * Y = (Re psi a - Im psi b) + i (Im psi a + Re psi b)
#     psi* * Y = (Re psi a + Im psi b) + i (Re psi b - Im psi a)
#
# The modulus is taken with its tangents, d|z| = Re(conj(u) dz) with u = z / |z|, and u = 0 where
# z = 0; its adjoint is g -> g u.


BLOCK_SIZE = 2**18
"""Rows times samples of a block: a few such float32 arrays fit the processor's last cache, and
threads rarely wait for the interpreter."""

REMEMBERED = 32
"""Selections of rows kept for the next evaluation."""


def modulus(z: torch.Tensor) -> torch.Tensor:
    """|z| of row 0 of (1 + p, ...) complex, and its derivatives along rows 1 and on: real."""
    value = z[:1].abs()
    if len(z) == 1:
        return value
    tangents = (torch.conj(phase(z[:1], value)) * z[1:]).real
    return torch.cat([value, tangents])


def phase(z: torch.Tensor, magnitude: torch.Tensor) -> torch.Tensor:
    """Complex sign z / |z|, and 0 where z = 0.

    Parameters
    ----------
    z : complex tensor
    magnitude : real tensor of the same shape
        |z|.

    Returns
    -------
    complex tensor
    """
    return z / torch.where(magnitude > 0.0, magnitude, 1.0)


@dataclass(frozen=True, eq=False)
class SpinnedWavelets:
    """All psi_fr for one length of the log-frequency axis.

    Output rows are those of spin 0 first, then spin +1, then spin -1.

    Attributes
    ----------
    matrix : (2 p, n1) tensor
        Real parts of the rows of spin 0 and +1, then their imaginary parts.
    spinless : int
        Number of rows of spin 0 among the p rows.
    """

    matrix: torch.Tensor
    spinless: int
    _reached: dict[tuple[int, ...], tuple["SpinnedWavelets", torch.Tensor]] = field(
        default_factory=dict, repr=False
    )

    @property
    def rows(self) -> int:
        """Number of output rows of all spins."""
        return len(self.matrix) - self.spinless

    def reached_from(
        self, n1: tuple[int, ...], tolerance: float
    ) -> tuple["SpinnedWavelets", torch.Tensor]:
        """Wavelets that are needed for an input with some rows alone.

        The last selections are kept, since an input's rows rarely change between two evaluations.

        Parameters
        ----------
        n1 : tuple of int
            Rows of the input that are not zero.
        tolerance : float
            Relative, of amplitudes.

        Returns
        -------
        wavelets : SpinnedWavelets
        rows : (k,) int tensor
            Output rows of these wavelets.
        """
        if n1 not in self._reached:
            if len(self._reached) >= REMEMBERED:
                self._reached.clear()
            self._reached[n1] = self._find_reached(list(n1), tolerance)
        return self._reached[n1]

    def _find_reached(
        self, n1: list[int], tolerance: float
    ) -> tuple["SpinnedWavelets", torch.Tensor]:
        p = len(self.matrix) // 2
        columns = self.matrix[:, n1].unflatten(0, (2, p))
        power = columns.square().sum(dim=(0, 2))[None]
        (kept,) = torch.nonzero(needed(power, power.sum(dim=1), tolerance), as_tuple=True)
        spinned = kept[kept >= self.spinless]
        wavelets = SpinnedWavelets(columns[:, kept].flatten(0, 1), len(kept) - len(spinned))
        return wavelets, torch.cat([kept, spinned + (p - self.spinless)])

    def scatter(self, Y: torch.Tensor, blocks: list[AveragingBlock], frames: int) -> torch.Tensor:
        """Convolve along log-frequency, take the modulus, average in time.

        Parameters
        ----------
        Y : (1 + p, n1, time) complex tensor
            A value and its tangents.
        blocks : list of AveragingBlock
        frames : int

        Returns
        -------
        (1 + p, rows, frames) real tensor
        """
        S = Y.real.new_zeros((len(Y), frames, self.rows))
        for block, first, at, work in self._pieces(Y, blocks):
            u_real, u_imaginary, magnitude = work.phase(Y[0, :, at])
            block.add(magnitude, S[0], first)
            for tangent, dS in zip(Y[1:], S[1:], strict=True):
                d_real, d_imaginary = work.convolve(tangent[:, at], work.second)
                block.add(d_real.mul_(u_real).addcmul_(d_imaginary, u_imaginary), dS, first)
        return S.transpose(1, 2)

    def scatter_adjoint(
        self, Y: torch.Tensor, gradient: torch.Tensor, blocks: list[AveragingBlock]
    ) -> torch.Tensor:
        """Adjoint of :meth:`scatter`: the gradient of Y from that of S.

        Parameters
        ----------
        Y : (n1, time) complex tensor
        gradient : (rows, frames) tensor
            Of S.
        blocks : list of AveragingBlock

        Returns
        -------
        (n1, time) complex tensor
        """
        out = torch.zeros_like(Y)
        p = len(self.matrix) // 2
        for block, first, at, work in self._pieces(Y[None], blocks):
            u_real, u_imaginary, _ = work.phase(Y[:, at])
            g = gradient[:, block.frames]
            if block.phi is None:
                g = g * block.weight
            else:
                g = g @ block.phi[:, first : first + at.stop - at.start]
            u_real *= g
            u_imaginary *= g
            # Both spins are added, by the formulas above.
            a, b = torch.zeros((2, 2 * p, at.stop - at.start)).to(g)
            a[:p], a[p:], b[:p], b[p:] = u_real[:p], u_imaginary[:p], u_imaginary[:p], -u_real[:p]
            minus_real, minus_imaginary = u_real[p:], u_imaginary[p:]
            a[self.spinless : p] += minus_real
            a[p + self.spinless :] -= minus_imaginary
            b[self.spinless : p] += minus_imaginary
            b[p + self.spinless :] += minus_real
            out[:, at] = torch.complex(self.matrix.T @ a, self.matrix.T @ b)
        return out

    def _pieces(
        self, Y: torch.Tensor, blocks: list[AveragingBlock]
    ) -> Iterator[tuple[AveragingBlock, int, slice, "_Workspace"]]:
        """Pieces of time that fit the cache: the block, place in the block, samples, buffers."""
        n1, length = Y.shape[1:]
        if Y.device.type == "cpu":
            length = 2 ** round(math.log2(max(BLOCK_SIZE / len(self.matrix), 128.0)))
        works: dict[int, _Workspace] = {}
        for block in blocks:
            for begin in range(block.times.start, block.times.stop, length):
                end = min(begin + length, block.times.stop)
                if end - begin not in works:
                    works[end - begin] = _Workspace(self, n1, end - begin)
                yield block, begin - block.times.start, slice(begin, end), works[end - begin]


_Views = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


class _Workspace:
    """Buffers, and views of them, for blocks of `n` samples of an axis of `n1` rows."""

    def __init__(self, wavelets: SpinnedWavelets, n1: int, n: int) -> None:
        matrix, s, rows = wavelets.matrix, wavelets.spinless, wavelets.rows
        p = len(matrix) // 2
        self._matrix = matrix
        y = matrix.new_empty((n1, 2, n))
        self._y, self._y_real, self._y_imaginary = y.flatten(1), y[:, 0], y[:, 1]
        products = matrix.new_empty((2 * p, 2 * n))
        self._products = products
        real_a, real_b = products[:p, :n], products[:p, n:]
        imaginary_a, imaginary_b = products[p:, :n], products[p:, n:]
        self._of_rising = real_a, real_b, imaginary_a, imaginary_b
        self._of_falling = real_a[s:], real_b[s:], imaginary_a[s:], imaginary_b[s:]
        self.first, self.second = (
            (out[0], out[1], out[0, :p], out[0, p:], out[1, :p], out[1, p:])
            for out in matrix.new_empty((2, 2, rows, n))
        )
        self._tiny = torch.finfo(matrix.dtype).tiny

    def convolve(self, Y: torch.Tensor, out: _Views) -> tuple[torch.Tensor, torch.Tensor]:
        """Real and imaginary part of psi_fr * Y, (rows, n) each, in `out`."""
        self._y_real.copy_(Y.real)
        self._y_imaginary.copy_(Y.imag)
        torch.mm(self._matrix, self._y, out=self._products)
        real, imaginary, real_rising, real_falling, imaginary_rising, imaginary_falling = out
        real_a, real_b, imaginary_a, imaginary_b = self._of_rising
        torch.sub(real_a, imaginary_b, out=real_rising)
        torch.add(imaginary_a, real_b, out=imaginary_rising)
        real_a, real_b, imaginary_a, imaginary_b = self._of_falling
        torch.add(real_a, imaginary_b, out=real_falling)
        torch.sub(real_b, imaginary_a, out=imaginary_falling)
        return real, imaginary

    def phase(self, Y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Real and imaginary part of u = z / |z|, and |z|, of z = psi_fr * Y; (rows, n) each."""
        real, imaginary = self.convolve(Y, self.first)
        square, scale = self.second[:2]
        torch.mul(real, real, out=square).addcmul_(imaginary, imaginary)
        square.clamp_min_(self._tiny)  # so that 0 / |0| is 0
        torch.rsqrt(square, out=scale)
        real *= scale
        imaginary *= scale
        return real, imaginary, square.mul_(scale)
