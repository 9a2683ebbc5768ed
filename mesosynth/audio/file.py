"""Sound files: any format of libsndfile, any rate, any number of channels, any length.

An error is one sentence that names the file and the cause.
"""

import contextlib
import hashlib
import os
import re
import shutil
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from mesosynth.audio.target import (
    ANALYSIS_RATE,
    ANALYSIS_SAMPLES,
    BLOCK,
    Blocks,
    Recording,
    Target,
    channel_of,
    checked,
    mixed,
    target_from_array,
    target_from_blocks,
)
from mesosynth.audio.waveform_peaks import WaveformPeaks, waveform_peaks
from mesosynth.errors import AudioFileError
from mesosynth.system import file_kinds
from mesosynth.system.atomic_file import draft_of, writing
from mesosynth.system.paths import shown_name

__all__ = [
    "ANALYSIS_RATE",
    "ANALYSIS_SAMPLES",
    "DecodedSound",
    "Recording",
    "Target",
    "load_target",
    "read_audio",
    "target_from_array",
    "write_wav",
]

_HEADER_SLACK = 64  # bytes by which sizes in correct headers differ
_UNKNOWN_SIZE = 0x7FFF0000  # streaming writers put sizes from here on for "not known yet"
_STATED_SIZE = re.compile(r": (\d+) \(should be (\d+)\)")


@dataclass(frozen=True, slots=True)
class DecodedSound:
    """A whole sound file in memory, mixed to mono.

    Attributes
    ----------
    name : str
        The file's name without its folder.
    audio : (n,) float32
        Mean of the channels, or the loudest one where they cancel.
    sample_rate : int
        Hz.
    channels : int
        Number of channels in the file.
    duration : float
        s.
    sha256 : str
        Of the file's bytes.
    """

    name: str
    audio: NDArray[np.float32]
    sample_rate: int
    channels: int
    duration: float
    sha256: str


def read_audio(path: str | Path) -> DecodedSound:
    """Read a whole sound file as mono.

    Raises
    ------
    AudioFileError
        If it is missing, a directory, empty, no sound file, or cut short.
    TargetError
        If it is silent, shorter than 50 ms, or holds samples that are no numbers.
    """
    path = Path(path)
    info = _open(path)
    source = checked(_file_blocks(path), shown_name(path), info.samplerate)
    audio = np.concatenate(list(source.blocks()))
    duration = len(audio) / info.samplerate
    return DecodedSound(
        shown_name(path), audio, info.samplerate, info.channels, duration, _file_sha256(path)
    )


@dataclass(frozen=True, slots=True)
class SoundStream:
    """A sound file of any length, read block by block.

    Attributes
    ----------
    name : str
        The file's name without its folder.
    blocks : callable
        Starts from the beginning: mono blocks, float32.
    sample_rate : int
        Hz.
    duration : float
        s.
    peak : float
        Largest magnitude.
    sha256 : str
        Of the file's bytes.
    """

    name: str
    blocks: Blocks
    sample_rate: int
    duration: float
    peak: float
    sha256: str


def stream_audio(path: str | Path) -> SoundStream:
    """Check a sound file once, and open it for reading in blocks.

    Raises
    ------
    AudioFileError, TargetError
        As :func:`read_audio`.
    """
    path = Path(path)
    info = _open(path)
    source = checked(_file_blocks(path), shown_name(path), info.samplerate)
    duration, digest = info.frames / info.samplerate, _file_sha256(path)
    return SoundStream(
        shown_name(path), source.blocks, info.samplerate, duration, source.peak, digest
    )


def load_target(path: str | Path, start: float | None = None) -> Target:
    """Analysis target of a sound file of any length, read in blocks.

    Parameters
    ----------
    path : str or Path
    start : float, optional
        Start of the analysis window in a long file, s; None takes the liveliest part.

    Returns
    -------
    Target

    Raises
    ------
    AudioFileError, TargetError
        As :func:`read_audio`.
    """
    path = Path(path)
    info = _open(path)
    digest = _file_sha256(path)
    return target_from_blocks(_file_blocks(path), info.samplerate, shown_name(path), digest, start)


def read_channels(
    path: str | Path, begin: float = 0.0, seconds: float | None = None, rate: int | None = None
) -> tuple[NDArray[np.float32], int]:
    """Samples of all channels of a sound file, and their rate.

    Parameters
    ----------
    path : str or Path
    begin : float
        Where to begin, s.
    seconds : float, optional
        How much to read; to the end if it is left out.
    rate : int, optional
        Rate to resample to, Hz.

    Returns
    -------
    (channels, n) float32
    int
        Hz.

    Raises
    ------
    AudioFileError
        As :func:`read_audio`, and if the file ends before `begin`.
    """
    path = Path(path)
    info = _open(path)
    first = round(begin * info.samplerate)
    frames = -1 if seconds is None else round(seconds * info.samplerate)
    if first and first >= info.frames:
        raise AudioFileError(
            f"{path} lasts {info.frames / info.samplerate:.3g} s: nothing begins at {begin:g} s."
        )
    try:
        audio, found = soundfile.read(path, frames, first, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise AudioFileError(_cut_short(path, info, 0)) from error
    if rate is not None and rate != found:
        audio, found = soxr.resample(audio, found, rate), rate
    return np.ascontiguousarray(audio.T, np.float32), found


def read_waveform_peaks(path: str | Path) -> WaveformPeaks:
    """Waveform peaks of a whole sound file, read in blocks.

    Raises
    ------
    AudioFileError
        As :func:`read_audio`.
    """
    path = Path(path)
    rate, blocks = _open(path).samplerate, _file_blocks(path)
    return waveform_peaks(partial(mixed, blocks, channel_of(blocks)), rate)


def write_wav(path: str | Path, audio: NDArray[np.floating], sample_rate: int) -> None:
    """Write a WAV file of 32-bit floats; `path` holds the whole of it or what it held before.

    Parameters
    ----------
    path : str or Path
    audio : (n,) or (channels, n) float
    sample_rate : int
        Hz.

    Raises
    ------
    AudioFileError
        If the folder is missing, full, or not writable.
    """
    frames = np.asarray(audio, np.float32).T
    channels = 1 if frames.ndim == 1 else frames.shape[1]
    with wav_draft(Path(path), sample_rate, channels, "FLOAT") as write:
        write(frames)


@contextlib.contextmanager
def wav_draft(
    path: Path, sample_rate: int, channels: int, subtype: Literal["FLOAT", "PCM_24"]
) -> Generator[Callable[[NDArray[np.floating]], None]]:
    """WAV file that is written in pieces; it takes the place of `path` once it is whole.

    Parameters
    ----------
    path : Path
    sample_rate : int
        Hz.
    channels : int
    subtype : str
        Of the samples.

    Yields
    ------
    callable
        Appends (n,) or (n, channels) samples.

    Raises
    ------
    AudioFileError
        If the folder is missing, full, or not writable; `path` holds what it held before.
    """
    with writing(path, AudioFileError), draft_of(path) as draft:
        try:
            # libsndfile tells of a full disk only where it opens the file itself, by its name.
            with soundfile.SoundFile(
                sound_name(draft), "w", sample_rate, channels, subtype, format="WAV"
            ) as file:
                yield file.write
                frames = file.frames
            if draft.stat().st_size < frames * channels * _SAMPLE_BYTES[subtype]:
                raise soundfile.SoundFileError("System error.")
        except (soundfile.SoundFileError, AssertionError, ValueError) as error:
            raise AudioFileError(write_error(path, error)) from error


_SAMPLE_BYTES = {"FLOAT": 4, "PCM_24": 3}
NEARLY_FULL = 2**20
"""Bytes free on a disk below which it counts as full."""


def sound_name(path: Path) -> Any:  # noqa: ANN401 - soundfile is not typed for bytes
    """Name of a file for soundfile, which knows no names that are not UTF-8 but as bytes."""
    return str(path) if os.name == "nt" else os.fsencode(path)


def write_error(path: Path, error: Exception) -> str:
    """Sentence about a sound file that cannot be written.

    Parameters
    ----------
    path : Path
    error : Exception
        Of libsndfile, which does not tell that a disk is full.
    """
    cause = getattr(error, "strerror", None) or getattr(error, "error_string", None) or str(error)
    if isinstance(error, AssertionError) or "System error" in cause:  # no cause given
        free = shutil.disk_usage(path.parent).free
        full = "the disk is full; make room on it"
        cause = full if free < NEARLY_FULL else "the system refuses to write more"
    return f"{path} cannot be written: {cause.strip().rstrip('.')}."


def _open(path: Path) -> soundfile.SoundFile:
    """Open `path` to read its header; the attributes stay readable after it is closed again."""
    if not path.exists():
        raise AudioFileError(f"{path} does not exist.")
    if path.is_dir():
        raise AudioFileError(f"{path} is a folder; name a sound file in it.")
    if not path.is_file():
        raise AudioFileError(f"{path} is not a file; name a sound file.")
    if path.stat().st_size == 0:
        raise AudioFileError(f"{path} is empty.")
    try:
        with soundfile.SoundFile(sound_name(path)) as file:
            _check_promises(path, file)
            return file
    except soundfile.LibsndfileError as error:
        found = file_kinds.kind_of_file(path)
        if found not in (None, file_kinds.SOUND):
            raise AudioFileError(file_kinds.is_not(str(path), found, file_kinds.SOUND)) from error
        cause = error.error_string.strip().rstrip(".")
        raise AudioFileError(
            f"{path} is not a sound file that can be read ({cause}); "
            "WAV, FLAC, AIFF, Ogg and MP3 can."
        ) from error
    except OSError as error:
        raise AudioFileError(f"{path} cannot be read: {error.strerror}.") from error


def _check_promises(path: Path, file: soundfile.SoundFile) -> None:
    """Compare the sizes in the header with the file's, which libsndfile corrects silently."""
    for promised, found in re.findall(_STATED_SIZE, file.extra_info):
        if int(found) + _HEADER_SLACK < int(promised) < _UNKNOWN_SIZE:
            share = 100.0 * int(found) / int(promised)
            seconds = file.frames / file.samplerate
            raise AudioFileError(
                f"{path} is cut short: it holds {seconds:.2f} s, {share:.0f}% of what its header "
                "promises; copy it again."
            )


def _file_blocks(path: Path) -> Blocks:
    def blocks() -> Iterator[NDArray[np.float32]]:
        read = 0
        with soundfile.SoundFile(sound_name(path)) as file:
            try:
                # An Ogg file that was cut has no length in its header, hence read until it ends.
                while len(block := file.read(BLOCK, dtype="float32", always_2d=True)):
                    yield np.asarray(block, np.float32)
                    read += len(block)
            except soundfile.LibsndfileError as error:
                raise AudioFileError(_cut_short(path, file, read)) from error
            if read < file.frames:
                raise AudioFileError(_cut_short(path, file, read))

    return blocks


def _cut_short(path: Path, file: soundfile.SoundFile, read: int) -> str:
    return (
        f"{path} is cut short or damaged: {read / file.samplerate:.2f} s of its "
        f"{file.frames / file.samplerate:.2f} s can be read; copy it again."
    )


def _file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
