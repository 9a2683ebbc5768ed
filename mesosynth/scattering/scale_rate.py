"""JTFS in physical units, and the scale-rate picture of a sound.

A second-order path has a *rate* alpha, the repetitions of a pattern in a second (Hz); a *scale*
beta, its repetitions in an octave (cycles per octave); and a *spin*, +1 for patterns that rise in
frequency and -1 for those that fall. This is how Vahidi et al. (JAES 2023) read the paths, after
models of the auditory cortex.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mesosynth.errors import ArgumentError
from mesosynth.scattering.jtfs import JTFS


def in_hertz(jtfs: JTFS, sample_rate: float) -> dict[str, NDArray[Any]]:
    """:meth:`JTFS.meta` with three more columns, in physical units.

    Parameters
    ----------
    jtfs : JTFS
    sample_rate : float
        Of the signals, Hz.

    Returns
    -------
    dict of arrays, one entry per path
        All of ``jtfs.meta()``, and: frequency, the centre of psi_n1, Hz (NaN where a path has
        none); rate, of psi_n2, Hz (0 at the first order, which averages over time, and NaN at the
        zeroth); scale, of psi_fr, cycles per octave (NaN at the zeroth order). Below the wavelets
        of constant Q, where psi_n1 are spaced evenly in hertz, an octave has fewer rows than Q and
        the scale is nominal.

    Raises
    ------
    ArgumentError
        For a sample rate that is not positive and finite.
    """
    _check_rate(sample_rate)
    meta = jtfs.meta()
    first = meta["order"] == 1
    return {
        **meta,
        "frequency": meta["xi"][:, 0] * sample_rate,
        "rate": np.where(first, 0.0, meta["xi"][:, 1] * sample_rate),
        "scale": np.abs(meta["xi_fr"]) * jtfs.Q[0],
    }


@dataclass(frozen=True)
class ScaleRate:
    """Energy of a sound's modulations over scale, rate and spin.

    Attributes
    ----------
    energy : (2, scales, rates) float64
        Of falling (spin -1) and rising (spin +1) patterns: the squares of the second-order
        coefficients' means over time, summed over the log-frequency axis (per row of psi_n1, so
        that sparse rows weigh as much as dense ones).
    spins : (2,) int64
        -1 and +1.
    scales : (scales,) float64
        Cycles per octave, ascending.
    rates : (rates,) float64
        Hz, ascending.
    """

    energy: NDArray[np.float64]
    spins: NDArray[np.int64]
    scales: NDArray[np.float64]
    rates: NDArray[np.float64]


def scale_rate(jtfs: JTFS, x: torch.Tensor, sample_rate: float) -> ScaleRate:
    """Scale-rate picture of a sound.

    With ``boundary="reflect"`` and T="global" the sum includes the sound's mirror image, and both
    spins look alike: use "periodic", or a T shorter than the sound.

    Parameters
    ----------
    jtfs : JTFS
        Of any configuration.
    x : (n,) tensor
    sample_rate : float
        Hz.

    Returns
    -------
    ScaleRate

    Raises
    ------
    ArgumentError
        For a bad signal, or a sample rate that is not positive and finite.
    """
    return scale_rate_of_means(jtfs, time_means(jtfs, jtfs(x)), sample_rate)


def time_means(jtfs: JTFS, S: torch.Tensor) -> torch.Tensor:
    """Mean over time of coefficients, for every kind of averaging.

    With T="global" the coefficients are Kymatio's sums over decimated time, and are divided by the
    number of samples in these sums.

    Parameters
    ----------
    jtfs : JTFS
    S : (..., paths, frames) or (..., paths, rows, frames) tensor
        As ``jtfs(x)`` returns it.

    Returns
    -------
    (..., paths) or (..., paths, rows) float64 tensor
    """
    means = S.double().mean(dim=-1)
    if jtfs.average != "global":
        return means
    meta = in_hertz(jtfs, 1.0)
    j = np.select(
        [meta["order"] == 0, meta["order"] == 1], [0.0, float(jtfs.log2_stride)], meta["j"][:, 1]
    )
    weights = np.empty(len(j))
    weights[meta["row"]] = 2.0**j / jtfs.N
    weights = torch.from_numpy(weights).to(means.device)
    return means * (weights[:, None] if jtfs.format == "joint" else weights)


def scale_rate_of_means(jtfs: JTFS, means: torch.Tensor, sample_rate: float) -> ScaleRate:
    """Scale-rate picture from the means over time of :func:`time_means`.

    Parameters
    ----------
    jtfs : JTFS
    means : (paths,) or, in the format "joint", (paths, rows) tensor
    sample_rate : float
        Hz.

    Returns
    -------
    ScaleRate

    Raises
    ------
    ArgumentError
        For a sample rate that is not positive and finite.
    """
    meta = in_hertz(jtfs, sample_rate)
    energy = means.double().square().cpu().numpy()
    energy = (energy.sum(axis=-1) if jtfs.format == "joint" else energy)[meta["row"]]
    energy = energy * _row_weights(jtfs, meta)
    patterns = (meta["order"] == 2) & (meta["spin"] != 0)
    scales, scale = np.unique(np.round(meta["scale"][patterns], 12), return_inverse=True)
    rates, rate = np.unique(meta["rate"][patterns], return_inverse=True)
    picture = np.zeros((2, len(scales), len(rates)))
    rising = (meta["spin"][patterns] > 0).astype(np.int64)
    np.add.at(picture, (rising, scale, rate), energy[patterns])
    return ScaleRate(
        energy=picture,
        spins=np.array([-1, 1]),
        scales=scales.astype(np.float64),
        rates=rates.astype(np.float64),
    )


def _row_weights(jtfs: JTFS, meta: dict[str, NDArray[Any]]) -> NDArray[np.float64]:
    """Weight from each path's squared coefficient to the energy of its rows of psi_n1."""
    frequency = jtfs.frequency
    stride = 2.0 ** np.nan_to_num(meta["j_fr"])
    if frequency.averaging == "none":
        return stride
    if frequency.averaging == "local":
        return np.full(len(stride), 2.0**frequency.phi.j)
    # A sum over rows counts as its mean at each of the rows of psi_n2.
    j1 = np.array([psi.j for psi in jtfs.psi1])
    counts = np.array([max(np.count_nonzero(j1 < psi.j), 1) for psi in jtfs.psi2])
    count = counts[np.nan_to_num(meta["n2"]).astype(np.int64)]
    return stride**2 / count


def _check_rate(sample_rate: float) -> None:
    if not (np.isfinite(sample_rate) and sample_rate > 0.0):
        raise ArgumentError(f"sample_rate={sample_rate!r} must be positive, in hertz.")
