"""Checkpoints of a match: its evaluations so far, and the file that keeps them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from mesosynth.audio.target import ANALYSIS_SAMPLES, Target
from mesosynth.errors import MatchFileError
from mesosynth.matching.descent import Measured
from mesosynth.matching.results import MatchSettings
from mesosynth.system import file_kinds
from mesosynth.system.documents import Document

# --------------------------------------------------------------------------------------------------
# What a match has measured so far, from which it can be taken up again where it stood.
#
# A match is a function of its target and its settings: the same theta comes of them every time. All
# that takes long is measuring, so whoever has the measurements can run the match once more in a
# moment, to the very state in which it was left, and from there on.


@dataclass(frozen=True)
class Entry:
    """One measurement.

    Attributes
    ----------
    state : (n,) float64
        Where, as in :mod:`mesosynth.matching.model`.
    measured : Measured
    seconds : float
        Since the match was asked for, pauses not counted.
    """

    state: NDArray[np.float64]
    measured: Measured
    seconds: float


class Journal:
    """Measurements in the order in which a match asks for them; the clock of that match.

    Parameters
    ----------
    entries : sequence of Entry
        Of the same match, as far as it came; none for a new one.
    on_entry : callable, optional
        Called with every new measurement and its place among the entries; what was at that place,
        and what followed it, is forgotten.
    """

    def __init__(
        self, entries: Sequence[Entry] = (), on_entry: Callable[[int, Entry], None] | None = None
    ) -> None:
        self._entries = list(entries)
        self._on_entry = on_entry
        self._next = 0
        self._seconds = 0.0
        self._since = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Since the match was asked for, pauses not counted."""
        if self._next < len(self._entries):
            return self._seconds  # it was then that the match was here
        return self._seconds + time.perf_counter() - self._since

    def measure(self, state: NDArray[np.float64], compute: Callable[[], Measured]) -> Measured:
        """Measure at `state`, or remember what was measured there when the match came by before.

        What does not fit, since another version of mesosynth went another way, is forgotten.
        """
        if self._next < len(self._entries):
            entry = self._entries[self._next]
            if np.array_equal(entry.state, state):
                self._next += 1
                self._set_clock(entry.seconds)
                return entry.measured
            del self._entries[self._next :]
            self._set_clock(self._seconds)
        measured = compute()
        entry = Entry(state.copy(), measured, self.seconds)
        self._entries.append(entry)
        self._next += 1
        if self._on_entry is not None:
            self._on_entry(self._next - 1, entry)
        return measured

    def _set_clock(self, seconds: float) -> None:
        self._seconds, self._since = seconds, time.perf_counter()


# --------------------------------------------------------------------------------------------------
# A match in a file: the sound, the settings, and what was measured so far.
#
# Whoever has these can go on where the match stood, on another day or machine, and comes to the
# theta that it would have come to. A file is either read whole or refused with one sentence; it is
# written whole or not at all.


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
    """A match as it is kept; the first files did not say whether it was finished."""

    instrument: str
    settings: MatchSettings
    sound: _Sound
    measurements: list[_Measurement]
    finished: bool = False
    extra: dict[str, Any] = {}


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
    extra : dict
        Keys that later versions wrote into its file.
    """

    instrument: str
    settings: MatchSettings
    target: Target
    entries: tuple[Entry, ...] = ()
    finished: bool = False
    extra: dict[str, Any] = {}


def save_match(path: str | Path, match: SavedMatch) -> None:
    """Write a match; `path` holds the whole of it or what it held before.

    Raises
    ------
    MatchFileError
        If it cannot be written.
    """
    target = match.target
    sound = _Sound(
        name=target.name,
        samples=target.audio.astype("<f4").tobytes(),
        start=target.start,
        scale=target.scale,
        sha256=target.sha256,
    )
    file = _File(
        instrument=match.instrument,
        settings=match.settings,
        sound=sound,
        measurements=[_measurement(entry) for entry in match.entries],
        finished=match.finished,
        extra=match.extra,
    )
    MATCH.save(path, file)


def load_match(path: str | Path) -> SavedMatch:
    """Read a match.

    Raises
    ------
    MatchFileError
        If it is missing, no match, of a later revision, or holds what no match can have measured.
    """
    return _match(MATCH.load(path))


def _match(file: _File) -> SavedMatch:
    return SavedMatch(
        instrument=file.instrument,
        settings=file.settings,
        target=_target(file.sound),
        entries=_entries(file.measurements),
        finished=file.finished,
        extra=file.extra,
    )


def _check(where: str, file: _File) -> None:
    try:
        _match(file)
    except ValueError as error:  # shapes that do not fit are one too
        raise MatchFileError(f"{where} is not a saved match: {error}.") from error


MATCH = Document(
    _File, file_kinds.MATCH, MatchFileError, largest=20_000_000, check=_check, indent=None
)
"""The format; a sound takes some two hundred thousand bytes, a measurement about one thousand."""


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
