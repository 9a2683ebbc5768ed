"""Fig. 2: the two-dimensional wavelets of the JTFS."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from mesosynth.audio.target import ANALYSIS_RATE, ANALYSIS_SAMPLES
from mesosynth.figures.laboratory import Laboratory
from mesosynth.figures.style import SIGNED, new_figure, plain
from mesosynth.figures.table import Table
from mesosynth.scattering import JTFS
from mesosynth.scattering.wavelet_pictures import figure_2

NAME = "wavelets"
_COLUMNS = ("spin", "scale_cycles_per_octave", "rate_hz", "time_s", "octaves", "value")


def settings(quick: bool) -> dict[str, Any]:
    """Rates in hertz and scales in cycles per octave."""
    rates, scales = ((4.0,), (1.0,)) if quick else ((2.0, 4.0, 8.0), (0.5, 1.0))
    return {"rates": rates, "scales": scales, "J": 12, "Q": (8, 2), "J_fr": 5, "Q_fr": 2}


def count(chosen: Mapping[str, Any]) -> int:
    """How many ticks it takes."""
    return 2 * len(chosen["rates"]) * len(chosen["scales"])


def compute(chosen: Mapping[str, Any], laboratory: Laboratory) -> Table:
    """A row for every point of every wavelet."""
    jtfs = JTFS(ANALYSIS_SAMPLES, **{name: chosen[name] for name in ("J", "Q", "J_fr", "Q_fr")})
    table = Table(_COLUMNS)
    for wavelet in figure_2(jtfs, ANALYSIS_RATE, chosen["rates"], chosen["scales"]):
        which = (wavelet.spin, round(wavelet.scale, 4), round(wavelet.rate, 4))
        for octaves, row in zip(wavelet.octaves, wavelet.picture, strict=True):
            for time, value in zip(wavelet.times, row, strict=True):
                place = (round(float(time), 4), round(float(octaves), 4))
                table.rows.append((*which, *place, round(float(value), 4)))
        laboratory.tick()
    return table


def draw(table: Table) -> Figure:
    """A row of pictures a scale and spin, a column a rate."""
    spins, scales, rates = (table.distinct(name) for name in _COLUMNS[:3])
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
