"""What is known of how sounds sound: their fingerprints, and where each lies on the map.

One file that is replaced as a whole; no torch and no scikit-learn is needed to read it.
"""

import io
import os
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import platformdirs
from numpy.typing import NDArray

from mesosynth.errors import ArgumentError
from mesosynth.system.atomic_file import write_atomically
from mesosynth.system.paths import resource

CACHE_VARIABLE = "MESOSYNTH_CACHE_DIR"
"""The environment variable that names another folder for what can be computed again."""

FILE = "sound_map.npz"
FORMAT = 1
"""Of fingerprints and file; another one is computed anew."""


@dataclass(frozen=True)
class Survey:
    """Sounds by key.

    Attributes
    ----------
    keys : tuple of str
        As :func:`~mesosynth.presets.sound_key.sound_key` gives them, all different.
    fingerprints : (sounds, numbers) float16
        Of unit norm, or 0 for a sound that is silent.
    positions : (sounds, 2) float32
        On the map, 0 to 1 from left to right and from bottom to top.
    """

    keys: tuple[str, ...]
    fingerprints: NDArray[np.float16]
    positions: NDArray[np.float32]
    _place: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_place", {key: i for i, key in enumerate(self.keys)})

    def __contains__(self, key: object) -> bool:
        return key in self._place

    def position(self, key: str) -> tuple[float, float]:
        """Where a sound lies on the map; ArgumentError if it is not in the survey."""
        x, y = self.positions[self._index(key)]
        return float(x), float(y)

    def distances(self, key: str) -> dict[str, float]:
        """JTFS distance of every other sound from one, from near to far.

        Parameters
        ----------
        key : str

        Returns
        -------
        dict
            By key: 0 for the same, 1.4 for nothing in common.

        Raises
        ------
        ArgumentError
            If `key` is not in the survey.
        """
        place = self._index(key)
        away = distances(self.fingerprints, self.fingerprints[place : place + 1])[:, 0]
        order = np.argsort(away, kind="stable")
        return {self.keys[i]: float(away[i]) for i in order if i != place}

    def _index(self, key: str) -> int:
        try:
            return self._place[key]
        except KeyError:
            raise ArgumentError(
                f"sound {key!r} has not been listened to yet; survey the library first."
            ) from None


def empty_survey() -> Survey:
    """A survey of nothing."""
    return Survey((), np.zeros((0, 0), np.float16), np.zeros((0, 2), np.float32))


def distances(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.float64]:
    """Euclidean distances between fingerprints, (n, d) and (m, d), as (n, m)."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    squares = np.square(a).sum(axis=1)[:, None] + np.square(b).sum(axis=1) - 2.0 * (a @ b.T)
    return np.sqrt(np.maximum(squares, 0.0))


def weights(
    point: tuple[float, float], positions: NDArray[np.floating], nearest: int = 4
) -> dict[int, float]:
    """How much each of the nearest sounds has of a point on the map, by inverse square distance.

    Parameters
    ----------
    point : (x, y)
    positions : (sounds, 2)
    nearest : int
        Sounds that have a part, 1 or more.

    Returns
    -------
    dict
        Weight by row of `positions`, the largest first; together 1.
    """
    away = np.hypot(*(np.asarray(positions, np.float64) - point).T)
    near = np.argsort(away, kind="stable")[:nearest]
    if len(near) and away[near[0]] < 1e-9:
        return {int(near[0]): 1.0}
    shares = away[near] ** -2.0
    return {int(i): float(share) for i, share in zip(near, shares / shares.sum(), strict=True)}


def cache_folder() -> Path:
    """Where what was computed is kept; it may not exist yet."""
    folder = os.environ.get(CACHE_VARIABLE)
    return Path(folder) if folder else platformdirs.user_cache_path("mesosynth", appauthor=False)


def read_survey() -> Survey:
    """What the user's cache holds, or else what mesosynth brought; damaged files count as none."""
    for path in (cache_folder() / FILE, resource("assets", FILE)):
        survey = _read(path)
        if survey is not None:
            return survey
    return empty_survey()


def write_survey(survey: Survey, path: Path | None = None) -> None:
    """Keep a survey, in the user's cache if no `path` is given.

    Raises
    ------
    OSError
        If it cannot be written; what was there stays.
    """
    path = path or cache_folder() / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    content = io.BytesIO()
    np.savez_compressed(
        content, format=np.int64(FORMAT), keys=np.array(survey.keys, "U"),
        fingerprints=survey.fingerprints, positions=survey.positions,
    )  # fmt: skip
    write_atomically(path, content.getvalue())


def merged(surveys: Sequence[Survey]) -> dict[str, NDArray[np.float16]]:
    """Fingerprints of all surveys by key."""
    return {
        key: fingerprint
        for survey in surveys
        for key, fingerprint in zip(survey.keys, survey.fingerprints, strict=True)
    }


def known_fingerprints() -> dict[str, NDArray[np.float16]]:
    """All that were ever computed here, and those that mesosynth brought, by key."""
    found = [_read(path) for path in (resource("assets", FILE), cache_folder() / FILE)]
    return merged([survey for survey in found if survey is not None])


def _read(path: Path) -> Survey | None:
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            if int(file["format"]) != FORMAT:
                return None
            keys = tuple(str(key) for key in file["keys"])
            fingerprints = file["fingerprints"].astype(np.float16)
            positions = file["positions"].astype(np.float32)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        return None
    fits = fingerprints.ndim == 2 and len(fingerprints) == len(keys) == len(set(keys))
    fits = fits and positions.shape == (len(keys), 2)
    if not (fits and np.isfinite(fingerprints).all() and np.isfinite(positions).all()):
        return None
    return Survey(keys, fingerprints, positions)
