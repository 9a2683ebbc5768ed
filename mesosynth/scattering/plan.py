"""Filters and tensors of a JTFS, computed once for each dtype and device."""

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from mesosynth.scattering.filterbank import WaveletFilter
from mesosynth.scattering.frequency import Averaging, FrequencyStage, LogFrequency
from mesosynth.scattering.joint import SpinnedWavelets, loops_for
from mesosynth.scattering.time import (
    AveragingBlock,
    BandPass,
    averaging_blocks,
    band_pass,
    exact_length,
    first_order_length,
    mirror_sources,
    second_order_length,
)

if TYPE_CHECKING:
    from mesosynth.scattering.joint_loops import Loops


@dataclass(frozen=True)
class WaveletBank:
    """All filters of a transform.

    Attributes
    ----------
    phi : WaveletFilter
        Low-pass filter along time.
    psi1, psi2 : list of WaveletFilter
        First-order and second-order wavelets along time.
    average : {"local", "global", "none"}
        How the second order is averaged in time.
    frames : (int, int)
        First and end of the frames of a local average.
    tolerance : float
        Relative error that may be made, 0 to 0.1.
    signal : (int, int) or None
        First and end of the signal where it is padded by reflection.
    groups : list of (slice, int)
        Rows of psi1 whose outputs have the same length, and that length, samples.
    first : FrequencyStage
        Along log-frequency, for S_1.
    second : list of (n2, count, FrequencyStage)
        For each n2 with rows of j1 < j2: its index, the number of these rows, and their stage.
    """

    phi: WaveletFilter
    psi1: list[WaveletFilter]
    psi2: list[WaveletFilter]
    average: Averaging
    frames: tuple[int, int]
    tolerance: float
    signal: tuple[int, int] | None
    groups: list[tuple[slice, int]]
    first: FrequencyStage
    second: list[tuple[int, int, FrequencyStage]]

    @classmethod
    def of(
        cls,
        phi: WaveletFilter,
        psi1: list[WaveletFilter],
        psi2: list[WaveletFilter],
        frequency: LogFrequency,
        average: Averaging,
        frames: tuple[int, int],
        tolerance: float,
        signal: tuple[int, int] | None,
    ) -> "WaveletBank":
        """Bank of some filters, with their groups and stages.

        Parameters
        ----------
        phi : WaveletFilter
        psi1, psi2 : list of WaveletFilter
        frequency : LogFrequency
        average : {"local", "global", "none"}
        frames : (int, int)
        tolerance : float
        signal : (int, int) or None
            All as in the attributes.

        Returns
        -------
        WaveletBank
        """
        second: list[tuple[int, int, FrequencyStage]] = []
        by_count: dict[int, FrequencyStage] = {}
        for n2, psi in enumerate(psi2):
            # psi1 comes with ascending j.
            count = sum(f.j < psi.j for f in psi1)
            if count == 0:
                continue
            if count not in by_count:
                by_count[count] = frequency.stage(count, spinned=True)
            second.append((n2, count, by_count[count]))
        local = average == "local"
        lengths = [first_order_length(f, phi, psi2, tolerance, local=local) for f in psi1]
        first = frequency.stage(len(psi1), spinned=False)
        groups = _runs(lengths)
        return cls(phi, psi1, psi2, average, frames, tolerance, signal, groups, first, second)


@dataclass(frozen=True)
class Group:
    """Rows of psi1 whose outputs have the same `length`, and the averaging of these for S_1."""

    rows: slice
    length: int
    psi1: list[BandPass]
    averaging: list[AveragingBlock]


@dataclass(frozen=True)
class SecondOrder:
    """Filters and averaging of one second-order wavelet psi_n2.

    Attributes
    ----------
    count : int
        Number of rows with j1 < j2.
    bands : list of BandPass
        psi_n2 at the rate of each group that has such rows.
    averaging : list of AveragingBlock
    is_mirrored : bool
        Whether `averaging` leaves out the samples that are mirror images of others.
    psi : SpinnedWavelets
    phi : (n_out, n_in) tensor or None
    """

    count: int
    bands: list[BandPass]
    averaging: list[AveragingBlock]
    is_mirrored: bool
    psi: SpinnedWavelets
    phi: torch.Tensor | None

    @property
    def rows(self) -> int:
        """Number of output rows of S."""
        return self.psi.rows if self.phi is None else len(self.phi)

    def counts(self, rows: list[list[int]]) -> list[int]:
        """Number of `rows` with j1 < j2 in each group of ``bands``."""
        return [sum(n1 < self.count for n1 in group) for group in rows[: len(self.bands)]]


@dataclass(frozen=True)
class TransformPlan:
    """A :class:`WaveletBank` as tensors.

    Attributes
    ----------
    is_global : bool
        Whether the averages are sums over all time.
    frames, frames_of_S_1 : int
        Length of the output, and of S_1 before its modulus along log-frequency.
    tolerance : float
        Relative error that may be made, 0 to 0.1.
    is_selective : bool
        Whether each evaluation leaves out rows and paths without energy. Not on a GPU, which would
        have to wait for the measurement.
    groups : list of Group
    first_psi, first_phi : tensor, tensor or None
        Along log-frequency, for S_1: real rows above imaginary rows, and the averaging.
    zeroth_averaging : list of AveragingBlock
    second : list of SecondOrder
    loops : Loops or None
        Compiled loops, on a CPU.
    chunk : int
        Signals of a batch that are computed at a time.
    """

    is_global: bool
    frames: int
    frames_of_S_1: int
    tolerance: float
    is_selective: bool
    groups: list[Group]
    first_psi: torch.Tensor
    first_phi: torch.Tensor | None
    zeroth_averaging: list[AveragingBlock]
    second: list[SecondOrder]
    loops: "Loops | None"
    chunk: int


def build_plan(bank: WaveletBank, like: torch.Tensor, chunk: int) -> TransformPlan:
    """Tensors of a bank.

    Parameters
    ----------
    bank : WaveletBank
    like : tensor
        Real tensor of the dtype and device to compute in.
    chunk : int
        Signals of a batch to compute at a time.

    Returns
    -------
    TransformPlan
    """
    phi, local = bank.phi, bank.average == "local"
    exact = bank.tolerance == 0.0
    # S_1 is averaged before a modulus, so that a sum over time needs all its frames.
    frames = (0, phi.N >> phi.j) if bank.average == "global" else bank.frames
    of_second = bank.frames if local else None
    groups = [
        Group(
            rows=rows,
            length=n,
            psi1=[band_pass(psi, phi.N, n, like, exact=exact) for psi in bank.psi1[rows]],
            averaging=averaging_blocks(phi, n, frames, like),
        )
        for rows, n in bank.groups
    ]
    stages = {id(stage): stage for _, _, stage in bank.second}
    along = {key: _along_frequency(stage, like) for key, stage in stages.items()}
    second: list[SecondOrder] = []
    for n2, count, stage in bank.second:
        psi2 = bank.psi2[n2]
        n = second_order_length(psi2, phi, bank.tolerance, local=local)
        summands = exact_length(psi2, phi, local=local)
        psi, phi_fr = along[id(stage)]
        sources = None
        if bank.signal is not None and psi.has_two_spins:
            sources = _mirror_sources(bank, psi2, count, n, torch.finfo(like.dtype).eps)
        averaging = averaging_blocks(phi, n, of_second, like, summands, sources)
        bands = [
            band_pass(psi2, group.length, n, like, exact=exact)
            for group in groups
            if group.rows.start < count
        ]
        second.append(SecondOrder(count, bands, averaging, sources is not None, psi, phi_fr))
    first_psi = np.concatenate([bank.first.psi.real, bank.first.psi.imag])
    return TransformPlan(
        is_global=bank.average == "global",
        frames=frames[1] - frames[0] if local else 1,
        frames_of_S_1=frames[1] - frames[0],
        tolerance=bank.tolerance,
        is_selective=not exact and like.device.type == "cpu",
        groups=groups,
        first_psi=torch.from_numpy(first_psi).to(like),
        first_phi=_as_tensor(bank.first.phi, like),
        zeroth_averaging=averaging_blocks(phi, phi.N, of_second, like),
        second=second,
        loops=loops_for(like),
        chunk=chunk,
    )


def _mirror_sources(
    bank: WaveletBank, psi2: WaveletFilter, count: int, n: int, eps: float
) -> NDArray[np.int64] | None:
    """Samples of which others are images, for one n2; None where no image can be left out."""
    assert bank.signal is not None
    bandwidths = [psi2.sigma, min(psi.sigma for psi in bank.psi1[:count])]
    # A Gaussian of bandwidth sigma decays in time with 1 / (2 pi sigma).
    decay = math.sqrt(2.0 * math.log(1.0 / max(bank.tolerance, 0.1 * eps)))
    reach = sum(decay / (2.0 * math.pi * sigma) for sigma in bandwidths)
    slack = bank.tolerance * 2**bank.phi.j
    sources = mirror_sources(n, bank.phi.N, bank.signal, reach, slack)
    return sources if (sources != np.arange(n)).any() else None


def _along_frequency(
    stage: FrequencyStage, like: torch.Tensor
) -> tuple[SpinnedWavelets, torch.Tensor | None]:
    """Wavelets of a stage, and its averaging, without rows that are too far off to be heard.

    An output of phi_F sums |psi_fr * Y| over all rows of the padded axis, but most wavelets are
    short: two thirds of the rows hold less than the rounding error of the sum.
    """
    psi, phi, spinless = stage.psi, stage.phi, stage.spinless
    if phi is None:
        return _spinned(psi, spinless, like), None
    share = np.abs(phi) * np.linalg.norm(psi, axis=1)
    share = (share / share.sum(axis=1, keepdims=True)).max(axis=0)
    rising = share[: (len(psi) + spinless) // 2]
    falling = share[len(rising) :]
    heard = np.concatenate([rising[:spinless], np.maximum(rising[spinless:], falling)])
    kept = heard > 0.1 * torch.finfo(like.dtype).eps
    both = np.concatenate([kept, kept[spinless:]])
    wavelets = _spinned(psi[both], int(kept[:spinless].sum()), like)
    return wavelets, torch.from_numpy(phi[:, both]).to(like)


def _spinned(psi: NDArray[np.complex128], spinless: int, like: torch.Tensor) -> SpinnedWavelets:
    """Wavelets of spin 0 and +1 alone, where those of spin -1 are their conjugates.

    Kymatio's periodized wavelets are conjugates to 1e-7 or better; float64 may see the difference.
    """
    rising = psi[: (len(psi) + spinless) // 2]
    falling = psi[len(rising) :]
    if np.abs(falling - rising[spinless:].conj()).max() > torch.finfo(like.dtype).eps:
        rising, spinless = psi, len(psi)
    matrix = np.concatenate([rising.real, rising.imag])
    return SpinnedWavelets(torch.from_numpy(matrix).to(like), spinless)


def _as_tensor(matrix: NDArray[np.float64] | None, like: torch.Tensor) -> torch.Tensor | None:
    return None if matrix is None else torch.from_numpy(matrix).to(like)


def _runs(lengths: list[int]) -> list[tuple[slice, int]]:
    """Runs of equal length: (rows, length)."""
    edges = [0, *(i for i in range(1, len(lengths)) if lengths[i] != lengths[i - 1]), len(lengths)]
    return [(slice(a, b), lengths[a]) for a, b in itertools.pairwise(edges)]
