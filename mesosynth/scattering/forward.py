"""Forward transform: from a padded signal and its tangents to rows of coefficients."""

import os
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from threading import Barrier
from typing import TypeVar

import torch

from mesosynth.scattering.joint import SpinnedWavelets, modulus, needed
from mesosynth.scattering.plan import Group, SecondOrder, TransformPlan
from mesosynth.scattering.time import average
from mesosynth.system.steps import Steps, result_of

# --------------------------------------------------------------------------------------------------
# Threads that share one evaluation
#
# PyTorch splits each operation among its threads. Operations on blocks that fit a cache are too
# short for that: whole tasks in threads, each with its own cache, scale far better.


Result = TypeVar("Result")


@contextmanager
def team(like: torch.Tensor, *, alone: bool) -> Generator["Team"]:
    """Threads for one evaluation: as many as PyTorch would use, while PyTorch itself has one.

    Parameters
    ----------
    like : tensor
        On a GPU tasks run one after the other.
    alone : bool
        Whether the tasks are so small that a second thread would slow them down.

    Yields
    ------
    Team
    """
    threads = torch.get_num_threads()
    if like.device.type != "cpu":
        yield Team(1)
        return
    torch.set_num_threads(1)
    try:
        yield Team(1 if alone else threads)
    finally:
        torch.set_num_threads(threads)


@dataclass(frozen=True)
class Team:
    """A number of threads that run tasks."""

    threads: int

    def run(self, tasks: Sequence[Callable[[], Result]]) -> list[Result]:
        """Run `tasks` and return their results in order; the first exception ends all."""
        if self.threads == 1:
            return [task() for task in tasks]
        futures: list[Future[Result]] = []
        try:
            futures += [_pool(self.threads, os.getpid()).submit(task) for task in tasks]
            return [future.result() for future in futures]
        finally:
            for future in futures:
                future.cancel()


@cache
def _pool(threads: int, pid: int) -> ThreadPoolExecutor:
    """Pool of one process; a forked process makes its own, since threads do not survive a fork."""
    del pid
    before = torch.get_num_threads()
    ready = Barrier(threads + 1)

    def begin() -> None:
        torch.set_num_threads(1)
        ready.wait()

    pool = ThreadPoolExecutor(threads, "mesosynth jtfs", initializer=begin)
    for _ in range(threads):
        pool.submit(lambda: None)
    ready.wait()
    torch.set_num_threads(before)  # what other new threads will start with
    return pool


# --------------------------------------------------------------------------------------------------
# The transform
#
# Axis 0, of length 1 + p, always holds a value and its derivatives along p tangents.
#
# With a tolerance, rows of U_1 without energy, psi_n2 without input, and output rows that reach no
# row of U_1 are left out. Each part may lose its share of the tolerance, in the value and in every
# tangent.


ROWS = 4
"""Rows of psi1 in one task: small enough to share the work among threads."""


@dataclass(frozen=True)
class FirstOrder:
    """First-order results that the second order reads.

    Attributes
    ----------
    rows : list of list of int
        For each group, the rows of psi1 that were not left out.
    U_1_hat : list of (1 + p, rows, length) complex tensor
        Their spectra.
    activity : (1 + p,) tensor
        Variance of U_1 over time, summed over its rows; 0 where no selection is made.
    S_1 : (1 + p, n1, frames) tensor
    """

    rows: list[list[int]]
    U_1_hat: list[torch.Tensor]
    activity: torch.Tensor
    S_1: torch.Tensor


def forward(x: torch.Tensor, plan: TransformPlan) -> torch.Tensor:
    """Coefficients of a padded signal and their tangents, order by order.

    Parameters
    ----------
    x : (1 + p, N) tensor
        The signal and p tangents.
    plan : TransformPlan

    Returns
    -------
    (1 + p, rows, frames) tensor
    """
    return result_of(forward_steps(x, plan))


def forward_steps(x: torch.Tensor, plan: TransformPlan) -> Steps[None, torch.Tensor]:
    """:func:`forward` as a generator that can be left early.

    It yields after the first order and, on one thread, after each n2.

    Parameters
    ----------
    x : (1 + p, N) tensor
        The signal and p tangents.
    plan : TransformPlan

    Returns
    -------
    (1 + p, rows, frames) tensor
        Result of the generator.
    """
    # S(a x) = a S(x), and its derivatives do not change: no amplitude can leave the float's range.
    scale = power_of_two(x[0])
    x = torch.cat([x[:1] / scale, x[1:]])
    alone = plan.tolerance > 0.0
    with team(x, alone=alone) as workers:
        S_0 = average(x[:, None], plan.zeroth_averaging, plan.frames)
        first = first_order(x, plan, workers)
        S = [S_0, first_rows(first.S_1, plan)]
    tasks = [partial(second_rows, first, n2, plan) for n2 in plan.second]
    at_once = 1 if alone else len(tasks)
    for begin in range(0, len(tasks), at_once):
        yield  # outside of a team, which leaves PyTorch's threads to others meanwhile
        with team(x, alone=alone) as workers:
            S += workers.run(tasks[begin : begin + at_once])
    rows = torch.cat(S, dim=1)
    rows[0] *= scale
    return rows


def power_of_two(x: torch.Tensor) -> torch.Tensor:
    """Power of two at or below the peak of `x`; dividing by it rounds nothing."""
    peak = x.abs().amax().clamp_min(torch.finfo(x.dtype).tiny)
    return torch.exp2(torch.log2(peak).floor())


def first_order(x: torch.Tensor, plan: TransformPlan, workers: Team) -> FirstOrder:
    """First order: filter by all psi1 and take the modulus.

    Parameters
    ----------
    x : (1 + p, N) tensor
        The signal and p tangents.
    plan : TransformPlan
    workers : Team
        Threads that share the rows.

    Returns
    -------
    FirstOrder
    """
    x_hat = torch.fft.fft(x)
    bands: list[torch.Tensor] = []
    kept = [True] * plan.groups[-1].rows.stop
    if plan.is_selective:
        bands = [first_bands(x_hat, group) for group in plan.groups]
        power = torch.cat([_mean_square(band) for band in bands], dim=1)
        kept = needed(power, power.sum(dim=1), plan.tolerance).tolist()
    rows = [[n1 for n1 in range(g.rows.start, g.rows.stop) if kept[n1]] for g in plan.groups]
    U_1_hat = [
        x_hat.new_empty((len(x), len(n1), group.length))
        for n1, group in zip(rows, plan.groups, strict=True)
    ]
    S_1 = x.new_zeros((len(x), len(kept), plan.frames_of_S_1))
    variance = x.new_zeros((len(x), len(kept)))

    def take(g: int, first: int) -> None:
        group, n1 = plan.groups[g], rows[g][first : first + ROWS]
        places = [n - group.rows.start for n in n1]
        band = bands[g][:, places] if bands else first_bands(x_hat, group, places)
        U_1 = modulus(torch.fft.ifft(band))
        spectra = torch.fft.fft(U_1)
        U_1_hat[g][:, first : first + ROWS] = spectra
        S_1[:, n1] = average(U_1, group.averaging, plan.frames_of_S_1)
        if plan.is_selective:
            mean = spectra[..., 0].real / group.length
            square = torch.linalg.vector_norm(U_1, dim=-1).square() / group.length
            variance[:, n1] = (square - mean.square()).clamp_min_(0.0)

    pieces = [(g, first) for g, n1 in enumerate(rows) for first in range(0, len(n1), ROWS)]
    workers.run([partial(take, *piece) for piece in pieces])
    return FirstOrder(rows, U_1_hat, variance.sum(dim=1), S_1)


def first_rows(S_1: torch.Tensor, plan: TransformPlan) -> torch.Tensor:
    """First-order coefficients, ``|S_1 * psi_fr|`` along log-frequency, averaged.

    Parameters
    ----------
    S_1 : (1 + p, n1, frames) tensor
    plan : TransformPlan

    Returns
    -------
    (1 + p, rows, frames) tensor
    """
    real, imaginary = (plan.first_psi @ S_1).unflatten(1, (2, -1)).unbind(1)
    U = modulus(torch.complex(real, imaginary))
    if plan.is_global:
        U = U.sum(dim=-1, keepdim=True)
    return U if plan.first_phi is None else plan.first_phi @ U


def second_rows(first: FirstOrder, second: SecondOrder, plan: TransformPlan) -> torch.Tensor:
    """Second-order coefficients of one n2.

    Parameters
    ----------
    first : FirstOrder
    second : SecondOrder
    plan : TransformPlan

    Returns
    -------
    (1 + p, rows, frames) tensor
    """
    bands = second_bands(first, second)
    S_2 = first.S_1.new_zeros((len(bands), second.psi.rows, plan.frames))
    used = used_wavelets(bands, first, second, plan)
    if used is not None:
        psi, rows = used
        S_2[:, rows] = psi.scatter(torch.fft.ifft(bands), second.averaging, plan.frames)
    return S_2 if second.phi is None else second.phi @ S_2


def used_wavelets(
    bands: torch.Tensor, first: FirstOrder, second: SecondOrder, plan: TransformPlan
) -> tuple[SpinnedWavelets, slice | torch.Tensor] | None:
    """The psi_fr that Y_2 needs within the tolerance.

    Parameters
    ----------
    bands : (1 + p, n1, length) complex tensor
        Spectra of Y_2.
    first : FirstOrder
    second : SecondOrder
    plan : TransformPlan

    Returns
    -------
    (SpinnedWavelets, slice or tensor) or None
        The wavelets and their output rows; None where all of n2 may be left out.
    """
    if not plan.is_selective:
        return second.psi, slice(None)
    power = _mean_square(bands).sum(dim=1, keepdim=True)
    if not needed(power, first.activity, plan.tolerance, len(plan.second)).any():
        return None
    n1 = tuple(n for group in first.rows for n in group if n < second.count)
    return second.psi.reached_from(n1, plan.tolerance)


def second_bands(first: FirstOrder, second: SecondOrder) -> torch.Tensor:
    """Spectra of Y_2 = U_1 * psi_n2.

    Parameters
    ----------
    first : FirstOrder
    second : SecondOrder

    Returns
    -------
    (1 + p, n1, length) complex tensor
    """
    counts = second.counts(first.rows)
    columns = len(first.S_1)
    bands = first.U_1_hat[0].new_empty((columns, sum(counts), second.bands[0].n_out))
    at = 0
    for psi, spectra, count in zip(second.bands, first.U_1_hat, counts, strict=False):
        if count:
            psi.take_band(spectra[:, :count], bands[:, at : at + count])
            at += count
    return bands


def first_bands(
    x_hat: torch.Tensor, group: Group, places: Sequence[int] | None = None
) -> torch.Tensor:
    """Spectra of x * psi1 for the rows of a group.

    Parameters
    ----------
    x_hat : (1 + p, N) complex tensor
        Spectra of the signal and of p tangents.
    group : Group
    places : sequence of int, optional
        Rows of the group; None takes all.

    Returns
    -------
    (1 + p, rows, length) complex tensor
    """
    psi1 = group.psi1 if places is None else [group.psi1[place] for place in places]
    bands = x_hat.new_empty((len(x_hat), len(psi1), group.length))
    for row, psi in enumerate(psi1):
        psi.take_band(x_hat, bands[:, row])
    return bands


def _mean_square(bands: torch.Tensor) -> torch.Tensor:
    """Mean square over time of waveforms with the spectra (..., n)."""
    norm = torch.linalg.vector_norm(torch.view_as_real(bands).flatten(-2), dim=-1)
    return (norm / bands.shape[-1]).square_()
