"""Where a match starts: the nearest neighbours in a table of arpeggios.

The second-order JTFS summed over log-frequency does not know f_c, so a table over f_m, gamma and w
alone covers all arpeggios: the nearest entries are the starts, and f_c is read off the scalogram.
A descending arpeggio is an ascending one backwards, which only swaps the spins, so the table holds
gamma > 0. ``python -m mesosynth.matching.initial_guess`` makes the table again, in about a minute.
"""

import functools
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mesosynth.audio.target import ANALYSIS_RATE, ANALYSIS_SAMPLES
from mesosynth.errors import WorkerError
from mesosynth.matching.operator import Operator
from mesosynth.system.paths import resource

TABLE = "chirplet_table.npz"
VERSION = 1
"""Raised whenever the operator's numbers change; a table of another version is refused."""

F_M = np.geomspace(2.0, 36.0, 14)
GAMMA = np.geomspace(0.25, 10.0, 13)
W = np.geomspace(0.7, 5.6, 4)
F_C = 512.0

_LOWEST_F_C = 20.0  # Hz

_SECONDS = ANALYSIS_SAMPLES / ANALYSIS_RATE


@dataclass(frozen=True)
class Start:
    """A theta to descend from.

    Attributes
    ----------
    theta : (n,) float64
        Of what the model looks for first; for arpeggios f_c, f_m, gamma and w.
    similarity : float
        Cosine to the target, -1 to 1.
    known : mapping
        Relative standard deviations, by id, of what was read off so exactly that descent could only
        lose it.
    """

    theta: NDArray[np.float64]
    similarity: float
    known: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True)
class _Table:
    thetas: NDArray[np.float64]  # (entries, 3): f_m, gamma, w
    features: NDArray[np.float32]  # (entries, 2, paths), of unit norm; spins of ascending sounds


def initial_guesses(
    operator: Operator, S: NDArray[np.float64], audio: NDArray[np.float32], count: int
) -> list[Start]:
    """The `count` best starts for a target, best first, far enough apart to be worth a try each.

    Parameters
    ----------
    operator : Operator
    S : (paths,) float64
        ``operator.analyse`` of the target.
    audio : (ANALYSIS_SAMPLES,) float32
        The target.
    count : int
    """
    table = _table()
    feature = _feature(operator, S)
    f_c = _center_frequency(operator, audio)
    similarity = {
        direction: np.einsum("nsp,sp->n", table.features, feature[::direction])
        for direction in (1, -1)
    }
    ranked = sorted(
        itertools.product((1, -1), range(len(table.thetas))),
        key=lambda entry: -similarity[entry[0]][entry[1]],
    )
    starts: list[Start] = []
    for direction, entry in ranked:
        f_m, gamma, w = table.thetas[entry]
        theta = np.array([f_c, f_m, direction * gamma, w])
        if all(_far_apart(theta, start.theta) for start in starts):
            starts.append(Start(theta, float(similarity[direction][entry])))
        if len(starts) == count:
            break
    return starts


def _far_apart(a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
    """Whether two thetas differ by more than neighbours in the table do."""
    if a[2] * b[2] < 0.0:
        return True
    return bool(np.abs(np.log(a[1:3] / b[1:3])).max() > 0.5)


def _feature(operator: Operator, S: NDArray[np.float64]) -> NDArray[np.floating]:
    """Second-order energy-like features: (2 spins, n2 × |n_fr|), of unit norm."""
    layout = _layout(operator)
    sums = np.zeros((2, layout.width))
    for spin, (rows, columns) in enumerate(layout.spins):
        np.add.at(sums[spin], columns, S[rows])
    return sums / np.linalg.norm(sums)


@dataclass(frozen=True)
class _Layout:
    spins: list[tuple[NDArray[np.int64], NDArray[np.int64]]]  # rows of S and their columns
    width: int


@functools.lru_cache(maxsize=1)
def _layout(operator: Operator) -> _Layout:
    meta = operator.jtfs.meta()
    n_wavelets = len(operator.jtfs.frequency.psis) // 2  # of one spin
    second = meta["order"] == 2
    n2, n_fr = meta["n2"], meta["n_fr"]
    scale = np.where(n_fr > n_wavelets, n_fr - n_wavelets, n_fr)
    column = np.nan_to_num(n2 * (n_wavelets + 1) + scale).astype(np.int64)
    row = meta["row"].astype(np.int64)
    spins = []
    for spin in (1.0, -1.0):
        # The spin-0 rows say nothing about direction and go with both.
        chosen = second & ((meta["spin"] == spin) | (meta["spin"] == 0.0))
        spins.append((row[chosen], column[chosen]))
    return _Layout(spins, int(column.max()) + 1)


def _center_frequency(operator: Operator, audio: NDArray[np.float32]) -> float:
    """Centroid over log-frequency of what stands out from each row's usual level, Hz.

    An arpeggio is symmetric on that axis. Steady noise does not stand out.
    """
    frequency = np.array([psi.xi for psi in operator.jtfs.psi1]) * ANALYSIS_RATE
    U_1 = operator.jtfs.scalogram(torch.from_numpy(audio)).numpy()
    event = np.maximum(U_1 - 2.0 * np.median(U_1, axis=1, keepdims=True), 0.0)
    energy = np.where(frequency >= _LOWEST_F_C, np.square(event).sum(axis=1), 0.0)
    # Squared once more: what is faint, but all over the spectrum, has no say.
    return float(np.exp(np.average(np.log(frequency), weights=energy**2 + 1e-30)))


@functools.lru_cache(maxsize=1)
def _table() -> _Table:
    path = resource("assets", TABLE)
    try:
        with np.load(path) as stored:
            if int(stored["version"]) == VERSION:
                return _Table(
                    stored["thetas"].astype(np.float64), stored["features"].astype(np.float32)
                )
    except (OSError, ValueError, KeyError) as error:
        raise WorkerError(f"{path} cannot be read ({error}); reinstall mesosynth.") from error
    raise WorkerError(f"{path} is of another version; reinstall mesosynth.")


def build_table(path: Path) -> None:
    """Compute the table and write it to `path`."""
    from rich.progress import track

    operator = Operator()
    thetas = [
        (f_m, gamma, w)
        for f_m, gamma, w in itertools.product(F_M, GAMMA, W)
        # An arpeggio has to fit the window and to have a note.
        if w / gamma < 1.5 * _SECONDS and f_m * w / gamma > 0.8
    ]
    features = [
        _feature(operator, operator.analyse(operator.synthesize(np.array([F_C, *theta]))))
        for theta in track(thetas, "Table of arpeggios")
    ]
    np.savez_compressed(
        path,
        version=VERSION,
        thetas=np.array(thetas),
        features=np.array(features, dtype=np.float16),
    )


if __name__ == "__main__":
    build_table(resource("assets", TABLE))
