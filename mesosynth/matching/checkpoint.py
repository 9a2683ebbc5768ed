"""A match in a file: the sound, the settings, and what was measured so far.

Whoever has these can go on where the match stood, on another day or machine, and comes to the theta
that it would have come to. A file is either read whole or refused with one sentence; it is written
whole or not at all.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from mesosynth.audio.target import ANALYSIS_SAMPLES, Target
from mesosynth.errors import MatchFileError
from mesosynth.matching.journal import Entry
from mesosynth.matching.measured import Measured
from mesosynth.matching.results import MatchSettings
from mesosynth.system.atomic_file import write_atomically

REVISION = 1
"""Of the file format; a file of a later one is refused, not guessed at."""

MAXIMUM_BYTES = 20_000_000
"""A sound takes some two hundred thousand, a measurement about one; this is no match."""


class _Sound(msgspec.Struct, frozen=True, kw_only=True):
    """A target; its samples little-endian, as base64."""

    name: str
    samples: bytes
    start: float
    scale: float
    sha256: str


class _Measurement(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the journal."""

    state: list[float]
    loss: float
    gradient: list[float]
    H: list[list[float]]
    quartic: float
    seconds: float


class _File(msgspec.Struct, frozen=True, kw_only=True):
    revision: int
    instrument: str
    settings: MatchSettings
    sound: _Sound
    measurements: list[_Measurement]
    finished: bool


class SavedMatch(msgspec.Struct, frozen=True, kw_only=True):
    """A match as far as it came.

    Attributes
    ----------
    instrument : str
        Whose theta is looked for.
    settings : MatchSettings
    target : Target
    entries : tuple of Entry
        What was measured, in order.
    finished : bool
        Whether the match came to its end by itself.
    """

    instrument: str
    settings: MatchSettings
    target: Target
    entries: tuple[Entry, ...] = ()
    finished: bool = False


def save_match(path: str | Path, match: SavedMatch) -> None:
    """Write a match; `path` holds the whole of it or what it held before.

    Raises
    ------
    MatchFileError
        If it cannot be written.
    """
    path, target = Path(path), match.target
    document = _File(
        revision=REVISION,
        instrument=match.instrument,
        settings=match.settings,
        sound=_Sound(
            name=target.name,
            samples=target.audio.astype("<f4").tobytes(),
            start=target.start,
            scale=target.scale,
            sha256=target.sha256,
        ),
        measurements=[_measurement(entry) for entry in match.entries],
        finished=match.finished,
    )
    try:
        write_atomically(path, msgspec.json.encode(document) + b"\n")
    except OSError as error:
        raise MatchFileError(f"{path} cannot be written: {error.strerror}.") from error


def load_match(path: str | Path) -> SavedMatch:
    """Read a match.

    Raises
    ------
    MatchFileError
        If it is missing, no match, of a later revision, or holds what no match can have measured.
    """
    path = Path(path)
    text = _text(path)
    try:
        head = msgspec.json.decode(text, type=dict[str, Any])
        revision = head.get("revision")
        if isinstance(revision, int) and revision > REVISION:
            raise MatchFileError(
                f"{path} was written by a later mesosynth (revision {revision}, this one reads "
                f"{REVISION}); update mesosynth to go on with it."
            )
        document = msgspec.json.decode(text, type=_File)
        return SavedMatch(
            instrument=document.instrument,
            settings=document.settings,
            target=_target(document.sound),
            entries=_entries(document.measurements),
            finished=document.finished,
        )
    # Broken UTF-8 is a ValueError, as are shapes that do not fit; nesting ends in recursion.
    except (ValueError, msgspec.MsgspecError, RecursionError) as error:
        raise MatchFileError(f"{path} is not a saved match: {error}.") from error


def _text(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            text = file.read(MAXIMUM_BYTES + 1)
    except OSError as error:
        raise MatchFileError(f"{path} cannot be read: {error.strerror}.") from error
    if len(text) > MAXIMUM_BYTES:
        raise MatchFileError(
            f"{path} is not a saved match: it is larger than {MAXIMUM_BYTES} bytes."
        )
    return text


def _measurement(entry: Entry) -> _Measurement:
    measured = entry.measured
    return _Measurement(
        state=entry.state.tolist(),
        loss=measured.loss,
        gradient=measured.gradient.tolist(),
        H=measured.H.tolist(),
        quartic=measured.quartic,
        seconds=entry.seconds,
    )


def _target(sound: _Sound) -> Target:
    audio = np.frombuffer(sound.samples, "<f4").astype(np.float32)
    if audio.shape != (ANALYSIS_SAMPLES,) or not np.isfinite(audio).all() or not audio.any():
        raise ValueError(f"its sound is not {ANALYSIS_SAMPLES} finite samples with a sound in them")
    if sound.scale <= 0.0:
        raise ValueError(f"its sound has the scale {sound.scale}")
    return Target(sound.name, audio, sound.start, sound.scale, sound.sha256)


def _entries(measurements: Sequence[_Measurement]) -> tuple[Entry, ...]:
    entries: list[Entry] = []
    for place, of in enumerate(measurements):
        gradient, H = np.array(of.gradient), np.array(of.H)
        if not of.gradient or H.shape != (len(gradient), len(gradient)) or of.loss < 0.0:
            raise ValueError(f"its measurement {place} is none")
        measured = Measured(of.loss, gradient, H, of.quartic)
        entries.append(Entry(np.array(of.state), measured, of.seconds))
    return tuple(entries)
