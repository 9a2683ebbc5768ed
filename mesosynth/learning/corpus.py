"""Labelled sounds: a folder of folders, or Medley-solos-DB; and their split."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mesosynth.errors import ArgumentError
from mesosynth.system.paths import shown_name

SUFFIXES = (
    ".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".au", ".caf", ".m4a",
)  # fmt: skip
"""Files that count as sounds in a folder of folders."""

SUBSETS = ("training", "validation", "test")
_SHARES = (0.6, 0.2, 0.2)


@dataclass(frozen=True)
class LabelledSound:
    """A sound file and its class.

    Attributes
    ----------
    path : Path
    label : str
    subset : str
        "training", "validation", "test", or "" where the corpus has no split of its own.
    """

    path: Path
    label: str
    subset: str = ""


@dataclass(frozen=True)
class Corpus:
    """Labelled sounds.

    Attributes
    ----------
    sounds : tuple of LabelledSound
    missing : tuple of str
        Paths that the corpus lists and that do not exist.
    """

    sounds: tuple[LabelledSound, ...]
    missing: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """All classes, by name."""
        return tuple(sorted({sound.label for sound in self.sounds}))

    @property
    def classes(self) -> NDArray[np.int64]:
        """Place in :attr:`labels` of each sound's class, (sounds,)."""
        place = {label: i for i, label in enumerate(self.labels)}
        return np.array([place[sound.label] for sound in self.sounds], np.int64)

    def only(self, kept: Sequence[bool]) -> "Corpus":
        """Corpus of some of the sounds."""
        sounds = (s for s, keep in zip(self.sounds, kept, strict=True) if keep)
        return Corpus(tuple(sounds), self.missing)


def read_corpus(folder: Path) -> Corpus:
    """List the sounds of a folder, without reading them.

    A folder with ``annotation/*metadata*.csv`` has the layout of Medley-solos-DB (Lostanlen et al.,
    2018): its columns are subset, instrument, instrument_id and uuid4, and its sounds are
    ``audio/Medley-solos-DB_{subset}-{instrument_id}_{uuid4}.wav``. In any other folder, each
    subfolder is a class.

    Raises
    ------
    ArgumentError
        If it is no folder, or has fewer than two classes with sounds.
    """
    if not folder.is_dir():
        raise ArgumentError(f"{folder} is not a folder; name one with a subfolder for each class.")
    tables = sorted(folder.glob("annotation/*metadata*.csv"))
    corpus = _medley(folder, tables[0]) if tables else _folders(folder)
    if len(corpus.labels) < 2:
        raise ArgumentError(
            f"{folder} has {len(corpus.labels)} classes with sounds, and needs two or more: a "
            f"subfolder for each."
        )
    return corpus


def _folders(folder: Path) -> Corpus:
    return Corpus(
        tuple(
            LabelledSound(path, shown_name(part))
            for part in sorted(folder.iterdir())
            if part.is_dir() and not part.name.startswith(".")
            for path in sorted(part.rglob("*"))
            if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
        )
    )


def _medley(folder: Path, table: Path) -> Corpus:
    sounds: list[LabelledSound] = []
    missing: list[str] = []
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            subset, number, uuid = row["subset"], row["instrument_id"], row["uuid4"]
            if subset not in SUBSETS:
                raise ArgumentError(
                    f"{table}: subset {subset!r} must be training, validation or test."
                )
            path = folder / "audio" / f"Medley-solos-DB_{subset}-{number}_{uuid}.wav"
            twice = path.with_name(f"{path.name}.wav")  # as some copies are unpacked
            if path.is_file() or twice.is_file():
                found = path if path.is_file() else twice
                sounds.append(LabelledSound(found, row["instrument"], subset))
            else:
                missing.append(str(path))
    except KeyError as error:
        raise ArgumentError(f"{table} has no column {error}.") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ArgumentError(f"{table} cannot be read: {error}.") from error
    return Corpus(tuple(sounds), tuple(missing))


def split(corpus: Corpus, seed: int) -> NDArray[np.str_]:
    """Subset of each sound: the corpus's own, or 60, 20 and 20% of each class at random.

    Parameters
    ----------
    corpus : Corpus
    seed : int

    Returns
    -------
    (sounds,) array of str

    Raises
    ------
    ArgumentError
        If a class has too few sounds.
    """
    own = np.array([sound.subset for sound in corpus.sounds])
    if own.size and bool((own != "").all()):
        for subset in SUBSETS:
            need_sounds(corpus.only(own == subset), corpus.labels, 1, f"the subset {subset}")
        return own
    need_sounds(corpus, corpus.labels, 5, "training, validation and test")
    subsets = np.empty(len(own), dtype="<U10")
    random = np.random.default_rng(seed)
    for label in range(len(corpus.labels)):
        members = random.permutation(np.flatnonzero(corpus.classes == label))
        ends = np.round(np.cumsum(_SHARES) * len(members)).astype(int)
        for subset, part in zip(SUBSETS, np.split(members, ends[:-1]), strict=True):
            subsets[part] = subset
    return subsets


def need_sounds(corpus: Corpus, labels: Sequence[str], least: int, purpose: str) -> None:
    """Refuse a corpus with too few sounds of a class.

    Parameters
    ----------
    corpus : Corpus
    labels : sequence of str
        Classes that must be there.
    least : int
        Sounds that each needs.
    purpose : str
        For the sentence.

    Raises
    ------
    ArgumentError
        It says how many are needed.
    """
    counts = {label: sum(s.label == label for s in corpus.sounds) for label in labels}
    few = [f"{label} has {count}" for label, count in counts.items() if count < least]
    if few:
        raise ArgumentError(
            f"too few sounds: {', '.join(few)}; each class needs at least {least} for {purpose}."
        )
