"""Fingerprints of presets: time-averaged JTFS, computed with torch in a child process."""

import argparse
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import soxr
import torch
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.manifold import Isomap

from mesosynth.engine.rack import render
from mesosynth.errors import MesosynthError
from mesosynth.presets.preset import Preset
from mesosynth.presets.similarity import (
    FingerprintIndex,
    distances,
    empty_index,
    known_fingerprints,
    library_presets,
    read_presets,
    write_index,
)
from mesosynth.scattering import JTFS

# --------------------------------------------------------------------------------------------------
# Fingerprint: the JTFS averaged over time, in few numbers
#
# Two parts of equal weight: the spectrum (first-order coefficients in half octaves), and the
# modulations (second-order coefficients by rate, scale and spin, over all frequencies). The fourth
# root of the energies makes quiet parts of a sound count, and each part has unit norm, so that
# loudness does not matter.


RATE = 16384
"""Sample rate, Hz; high enough for birds and insects."""

SAMPLES = 1 << 17
"""8 s: the period of slow sounds."""

REGISTERS = 18
"""Number of half octaves of the first part, from LOWEST up."""

LOWEST = 32.0  # Hz
_FASTEST = 300.0  # Hz; faster modulation is timbre, which the spectrum describes
_RENDER_RATE, _BLOCK = 32768, 2048
_POWER = 0.25
_TOLERANCE = 1e-2


class Fingerprinter:
    """Computes fingerprints; it builds its filters once, so keep it."""

    def __init__(self) -> None:
        self._jtfs = JTFS(
            J=13, J_fr=5, Q=(8, 2), Q_fr=2, shape=SAMPLES, T="global", F=0, boundary="periodic",
            tolerance=_TOLERANCE,
        )  # fmt: skip
        meta = self._jtfs.meta()
        self._rows = meta["row"].astype(np.int64)
        carrier, rate = (meta["xi"] * RATE).T
        order, audible = meta["order"], carrier >= LOWEST
        self._first = (order == 1) & audible
        register = np.floor(2.0 * np.log2(carrier[self._first] / LOWEST)).astype(np.int64)
        self._register = np.minimum(register, REGISTERS - 1)
        self._second = (order == 2) & audible & (rate <= _FASTEST)
        moves = np.stack([meta["n2"], meta["n_fr"]], axis=1)[self._second]
        kinds, places = np.unique(moves, axis=0, return_inverse=True)
        self._moves, self._kinds = places.reshape(-1), len(kinds)
        self._speeds = -kinds[:, 0].astype(np.int64)  # n2 runs from fast to slow

    @property
    def length(self) -> int:
        """Length of a fingerprint."""
        return REGISTERS + self._kinds

    def of_preset(self, preset: Preset) -> NDArray[np.float32]:
        """Fingerprint of a preset, (length,), of unit norm, from its first 8 s.

        Raises
        ------
        ArgumentError, PluginError
            If it cannot be played here.
        """
        audio = render(
            preset.instrument, preset.values, SAMPLES / RATE, _RENDER_RATE, _BLOCK,
            effects=preset.effects, state=preset.state,
        )  # fmt: skip
        return self.of_sound(soxr.resample(audio.mean(axis=0), _RENDER_RATE, RATE))

    def of_sound(self, audio: NDArray[np.floating]) -> NDArray[np.float32]:
        """Fingerprint of a sound at RATE, (length,), of its first 8 s; zeros for silence."""
        signal = np.zeros(SAMPLES, np.float32)
        heard = min(len(audio), SAMPLES)
        signal[:heard] = audio[:heard]
        S = self._jtfs(torch.from_numpy(signal))[self._rows, 0].double().numpy()
        energy = np.square(S)
        spectrum = np.bincount(self._register, energy[self._first], REGISTERS)
        moves = np.bincount(self._moves, energy[self._second], self._kinds)
        parts = [_unit((part**_POWER).astype(np.float64)) for part in (spectrum, moves)]
        return (np.concatenate(parts) / np.sqrt(2.0)).astype(np.float32)

    def height(self, fingerprints: NDArray[np.floating]) -> NDArray[np.float64]:
        """Centre of the spectrum of sounds, (sounds,), half octaves above LOWEST."""
        return _middle(fingerprints[:, :REGISTERS], np.arange(REGISTERS))

    def speed(self, fingerprints: NDArray[np.floating]) -> NDArray[np.float64]:
        """Centre of the modulation rates of sounds, (sounds,), half octaves."""
        return _middle(fingerprints[:, REGISTERS:], self._speeds)


def _middle(shares: NDArray[np.floating], places: NDArray[np.int64]) -> NDArray[np.float64]:
    amplitudes: NDArray[np.float64] = shares.astype(np.float64) ** 2
    return amplitudes @ places / np.maximum(amplitudes.sum(axis=1), 1e-30)


def _unit(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return x / max(float(np.linalg.norm(x)), 1e-30)


# --------------------------------------------------------------------------------------------------
# Map of the library: Isomap on fingerprints, so that similar sounds are near each other
#
# Isomap (Tenenbaum et al., Science 2000) keeps the lengths of paths from neighbour to neighbour. It
# leaves the signs of the axes open: here, sounds get higher to the right and faster upwards.


NEIGHBOURS = 7
_EVENLY = 0.6
"""Weight of the rank in a position: without it the points crowd and cannot be clicked."""


def sound_map(
    fingerprints: NDArray[np.floating], height: NDArray[np.floating], motion: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Positions of sounds on the map; the same sounds in the same order give the same map.

    Parameters
    ----------
    fingerprints : (sounds, numbers) array
    height : (sounds,) array
        Grows to the right.
    motion : (sounds,) array
        Grows upwards.

    Returns
    -------
    (sounds, 2) float32
        0 to 1, to the right and upwards.
    """
    count = len(fingerprints)
    if count < 3:
        return np.stack([np.linspace(0.25, 0.75, count), np.full(count, 0.5)], 1).astype(np.float32)
    isomap = Isomap(
        n_neighbors=min(NEIGHBOURS, count - 1), n_components=2, metric="precomputed",
        eigen_solver="dense",
    )  # fmt: skip
    with warnings.catch_warnings():
        # It warns that separate groups are joined by their nearest sounds, which is right here.
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


# --------------------------------------------------------------------------------------------------
# Fingerprints of a library, and their map
#
# This needs torch and scikit-learn, so the desk runs it in a child process.


def index_presets(
    presets: Mapping[str, Preset],
    on_progress: Callable[[int, int], None] | None = None,
) -> FingerprintIndex:
    """Index of presets; known fingerprints are not computed again.

    Parameters
    ----------
    presets : mapping of str to Preset
        By :func:`~mesosynth.presets.similarity.sound_key`. Presets that cannot be played here,
        because a plugin is missing, are left out.
    on_progress : callable, optional
        Receives the number of new sounds done, and of all new sounds.

    Returns
    -------
    FingerprintIndex
    """
    known = known_fingerprints()
    fingerprinter = Fingerprinter()
    new = [key for key in presets if not _fits(known.get(key), fingerprinter.length)]
    for count, key in enumerate(new, 1):
        try:
            known[key] = fingerprinter.of_preset(presets[key]).astype(np.float16)
        except MesosynthError:
            known.pop(key, None)
        if on_progress is not None:
            on_progress(count, len(new))
    keys = tuple(sorted(key for key in presets if key in known))  # the map's order
    if not keys:
        return empty_index()
    fingerprints = np.stack([known[key] for key in keys])
    height, speed = fingerprinter.height(fingerprints), fingerprinter.speed(fingerprints)
    return FingerprintIndex(keys, fingerprints, sound_map(fingerprints, height, speed))


def _fits(fingerprint: np.ndarray | None, length: int) -> bool:
    return fingerprint is not None and fingerprint.shape == (length,)


# --------------------------------------------------------------------------------------------------
# Command ``python -m mesosynth.presets.fingerprints [FOLDER ...] [--output FILE]``
#
# Prints the number of new sounds done and of all new sounds, one line each. Without a FOLDER it
# indexes the factory presets and the user's. With MESOSYNTH_CACHE_DIR set to an empty folder and
# ``--output assets/sound_map.npz`` it makes the index of the package.


def main() -> None:
    """Index presets, and write the index."""
    parser = argparse.ArgumentParser(prog="python -m mesosynth.presets.fingerprints")
    parser.add_argument("folders", metavar="FOLDER", nargs="*", type=Path)
    parser.add_argument("--output", metavar="FILE", type=Path, help="instead of the user's cache")
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # as in the child process, for the same digits
    presets = read_presets(arguments.folders) if arguments.folders else library_presets()
    index = index_presets(presets, lambda done, total: print(done, total, flush=True))
    write_index(index, arguments.output)


if __name__ == "__main__":
    main()
