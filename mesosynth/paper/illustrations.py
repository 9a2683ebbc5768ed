"""Fig. 1 and 2: chirps that a spectrogram and the JTFS tell apart, and the JTFS's wavelets."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from mesosynth.audio.target import ANALYSIS_RATE, ANALYSIS_SAMPLES
from mesosynth.instruments.chirplet import SIGMA_0
from mesosynth.instruments.chirplet_torch import chirplet
from mesosynth.matching.operator import TOLERANCE
from mesosynth.paper.descents import Laboratory
from mesosynth.paper.drawing import (
    BLACK,
    BLUE,
    GREY,
    RED,
    SIGNED,
    FigureTable,
    PaperFigure,
    log_ticks,
    new_figure,
    plain,
)
from mesosynth.paper.losses import CARRIER, PAPER
from mesosynth.scattering import JTFS
from mesosynth.scattering.mss import MultiScaleSpectrogram
from mesosynth.scattering.wavelet_pictures import figure_2

_SLOWEST = 1.0  # octaves/s
_DELAY = 0.3  # s
_DEVIATION = 0.25  # s, of every chirp's envelope
_CHIRP_COLUMNS = ("gamma_oct_per_s", "delay_s", "mss_distance", "jtfs_distance")


def _chirps_settings(quick: bool) -> dict[str, Any]:
    """Chirp rates of the second chirp, and its delay."""
    gammas = (1.0, 3.0) if quick else (1.0, 1.25, 1.5, 2.0, 3.0, 4.0)
    return {
        "gammas": gammas, "delay": _DELAY, "slowest": _SLOWEST, "deviation": _DEVIATION,
        "carrier": CARRIER, "T": PAPER.T, "windows": PAPER.windows,
    }  # fmt: skip


def _chirps_count(chosen: Mapping[str, Any]) -> int:
    """Number of ticks."""
    return len(chosen["gammas"])


def _chirps_compute(chosen: Mapping[str, Any], laboratory: Laboratory) -> FigureTable:
    """Distances within each pair, of its two norms' sum (MSS) or of unit vectors (JTFS)."""
    jtfs = JTFS(
        J=12, J_fr=5, Q=(8, 2), Q_fr=2, shape=ANALYSIS_SAMPLES, T=chosen["T"], F=0,
        tolerance=TOLERANCE,
    )  # fmt: skip
    mss = MultiScaleSpectrogram(ANALYSIS_SAMPLES, chosen["windows"])
    delay = chosen["delay"]
    fixed = _chirp(_SLOWEST, 0.0)
    S_mss, S_jtfs = mss(fixed), jtfs(fixed)
    table = FigureTable(_CHIRP_COLUMNS)
    for gamma in chosen["gammas"]:
        moved = _chirp(gamma, delay)
        V_mss, V_jtfs = mss(moved), jtfs(moved)
        nothing = torch.zeros_like(S_mss)
        whole = mss.distance(S_mss, nothing) + mss.distance(V_mss, nothing)
        table.rows.append((
            float(gamma), float(delay),
            float(mss.distance(S_mss, V_mss) / whole),
            float((S_jtfs / S_jtfs.norm() - V_jtfs / V_jtfs.norm()).norm()),
        ))  # fmt: skip
        laboratory.tick()
    return table


def _chirps_draw(table: FigureTable) -> Figure:
    """The pairs above, their distances below."""
    gammas = table.numbers("gamma_oct_per_s")
    figure = new_figure(
        max(7.0, 2.1 * len(gammas)), 5.4,
        "Fig. 1  Chirps that are alike but late",
        f"Blue: {_SLOWEST:g} octave/s.  Orange: {table.numbers('delay_s')[0]:g} s later, and "
        "steeper from left to right.  Bars: distance, the largest of each kind drawn as 1.",
    )  # fmt: skip
    grid = figure.subplots(2, len(gammas), height_ratios=(1.5, 1.0), squeeze=False)
    bars = {name: table.numbers(name) for name in _CHIRP_COLUMNS[2:]}
    for column, gamma in enumerate(gammas):
        axes = grid[0, column]
        _ridge(axes, _SLOWEST, 0.0, BLUE)
        _ridge(axes, float(gamma), float(table.numbers("delay_s")[column]), RED)
        axes.set_xlim(-0.75, 0.95)
        axes.set_ylim(CARRIER / 6.0, CARRIER * 6.0)
        first = column == 0
        log_ticks(axes, "y", [128, 512, 2048])
        plain(axes, f"γ = {gamma:g} oct/s", "Time (s)", "Frequency (Hz)" if first else "")
        axes = grid[1, column]
        heights = [float(values[column] / values.max()) for values in bars.values()]
        drawn = axes.bar(["MSS", "JTFS"], heights, color=[GREY, BLACK], width=0.6)
        axes.bar_label(drawn, [f"{height:.2f}" for height in heights], size=8.5)
        axes.set_ylim(0.0, 1.15)
        plain(axes, "", "", "Distance / largest" if first else "")
        for panel in grid[:, 1:].ravel():
            panel.tick_params(labelleft=False)
    return figure


def _chirp(gamma: float, delay: float) -> torch.Tensor:
    """A chirp without modulation, of the same length whatever its rate."""
    w = _DEVIATION * gamma / SIGMA_0
    theta = torch.tensor([CARRIER, 1.0, gamma, w, 0.0, 0.0, -60.0], dtype=torch.float64)
    x = chirplet(theta, ANALYSIS_SAMPLES, ANALYSIS_RATE, delay)
    return (x / x.norm()).float()


def _ridge(axes: Axes, gamma: float, delay: float, colour: str) -> None:
    """Frequency over time, as thick as the chirp is loud."""
    t = np.linspace(-2.5 * _DEVIATION, 2.5 * _DEVIATION, 120)
    points = np.column_stack([t + delay, CARRIER * 2.0 ** (gamma * t)])
    width = 7.0 * np.exp(-0.5 * (t / _DEVIATION) ** 2)[:-1] + 0.3
    segments = np.stack([points[:-1], points[1:]], axis=1)
    axes.add_collection(
        LineCollection(list(segments), linewidths=width, colors=colour, capstyle="round")
    )


CHIRP_PAIRS = PaperFigure(
    "chirp_pairs", _chirps_settings, _chirps_count, _chirps_compute, _chirps_draw
)
"""Fig. 1: pairs of chirps, one delayed and ever steeper, and their distances for two Φ.

The paper gives no numbers. Here a chirp of 1 octave/s is compared with one that is 0.3 s later and
sweeps faster. Both have the same length, so that a steeper one crosses the other. For a
spectrogram all pairs are almost as different as possible, even equal ones; for the JTFS equal ones
are similar.
"""


_WAVELET_COLUMNS = ("spin", "scale_cycles_per_octave", "rate_hz", "time_s", "octaves", "value")


def _wavelets_settings(quick: bool) -> dict[str, Any]:
    """Rates in hertz and scales in cycles per octave."""
    rates, scales = ((4.0,), (1.0,)) if quick else ((2.0, 4.0, 8.0), (0.5, 1.0))
    return {"rates": rates, "scales": scales, "J": 12, "Q": (8, 2), "J_fr": 5, "Q_fr": 2}


def _wavelets_count(chosen: Mapping[str, Any]) -> int:
    """Number of ticks."""
    return 2 * len(chosen["rates"]) * len(chosen["scales"])


def _wavelets_compute(chosen: Mapping[str, Any], laboratory: Laboratory) -> FigureTable:
    """A row for every point of every wavelet."""
    jtfs = JTFS(
        shape=ANALYSIS_SAMPLES, F=0, **{name: chosen[name] for name in ("J", "Q", "J_fr", "Q_fr")}
    )
    table = FigureTable(_WAVELET_COLUMNS)
    for wavelet in figure_2(jtfs, ANALYSIS_RATE, chosen["rates"], chosen["scales"]):
        which = (wavelet.spin, round(wavelet.scale, 4), round(wavelet.rate, 4))
        for octaves, row in zip(wavelet.octaves, wavelet.picture, strict=True):
            for time, value in zip(wavelet.times, row, strict=True):
                place = (round(float(time), 4), round(float(octaves), 4))
                table.rows.append((*which, *place, round(float(value), 4)))
        laboratory.tick()
    return table


def _wavelets_draw(table: FigureTable) -> Figure:
    """A row of pictures a scale and spin, a column a rate."""
    spins, scales, rates = (table.distinct(name) for name in _WAVELET_COLUMNS[:3])
    figure = new_figure(
        2.6 + 2.8 * len(rates), 1.4 + 2.1 * len(spins) * len(scales),
        "Fig. 2  Wavelets of the JTFS",
        "Real part of ψ(time) × ψ(log-frequency); red positive, blue negative.",
    )  # fmt: skip
    grid = figure.subplots(
        len(spins) * len(scales), len(rates), sharex=True, sharey=True, squeeze=False
    )
    for row in range(len(grid)):
        spin, scale = spins[row // len(scales)], scales[row % len(scales)]
        for column, rate in enumerate(rates):
            axes = grid[row, column]
            part = table.where(spin=spin, scale_cycles_per_octave=scale, rate_hz=rate)
            times, octaves = (np.unique(part.numbers(name)) for name in ("time_s", "octaves"))
            picture = part.numbers("value").reshape(len(octaves), len(times))
            axes.pcolormesh(
                times, octaves, picture, cmap=SIGNED, vmin=-1.0, vmax=1.0, shading="gouraud"
            )
            word = "rising" if spin == 1 else "falling"
            plain(
                axes, f"{word}, {float(rate):.2g} Hz, {float(scale):.2g} cycles/oct",
                "Time (s)" if row == len(grid) - 1 else "",
                "Octaves" if column == 0 else "",
            )  # fmt: skip
    return figure


WAVELETS = PaperFigure(
    "wavelets", _wavelets_settings, _wavelets_count, _wavelets_compute, _wavelets_draw
)
"""Fig. 2: the two-dimensional wavelets of the JTFS."""
