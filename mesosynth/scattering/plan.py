"""What a transform works out once: its filters, and they as tensors of one dtype on one device."""

import itertools
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from mesosynth.scattering.filterbank import Filter
from mesosynth.scattering.log_frequency import FrequencyStage, LogFrequency
from mesosynth.scattering.time_axis import (
    AveragingBlock,
    BandPass,
    band_pass,
    low_pass_blocks,
    summing_blocks,
)


@dataclass(frozen=True)
class Bank:
    """All filters of a transform.

    Attributes
    ----------
    phi, psi1, psi2 : Filter and lists of Filter
        Along time.
    frames : (int, int) or None
        First and end of the frames to keep, or None for a sum over all time.
    groups : list of (slice, int)
        Rows of psi1 of equal output rate, and that rate's log2 decimation.
    first : FrequencyStage
        Along log-frequency, for S_1.
    second : list of (n2, count, FrequencyStage)
        The same for each n2 and the `count` rows with j1 < j2, where there are any.
    """

    phi: Filter
    psi1: list[Filter]
    psi2: list[Filter]
    frames: tuple[int, int] | None
    groups: list[tuple[slice, int]]
    first: FrequencyStage
    second: list[tuple[int, int, FrequencyStage]]

    @classmethod
    def of(
        cls,
        phi: Filter,
        psi1: list[Filter],
        psi2: list[Filter],
        frequency: LogFrequency,
        frames: tuple[int, int] | None,
    ) -> "Bank":
        """Work out groups and stages of the filters."""
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
        levels = [f.j if frames is None else min(f.j, phi.j) for f in psi1]
        first = frequency.stage(len(psi1), spinned=False)
        return cls(phi, psi1, psi2, frames, _runs(levels), first, second)

    def averaging(self, level: int, like: torch.Tensor) -> list[AveragingBlock]:
        """Averaging in time of a signal decimated by ``2 ** level``."""
        if self.frames is None:
            return summing_blocks(len(self.phi.hat) // 2**level, like)
        return low_pass_blocks(self.phi, level, self.phi.j, self.frames, like)

    def averaging_of_U_1(self, level: int, like: torch.Tensor) -> list[AveragingBlock]:
        """The same for U_1, whose low-pass comes before a modulus: sums need all its frames."""
        frames = self.frames or (0, len(self.phi.hat) // 2**self.phi.j)
        return low_pass_blocks(self.phi, level, self.phi.j, frames, like)


@dataclass(frozen=True)
class SecondOrder:
    """Everything about one n2.

    Attributes
    ----------
    bands : list of (slice, int, BandPass)
        For each group of rows: how many of its rows, the group, and psi_n2 at its rate.
    averaging : list of AveragingBlock
    psi : (2 n_in, 2 count) tensor
        psi_fr as a real matrix, for real rows above imaginary rows.
    phi : (n_out, n_in) tensor or None
    """

    bands: list[tuple[slice, int, BandPass]]
    averaging: list[AveragingBlock]
    psi: torch.Tensor
    phi: torch.Tensor | None


@dataclass(frozen=True)
class Plan:
    """A :class:`Bank` as tensors; ``first`` and ``first_averaging`` have an entry a group."""

    first: list[BandPass]
    first_averaging: list[list[AveragingBlock]]
    first_psi: torch.Tensor
    first_phi: torch.Tensor | None
    zeroth_averaging: list[AveragingBlock]
    second: list[SecondOrder]


def build_plan(bank: Bank, like: torch.Tensor) -> Plan:
    """Turn `bank` into tensors of the dtype and on the device of the real tensor `like`."""
    stages = {id(stage): stage for _, _, stage in bank.second}
    psis = {key: _as_real(stage.psi, like) for key, stage in stages.items()}
    phis = {key: _as_tensor(stage.phi, like) for key, stage in stages.items()}
    levels = {
        n2: bank.psi2[n2].j if bank.frames is None else min(bank.psi2[n2].j, bank.phi.j)
        for n2, _, _ in bank.second
    }
    averaging = {level: bank.averaging(level, like) for level in set(levels.values())}
    first_psi = np.concatenate([bank.first.psi.real, bank.first.psi.imag])
    return Plan(
        first=[band_pass(bank.psi1[rows], 0, k1, like) for rows, k1 in bank.groups],
        first_averaging=[bank.averaging_of_U_1(k1, like) for _, k1 in bank.groups],
        first_psi=torch.from_numpy(first_psi).to(like),
        first_phi=_as_tensor(bank.first.phi, like),
        zeroth_averaging=bank.averaging(0, like),
        second=[
            SecondOrder(
                bands=_bands(bank, n2, count, levels[n2], like),
                averaging=averaging[levels[n2]],
                psi=psis[id(stage)],
                phi=phis[id(stage)],
            )
            for n2, count, stage in bank.second
        ],
    )


def _bands(
    bank: Bank, n2: int, count: int, level: int, like: torch.Tensor
) -> list[tuple[slice, int, BandPass]]:
    bands: list[tuple[slice, int, BandPass]] = []
    for group, (rows, k1) in enumerate(bank.groups):
        inside = min(rows.stop, count) - rows.start
        if inside > 0:
            plan = band_pass([bank.psi2[n2]], k1, level, like)
            bands.append((slice(0, inside), group, plan))
    return bands


def _as_real(psi: NDArray[np.complex128], like: torch.Tensor) -> torch.Tensor:
    """A complex matrix as a real one that acts on real rows above imaginary rows."""
    blocks = np.block([[psi.real, -psi.imag], [psi.imag, psi.real]])
    return torch.from_numpy(blocks).to(like)


def _as_tensor(matrix: NDArray[np.float64] | None, like: torch.Tensor) -> torch.Tensor | None:
    return None if matrix is None else torch.from_numpy(matrix).to(like)


def _runs(levels: list[int]) -> list[tuple[slice, int]]:
    """Runs of equal level: (rows, level)."""
    edges = [0, *(i for i in range(1, len(levels)) if levels[i] != levels[i - 1]), len(levels)]
    return [(slice(a, b), levels[a]) for a, b in itertools.pairwise(edges)]
