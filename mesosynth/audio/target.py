"""Analysis target: four seconds of a sound, mono, at the analysis rate.

A sound comes as a stream of blocks that can be started again, so that an hour needs no more memory
than a second. A sound that cannot be a target raises an error of one sentence.
"""

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from mesosynth import units
from mesosynth.errors import ArgumentError, TargetError

ANALYSIS_RATE = 8192
"""Sample rate of the analysis, Hz; that of Vahidi et al. (JAES 2023)."""

ANALYSIS_SAMPLES = 32768
"""Length of the analysis window: 4 s."""

MINIMUM_DURATION = 0.05
"""Shortest sound that can be matched, s."""

TARGET_PEAK = 0.5
"""Peak of a target's waveform."""

BLOCK = 1 << 16
"""Frames of a source in memory at a time."""

_HOP = 410  # samples, 50 ms: resolution of the search for the liveliest part
_FADE = 164  # samples, 20 ms: where the window cuts through sound
_TRIM = 1e-3  # of the peak, -60 dB: quieter ends of a short sound count as silence

Blocks = Callable[[], Iterable[NDArray[np.float32]]]
"""Function that starts a sound from the beginning: mono blocks at the source's rate."""


@dataclass(frozen=True, slots=True)
class Target:
    """Four seconds of a sound for the matcher, by default the liveliest.

    Attributes
    ----------
    name : str
        Name of the file or array.
    audio : (ANALYSIS_SAMPLES,) float32
        Mono at :data:`ANALYSIS_RATE`, peak :data:`TARGET_PEAK`.
    start : float
        Time in the source at which `audio` begins, s; negative where silence was put in front.
    scale : float
        `audio` is the source times this factor.
    sha256 : str
        Of the file's bytes, or of the array's.
    """

    name: str
    audio: NDArray[np.float32]
    start: float
    scale: float
    sha256: str


def target_from_array(
    audio: NDArray[np.floating], sample_rate: float, name: str = "audio"
) -> Target:
    """Target of an array, with the checks of :func:`mesosynth.audio.file.load_target`.

    Parameters
    ----------
    audio : (n,) or (n, channels) array of float
    sample_rate : float
        Hz.
    name : str
        Name in messages.

    Returns
    -------
    Target

    Raises
    ------
    ArgumentError
        If `audio` has other dimensions or `sample_rate` is not a positive number.
    TargetError
        If it is silent, shorter than 50 ms, or holds samples that are not finite.
    """
    if audio.ndim not in (1, 2):
        raise ArgumentError(f"audio.shape={audio.shape} must be (n,) or (n, channels).")
    if not (math.isfinite(sample_rate) and sample_rate > 0):
        raise ArgumentError(f"sample_rate={sample_rate} must be a positive number of hertz.")
    channels = 1 if audio.ndim == 1 else audio.shape[1]
    samples = mono(np.asarray(audio, np.float32).reshape(len(audio), channels))

    def blocks() -> Iterator[NDArray[np.float32]]:
        for begin in range(0, len(samples), BLOCK):
            yield samples[begin : begin + BLOCK]

    digest = hashlib.sha256(samples.tobytes()).hexdigest()
    return target_from_blocks(blocks, sample_rate, name, channels, digest)


def target_from_blocks(
    blocks: Blocks,
    sample_rate: float,
    name: str,
    channels: int,
    sha256: str,
    start: float | None = None,
) -> Target:
    """Target of a stream of mono blocks.

    Parameters
    ----------
    blocks : callable
        Starts the stream: mono blocks, float32.
    sample_rate : float
        Hz.
    name : str
        Name in messages.
    channels : int
        Number of channels that were mixed to mono.
    sha256 : str
        Of the source.
    start : float, optional
        Start of the window in a longer sound, s, moved to where there is sound; None takes the
        liveliest part.

    Returns
    -------
    Target

    Raises
    ------
    TargetError
        If it is silent, shorter than 50 ms, or holds samples that are not finite.
    """
    source_peak = checked_peak(blocks, name, sample_rate, channels)
    audio, start = _window(blocks, sample_rate, start)
    peak = float(np.abs(audio).max())
    # Resampling may leave nothing of a sound that is all above the analysis band.
    if peak < 1e-4 * source_peak:
        raise TargetError(f"{name} holds nothing below {ANALYSIS_RATE // 2} Hz to match.")
    scale = TARGET_PEAK / peak
    return Target(name, audio * np.float32(scale), start, scale, sha256)


def mono(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean of the channels of a (frames, channels) block."""
    return block.mean(axis=1, dtype=np.float32)


def checked_peak(blocks: Blocks, name: str, sample_rate: float, channels: int) -> float:
    """Peak of a whole sound that can be a target.

    Parameters
    ----------
    blocks : callable
        Starts the stream: mono blocks, float32.
    name : str
        Name in messages.
    sample_rate : float
        Hz.
    channels : int
        Number of channels that were mixed to mono.

    Returns
    -------
    float
        Largest magnitude.

    Raises
    ------
    TargetError
        If it is silent, shorter than 50 ms, or holds samples that are not finite.
    """
    frames = broken = 0
    low, high = math.inf, -math.inf
    for block in blocks():
        finite = np.isfinite(block)
        frames += len(block)
        broken += len(block) - int(np.count_nonzero(finite))
        low = min(low, float(block.min(where=finite, initial=math.inf)))
        high = max(high, float(block.max(where=finite, initial=-math.inf)))
    if broken:
        raise TargetError(
            f"{name} holds {broken} samples (of {frames}) that are not finite numbers; "
            "export it again."
        )
    if frames < MINIMUM_DURATION * sample_rate:
        raise TargetError(
            f"{name} lasts {1000.0 * frames / sample_rate:.0f} ms; "
            f"{1000.0 * MINIMUM_DURATION:.0f} ms is the least that can be matched."
        )
    # A constant offset is silence.
    if units.amplitude_to_db((high - low) / 2.0) <= units.SILENCE_DB:
        mixed = f" once its {channels} channels are mixed to one" if channels > 1 else ""
        raise TargetError(f"{name} is silent{mixed}; there is nothing to match.")
    return max(high, -low)


def _window(
    blocks: Blocks, sample_rate: float, start: float | None
) -> tuple[NDArray[np.float32], float]:
    """ANALYSIS_SAMPLES from `start`, or the liveliest; and the time at which they begin, s."""
    energy = np.array([*_energies(resampled(blocks, sample_rate))])
    hops = -(-ANALYSIS_SAMPLES // _HOP)
    if start is not None:
        last = max(len(energy) * _HOP - ANALYSIS_SAMPLES, 0)
        begin = min(max(round(start * ANALYSIS_RATE), 0), last)
    elif len(energy) > hops:
        heard = np.concatenate([[0.0], np.cumsum(energy)])
        begin = int(np.argmax(heard[hops:] - heard[:-hops])) * _HOP
    else:
        begin = 0
    audio = _cut(resampled(blocks, sample_rate), begin, begin + ANALYSIS_SAMPLES + 1)
    if begin == 0 and len(audio) <= ANALYSIS_SAMPLES:
        return _centred(audio)
    audio = audio[:ANALYSIS_SAMPLES]
    if len(audio) < ANALYSIS_SAMPLES:  # the last hop is not a whole one
        audio = np.pad(audio, (0, ANALYSIS_SAMPLES - len(audio)))
    ramp = np.sin(np.linspace(0.0, np.pi / 2, _FADE, dtype=np.float32)) ** 2
    if begin > 0:
        audio[:_FADE] *= ramp
    audio[-_FADE:] *= ramp[::-1]
    return audio, begin / ANALYSIS_RATE


def _centred(audio: NDArray[np.float32]) -> tuple[NDArray[np.float32], float]:
    """A short sound without the silence at its ends, in the middle of the window.

    A sound of exactly the window's length stays as it is: it was cut on purpose.
    """
    if len(audio) == ANALYSIS_SAMPLES:
        return audio, 0.0
    active = np.flatnonzero(np.abs(audio) > _TRIM * np.abs(audio).max())
    first, last = int(active[0]), int(active[-1]) + 1
    before = (ANALYSIS_SAMPLES - (last - first)) // 2
    window = np.zeros(ANALYSIS_SAMPLES, np.float32)
    window[before : before + last - first] = audio[first:last]
    return window, (first - before) / ANALYSIS_RATE


def resampled(blocks: Blocks, sample_rate: float) -> Iterator[NDArray[np.float32]]:
    """Stream of mono blocks at :data:`ANALYSIS_RATE`, one block at a time.

    Parameters
    ----------
    blocks : callable
        Starts the stream: mono blocks, float32.
    sample_rate : float
        Of these blocks, Hz.

    Yields
    ------
    (n,) float32
    """
    if sample_rate == ANALYSIS_RATE:
        yield from (np.array(block) for block in blocks())
        return
    stream = soxr.ResampleStream(sample_rate, ANALYSIS_RATE, 1, dtype="float32", quality="HQ")
    for block in blocks():
        yield stream.resample_chunk(block)
    yield stream.resample_chunk(np.zeros(0, np.float32), last=True)


def _energies(blocks: Iterable[NDArray[np.float32]]) -> Iterator[float]:
    """Energy of each 50 ms."""
    rest = np.zeros(0, np.float32)
    for block in blocks:
        rest = np.concatenate([rest, block])
        whole = len(rest) // _HOP * _HOP
        yield from np.square(rest[:whole].reshape(-1, _HOP)).sum(axis=1)
        rest = rest[whole:]
    if len(rest):
        yield float(np.square(rest).sum())


def _cut(blocks: Iterable[NDArray[np.float32]], begin: int, end: int) -> NDArray[np.float32]:
    """Samples `begin` to `end` of a stream, fewer where it ends before."""
    pieces: list[NDArray[np.float32]] = []
    at = 0
    for block in blocks:
        pieces.append(block[max(begin - at, 0) : max(end - at, 0)])
        at += len(block)
        if at >= end:
            break
    return np.concatenate(pieces)
