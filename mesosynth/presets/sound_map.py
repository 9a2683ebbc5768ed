"""The map of the library: Isomap on fingerprints, so that sounds that are alike lie together.

Isomap (Tenenbaum et al., Science 2000) keeps the lengths of ways from neighbour to neighbour, as
the DAFx paper did with the JTFS of many sounds. What it leaves open is settled here: to the right
sounds are higher, and the map is turned over so that upwards they move more.
"""

import warnings

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.manifold import Isomap

from mesosynth.presets.similarity import distances

NEIGHBOURS = 7
_EVENLY = 0.6
"""Share of ranks in a position: the places themselves crowd, and crowded points cannot be hit."""


def sound_map(
    fingerprints: NDArray[np.floating], height: NDArray[np.floating], motion: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Positions of sounds on the map; the same sounds in the same order give the same map.

    Parameters
    ----------
    fingerprints : (sounds, numbers)
    height : (sounds,)
        What grows to the right.
    motion : (sounds,)
        What grows upwards.

    Returns
    -------
    (sounds, 2) float32
        0 to 1 across and up.
    """
    count = len(fingerprints)
    if count < 3:
        return np.stack([np.linspace(0.25, 0.75, count), np.full(count, 0.5)], 1).astype(np.float32)
    isomap = Isomap(
        n_neighbors=min(NEIGHBOURS, count - 1), n_components=2, metric="precomputed",
        eigen_solver="dense",
    )  # fmt: skip
    with warnings.catch_warnings():
        # Islands are joined by their nearest sounds, which is what is wanted.
        warnings.simplefilter("ignore")
        found = isomap.fit_transform(distances(fingerprints, fingerprints))
    return np.stack(
        [_axis(values, guide) for values, guide in zip(found.T, (height, motion), strict=True)], 1
    ).astype(np.float32)


def _axis(values: NDArray[np.float64], guide: NDArray[np.floating]) -> NDArray[np.float64]:
    """One coordinate from 0 to 1, in the direction in which `guide` grows."""
    direction = np.dot(values - values.mean(), guide - guide.mean())
    values = values if direction >= 0.0 else -values
    span = float(np.ptp(values))
    linear = (values - values.min()) / span if span > 0.0 else np.full(len(values), 0.5)
    even = (rankdata(values.round(6)) - 0.5) / len(values)
    return (1.0 - _EVENLY) * linear + _EVENLY * even
