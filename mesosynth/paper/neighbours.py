"""Command ``mesosynth figures neighbours OUT/``: parameters of a feature's neighbours.

The experiment of Muradeli et al. (DAFx 2022): chirplets on a logarithmic grid of (f_c, f_m, gamma),
their features, and for each sound the geometric mean of the parameters of its K nearest neighbours
as an estimate of its own. A feature with ratios near 1 is a chart of the parameters; Isomap shows
the chart.

The ratios are farthest from 1 at the corners of the grid, where all neighbours lie on one side. At
the corner of the largest parameters no feature holds all three of :data:`BARS`: whichever 40 other
sounds are chosen, a weighted mean of their distances in steps of the grid is 2.5% above what the
three allow.
"""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.manifold import Isomap

from mesosynth.instruments.chirplet_torch import chirplet
from mesosynth.learning.features import FeatureKind, FeatureSettings, FeatureTable
from mesosynth.paper.drawing import BLUE, GREY, RED, FigureTable, new_figure, plain
from mesosynth.paper.figures import FigureFolder

SAMPLE_RATE, SAMPLES = 8192, 32768
WIDTH = 2.0  # octaves
RANGES = {"f_c": (512.0, 1024.0), "f_m": (4.0, 16.0), "gamma": (0.5, 4.0)}
"""Hz, Hz, octaves/s."""

BARS = {"f_c": (0.96, 1.05), "f_m": (0.82, 1.24), "gamma": (0.92, 1.12)}
"""Least and largest ratio of the JTFS, read from the published figure, to a few percent."""

FEATURES: dict[str, tuple[FeatureKind, dict[str, int]]] = {
    "MFCC": ("mfcc", {"coefficients": 40}),
    "Time scattering": ("time", {"J": 14, "Q": 1, "Q2": 1, "T": 2**14}),
    "STRF": ("strf", {}),
    "JTFS": ("jtfs", {"J": 13, "Q": 8, "Q2": 1, "J_fr": 5, "Q_fr": 2, "F": 0, "T": 2**13}),
}
"""Kind and settings of each feature, of which the mean over time is taken: those of the tutorial of
ISMIR 2023, whose figure the published extremes are read from; STRF as in DAFx 2022."""

RATIOS, ISOMAP = "neighbours_ratios", "neighbours_isomap"
"""Names of the two figures' files."""


def make_neighbours(
    out: Path,
    quick: bool = False,
    again: bool = False,
    on_feature: Callable[[str, int], None] = lambda title, sounds: None,
    on_sound: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Make the figures of nearest neighbours; an earlier call that was stopped is continued.

    Parameters
    ----------
    out : Path
        Folder for pictures and tables, and for "features", which can be deleted afterwards.
    quick : bool
        8 x 8 x 8 sounds and 8 neighbours instead of 16 x 16 x 16 and 40.
    again : bool
        Make existing figures of the same settings again; features are kept.
    on_feature : callable, optional
        Called before a feature is computed, with its name and the number of sounds.
    on_sound : callable, optional
        Called after each sound.

    Returns
    -------
    dict
        "made"; "pictures"; "ratios": least and largest ratio, and their quantiles of 5 and 95%, by
        feature and parameter.

    Raises
    ------
    ArgumentError
        If a file cannot be written.
    """
    cells, neighbours = (8, 8) if quick else (16, 40)
    settings = {
        "cells": cells, "neighbours": neighbours, "ranges": RANGES, "width": WIDTH,
        "features": FEATURES, "samples": SAMPLES, "sample_rate": SAMPLE_RATE,
    }  # fmt: skip
    folder = FigureFolder(out)
    there = all(folder.has(stem, settings) for stem in (RATIOS, ISOMAP)) and not again
    if not there:
        theta = grid(cells)
        ratios = FigureTable(("feature", *RANGES, *(f"ratio_{name}" for name in RANGES)))
        places = FigureTable(("feature", *RANGES, "x", "y", "z"))
        for name in FEATURES:
            on_feature(name, len(theta))
            X = feature_vectors(name, theta, out / "features", on_sound)
            ratio, place = neighbour_ratios(X, theta, neighbours)
            for table, values in ((ratios, ratio), (places, place)):
                rows = np.hstack([theta, values]).tolist()
                table.rows += [(name, *map(float, row)) for row in rows]
        folder.save(RATIOS, settings, ratios, draw_ratios(ratios, neighbours))
        folder.save(ISOMAP, settings, places, draw_isomap(places))
    return {
        "made": not there,
        "pictures": [str(folder.path(stem, ".png")) for stem in (RATIOS, ISOMAP)],
        "ratios": _extremes(_read(folder.path(RATIOS, ".csv"))),
    }


def grid(cells: int) -> NDArray[np.float64]:
    """Parameters f_c, f_m and gamma on a logarithmic grid, (cells ** 3, 3)."""
    axes = [np.geomspace(low, high, cells) for low, high in RANGES.values()]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)


def feature_vectors(
    name: str,
    theta: NDArray[np.float64],
    folder: Path,
    on_sound: Callable[[], None] = lambda: None,
) -> NDArray[np.float32]:
    """Feature of each chirplet, averaged over time.

    Parameters
    ----------
    name : str
        One of :data:`FEATURES`.
    theta : (sounds, 3) array
    folder : Path
        Keeps what is computed.
    on_sound : callable
        Called after each sound.

    Returns
    -------
    (sounds, numbers) float32
    """
    kind, chosen = FEATURES[name]
    settings = FeatureSettings(
        kind=kind, sample_rate=SAMPLE_RATE, samples=SAMPLES, keeps_level=True, **chosen
    )

    def read(n: int) -> tuple[NDArray[Any], float]:
        values = torch.tensor([*theta[n], WIDTH], dtype=torch.float64)
        x = chirplet(values, SAMPLES, SAMPLE_RATE).numpy()
        return x * theta[n, 2], SAMPLE_RATE  # gamma is its amplitude in the tutorial

    table = FeatureTable(folder, settings, [repr(row) for row in theta.tolist()], read)
    table.compute(on_sound)
    return np.stack([table[n].mean(axis=-1).ravel() for n in range(len(table))])


def neighbour_ratios(
    X: NDArray[np.floating], theta: NDArray[np.float64], neighbours: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Estimated parameters over true ones, and Isomap's coordinates.

    Parameters
    ----------
    X : (sounds, numbers) array
    theta : (sounds, parameters) array
    neighbours : int

    Returns
    -------
    ratios : (sounds, parameters) float64
        Geometric mean of the neighbours' parameters, of which the sound itself is none, over its
        own.
    places : (sounds, 3) float64
    """
    isomap = Isomap(n_neighbors=neighbours, n_components=3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # separate groups are joined by their nearest sounds
        places = cast("NDArray[np.float64]", isomap.fit_transform(X))
    nearest = isomap.nbrs_.kneighbors(n_neighbors=neighbours, return_distance=False)
    return np.exp(np.log(theta)[nearest].mean(axis=1)) / theta, places.astype(np.float64)


def _read(path: Path) -> FigureTable:
    head, *lines = path.read_text("utf-8").splitlines()
    rows = [line.split(",") for line in lines]
    return FigureTable(tuple(head.split(",")), [(row[0], *map(float, row[1:])) for row in rows])


def _extremes(ratios: FigureTable) -> dict[str, dict[str, list[float]]]:
    return {
        str(feature): {
            name: np.quantile(
                ratios.where(feature=feature).numbers(f"ratio_{name}"), [0.0, 1.0, 0.05, 0.95]
            ).round(4).tolist()
            for name in RANGES
        }
        for feature in ratios.distinct("feature")
    }  # fmt: skip


# --------------------------------------------------------------------------------------------------
# Pictures


_NAMES = {"f_c": "f_c (Hz)", "f_m": "f_m (Hz)", "gamma": "γ (oct/s)"}
_TICKS = ((1.15, (0.9, 0.95, 1.0, 1.05, 1.1)), (1.5, (0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.4)))
_FAR_TICKS = (0.125, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 4.0, 8.0)


def draw_ratios(ratios: FigureTable, neighbours: int) -> Figure:
    """Violins of the ratios, one panel a parameter.

    Parameters
    ----------
    ratios : FigureTable
    neighbours : int
        Their number, for the note.

    Returns
    -------
    Figure
    """
    figure = new_figure(
        11.0, 4.6, "Neighbours have like parameters",
        f"Geometric mean over {neighbours} nearest neighbours, over the true value, of "
        f"{len(ratios.rows) // len(FEATURES)} chirplets.  Dashed: the published JTFS's extremes.",
    )  # fmt: skip
    features = ratios.distinct("feature")
    colours = [RED if feature == "JTFS" else BLUE for feature in features]
    for axes, name in zip(figure.subplots(1, len(RANGES)), RANGES, strict=True):
        drawn = [ratios.where(feature=f).numbers(f"ratio_{name}") for f in features]
        violins = axes.violinplot([np.log2(one) for one in drawn], widths=0.8, showextrema=True)
        for body, colour in zip(violins["bodies"], colours, strict=True):
            body.set_color(colour)
        for part in ("cbars", "cmins", "cmaxes"):
            violins[part].set(color=colours, linewidth=1.2)
        for bar in BARS[name]:
            axes.axhline(np.log2(bar), color=GREY, linewidth=0.8, linestyle="--")
        farthest = max(max(one.max(), 1.0 / one.min()) for one in drawn)
        ticks = next((ticks for most, ticks in _TICKS if farthest < most), _FAR_TICKS)
        axes.set_yticks(np.log2(ticks), [f"{tick:g}" for tick in ticks])
        limit = 1.1 * np.log2(max(farthest, *BARS[name]))
        axes.set_ylim(-limit, limit)
        names = [str(feature).replace(" ", "\n") for feature in features]
        axes.set_xticks(range(1, len(features) + 1), names)
        title = _NAMES[name].split(" ")[0]
        plain(axes, title, "", "estimate / true value" if name == "f_c" else "")
    return figure


def draw_isomap(places: FigureTable) -> Figure:
    """Isomap of each feature, coloured by each parameter.

    Parameters
    ----------
    places : FigureTable

    Returns
    -------
    Figure
    """
    features = places.distinct("feature")
    figure = new_figure(
        3.2 * len(RANGES), 2.8 * len(features) + 1.4, "Isomap of chirplets",
        "Three coordinates of each feature, coloured by one parameter after the other.",
    )  # fmt: skip
    grid_ = figure.subplots(
        len(features), len(RANGES), squeeze=False, subplot_kw={"projection": "3d"}
    )
    for column, (name, ends) in zip(grid_.T, RANGES.items(), strict=True):
        points: Any = None
        for axes, feature in zip(column, features, strict=True):
            part = places.where(feature=feature)
            x, y, z = (part.numbers(axis) for axis in "xyz")
            points = axes.scatter(
                x, y, z, c=part.numbers(name), s=4, cmap="viridis", norm=LogNorm(*ends),
                linewidths=0, depthshade=False, rasterized=True,
            )  # fmt: skip
            _without_ticks(axes, str(feature))
        bar = figure.colorbar(
            points, ax=list(column), orientation="horizontal", shrink=0.7, aspect=30, pad=0.01,
            ticks=np.geomspace(*ends, 3), format="%.4g",
        )  # fmt: skip
        bar.ax.minorticks_off()
        bar.set_label(_NAMES[name], size=9.5)
    return figure


def _without_ticks(axes: Axes, title: str) -> None:
    axes.set_title(title, size=10, y=0.98)
    axes.tick_params(labelbottom=False, labelleft=False, labelright=False)
