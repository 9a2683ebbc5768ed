"""Wavelets along log-frequency, modulus and averaging, one block of paths at a time."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from mesosynth.scattering.time import AveragingBlock

if TYPE_CHECKING:
    from mesosynth.scattering.joint_loops import Loops

# --------------------------------------------------------------------------------------------------
# Selection of paths within a tolerance


def needed(
    parts: torch.Tensor, whole: torch.Tensor, tolerance: float, count: int | None = None
) -> torch.Tensor:
    """Mask of the parts that must be computed; all others together stay below `tolerance`.

    Parameters
    ----------
    parts : (..., 1 + p, parts) tensor
        Power of each part, of a value and of its p tangents.
    whole : (..., 1 + p) tensor
        Power of all.
    tolerance : float
        Relative, of amplitudes.
    count : int, optional
        Number of parts that share the tolerance, where `parts` are not all.

    Returns
    -------
    (..., parts) bool tensor
        Whether a part holds more than its share, in the value or in any tangent.
    """
    share = tolerance**2 / (count or parts.shape[-1])
    return (parts > share * whole[..., None]).any(dim=-2)


# --------------------------------------------------------------------------------------------------
# Modulus
#
# Axis 1 of all that follows holds a value and its derivatives along p tangents. On a CPU compiled
# loops take the modulus (:mod:`~mesosynth.scattering.joint_loops`); elsewhere, and where autograd
# differentiates the transform twice, these functions do.


def loops_for(like: torch.Tensor) -> "Loops | None":
    """Compiled loops for tensors like this one, on a CPU."""
    if like.device.type != "cpu":
        return None
    from mesosynth.scattering import joint_loops  # numba takes a second

    return joint_loops.loops("f4" if like.dtype == torch.float32 else "f8")


def modulus(z: torch.Tensor) -> torch.Tensor:
    """|z| of row 0 along axis 1, and its derivatives along rows 1 and on: complex to real.

    Autograd may differentiate it twice; where z = 0, derivatives are zero.
    """
    real, imaginary = z.real[:, :1], z.imag[:, :1]
    square = real * real + imaginary * imaginary
    value = torch.where(square > 0.0, torch.where(square > 0.0, square, 1.0).sqrt(), 0.0)
    if z.shape[1] == 1:
        return value
    tangents = (torch.conj(phase(z[:, :1], value)) * z[:, 1:]).real
    return torch.cat([value, tangents], dim=1)


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


def moduli(z: torch.Tensor, loops: "Loops | None") -> torch.Tensor:
    """:func:`modulus` of waveforms.

    Parameters
    ----------
    z : (signals, 1 + p, rows, n) complex tensor
    loops : Loops or None

    Returns
    -------
    (signals, 1 + p, rows, n) real tensor
    """
    if loops is None:
        return modulus(z)
    out = torch.empty(z.shape, dtype=z.real.dtype)
    scratch = out.new_empty(2, z.shape[-1])
    parts = torch.view_as_real(z.contiguous()).flatten(-2)
    loops.moduli(parts.numpy(), scratch.numpy(), out.numpy())
    return out


def moduli_adjoint(z: torch.Tensor, g: torch.Tensor, loops: "Loops | None") -> torch.Tensor:
    """Gradient of z from that of |z|; may overwrite z.

    Parameters
    ----------
    z : (signals, rows, n) complex tensor
    g : (signals, rows, n) real tensor
    loops : Loops or None

    Returns
    -------
    (signals, rows, n) complex tensor
    """
    if loops is None:
        return g * phase(z, z.abs())
    z = z.contiguous()
    loops.adjoint(torch.view_as_real(z).flatten(-2).numpy(), g.contiguous().numpy())
    return z


# --------------------------------------------------------------------------------------------------
# Wavelets, modulus and averaging while a block of time is in cache
#
# Wavelets of negative spin are the complex conjugates of those of positive spin. So with the real
# part R and the imaginary part I of psi, two real products serve both spins::
#
#     psi * Y = R Y + i I Y          psi^* * Y = R Y - i I Y


BLOCK_SIZE = {"cpu": 2**16, "cuda": 2**26}
"""Numbers in a block of R Y and I Y, by device: on a CPU it stays in the second cache."""

REMEMBERED = 32
"""Selections of rows kept for the next evaluation."""


@dataclass(frozen=True, eq=False)
class SpinnedWavelets:
    """All psi_fr for one length of the log-frequency axis.

    Output rows are those of spin 0 first, then spin +1, then spin -1.

    Attributes
    ----------
    matrix : (2 p, n1) tensor
        Real parts R of the rows of spin 0 and +1, then their imaginary parts I.
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
        found = self._reached.get(n1)
        if found is None:
            if len(self._reached) >= REMEMBERED:
                self._reached.clear()
            found = self._reached[n1] = self._find_reached(list(n1), tolerance)
        return found

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

    def scatter(
        self,
        Y: torch.Tensor,
        blocks: list[AveragingBlock],
        frames: int,
        loops: "Loops | None" = None,
        *,
        is_mirrored: bool = False,
    ) -> torch.Tensor:
        """Convolve along log-frequency, take the modulus, average in time.

        Parameters
        ----------
        Y : (signals, 1 + p, n1, time) complex tensor
            Values and their tangents.
        blocks : list of AveragingBlock
        frames : int
        loops : Loops, optional
        is_mirrored : bool
            Whether the blocks leave mirror images out.

        Returns
        -------
        (signals, 1 + p, rows, frames) real tensor
        """
        parts = torch.view_as_real(Y).flatten(-2)
        columns = Y.shape[1]
        sums: list[torch.Tensor] = []
        sides = 2 if is_mirrored else 1
        for signals, pieces in self._pieces(Y.shape, blocks, Y.device.type):
            stacked = parts[signals].flatten(0, 1)
            out = parts.new_zeros((sides * frames, len(stacked) * self.rows))
            works: dict[int, _Workspace] = {}
            for block, first, begin, end in pieces:
                if loops is None:
                    products = torch.matmul(self.matrix, stacked[..., 2 * begin : 2 * end])
                    z = self._of_all_spins(products).unflatten(0, (-1, columns))
                    u = modulus(z).flatten(0, 2)
                else:
                    work = works.get(end - begin)
                    if work is None:
                        work = _Workspace(self, len(stacked) // columns, columns, end - begin)
                        works[end - begin] = work
                    work.multiply(stacked[..., 2 * begin : 2 * end])
                    loops.joint_moduli(work.products, self.spinless, work.scratch[:2], work.rows)
                    u = work.flat_rows
                block.add(u, out, first)
            averages = out.T.unflatten(0, (-1, columns, self.rows))
            if is_mirrored:
                own, images = averages.split(frames, dim=-1)
                averages = own + self._of_other_spin(images)
            sums.append(averages)
        return sums[0] if len(sums) == 1 else torch.cat(sums)

    def moduli(self, Y: torch.Tensor) -> torch.Tensor:
        """|psi_fr * Y| of all rows, not averaged: (signals, n1, time) to (signals, rows, time)."""
        parts = torch.view_as_real(Y).flatten(-2)
        return modulus(self._of_all_spins(torch.matmul(self.matrix, parts))[:, None])[:, 0]

    def scatter_adjoint(
        self,
        Y: torch.Tensor,
        gradient: torch.Tensor,
        blocks: list[AveragingBlock],
        loops: "Loops | None" = None,
        *,
        is_mirrored: bool = False,
    ) -> torch.Tensor:
        """Adjoint of :meth:`scatter`: the gradient of Y from that of S.

        Parameters
        ----------
        Y : (signals, n1, time) complex tensor
        gradient : (signals, rows, frames) tensor
            Of S.
        blocks : list of AveragingBlock
        loops : Loops, optional
        is_mirrored : bool
            Whether the blocks leave mirror images out.

        Returns
        -------
        (signals, n1, time) complex tensor
        """
        if is_mirrored:
            gradient = torch.cat([gradient, self._of_other_spin(gradient)], dim=-1)
        out = torch.zeros_like(Y)
        parts, g_parts = (torch.view_as_real(y).flatten(-2) for y in (Y, out))
        back = self.matrix.T
        for signals, pieces in self._pieces((len(Y), 1, *Y.shape[1:]), blocks, Y.device.type):
            stacked, g_stacked = parts[signals], g_parts[signals]
            g_S = gradient[signals]
            works: dict[int, _Workspace] = {}
            for block, first, begin, end in pieces:
                at = slice(2 * begin, 2 * end)
                if loops is None:
                    z = self._of_all_spins(torch.matmul(self.matrix, stacked[..., at]))
                    g = block.adjoint(g_S, first, end - begin) * phase(z, z.abs())
                    g_stacked[..., at] = torch.matmul(back, self._onto_products(g))
                    continue
                work = works.get(end - begin)
                if work is None:
                    work = _Workspace(self, len(stacked), 1, end - begin)
                    works[end - begin] = work
                work.multiply(stacked[..., at])
                g = block.adjoint(g_S, first, end - begin).contiguous()
                loops.joint_adjoint(work.products[:, 0], self.spinless, work.scratch, g.numpy())
                work.multiply_back(back, g_stacked[..., at])
        return out

    @property
    def has_two_spins(self) -> bool:
        """Whether a signal's mirror image gives the rows of the other spin."""
        p = len(self.matrix) // 2
        of_no_spin = self.matrix[p : p + self.spinless]
        return bool(of_no_spin.abs().max() <= torch.finfo(self.matrix.dtype).eps)

    def _of_other_spin(self, S: torch.Tensor) -> torch.Tensor:
        """Rows of spin +1 and -1 exchanged: (..., rows, frames)."""
        spinned = len(self.matrix) // 2 - self.spinless
        none, rising, falling = S.split([self.spinless, spinned, spinned], dim=-2)
        return torch.cat([none, falling, rising], dim=-2)

    def _of_all_spins(self, products: torch.Tensor) -> torch.Tensor:
        """Z of all rows, (..., rows, n) complex, from the products (..., 2 p, 2 n)."""
        pairs = torch.view_as_complex(products.unflatten(-1, (-1, 2)))
        of_real, of_imaginary = pairs.unflatten(-2, (2, -1)).unbind(-3)
        turned = 1j * of_imaginary
        falling = (of_real - turned)[..., self.spinless :, :]
        return torch.cat([of_real + turned, falling], dim=-2)

    def _onto_products(self, g: torch.Tensor) -> torch.Tensor:
        """Adjoint of :meth:`_of_all_spins`."""
        p = len(self.matrix) // 2
        rising, falling = g[..., :p, :], g[..., p:, :]
        falling = torch.nn.functional.pad(falling, (0, 0, self.spinless, 0))
        both = torch.cat([rising + falling, -1j * (rising - falling)], dim=-2)
        return torch.view_as_real(both).flatten(-2)

    def _pieces(
        self, shape: tuple[int, ...], blocks: list[AveragingBlock], device: str
    ) -> Iterator[tuple[slice, list[tuple[AveragingBlock, int, int, int]]]]:
        """Signals and pieces of time that fit the cache: block, place in it, begin, and end."""
        count, columns, _, n = shape
        room = BLOCK_SIZE.get(device, BLOCK_SIZE["cuda"]) // (2 * len(self.matrix) * columns)
        length = max(1 << max(room, 1).bit_length() - 1, 128)
        pieces = [
            (block, begin - block.times.start, begin, min(begin + length, block.times.stop))
            for block in blocks
            for begin in range(block.times.start, block.times.stop, length)
        ]
        together = max(1, room // n)
        for first in range(0, count, together):
            yield slice(first, min(first + together, count)), pieces


class _Workspace:
    """Buffers for blocks of `n` samples of some signals and tangents."""

    def __init__(self, wavelets: SpinnedWavelets, signals: int, columns: int, n: int) -> None:
        matrix = wavelets.matrix
        self._matrix = matrix.expand(signals * columns, -1, -1)
        self._single = matrix if signals * columns == 1 else None
        self._products = matrix.new_empty((signals * columns, len(matrix), 2 * n))
        rows = matrix.new_empty((signals, columns, wavelets.rows, n))
        self.products = self._products.unflatten(0, (signals, columns)).numpy()
        self.scratch = matrix.new_empty((4, n)).numpy()
        self.rows, self.flat_rows = rows.numpy(), rows.flatten(0, 2)

    def multiply(self, parts: torch.Tensor) -> None:
        """R Y and I Y of (signals (1 + p), n1, 2 n), into :attr:`products`."""
        if self._single is not None:
            torch.mm(self._single, parts[0], out=self._products[0])
        else:
            torch.bmm(self._matrix, parts, out=self._products)

    def multiply_back(self, back: torch.Tensor, out: torch.Tensor) -> None:
        """Gradient of Y, (signals, n1, 2 n), from those in :attr:`products`."""
        if self._single is not None:
            torch.mm(back, self._products[0], out=out[0])
        else:
            out.copy_(torch.bmm(back.expand(len(out), -1, -1), self._products))
