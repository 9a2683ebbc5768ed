"""Checkpoints: the file of a match, of one with layers, or of a long sound, as far as it came.

A search that is run again with its settings and its steps so far goes on where it stood, on another
day or machine, and comes to the digits that it would have come to. The first line of the file says
what is searched, and how; each further line is a step, on the disk before the next one begins.
"""

import contextlib
import hashlib
import itertools
import logging
import math
import os
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec
import numpy as np
import platformdirs

from mesosynth.audio.target import (
    ANALYSIS_SAMPLES,
    FULL_RATE,
    LONGEST_RECORDING,
    Recording,
    Target,
)
from mesosynth.errors import AudioFileError, MatchFileError
from mesosynth.matching.results import (
    LayersSettings,
    LongSound,
    MatchedSequence,
    MatchSettings,
    Moment,
    SequenceSettings,
)
from mesosynth.system import file_kinds
from mesosynth.system.documents import Document, LineDocument, Object
from mesosynth.system.steps import Evaluation, Steps, Stopped, stop
from mesosynth.system.unknown_keys import RecordConverter, record_converter

S = TypeVar("S")
R = TypeVar("R")

_log = logging.getLogger(__name__)

_STEM = 40  # characters of the sound's name in that of its file in the cache

Job = Literal["match", "layers", "sequence"]

_SETTINGS = {"match": MatchSettings, "layers": LayersSettings, "sequence": SequenceSettings}
_STEP = {"match": Evaluation, "layers": Evaluation, "sequence": Moment}
_WHAT = {
    "match": ("a match", "mesosynth match --resume FILE"),
    "layers": ("a match with layers", "mesosynth match --resume FILE"),
    "sequence": ("a match of a long sound", "mesosynth sequence SOUND --run FILE"),
}


class Checkpoint(msgspec.Struct, frozen=True):
    """A search as far as it came.

    Attributes
    ----------
    job : str
        "match", "layers" or "sequence".
    settings : MatchSettings, LayersSettings or SequenceSettings
    target : Target or LongSound
        The latter of a sequence, whose samples are not kept.
    instrument : str
        Whose theta is looked for.
    steps : tuple of Evaluation, or of Moment
        All so far, in order.
    finished : bool
        Whether the search came to its end by itself.
    extra : dict
        Keys that later versions wrote into the first line of its file.
    """

    job: Job
    settings: MatchSettings | LayersSettings | SequenceSettings
    target: Target | LongSound
    instrument: str = "chirplet"
    steps: tuple[Evaluation | Moment, ...] = ()
    finished: bool = False
    extra: dict[str, Any] = {}

    @property
    def evaluations(self) -> list[Evaluation]:
        """The steps of a match."""
        return [step for step in self.steps if isinstance(step, Evaluation)]

    @property
    def sequence(self) -> MatchedSequence:
        """The match of a long sound."""
        assert isinstance(self.target, LongSound)
        assert isinstance(self.settings, SequenceSettings)
        moments = [step for step in self.steps if isinstance(step, Moment)]
        return MatchedSequence(self.target, self.settings, moments)


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a search; `path` holds the whole of it or what it held before.

    Parameters
    ----------
    path : Path
    checkpoint : Checkpoint

    Raises
    ------
    MatchFileError
        If it cannot be written.
    """
    head, lines = _head_of(checkpoint), _lines_of(checkpoint)
    CHECKPOINT.begin(path, head, lines, make_folder=False).close()


def load_checkpoint(path: Path, *jobs: Job) -> Checkpoint:
    """Read a search.

    Parameters
    ----------
    path : Path
    *jobs : str
        What it may be of; anything if none is named.

    Raises
    ------
    MatchFileError
        If it is missing, no checkpoint, of a later revision, of something else, or holds what no
        search can have computed.
    """
    head, lines = CHECKPOINT.load(path)
    if jobs and head.job not in jobs:
        found, opened = _WHAT[head.job]
        raise MatchFileError(
            f"{path} is {found}, not {_WHAT[jobs[0]][0]}; go on with it by {opened}."
        )
    steps: list[Evaluation | Moment] = [*head.evaluations]
    finished = head.finished
    for number, line in enumerate(lines):
        try:
            finished = bool(line.get("finished", False))
            if not finished:
                steps.append(_step(head.job, number, line))
        except (ValueError, msgspec.ValidationError) as error:
            raise CHECKPOINT.head.refusal(str(path), f"line {number + 2}: {error}") from error
    settings, target = _settings(head), _target(head)
    return Checkpoint(
        head.job, settings, target, head.instrument, tuple(steps), finished, head.extra
    )


def load_sequence(path: Path) -> MatchedSequence:
    """Read a match of a long sound as far as it came; raises as :func:`load_checkpoint`."""
    return load_checkpoint(path, "sequence").sequence


def keep(steps: Steps[S, R], path: Path, checkpoint: Checkpoint) -> Steps[S, R]:
    """Pass on the steps of a search, and keep in a file what it goes on from.

    Parameters
    ----------
    steps : generator
        The search, which goes on from `checkpoint`.
    path : Path
        Written anew; it holds all that was searched at any moment.
    checkpoint : Checkpoint

    Raises
    ------
    MatchFileError
        If the file cannot be written.
    """
    with CHECKPOINT.begin(path, _head_of(checkpoint), _lines_of(checkpoint)) as file:
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                if not (file.lines and "finished" in file.lines[-1]):
                    file.append({"finished": True})
                return end.value
            if isinstance(step, Evaluation):
                file.append(_line(step), step.number)
            elif isinstance(step, Moment):
                file.append(_line(step))
            try:
                yield step
            except Stopped:
                return stop(steps)


def sequence_path(path: Path, settings: SequenceSettings) -> Path:
    """The file in the user's cache that a match of a long sound is kept in unless one is named.

    Parameters
    ----------
    path : Path
        Of the sound.
    settings : SequenceSettings

    Raises
    ------
    AudioFileError
        If the sound file cannot be read.
    """
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
    except OSError as error:
        raise AudioFileError(f"{path} cannot be read: {error.strerror}.") from error
    content = msgspec.json.encode(settings, order="deterministic")
    digest.update(content.replace(b',"extra":{}', b""))  # as long as there is nothing unknown
    folder = platformdirs.user_cache_path("mesosynth", appauthor=False) / "sequences"
    return folder / f"{path.stem[:_STEM]}-{digest.hexdigest()[:12]}.jsonl"


def cached_run(path: Path, settings: SequenceSettings) -> Path | None:
    """The file of :func:`sequence_path`, ready to be gone on with; a broken one is removed.

    Parameters
    ----------
    path : Path
        Of the sound.
    settings : SequenceSettings

    Returns
    -------
    Path or None
        None if the cache cannot be written: then nothing is kept.

    Raises
    ------
    AudioFileError
        If the sound file cannot be read.
    """
    run = sequence_path(path, settings)
    try:
        run.parent.mkdir(parents=True, exist_ok=True)
        if run.exists():
            load_sequence(run)
        elif not os.access(run.parent, os.W_OK):
            return None
    except MatchFileError as error:
        _log.info("%s is started anew: %s", run, error)
        with contextlib.suppress(OSError):
            run.unlink()
    except OSError as error:
        _log.info("%s cannot be kept: %s", run, error)
        return None
    return run


# --------------------------------------------------------------------------------------------------
# The format


class _Sound(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Record of the sound: a target with its samples, little-endian as base64, or a long sound."""

    name: str
    sha256: str
    samples: bytes = b""
    start: float = 0.0
    scale: float = 1.0
    duration: float = 0.0
    recording: bytes = b""
    recording_rate: float = 0.0
    recording_start: float = 0.0
    left_out: float = 0.0
    unanalysed: float = 0.0
    channel: int | None = None


class CheckpointHead(msgspec.Struct, frozen=True, kw_only=True):
    """First line of a checkpoint.

    In files of the first revision the evaluations of a match stood here, and whether it was
    finished.
    """

    job: Job
    instrument: str = "chirplet"
    settings: dict[str, Any]
    sound: _Sound
    evaluations: list[Evaluation] = []
    finished: bool = False
    extra: dict[str, Any] = {}


def _from_first_revision(raw: Object) -> None:
    """Matches and sequences had formats of their own."""
    if raw.pop("mesosynth_sequence", None) is not None:
        raw["job"] = "sequence"
        return
    raw["job"] = "match"
    raw["evaluations"] = [
        {
            "number": number,
            "at": of["state"],
            "numbers": [of["loss"], of["quartic"], *of["gradient"], *itertools.chain(*of["H"])],
            "seconds": of["seconds"],
        }
        for number, of in enumerate(raw.pop("measurements"))
    ]


def _check(where: str, head: CheckpointHead) -> None:
    try:
        _settings(head)
        _target(head)
        for evaluation in head.evaluations:
            _check_evaluation(head.job, evaluation)
    except (ValueError, msgspec.ValidationError) as error:
        raise MatchFileError(f"{where} is not a saved match: {error}.") from error


CHECKPOINT = LineDocument(
    Document(
        CheckpointHead, file_kinds.CHECKPOINT, MatchFileError, revision=2,
        migrations=[_from_first_revision], numbered=False, largest=20_000_000, check=_check,
        indent=None,
    ),
    dict[str, Any],
    largest=500_000_000,
)  # fmt: skip
"""The format; a target takes up to two and a half million bytes, a step about one thousand."""


def _head_of(checkpoint: Checkpoint) -> CheckpointHead:
    target = checkpoint.target
    if isinstance(target, Target):
        samples = target.audio.astype("<f4").tobytes()
        sound = _Sound(
            name=target.name, sha256=target.sha256, samples=samples,
            start=target.start, scale=target.scale, **_recording_of(target),
        )  # fmt: skip
    else:
        sound = _Sound(name=target.name, sha256=target.sha256, duration=target.duration)
    settings = _way(checkpoint.job).to_object(checkpoint.settings, "settings")
    return CheckpointHead(
        job=checkpoint.job,
        instrument=checkpoint.instrument,
        settings=msgspec.to_builtins(settings),
        sound=sound,
        extra=checkpoint.extra,
    )


def _recording_of(target: Target) -> dict[str, Any]:
    """The recording of a target at full band, and what is told of it."""
    if target.whole is None:
        return {}
    return {
        "recording": target.whole.audio.astype("<f4").tobytes(),
        "recording_rate": target.whole.sample_rate,
        "recording_start": target.whole.start,
        "left_out": target.left_out,
        "unanalysed": target.unanalysed,
        "channel": target.channel,
    }


@cache
def _way(job: Job) -> RecordConverter:
    """Converter of the settings of a search, which keeps unknown keys."""
    return record_converter(_SETTINGS[job], {})


def _settings(head: CheckpointHead) -> MatchSettings | LayersSettings | SequenceSettings:
    fields = _way(head.job).from_object(head.settings, "settings")
    return msgspec.convert(fields, _SETTINGS[head.job])


def _lines_of(checkpoint: Checkpoint) -> list[Object]:
    lines = [_line(step) for step in checkpoint.steps]
    return [*lines, {"finished": True}] if checkpoint.finished else lines


def _line(step: Evaluation | Moment) -> Object:
    line: Object = msgspec.to_builtins(step)
    line.pop("number", None)  # the line's own
    return line


def _step(job: Job, number: int, line: Object) -> Evaluation | Moment:
    if job == "sequence":
        return msgspec.convert(line, Moment)
    evaluation = msgspec.convert({**line, "number": number}, Evaluation)
    _check_evaluation(job, evaluation)
    return evaluation


def _check_evaluation(job: Job, evaluation: Evaluation) -> None:
    numbers = evaluation.numbers
    if job != "match":
        return
    free = (math.isqrt(max(4 * len(numbers) - 7, 1)) - 1) // 2  # of 2 + free + free² numbers
    if len(numbers) != 2 + free + free**2 or numbers[0] < 0.0:
        raise ValueError(f"its evaluation {evaluation.number} is none")


def _target(head: CheckpointHead) -> Target | LongSound:
    sound = head.sound
    if head.job == "sequence":
        return LongSound(sound.name, sound.sha256, sound.duration)
    audio = np.frombuffer(sound.samples, "<f4").astype(np.float32)
    whole = np.frombuffer(sound.recording, "<f4").astype(np.float32)
    something = audio.any() or whole.any()
    if audio.shape != (ANALYSIS_SAMPLES,) or not np.isfinite(audio).all() or not something:
        raise ValueError(f"its sound is not {ANALYSIS_SAMPLES} finite samples with a sound in them")
    if sound.scale <= 0.0:
        raise ValueError(f"its sound has the scale {sound.scale}")
    recording = None
    if len(whole):
        rate, longest = sound.recording_rate, FULL_RATE * LONGEST_RECORDING
        if not np.isfinite(whole).all() or len(whole) > longest + 1 or not 0.0 < rate <= FULL_RATE:
            raise ValueError(f"its recording is not up to {longest:.0f} finite samples")
        recording = Recording(whole, rate, sound.recording_start)
    return Target(
        sound.name, audio, sound.start, sound.scale, sound.sha256,
        recording, sound.left_out, sound.unanalysed, sound.channel,
    )  # fmt: skip
