"""Forward transform: from padded signals and their tangents to rows of coefficients."""

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from threading import Barrier
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from mesosynth.scattering.joint import SpinnedWavelets, moduli, modulus, needed
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
        pool, mode = _pool(self.threads, os.getpid()), torch.is_inference_mode_enabled()
        try:
            futures += [pool.submit(_without_graph, task, mode) for task in tasks]
            return [future.result() for future in futures]
        finally:
            for future in futures:
                future.cancel()


def _without_graph(task: Callable[[], Result], inference: bool) -> Result:
    """Result of a task in another thread, in the mode of the thread that asks for it."""
    with torch.inference_mode(inference), torch.no_grad():
        return task()


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
# Axis 0 holds signals; axis 1, of length 1 + p, a value and its derivatives along p tangents.
#
# With a tolerance, rows of U_1 without energy, psi_n2 without input, and output rows that reach no
# row of U_1 are left out. Each part may lose its share of the tolerance, in the value and in every
# tangent. What is left out is a signal's own: signals that are computed together share what any of
# them needs, and each has zeros where it would have them alone.


TASK_SIZE = 2**18
"""Samples of rows, tangents and signals in one task: small enough to share among threads."""

Y_2_SIZE = 2**21
"""Samples of Y_2 that are held at a time, unless one signal has more."""


@dataclass(frozen=True)
class FirstOrder:
    """First-order results that the second order reads.

    Attributes
    ----------
    rows : list of list of int
        For each group, the rows of psi1 that any signal needs.
    kept : (signals, n1) bool array or None
        Rows that each signal needs; None where they need the same.
    U_1_hat : list of (signals, 1 + p, rows, length) complex tensor
        Their spectra.
    activity : (signals, 1 + p) tensor
        Variance of U_1 over time, summed over its rows; 0 where no selection is made.
    S_1 : (signals, 1 + p, n1, frames) tensor
    """

    rows: list[list[int]]
    kept: NDArray[np.bool_] | None
    U_1_hat: list[torch.Tensor]
    activity: torch.Tensor
    S_1: torch.Tensor


@dataclass(frozen=True)
class Used:
    """Part of one n2 that is computed.

    Attributes
    ----------
    signals : list of int or None
        Signals that need it; None for all.
    psi : SpinnedWavelets
    rows : slice or tensor
        Output rows of these wavelets.
    mask : (signals, rows, 1) tensor or None
        0 where a signal would have left a row out, and 1 elsewhere.
    """

    signals: list[int] | None
    psi: SpinnedWavelets
    rows: slice | torch.Tensor
    mask: torch.Tensor | None


def forward(x: torch.Tensor, plan: TransformPlan) -> torch.Tensor:
    """Coefficients of padded signals and their tangents, order by order.

    Parameters
    ----------
    x : (signals, 1 + p, N) tensor
        Each signal and its p tangents.
    plan : TransformPlan

    Returns
    -------
    (signals, 1 + p, rows, frames) tensor
    """
    return result_of(forward_steps(x, plan))


def forward_steps(x: torch.Tensor, plan: TransformPlan) -> Steps[None, torch.Tensor]:
    """:func:`forward` as a generator that can be left early.

    It yields after the first order and, on one thread, after each n2.

    Parameters
    ----------
    x : (signals, 1 + p, N) tensor
        Each signal and its p tangents.
    plan : TransformPlan

    Returns
    -------
    (signals, 1 + p, rows, frames) tensor
        Result of the generator.
    """
    # S(a x) = a S(x), and its derivatives do not change: no amplitude can leave the float's range.
    scale = power_of_two(x[:, :1])
    x = torch.cat([x[:, :1] / scale, x[:, 1:]], dim=1)
    alone = plan.tolerance > 0.0
    with team(x, alone=alone) as workers:
        S_0 = average(x[:, :, None], plan.zeroth_averaging, plan.frames)
        first = first_order(x, plan, workers)
        S = [S_0, first_rows(first.S_1, plan)]
    tasks = [partial(second_rows, first, n2, plan) for n2 in plan.second]
    at_once = 1 if alone else max(len(tasks), 1)
    for begin in range(0, len(tasks), at_once):
        yield  # outside of a team, which leaves PyTorch's threads to others meanwhile
        with team(x, alone=alone) as workers:
            S += workers.run(tasks[begin : begin + at_once])
    rows = torch.cat(S, dim=2)
    rows[:, :1] *= scale[..., None]
    return rows


def power_of_two(x: torch.Tensor) -> torch.Tensor:
    """Power of two at or below the peak of each signal, (..., 1); dividing by it rounds nothing."""
    peak = x.abs().amax(dim=-1, keepdim=True).clamp_min(torch.finfo(x.dtype).tiny)
    return torch.exp2(torch.log2(peak).floor())


def first_order(x: torch.Tensor, plan: TransformPlan, workers: Team) -> FirstOrder:
    """First order: filter by all psi1 and take the modulus.

    Parameters
    ----------
    x : (signals, 1 + p, N) tensor
        Each signal and its p tangents.
    plan : TransformPlan
    workers : Team
        Threads that share the rows.

    Returns
    -------
    FirstOrder
    """
    signals, columns = x.shape[:2]
    n1_count = plan.groups[-1].rows.stop
    x_hat = torch.fft.fft(x)
    bands: list[torch.Tensor] = []
    used = [True] * n1_count
    kept: NDArray[np.bool_] | None = None
    if plan.is_selective:
        bands = [first_bands(x_hat, group) for group in plan.groups]
        power = torch.cat([_mean_square(band) for band in bands], dim=2)
        each: NDArray[np.bool_] = needed(power, power.sum(dim=2), plan.tolerance).numpy()
        needs: list[list[bool]] = each.tolist()
        used = [any(column) for column in zip(*needs, strict=True)]
        kept = None if all(row == used for row in needs) else each
    masks = None if kept is None else torch.from_numpy(kept).to(x)[:, None, :, None]
    rows = [[n1 for n1 in range(g.rows.start, g.rows.stop) if used[n1]] for g in plan.groups]
    U_1_hat = [
        x_hat.new_empty((signals, columns, len(n1), group.length))
        for n1, group in zip(rows, plan.groups, strict=True)
    ]
    S_1 = x.new_zeros((signals, columns, n1_count, plan.frames_of_S_1))
    variance = x.new_zeros((signals, columns, n1_count))

    def take(g: int, those: slice, some: slice) -> None:
        group, n1 = plan.groups[g], rows[g][some]
        places = [n - group.rows.start for n in n1]
        band = bands[g][those, :, places] if bands else first_bands(x_hat[those], group, places)
        U_1 = moduli(torch.fft.ifft(band), plan.loops)
        if masks is not None:
            U_1 *= masks[those, :, n1]
        spectra = torch.fft.fft(U_1)
        U_1_hat[g][those, :, some] = spectra
        S_1[those, :, n1] = average(U_1, group.averaging, plan.frames_of_S_1)
        if plan.is_selective:
            mean = spectra[..., 0].real / group.length
            square = torch.linalg.vector_norm(U_1, dim=-1).square() / group.length
            variance[those, :, n1] = (square - mean.square()).clamp_min_(0.0)

    pieces = [
        (g, *piece)
        for g, n1 in enumerate(rows)
        for piece in tiles(signals, len(n1), TASK_SIZE // (columns * plan.groups[g].length))
    ]
    workers.run([partial(take, *piece) for piece in pieces])
    return FirstOrder(rows, kept, U_1_hat, variance.sum(dim=2), S_1)


def tiles(signals: int, rows: int, size: int) -> Iterator[tuple[slice, slice]]:
    """Slices of signals and of rows with `size` of both together, or with one of each.

    Parameters
    ----------
    signals, rows : int
        Numbers of them.
    size : int
        Largest product of the lengths of the two slices.

    Yields
    ------
    (slice, slice)
    """
    of_rows = min(max(size, 1), max(rows, 1))
    of_signals = max(size // of_rows, 1)
    for first in range(0, signals, of_signals):
        for row in range(0, rows, of_rows):
            yield slice(first, first + of_signals), slice(row, row + of_rows)


def first_rows(S_1: torch.Tensor, plan: TransformPlan) -> torch.Tensor:
    """First-order coefficients, ``|S_1 * psi_fr|`` along log-frequency, averaged.

    Parameters
    ----------
    S_1 : (signals, 1 + p, n1, frames) tensor
    plan : TransformPlan

    Returns
    -------
    (signals, 1 + p, rows, frames) tensor
    """
    real, imaginary = (plan.first_psi @ S_1).unflatten(2, (2, -1)).unbind(2)
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
    (signals, 1 + p, rows, frames) tensor
    """
    columns = first.S_1.shape[1]
    parts: list[torch.Tensor] = []
    for those in second_slices(first, second):
        bands = second_bands(first, second, those)
        used = used_wavelets(bands, first, second, plan, those)
        S_2 = first.S_1.new_zeros((len(bands), columns, second.psi.rows, plan.frames))
        if used is not None:
            Y = torch.fft.ifft(bands if used.signals is None else bands[used.signals])
            part = used.psi.scatter(
                Y, second.averaging, plan.frames, plan.loops, is_mirrored=second.is_mirrored
            )
            if used.mask is not None:
                part = part * used.mask[:, None]
            if used.signals is None:
                S_2[:, :, used.rows] = part
            else:
                index = torch.tensor(used.signals)[:, None]
                rows = torch.arange(S_2.shape[2])[used.rows][None]
                S_2[index, :, rows] = part.transpose(1, 2)
        parts.append(S_2 if second.phi is None else second.phi @ S_2)
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def second_slices(first: FirstOrder, second: SecondOrder) -> list[slice]:
    """Signals whose Y_2 are held at a time.

    Parameters
    ----------
    first : FirstOrder
    second : SecondOrder

    Returns
    -------
    list of slice
    """
    signals, columns = first.S_1.shape[:2]
    each = columns * second.count * second.bands[0].n_out
    together = max(Y_2_SIZE // each, 1)
    return [slice(i, i + together) for i in range(0, signals, together)]


def used_wavelets(
    bands: torch.Tensor,
    first: FirstOrder,
    second: SecondOrder,
    plan: TransformPlan,
    those: slice,
) -> Used | None:
    """The psi_fr that Y_2 needs within the tolerance.

    Parameters
    ----------
    bands : (signals, 1 + p, n1, length) complex tensor
        Spectra of Y_2.
    first : FirstOrder
    second : SecondOrder
    plan : TransformPlan
    those : slice
        The signals of `first`.

    Returns
    -------
    Used or None
        None where all of n2 may be left out.
    """
    if not plan.is_selective:
        return Used(None, second.psi, slice(None), None)
    power = _mean_square(bands).sum(dim=2, keepdim=True)
    each = needed(power, first.activity[those], plan.tolerance, len(plan.second))[:, 0]
    signals = [i for i, is_needed in enumerate(each.tolist()) if is_needed]
    if not signals:
        return None
    n1 = tuple(n for group in first.rows for n in group if n < second.count)
    psi, rows = second.psi.reached_from(n1, plan.tolerance)
    mask = None
    if first.kept is not None:
        kept = first.kept[those, : second.count][signals]
        mask = torch.stack([_reached_rows(second, own, plan)[rows] for own in kept])[..., None]
    return Used(None if len(signals) == len(bands) else signals, psi, rows, mask)


def _reached_rows(
    second: SecondOrder, kept: NDArray[np.bool_], plan: TransformPlan
) -> torch.Tensor:
    """Output rows that a signal with some rows of U_1 reaches, as 0 and 1: (rows,)."""
    mask = second.psi.matrix.new_zeros(second.psi.rows)
    n1 = tuple(np.flatnonzero(kept).tolist())
    if n1:
        mask[second.psi.reached_from(n1, plan.tolerance)[1]] = 1.0
    return mask


def second_bands(first: FirstOrder, second: SecondOrder, those: slice) -> torch.Tensor:
    """Spectra of Y_2 = U_1 * psi_n2.

    Parameters
    ----------
    first : FirstOrder
    second : SecondOrder
    those : slice
        Signals.

    Returns
    -------
    (signals, 1 + p, n1, length) complex tensor
    """
    counts = second.counts(first.rows)
    spectra = [U_1_hat[those] for U_1_hat in first.U_1_hat]
    leading = spectra[0].shape[:2]
    bands = spectra[0].new_empty((*leading, sum(counts), second.bands[0].n_out))
    at = 0
    for psi, U_1_hat, count in zip(second.bands, spectra, counts, strict=False):
        if count:
            psi.take_band(U_1_hat[:, :, :count], bands[:, :, at : at + count])
            at += count
    return bands


def first_bands(
    x_hat: torch.Tensor, group: Group, places: Sequence[int] | None = None
) -> torch.Tensor:
    """Spectra of x * psi1 for the rows of a group.

    Parameters
    ----------
    x_hat : (signals, 1 + p, N) complex tensor
        Spectra of signals and of their p tangents.
    group : Group
    places : sequence of int, optional
        Rows of the group; None takes all.

    Returns
    -------
    (signals, 1 + p, rows, length) complex tensor
    """
    psi1 = group.psi1 if places is None else [group.psi1[place] for place in places]
    bands = x_hat.new_empty((*x_hat.shape[:-1], len(psi1), group.length))
    for row, psi in enumerate(psi1):
        psi.take_band(x_hat, bands[..., row, :])
    return bands


def _mean_square(bands: torch.Tensor) -> torch.Tensor:
    """Mean square over time of waveforms with the spectra (..., n)."""
    norm = torch.linalg.vector_norm(torch.view_as_real(bands).flatten(-2), dim=-1)
    return (norm / bands.shape[-1]).square_()


# --------------------------------------------------------------------------------------------------
# The transform for autograd


def differentiable(x: torch.Tensor, plan: TransformPlan) -> torch.Tensor:
    """:func:`forward` of values alone, in operations that autograd can differentiate twice.

    It computes every path, whatever the tolerance, and keeps all of them for the way back.

    Parameters
    ----------
    x : (signals, N) tensor
    plan : TransformPlan

    Returns
    -------
    (signals, rows, frames) tensor
    """
    S_1, all_Y_2 = _both_orders(x, plan)
    S = [average(x[:, None], plan.zeroth_averaging, plan.frames), S_1]
    for second, Y_2 in zip(plan.second, all_Y_2, strict=True):
        S_2 = second.psi.scatter(
            Y_2[:, None], second.averaging, plan.frames, is_mirrored=second.is_mirrored
        )[:, 0]
        S.append(S_2 if second.phi is None else second.phi @ S_2)
    return torch.cat(S, dim=1)


def unaveraged(x: torch.Tensor, plan: TransformPlan) -> list[torch.Tensor]:
    """Coefficients that are not averaged in time (T=0), differentiable.

    Parameters
    ----------
    x : (signals, N) tensor
    plan : TransformPlan

    Returns
    -------
    list of tensors
        x; the first order (signals, rows, frames); for each n2 (signals, rows, samples).
    """
    S_1, all_Y_2 = _both_orders(x, plan)
    parts = [x, S_1]
    for second, Y_2 in zip(plan.second, all_Y_2, strict=True):
        U_2 = second.psi.moduli(Y_2)
        parts.append(U_2 if second.phi is None else second.phi @ U_2)
    return parts


def _both_orders(x: torch.Tensor, plan: TransformPlan) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Rows of the first order, and Y_2 of each n2."""
    x_hat = torch.fft.fft(x)
    spectra: list[torch.Tensor] = []
    S_1: list[torch.Tensor] = []
    for group in plan.groups:
        z = torch.stack([psi(x_hat) for psi in group.psi1], dim=1)
        U_1 = modulus(z[:, None])[:, 0]
        spectra.append(torch.fft.fft(U_1))
        S_1.append(average(U_1, group.averaging, plan.frames_of_S_1))
    rows = [list(range(group.rows.start, group.rows.stop)) for group in plan.groups]
    all_Y_2: list[torch.Tensor] = []
    for second in plan.second:
        parts = zip(second.bands, spectra, second.counts(rows), strict=False)
        Y_2 = [psi(U_1_hat[:, :count]) for psi, U_1_hat, count in parts]
        all_Y_2.append(torch.cat(Y_2, dim=1))
    return first_rows(torch.cat(S_1, dim=1)[:, None], plan)[:, 0], all_Y_2
