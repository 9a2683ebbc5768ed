"""Smoothing of a sequence: moments to events, and theta over time as a smooth curve.

Windows overlap, so two of them may have found one arpeggio; the better one counts. Then each
parameter is smoothed, in logarithms where the matcher moves in logarithms, along the curve z that
minimises (Whittaker, 1923)::

    h sum_k v_k (y_k - z_k)^2 + lambda integral (d^2 z / dt^2)^2 dt

where y are the found values, v their inverse variances relative to the median, and h the median
time between two moments. With ``lambda = (S / 2 pi)^4`` an oscillation of period S in evenly
spaced, equally certain moments keeps half of its height.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mesosynth.instruments.chirplet import PARAMETERS
from mesosynth.matching.results import MatchedSequence, Moment

_SAME_HOPS, _SAME_SIGMAS = 0.25, 1.5  # largest distance of two moments of one arpeggio
_LEAST, _MOST = 0.1, 10.0  # times the median weight
_FLOOR = 1e-3  # smallest standard deviation


def smoothed(matched: MatchedSequence, seconds: float = 0.0) -> list[Moment]:
    """Events in order of onset, with theta and gain smoothed.

    Parameters
    ----------
    matched : MatchedSequence
    seconds : float
        An oscillation of this period, s, keeps half of its height; 0 smooths nothing. Nothing is
        smoothed across a rest that is longer than this (and than three hops), or a change of sign
        of gamma.

    Returns
    -------
    list of Moment
    """
    events = _events(matched)
    if seconds <= 0.0:
        return events
    rest = max(seconds, 3.0 * matched.settings.hop)
    return [moment for part in _parts(events, rest) for moment in _smooth(part, seconds)]


def _events(matched: MatchedSequence) -> list[Moment]:
    """The better moment of each arpeggio."""
    events: list[Moment] = []
    for moment in sorted((m for m in matched.moments if m.found), key=lambda m: m.onset):
        last = events[-1] if events else None
        widest = max(moment.sigma, 0.0 if last is None else last.sigma)
        near = max(_SAME_HOPS * matched.settings.hop, _SAME_SIGMAS * widest)
        if last is None or moment.onset - last.onset >= near:
            events.append(moment)
        elif moment.loss < last.loss:
            events[-1] = moment
    return events


def _parts(events: Sequence[Moment], rest: float) -> list[list[Moment]]:
    """Parts without a long rest or a change of sign."""
    parts: list[list[Moment]] = []
    for moment in events:
        last = parts[-1][-1] if parts else None
        if (
            last is None
            or moment.onset - last.onset > rest
            or moment.theta["gamma"] * last.theta["gamma"] < 0.0
        ):
            parts.append([])
        parts[-1].append(moment)
    return parts


def _smooth(part: list[Moment], seconds: float) -> list[Moment]:
    if len(part) < 3:
        return part
    time = np.array([moment.onset for moment in part])
    curves = {id_: _curve(part, id_, time, seconds) for id_ in part[0].theta}
    gain = np.exp(
        _whittaker(time, np.log([max(m.gain, 1e-9) for m in part]), np.ones(len(part)), seconds)
    )
    return [
        replace(
            moment, gain=float(gain[k]), theta={id_: float(curves[id_][k]) for id_ in moment.theta}
        )
        for k, moment in enumerate(part)
    ]


def _curve(
    part: Sequence[Moment], id_: str, time: NDArray[np.float64], seconds: float
) -> NDArray[np.float64]:
    """One parameter, smoothed, (n,)."""
    parameter = PARAMETERS[id_]
    values = np.array([moment.theta[id_] for moment in part])
    std = np.array([moment.std.get(id_, 0.0) for moment in part])
    if parameter.curve == "linear":
        y = _whittaker(time, values, _weights(std), seconds)
    elif parameter.curve == "asinh":
        bent, std = (
            np.arcsinh(values / parameter.smallest),
            std / np.hypot(values, parameter.smallest),
        )
        y = parameter.smallest * np.sinh(_whittaker(time, bent, _weights(std), seconds))
    else:
        logs = _whittaker(time, np.log(np.abs(values)), _weights(std / np.abs(values)), seconds)
        y = np.copysign(np.exp(logs), values)
    return np.array([parameter.clamp(value) for value in y])


def _weights(std: NDArray[np.float64]) -> NDArray[np.float64]:
    """Inverse variances, relative to the median."""
    inverse = 1.0 / (np.where(np.isfinite(std), std, 1e3) ** 2 + _FLOOR**2)
    return np.clip(inverse / np.median(inverse), _LEAST, _MOST)


def _whittaker(
    time: NDArray[np.float64],
    y: NDArray[np.float64],
    weights: NDArray[np.float64],
    seconds: float,
) -> NDArray[np.float64]:
    """Smooth curve at the times of `y`, (n,)."""
    step = np.diff(time)
    usual = float(np.median(step))
    strength = (seconds / (2.0 * np.pi)) ** 4 / usual
    n = len(y)
    # Second derivatives from three neighbours each, and the length of time of each.
    left, right = step[:-1], step[1:]
    width = 0.5 * (left + right)
    D = np.stack([1.0 / left, -1.0 / left - 1.0 / right, 1.0 / right]) / width
    banded = np.zeros((3, n))  # upper diagonals of W + lambda D^T V D, in LAPACK's layout
    banded[2] = weights
    for i in range(3):
        for j in range(i, 3):
            product = strength * width * D[i] * D[j]
            banded[2 - (j - i), j : j + n - 2] += product
    from scipy.linalg import solveh_banded  # here, as the desk starts without SciPy

    return solveh_banded(banded, weights * y)
