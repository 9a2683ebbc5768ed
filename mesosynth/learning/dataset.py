"""Data sets: a stratified grid of theta with Phi and M = J^T J, in chunks of Parquet.

The box of a :class:`~mesosynth.matching.domain.Domain` is cut into ``cells ** d`` cells, and each
holds one sound at a place drawn in it. The sound's number is its cell: its digits to the base
`cells` are the cell's indices, the first parameter's first. All random numbers of a sound come from
the data set's seed and its number, so a chunk is the same, byte for byte, in whatever process.

A folder holds ``dataset.json`` and files of Parquet rather than Zarr: each chunk is one file, which
is written whole or not at all, carries its settings and checksums, and is a table that pandas,
DuckDB or R reads by itself. Audio is rendered again from theta and seed, rather than kept.
"""

import dataclasses
import functools
import hashlib
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesosynth.audio.target import ANALYSIS_SAMPLES
from mesosynth.errors import ArgumentError, LearningError
from mesosynth.learning.cluster import Cluster, spread
from mesosynth.matching.domain import Domain, domain_named
from mesosynth.system.atomic_file import write_atomically, writing

VERSION = 1
"""Increase it when Phi or the domains change: chunks of another version are made again."""

INNER = 0.1
"""Share of the cells, in the middle of the grid, that are kept for validation."""

TEST = 0.1
"""Share of the others that are kept for the test."""

_ABOUT = "dataset.json"
_MOST = 1_000_000  # sounds
_SEEDS = 1 << 16  # of audio
_KEY = b"mesosynth"


@dataclass(frozen=True)
class DatasetSettings:
    """Settings of a data set.

    Attributes
    ----------
    instrument : str
        "drum", "chirplet", "strike" or "grains".
    cells : int
        Cells along each parameter, from 1 up.
    seed : int
        Of the places in the cells and of the audio, from 0 up.
    chunk : int
        Sounds in a file.
    samples : int
        Length of a sound at ANALYSIS_RATE.

    Raises
    ------
    ArgumentError
        If one of them is out of range.
    """

    instrument: str
    cells: int = 5
    seed: int = 0
    chunk: int = 32
    samples: int = ANALYSIS_SAMPLES
    version: int = VERSION

    def __post_init__(self) -> None:
        domain_named(self.instrument)
        for name, least in (("cells", 1), ("seed", 0), ("chunk", 1)):
            value = getattr(self, name)
            if not isinstance(value, int) or value < least:
                raise ArgumentError(f"{name}={value!r} must be a whole number of {least} or more.")
        if self.count > _MOST:
            raise ArgumentError(
                f"cells={self.cells} makes {self.count} sounds of {self.instrument}, more than "
                f"{_MOST}; take fewer."
            )

    @property
    def domain(self) -> Domain:
        """Domain of the instrument."""
        return domain_named(self.instrument)

    @property
    def count(self) -> int:
        """Number of sounds."""
        return self.cells ** len(self.domain.ids)

    @property
    def chunks(self) -> int:
        """Number of files."""
        return -(-self.count // self.chunk)

    def numbers(self, chunk: int) -> range:
        """Numbers of the sounds of a chunk."""
        return range(chunk * self.chunk, min((chunk + 1) * self.chunk, self.count))

    def sound(self, number: int) -> tuple[NDArray[np.float64], int]:
        """Parameters (d,) of a sound, in the table's units, and the seed of its audio."""
        import torch

        digits = np.unravel_index(number, (self.cells,) * len(self.domain.ids))
        rng = np.random.default_rng([self.seed, number])
        nu = 2.0 * (np.array(digits) + rng.random(len(digits))) / self.cells - 1.0
        return self.domain.values(torch.from_numpy(nu)).numpy(), int(rng.integers(_SEEDS))


# --------------------------------------------------------------------------------------------------
# Chunks


def chunk_bytes(settings: DatasetSettings, chunk: int) -> bytes:
    """File of one chunk.

    Parameters
    ----------
    settings : DatasetSettings
    chunk : int
        Its number.

    Returns
    -------
    bytes
        The same in every process of a machine.
    """
    import torch
    from pyarrow import array, parquet, table

    from mesosynth.learning.perception import features_and_metric

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # more would add up in another order
    try:
        rows: list[tuple[Any, ...]] = []
        for number in settings.numbers(chunk):
            values, seed = settings.sound(number)
            Phi, M = features_and_metric(settings.domain, values, seed, settings.samples)
            rows.append((number, *values, seed, Phi, M.ravel()))
    finally:
        torch.set_num_threads(threads)
    names = ("number", *settings.domain.ids, "seed", "Phi", "M")
    columns = {
        name: array(list(column))
        for name, column in zip(names, zip(*rows, strict=True), strict=True)
    }
    about = {_KEY: json.dumps({**dataclasses.asdict(settings), "number": chunk})}
    file = io.BytesIO()
    parquet.write_table(
        table(columns).replace_schema_metadata(about), file, write_page_checksum=True,
        compression="zstd", use_dictionary=False,
    )  # fmt: skip
    return file.getvalue()


def _path(folder: Path, chunk: int) -> Path:
    return folder / f"chunk-{chunk:05}.parquet"


def _read(folder: Path, settings: DatasetSettings, chunk: int) -> Any:  # noqa: ANN401 - a table
    """Table of one chunk; ValueError or OSError where it is missing, broken or another's."""
    from pyarrow import parquet

    found = parquet.read_table(_path(folder, chunk), page_checksum_verification=True)
    about = json.loads((found.schema.metadata or {}).get(_KEY, b"{}"))
    if about != {**dataclasses.asdict(settings), "number": chunk}:
        raise ValueError(f"{_path(folder, chunk).name} is of another data set")
    return found


def make_dataset(
    folder: Path,
    settings: DatasetSettings,
    cluster: Cluster = Cluster(workers=1),  # noqa: B008 - frozen
    show: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Make the chunks of a data set that are missing or broken.

    Parameters
    ----------
    folder : Path
        Made where there is none.
    settings : DatasetSettings
    cluster : Cluster
        Where to compute; only this process writes files.
    show : callable
        Called with the number of chunks that are there, and of all.

    Returns
    -------
    int
        Number of chunks that were made.

    Raises
    ------
    LearningError
        If the folder holds another data set, or cannot be written.
    """
    about = folder / _ABOUT
    with writing(about, LearningError, make_folder=True):
        if about.exists():
            there = dataset_settings(folder)
            if there != settings:
                raise LearningError(
                    f"{folder} holds another data set ({_told(there)}); name another folder."
                )
        write_atomically(about, json.dumps(dataclasses.asdict(settings), indent=1).encode())
    missing = _missing(folder, settings)
    show(settings.chunks - len(missing), settings.chunks)
    left = len(missing)
    for chunk, content in spread(functools.partial(chunk_bytes, settings), missing, cluster):
        if isinstance(content, Exception):
            raise LearningError(f"chunk {chunk} of {folder} cannot be made: {content}") from content
        with writing(_path(folder, chunk), LearningError):
            write_atomically(_path(folder, chunk), content)
        left -= 1
        show(settings.chunks - left, settings.chunks)
    return len(missing)


def _missing(folder: Path, settings: DatasetSettings) -> list[int]:
    missing: list[int] = []
    for chunk in range(settings.chunks):
        try:
            _read(folder, settings, chunk)
        except (OSError, ValueError):  # pyarrow's own errors are one of these
            missing.append(chunk)
    return missing


def dataset_settings(folder: Path) -> DatasetSettings:
    """Settings of the data set in a folder.

    Raises
    ------
    LearningError
        If there is none, or one of another version.
    """
    path = folder / _ABOUT
    try:
        values: dict[str, Any] = json.loads(path.read_bytes())
        version = values.pop("version")
        settings = DatasetSettings(**values)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise LearningError(
            f"{folder} holds no data set ({error}); make one with mesosynth data make."
        ) from None
    if version != VERSION:
        raise LearningError(
            f"{folder} holds a data set of version {version}; this program makes {VERSION}: make "
            "it again in another folder."
        )
    return settings


def _told(settings: DatasetSettings) -> str:
    return f"{settings.instrument}, {settings.cells} cells, seed {settings.seed}"


# --------------------------------------------------------------------------------------------------
# Reading


@dataclass(frozen=True, eq=False)
class Dataset:
    """Data set in memory, without the chunks that are missing or broken.

    Attributes
    ----------
    settings : DatasetSettings
    numbers : (n,) int64
    values : (n, d) float64
        Parameters in the table's units.
    seeds : (n,) int64
    Phi : (n, paths) float64
    M : (n, d, d) float64
    missing : tuple of str
        Names of the files that are missing or broken.
    sha256 : str
        Of theta and M, for the records of what was trained.
    """

    settings: DatasetSettings
    numbers: NDArray[np.int64]
    values: NDArray[np.float64]
    seeds: NDArray[np.int64]
    Phi: NDArray[np.float64]
    M: NDArray[np.float64]
    missing: tuple[str, ...]

    @functools.cached_property
    def sha256(self) -> str:
        """Of theta and M, for the records of what was trained."""
        return hashlib.sha256(self.values.tobytes() + self.M.tobytes()).hexdigest()

    @functools.cached_property
    def nu(self) -> NDArray[np.float64]:
        """Scaled parameters, (n, d)."""
        return self.settings.domain.nu(self.values)

    def split(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Places of the sounds for training, validation and test.

        Validation takes the cells in the middle of the grid, as the authors' folds do; the test
        some of the others at random. They depend on the settings alone, not on what is missing.
        """
        settings, dims = self.settings, len(self.settings.domain.ids)
        first = round(0.5 * settings.cells * (1.0 - INNER ** (1.0 / dims)))
        side = max(1, settings.cells - 2 * first)
        first = (settings.cells - side) // 2
        digits = np.array(np.unravel_index(self.numbers, (settings.cells,) * dims))
        inner = ((digits >= first) & (digits < first + side)).all(axis=0)
        drawn = np.random.default_rng(settings.seed).random(settings.count)[self.numbers] < TEST
        trained, tested = ~inner & ~drawn, ~inner & drawn
        return np.flatnonzero(trained), np.flatnonzero(inner), np.flatnonzero(tested)


def load_dataset(folder: Path) -> Dataset:
    """Read a data set; files that are missing or broken are left out and listed.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    Dataset

    Raises
    ------
    LearningError
        If there is no data set, or no whole file of it.
    """
    settings = dataset_settings(folder)
    tables: list[Any] = []
    missing: list[str] = []
    for chunk in range(settings.chunks):
        try:
            tables.append(_read(folder, settings, chunk))
        except (OSError, ValueError):
            missing.append(_path(folder, chunk).name)
    if not tables:
        raise LearningError(f"{folder} holds no whole chunk; run mesosynth data make again.")
    d = len(settings.domain.ids)

    def column(names: Sequence[str]) -> NDArray[Any]:
        parts = [
            np.column_stack([np.stack(table[name].to_numpy()) for name in names])
            for table in tables
        ]
        return np.concatenate(parts)

    return Dataset(
        settings=settings,
        numbers=column(["number"])[:, 0],
        values=column(settings.domain.ids),
        seeds=column(["seed"])[:, 0],
        Phi=column(["Phi"]),
        M=column(["M"]).reshape(-1, d, d),
        missing=tuple(missing),
    )
