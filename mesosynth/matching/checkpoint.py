"""Checkpoints of a match: the file that keeps its evaluations so far."""

import itertools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from mesosynth.audio.target import ANALYSIS_SAMPLES, Target
from mesosynth.errors import MatchFileError
from mesosynth.matching.evaluation_cache import Evaluation
from mesosynth.matching.results import MatchSettings
from mesosynth.system import file_kinds
from mesosynth.system.documents import Document

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
    """An evaluation."""

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


class SavedMatch(msgspec.Struct, frozen=True):
    """A match as far as it came.

    Attributes
    ----------
    instrument : str
        Whose theta is looked for.
    settings : MatchSettings
    target : Target
    evaluations : tuple of Evaluation
        All so far, in order.
    finished : bool
        Whether the match came to its end by itself.
    extra : dict
        Keys that later versions wrote into its file.
    """

    instrument: str
    settings: MatchSettings
    target: Target
    evaluations: tuple[Evaluation, ...] = ()
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
        measurements=[_measurement(each) for each in match.evaluations],
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
        evaluations=_evaluations(file.measurements),
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


def _measurement(evaluation: Evaluation) -> _Measurement:
    loss, quartic, *rest = evaluation.numbers
    free = math.isqrt(len(rest))  # of free + free² numbers
    gradient, H = rest[:free], rest[free:]
    return _Measurement(
        state=evaluation.at,
        loss=loss,
        gradient=gradient,
        H=[H[begin : begin + free] for begin in range(0, len(H), free)],
        quartic=quartic,
        seconds=evaluation.seconds,
    )


def _target(sound: _Sound) -> Target:
    audio = np.frombuffer(sound.samples, "<f4").astype(np.float32)
    if audio.shape != (ANALYSIS_SAMPLES,) or not np.isfinite(audio).all() or not audio.any():
        raise ValueError(f"its sound is not {ANALYSIS_SAMPLES} finite samples with a sound in them")
    if sound.scale <= 0.0:
        raise ValueError(f"its sound has the scale {sound.scale}")
    return Target(sound.name, audio, sound.start, sound.scale, sound.sha256)


def _evaluations(measurements: Sequence[_Measurement]) -> tuple[Evaluation, ...]:
    evaluations: list[Evaluation] = []
    for place, of in enumerate(measurements):
        free = len(of.gradient)
        if [len(row) for row in of.H] != [free] * free or of.loss < 0.0:
            raise ValueError(f"its measurement {place} is none")
        numbers = [of.loss, of.quartic, *of.gradient, *itertools.chain(*of.H)]
        evaluations.append(Evaluation(place, of.state, numbers, of.seconds))
    return tuple(evaluations)
