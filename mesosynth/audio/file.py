"""Sound files: any format, any rate, any number of channels, any length.

An error is one sentence that names the file and the cause.
"""

import contextlib
import hashlib
import shutil
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from mesosynth.audio.decoder import Decoder, sound_name
from mesosynth.audio.target import (
    ANALYSIS_RATE,
    ANALYSIS_SAMPLES,
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
    remark : str
        A sentence about what is missing of it, or "".
    """

    name: str
    audio: NDArray[np.float32]
    sample_rate: int
    channels: int
    duration: float
    sha256: str
    remark: str = ""


def read_audio(path: str | Path) -> DecodedSound:
    """Read a whole sound file as mono.

    Raises
    ------
    AudioFileError
        If it is missing, a directory, empty, or no sound file.
    TargetError
        If it is silent, shorter than 50 ms, or holds samples that are no numbers.
    """
    path = Path(path)
    decoder = Decoder(path)
    source = checked(decoder.blocks, shown_name(path), decoder.sample_rate)
    audio = np.concatenate(list(source.blocks()))
    return DecodedSound(
        name=shown_name(path),
        audio=audio,
        sample_rate=decoder.sample_rate,
        channels=decoder.channels,
        duration=len(audio) / decoder.sample_rate,
        sha256=_file_sha256(path),
        remark=decoder.remark,
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
    remark : str
        A sentence about what is missing of it, or "".
    """

    name: str
    blocks: Blocks
    sample_rate: int
    duration: float
    peak: float
    sha256: str
    remark: str = ""


def stream_audio(path: str | Path) -> SoundStream:
    """Check a sound file once, and open it for reading in blocks.

    Raises
    ------
    AudioFileError, TargetError
        As :func:`read_audio`.
    """
    path = Path(path)
    decoder, name = Decoder(path), shown_name(path)
    source = checked(decoder.blocks, name, decoder.sample_rate)
    rate, digest = decoder.sample_rate, _file_sha256(path)
    duration = decoder.frames / rate
    return SoundStream(name, source.blocks, rate, duration, source.peak, digest, decoder.remark)


def load_target(
    path: str | Path, start: float | None = None, seconds: float | None = None
) -> Target:
    """Analysis target of a sound file of any length, read in blocks.

    Parameters
    ----------
    path : str or Path
    start : float, optional
        Start of the analysis window in a long file, s; None takes the liveliest part.
    seconds : float, optional
        Length of the window, s, 0.05 to 10; None takes up to ten seconds.

    Returns
    -------
    Target

    Raises
    ------
    ArgumentError
        If `seconds` is out of range.
    AudioFileError, TargetError
        As :func:`read_audio`.
    """
    path = Path(path)
    decoder, digest = Decoder(path), _file_sha256(path)
    target = target_from_blocks(
        decoder.blocks, decoder.sample_rate, shown_name(path), digest, start, seconds
    )
    return replace(target, remark=decoder.remark)


def read_channels(
    path: str | Path, begin: float = 0.0, seconds: float | None = None, rate: int | None = None,
    tell: Callable[[str], object] = lambda remark: None,
) -> tuple[NDArray[np.float32], int]:  # fmt: skip
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
    tell : callable
        Called with a sentence about what is missing of the file, if something is.

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
    decoder = Decoder(path)
    found = decoder.sample_rate
    first = round(begin * found)
    if first and first >= decoder.frames:
        raise AudioFileError(
            f"{path} lasts {decoder.frames / found:.3g} s: nothing begins at {begin:g} s."
        )
    frames = -1 if seconds is None else round(seconds * found)
    try:
        with decoder.open() as file:
            file.seek(first)
            audio = file.read(frames, dtype="float32", always_2d=True)
        if frames < 0 or len(audio) < frames:
            decoder.end(first + len(audio))
    except soundfile.LibsndfileError:  # damaged somewhere: as far as it goes
        audio = np.concatenate(list(decoder.blocks()))[first:]
        audio = audio if frames < 0 else audio[:frames]
    if decoder.remark:
        tell(decoder.remark)
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
    decoder = Decoder(path)
    mono = partial(mixed, decoder.blocks, channel_of(decoder.blocks))
    return waveform_peaks(mono, decoder.sample_rate)


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


def _file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
