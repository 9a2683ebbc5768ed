"""Similarity of sounds: fingerprints of presets, nearest neighbours, and the map of the library."""

import hashlib
import io
import math
import os
import threading
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
import platformdirs
from numpy.typing import NDArray

from mesosynth.effects import EFFECTS
from mesosynth.errors import ArgumentError, PresetError, WorkerError
from mesosynth.instruments import INSTRUMENTS
from mesosynth.plugins.parameters import ParameterTable
from mesosynth.presets.library import user_folder
from mesosynth.presets.preset import EffectState, Preset, load_preset
from mesosynth.presets.search import Entry
from mesosynth.system.atomic_file import write_atomically
from mesosynth.system.paths import resource
from mesosynth.system.worker import Channel, Died, Worker

# --------------------------------------------------------------------------------------------------
# Sound key: a hash that is the same for presets that sound the same


LENGTH = 24
"""Characters of a key: 96 bits."""

_DIGITS = 6  # of each value; smaller differences are inaudible


def sound_key(preset: Preset) -> str:
    """Hash of all that is audible in `preset`, without its name and comments.

    Values at their defaults are left out, so that a parameter of a later version, which changes
    nothing at its default, does not change the key.
    """
    table = preset.table if preset.instrument in INSTRUMENTS else None
    heard = {
        "instrument": preset.instrument,
        "values": _touched(preset.parameters, table),
        "effects": [_effect(effect) for effect in preset.effects if not effect.bypassed],
        "state": preset.state,
    }
    return hashlib.sha256(msgspec.json.encode(heard, order="sorted")).hexdigest()[:LENGTH]


def _effect(effect: EffectState) -> dict[str, object]:
    kind = EFFECTS.get(effect.plugin)
    table = None if kind is None else kind.parameters
    values = _touched(effect.parameters, table)
    return {"plugin": effect.plugin, "values": values, "state": effect.state}


def _touched(values: Mapping[str, float], table: ParameterTable | None) -> dict[str, str]:
    """Values as text, those of a built-in plugin only where they are not the defaults."""
    defaults = {} if table is None else table.defaults()
    text = {id_: f"{value:.{_DIGITS}g}" for id_, value in values.items()}
    return {id_: t for id_, t in text.items() if t != f"{defaults.get(id_, math.nan):.{_DIGITS}g}"}


# --------------------------------------------------------------------------------------------------
# Fingerprints of the library, and positions on the map
#
# One file that is replaced as a whole; it can be read without torch and scikit-learn.


CACHE_VARIABLE = "MESOSYNTH_CACHE_DIR"
"""Environment variable with another folder for the cache."""

FILE = "sound_map.npz"
FORMAT = 1
"""Version of fingerprints and file; other versions are computed again."""


@dataclass(frozen=True)
class FingerprintIndex:
    """Fingerprints and map positions of sounds, by key.

    Attributes
    ----------
    keys : tuple of str
        From :func:`sound_key`, all different.
    fingerprints : (sounds, numbers) float16
        Of unit norm, or 0 for a silent sound.
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
        """Position of a sound on the map, 0 to 1.

        Raises
        ------
        ArgumentError
            If `key` is not in the index.
        """
        x, y = self.positions[self._index(key)]
        return float(x), float(y)

    def distances(self, key: str) -> dict[str, float]:
        """JTFS distances of all other sounds from one, ascending.

        Parameters
        ----------
        key : str

        Returns
        -------
        dict
            By key: 0 for the same sound, 1.4 for nothing in common.

        Raises
        ------
        ArgumentError
            If `key` is not in the index.
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
                f"sound {key!r} has no fingerprint yet; index the library first."
            ) from None


def empty_index() -> FingerprintIndex:
    """An index of no sounds."""
    return FingerprintIndex((), np.zeros((0, 0), np.float16), np.zeros((0, 2), np.float32))


def distances(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.float64]:
    """Euclidean distances between fingerprints.

    Parameters
    ----------
    a : (n, d) array
    b : (m, d) array

    Returns
    -------
    (n, m) float64
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    squares = np.square(a).sum(axis=1)[:, None] + np.square(b).sum(axis=1) - 2.0 * (a @ b.T)
    return np.sqrt(np.maximum(squares, 0.0))


def weights(
    point: tuple[float, float], positions: NDArray[np.floating], nearest: int = 4
) -> dict[int, float]:
    """Weights of the nearest sounds at a point on the map, by inverse square distance.

    Parameters
    ----------
    point : (x, y)
    positions : (sounds, 2) array
    nearest : int
        Number of sounds with a weight, 1 or more.

    Returns
    -------
    dict
        Weight by row of `positions`, the largest first; their sum is 1.
    """
    away = np.hypot(*(np.asarray(positions, np.float64) - point).T)
    near = np.argsort(away, kind="stable")[:nearest]
    if len(near) and away[near[0]] < 1e-9:
        return {int(near[0]): 1.0}
    shares = away[near] ** -2.0
    return {int(i): float(share) for i, share in zip(near, shares / shares.sum(), strict=True)}


def cache_folder() -> Path:
    """Folder of the cache; it may not exist yet."""
    folder = os.environ.get(CACHE_VARIABLE)
    return Path(folder) if folder else platformdirs.user_cache_path("mesosynth", appauthor=False)


def read_index() -> FingerprintIndex:
    """Index in the user's cache, or else the one of the package; damaged files are skipped."""
    for path in (cache_folder() / FILE, resource("assets", FILE)):
        index = _read(path)
        if index is not None:
            return index
    return empty_index()


def write_index(index: FingerprintIndex, path: Path | None = None) -> None:
    """Write an index.

    Parameters
    ----------
    index : FingerprintIndex
    path : Path, optional
        By default in the user's cache.

    Raises
    ------
    OSError
        If it cannot be written; the old file stays.
    """
    path = path or cache_folder() / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    content = io.BytesIO()
    np.savez_compressed(
        content, format=np.int64(FORMAT), keys=np.array(index.keys, "U"),
        fingerprints=index.fingerprints, positions=index.positions,
    )  # fmt: skip
    write_atomically(path, content.getvalue())


def merged(indexes: Sequence[FingerprintIndex]) -> dict[str, NDArray[np.float16]]:
    """Fingerprints of several indexes by key."""
    return {
        key: fingerprint
        for index in indexes
        for key, fingerprint in zip(index.keys, index.fingerprints, strict=True)
    }


def known_fingerprints() -> dict[str, NDArray[np.float16]]:
    """All fingerprints in the user's cache and in the package, by key."""
    found = [_read(path) for path in (resource("assets", FILE), cache_folder() / FILE)]
    return merged([index for index in found if index is not None])


def _read(path: Path) -> FingerprintIndex | None:
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
    return FingerprintIndex(keys, fingerprints, positions)


# --------------------------------------------------------------------------------------------------
# Presets by sound key


def library_presets() -> dict[str, Preset]:
    """Factory presets and the user's presets, by sound key."""
    return read_presets([resource("presets"), user_folder()])


def read_presets(folders: Iterable[Path]) -> dict[str, Preset]:
    """All presets in `folders` by sound key; other files are skipped."""
    presets: dict[str, Preset] = {}
    for folder in folders:
        for path in sorted(folder.rglob("*.json")):
            try:
                preset = load_preset(path)
                presets[sound_key(preset)] = preset
            except PresetError:
                continue
    return presets


# --------------------------------------------------------------------------------------------------
# Map of the library, updated in the background
#
# Files are read in a thread; fingerprints of new sounds are computed in a child process, so that
# neither torch nor the rendering disturbs the sound.


@dataclass(frozen=True, slots=True)
class _Progress:
    """Event: `done` of `total` new sounds have a fingerprint."""

    done: int
    total: int


def _index_library(channel: Channel) -> None:
    """[child] Compute the fingerprints of the library's new sounds, and write the index."""
    cache_folder().mkdir(parents=True, exist_ok=True)  # or else it fails before the work
    from mesosynth.presets.fingerprints import index_presets

    write_index(
        index_presets(library_presets(), lambda done, total: channel.send(_Progress(done, total)))
    )


@dataclass(frozen=True)
class MapPoint:
    """A sound on the map.

    Attributes
    ----------
    entry : Entry
    preset : Preset
    x, y : float
        0 to 1 from left to right and from bottom to top.
    """

    entry: Entry
    preset: Preset
    x: float
    y: float


class SoundMap:
    """Map of the library's sounds. Any thread may call it.

    Attributes
    ----------
    places : tuple of MapPoint
        Sounds with a fingerprint, by name.
    revision : int
        Grows with every change of `places`, `left` and `trouble`.
    left : int
        Number of new sounds without a fingerprint.
    trouble : str
        Why some have none, one sentence, or "".
    """

    def __init__(self) -> None:
        self.places: tuple[MapPoint, ...] = ()
        self.revision = 0
        self.left = 0
        self.trouble = ""
        self._read: dict[tuple[str, int, int], tuple[str, Preset]] = {}
        self._index = read_index()
        self._keys: dict[str, str] = {}
        self._wanted: Sequence[Entry] | None = None
        self._tried: set[str] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._worker = Worker(
            _index_library, name="mesosynth fingerprints", nice=10, cores="computing", threads=1
        )
        self._closed = False

    def show(self, entries: Sequence[Entry]) -> None:
        """Put other entries on the map, in the background; `revision` grows when they are there."""
        with self._lock:
            self._wanted = entries
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._work, name="sound map", daemon=True)
                self._thread.start()

    def similar(self, entry_key: str, count: int) -> list[MapPoint]:
        """Sounds that are similar to one, nearest first.

        Parameters
        ----------
        entry_key : str
            Key of its entry.
        count : int
            Most sounds to return.

        Returns
        -------
        list of MapPoint
            Empty if the sound has no fingerprint.
        """
        keys = self._keys
        here = keys.get(entry_key, "")
        if here not in self._index:
            return []
        away = self._index.distances(here)
        others = [p for p in self.places if keys.get(p.entry.key, here) in away]
        return sorted(others, key=lambda place: away[keys[place.entry.key]])[:count]

    def wait(self, timeout: float) -> bool:
        """Wait up to `timeout` s until the map is up to date; False if it is not."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout)
        return thread is None or not thread.is_alive()

    def close(self) -> None:
        """End the child process; a second call does nothing."""
        self._closed = True  # its thread looks at this ten times a second
        self.wait(5.0)

    def _work(self) -> None:
        while True:
            with self._lock:
                entries, self._wanted = self._wanted, None
                if entries is None or self._closed:
                    self._thread = None
                    return
            known = self._known(entries)
            self._place(entries, known)
            missing = {key for key, _ in known.values() if key not in self._index} - self._tried
            if missing:
                self._tried |= missing
                self._index_new()
                self._place(entries, known)

    def _known(self, entries: Sequence[Entry]) -> dict[str, tuple[str, Preset]]:
        """Sound key and preset of each entry that can be read, by the entry's key."""
        read: dict[tuple[str, int, int], tuple[str, Preset]] = {}
        known: dict[str, tuple[str, Preset]] = {}
        for entry in entries:
            content = (entry.file, entry.modified, entry.size)
            try:
                if content not in self._read:
                    preset = load_preset(entry.path)
                    self._read[content] = sound_key(preset), preset
            except PresetError:
                continue
            read[content] = known[entry.key] = self._read[content]
        self._read = read
        return known

    def _place(self, entries: Sequence[Entry], known: dict[str, tuple[str, Preset]]) -> None:
        index: FingerprintIndex = self._index
        places: list[MapPoint] = []
        for entry in entries:
            key, preset = known.get(entry.key, ("", None))
            if preset is not None and key in index:
                places.append(MapPoint(entry, preset, *index.position(key)))
        self._keys = {entry_key: key for entry_key, (key, _) in known.items()}
        self.places = tuple(places)
        self.revision += 1

    def _index_new(self) -> None:
        """Compute the new sounds' fingerprints in a child process, and read the index."""
        worker, died = self._worker, None
        try:
            worker.start()
            while died is None and not self._closed:
                for event in worker.poll(0.1):
                    match event:
                        case _Progress(done, total):
                            self.left = total - done
                            self.revision += 1
                        case Died():
                            died = event
                        case _:
                            pass
            problem = "" if died is None or died.exit_code == 0 else died.error or "it crashed"
        except WorkerError as error:
            problem = str(error)
        worker.stop()
        self.left = 0
        if problem:
            self.trouble = f"New sounds are not on the map: listening to them failed ({problem})."
        self._index = read_index()
