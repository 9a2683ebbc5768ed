"""Target of a match: up to ten seconds of a sound at full band, and four at the analysis rate.

A sound comes as a stream of blocks that can be started again, so that an hour needs no more memory
than a second. A sound that cannot be a target raises an error of one sentence.
"""

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

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

FULL_RATE = 44100
"""Highest sample rate of a recording, Hz; others keep their own."""

LONGEST_RECORDING = 10.0
"""Longest part of a sound that is matched at once, s."""

HEARD = (30.0, 10000.0)
"""Band in which a sound must have something to be matched, Hz."""

BLOCK = 1 << 16
"""Frames of a source in memory at a time."""

LARGEST = 1e12
"""Magnitude of a sample; squares of larger ones leave the range of float32."""

_HOP = 410  # samples, 50 ms: resolution of the search for the liveliest part
_FADE = 164  # samples, 20 ms: where the window cuts through sound
_TRIM = 1e-3  # of the peak, -60 dB: quieter ends of a short sound count as silence
_NEARLY_SILENT = -96.0  # dBFS, peak: the least that 16 bits can tell from silence
_CANCELLING = 0.2  # of the energy that channels without a relation have once they are mixed
_UNHEARD = 1e-4  # share of the energy in the heard band, below which there is nothing to match
_LARGE_OFFSET = 0.05  # of the peak
_FLAT = 1e-4  # relative difference of samples at the largest value
_CLIPPED = 0.02  # share of the samples
_SIDE = 0.6  # share of the energy; channels without a relation have a half
_WORTH_TELLING = 0.01  # share of the energy

Blocks = Callable[[], Iterable[NDArray[np.float32]]]
"""Function that starts a sound from the beginning: mono blocks at the source's rate, (frames,); or
blocks of all its channels, (frames, channels)."""


@dataclass(frozen=True, slots=True)
class Recording:
    """Up to ten seconds of a sound, mono, at full band and in its own scale.

    Attributes
    ----------
    audio : (n,) float32
        1.0 is full scale.
    sample_rate : float
        The source's own, at most :data:`FULL_RATE`, Hz.
    start : float
        Time in the source at which it begins, s.
    """

    audio: NDArray[np.float32]
    sample_rate: float
    start: float

    @property
    def duration(self) -> float:
        """Length, s."""
        return len(self.audio) / self.sample_rate


@dataclass(frozen=True, slots=True)
class Target:
    """A sound for the matcher, by default its liveliest part.

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
    whole : Recording or None
        See :attr:`recording`; None of matches that were kept before there was one.
    left_out : float
        Share of the sound's energy outside the recording, 0 to 1: of a sound that is longer.
    unanalysed : float
        Share of the sound's energy that is not in `audio`, 0 to 1: above half of ANALYSIS_RATE, or
        outside the four seconds.
    channel : int or None
        The channel that was taken, from 0, since all channels cancel in their mean.
    remark : str
        A sentence about what is missing of its file, or "".
    offset, clipped, cancelled : float
        As in :class:`Source`.
    """

    name: str
    audio: NDArray[np.float32]
    start: float
    scale: float
    sha256: str
    whole: Recording | None = None
    left_out: float = 0.0
    unanalysed: float = 0.0
    channel: int | None = None
    remark: str = ""
    offset: float = 0.0
    clipped: float = 0.0
    cancelled: float = 0.0

    @property
    def recording(self) -> Recording:
        """The sound at full band, up to ten seconds; scores compare with it."""
        if self.whole is not None:
            return self.whole
        return Recording(self.audio / np.float32(self.scale), ANALYSIS_RATE, self.start)

    @property
    def remarks(self) -> tuple[str, ...]:
        """Sentences about the channel, the window and the energy that is left out."""
        remarks = [self.remark] if self.remark else []
        if self.offset:
            remarks.append(
                f"{self.name} has a constant offset of {self.offset:.2g}, which is taken away."
            )
        if self.clipped >= _CLIPPED:
            remarks.append(
                f"{self.name} is clipped, {self.clipped:.0%} of its samples stand at the largest "
                "value: what is found includes the distortion."
            )
        if self.cancelled >= _SIDE:
            remarks.append(
                f"{self.cancelled:.0%} of the energy of {self.name} is in the difference of its "
                "channels, which are mixed to one."
            )
        if self.channel is not None:
            remarks.append(
                f"The channels of {self.name} cancel when they are mixed to one: channel "
                f"{self.channel + 1} alone is matched."
            )
        if self.left_out >= _WORTH_TELLING:
            recording = self.recording
            end = recording.start + recording.duration
            remarks.append(
                f"{self.name} is matched from {recording.start:.2f} s to {end:.2f} s; "
                f"{self.left_out:.0%} of its energy is outside."
            )
        if self.unanalysed - self.left_out >= _WORTH_TELLING:
            remarks.append(
                f"One arpeggio or strike alone is matched below {ANALYSIS_RATE // 2} Hz and in "
                f"four seconds, which leave out {self.unanalysed:.0%} of the energy."
            )
        return tuple(remarks)


def target_from_array(
    audio: NDArray[np.floating], sample_rate: float, name: str = "audio"
) -> Target:
    """Target of an array, with the checks of :func:`mesosynth.audio.file.load_target`.

    Parameters
    ----------
    audio : (n,) or (n, channels) array of numbers, list or tensor
        The longer axis is that of time.
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
        If it is silent or nearly so, shorter than 50 ms, holds samples that are not finite, or
        nothing between 30 Hz and 10 kHz.
    """
    samples, sample_rate = samples_of(audio, sample_rate), float(sample_rate)

    def blocks() -> Iterator[NDArray[np.float32]]:
        for begin in range(0, len(samples), BLOCK):
            yield samples[begin : begin + BLOCK]

    digest = hashlib.sha256(samples.tobytes()).hexdigest()
    return target_from_blocks(blocks, sample_rate, name, digest)


def samples_of(audio: Any, sample_rate: float) -> NDArray[np.float32]:  # noqa: ANN401 - any numbers
    """Samples of whatever holds numbers: an array, a list, a tensor of torch.

    Parameters
    ----------
    audio : (n,), (n, channels) or (channels, n) numbers
        The longer axis is that of time.
    sample_rate : float
        Hz, which is checked too.

    Returns
    -------
    (n, channels) float32

    Raises
    ------
    ArgumentError
        If `audio` has other dimensions or `sample_rate` is not a positive number.
    """
    is_number = isinstance(sample_rate, (int, float, np.integer, np.floating))  # pyright: ignore[reportUnnecessaryIsInstance] - callers are not all typed
    if not is_number or not (math.isfinite(sample_rate) and sample_rate > 0):
        raise ArgumentError(f"sample_rate={sample_rate!r} must be a positive number of hertz.")
    if hasattr(audio, "detach"):
        audio = audio.detach().cpu().double().numpy()
    try:
        array: NDArray[Any] = np.asarray(audio)
    except ValueError:  # lists of different lengths
        array = np.zeros(0, object)
    if array.dtype.kind not in "fiu":
        raise ArgumentError(f"audio of the type {array.dtype} must hold real numbers.")
    if array.ndim not in (1, 2):
        raise ArgumentError(f"audio.shape={array.shape} must be (n,) or (n, channels).")
    if not array.size:
        return np.zeros((0, 1), np.float32)
    if array.ndim == 2 and len(array) < array.shape[1]:  # channels first, as torchaudio has it
        array = array.T
    with np.errstate(over="ignore"):  # what is too large for float32 is told as not finite
        return array.astype(np.float32).reshape(len(array), -1)


def target_from_blocks(
    blocks: Blocks,
    sample_rate: float,
    name: str,
    sha256: str,
    start: float | None = None,
    seconds: float | None = None,
) -> Target:
    """Target of a stream of blocks of all channels.

    Parameters
    ----------
    blocks : callable
        Starts the stream: (frames, channels) blocks, float32.
    sample_rate : float
        Hz.
    name : str
        Name in messages.
    sha256 : str
        Of the source.
    start : float, optional
        Start of the window in a longer sound, s, moved to where there is sound; None takes the
        liveliest part.
    seconds : float, optional
        Length of the window, s, 0.05 to :data:`LONGEST_RECORDING`: nothing outside is matched.
        None takes up to ten seconds, of which four are analysed.

    Returns
    -------
    Target

    Raises
    ------
    ArgumentError
        If `seconds` is out of range.
    TargetError
        If it is silent or nearly so, shorter than 50 ms, holds samples that are not finite, or
        nothing between 30 Hz and 10 kHz.
    """
    source = checked(blocks, name, sample_rate)
    if seconds is not None:
        if not MINIMUM_DURATION <= seconds <= LONGEST_RECORDING:
            raise ArgumentError(
                f"seconds={seconds!r} must be {MINIMUM_DURATION} to {LONGEST_RECORDING:.0f}."
            )
        begin, part = _part(source, sample_rate, start, seconds)
        if begin is not None:
            target = target_from_blocks(lambda: [part], sample_rate, name, sha256)
            whole = target.recording
            return replace(
                target, start=target.start + begin, whole=replace(whole, start=whole.start + begin)
            )
    recording, audio, start = _windows(source, sample_rate, start)
    _check_heard(recording, source.mean, name)
    whole = max(source.energy / sample_rate, 1e-300)
    peak = float(np.abs(audio).max())
    if _share_left(audio, ANALYSIS_RATE, source.mean, whole) > 1.0 - _UNHEARD:
        audio, peak = np.zeros_like(audio), source.peak  # it is all above the analysis band
    scale = TARGET_PEAK / peak
    return Target(
        name=name,
        audio=audio * np.float32(scale),
        start=start,
        scale=scale,
        sha256=sha256,
        whole=recording,
        left_out=_share_left(recording.audio, recording.sample_rate, source.mean, whole),
        unanalysed=_share_left(audio, ANALYSIS_RATE, source.mean, whole),
        channel=source.channel,
        offset=source.offset,
        clipped=source.clipped,
        cancelled=source.cancelled,
    )


# --------------------------------------------------------------------------------------------------
# Check of a whole sound, and its channels in one


@dataclass(frozen=True, slots=True)
class Source:
    """A sound that can be a target, in one channel.

    Attributes
    ----------
    blocks : callable
        Starts the stream: mono blocks, float32.
    peak : float
        Largest magnitude.
    energy : float
        Sum of squared samples around their mean.
    mean : float
        Constant offset.
    channel : int or None
        The channel that is taken, from 0, where all cancel in their mean; None for the mean.
    offset : float
        Constant that was taken away from the samples, since it was large.
    clipped : float
        Share of the samples that stand one after another at the largest magnitude.
    cancelled : float
        Share of the channels' energy that is not in their mean, 0 to 1.
    """

    blocks: Blocks
    peak: float
    energy: float
    mean: float
    channel: int | None
    offset: float = 0.0
    clipped: float = 0.0
    cancelled: float = 0.0


def checked(blocks: Blocks, name: str, sample_rate: float) -> Source:
    """Check a sound, and mix its channels to one, or take the loudest where they cancel.

    Parameters
    ----------
    blocks : callable
        Starts the stream: (frames, channels) blocks, float32.
    name : str
        Name in messages.
    sample_rate : float
        Hz.

    Returns
    -------
    Source

    Raises
    ------
    TargetError
        If it is silent or nearly so, shorter than 50 ms, or holds samples that are not finite.
    """
    sums = _Sums.of(blocks)
    if sums.broken:
        raise TargetError(
            f"{name} holds {sums.broken} samples (of {sums.frames}) that are not finite numbers; "
            "export it again."
        )
    if sums.frames < MINIMUM_DURATION * sample_rate:
        raise TargetError(
            f"{name} lasts {1000.0 * sums.frames / sample_rate:.0f} ms; "
            f"{1000.0 * MINIMUM_DURATION:.0f} ms is the least that can be matched."
        )
    if sample_rate < 2.0 * HEARD[0]:
        raise TargetError(
            f"{name} has {sample_rate:g} samples a second, too few for anything that is heard; "
            f"{2.0 * HEARD[0]:.0f} is the least."
        )
    largest = max(float(sums.highest.max()), -float(sums.lowest.min()))
    if largest > LARGEST:
        raise TargetError(
            f"{name} has samples of up to {largest:.3g}, where 1 is full scale; scale it down."
        )
    channel = sums.channel
    taken = -1 if channel is None else channel
    low, high = sums.lowest[taken], sums.highest[taken]
    level = units.amplitude_to_db(float(high - low) / 2.0)  # a constant offset is silence
    if level <= units.SILENCE_DB:
        raise TargetError(f"{name} is silent; there is nothing to match.")
    if level <= _NEARLY_SILENT:
        raise TargetError(f"{name} is nearly silent ({level:.0f} dBFS); make it louder first.")
    mean, peak = float(sums.means[taken]), max(float(high), -float(low))
    offset = mean if abs(mean) > _LARGE_OFFSET * peak else 0.0
    return Source(
        blocks=partial(mixed, blocks, channel, offset),
        peak=max(float(high) - offset, offset - float(low)),
        energy=float(sums.energies[taken]),
        mean=mean - offset,
        channel=channel,
        offset=offset,
        clipped=sums.clipped,
        cancelled=0.0 if channel is not None else sums.cancelled,
    )


@dataclass(frozen=True, slots=True)
class _Sums:
    """Sums over all samples of each channel, and last of their mean.

    Attributes
    ----------
    frames, broken : int
        Frames, and those with samples that are not finite.
    lowest, highest, means, energies : (channels + 1,) float64
        Ends, mean, and sum of squares around it.
    clipped : float
        Share of samples that stand one after another at the largest magnitude.
    """

    frames: int
    broken: int
    lowest: NDArray[np.float64]
    highest: NDArray[np.float64]
    means: NDArray[np.float64]
    energies: NDArray[np.float64]
    clipped: float

    @classmethod
    def of(cls, blocks: Blocks) -> "_Sums":
        frames = broken = flat = 0
        top = 0.0  # largest magnitude of all channels
        lowest, highest = np.array(math.inf), np.array(-math.inf)
        totals = squares = np.zeros(())
        for block in blocks():
            each = np.column_stack([block, mono(block)]).astype(np.float64)
            finite = np.isfinite(each)
            frames += len(each)
            broken += len(each) - int(np.count_nonzero(finite.all(axis=1)))
            each[~finite] = 0.0
            block_top, block_flat = _flat_tops(each[:, :-1])
            if block_top > top * (1.0 + _FLAT):
                flat = block_flat
            elif block_top >= top * (1.0 - _FLAT):
                flat += block_flat
            top = max(top, block_top)
            lowest = np.minimum(lowest, each.min(axis=0, initial=math.inf))
            highest = np.maximum(highest, each.max(axis=0, initial=-math.inf))
            totals, squares = totals + each.sum(axis=0), squares + np.square(each).sum(axis=0)
        means = totals / max(frames, 1)
        energies = np.maximum(squares - frames * means**2, 0.0)
        channels = max(np.size(means) - 1, 1)
        return cls(
            frames, broken, lowest, highest, means, energies, flat / max(frames * channels, 1)
        )

    @property
    def cancelled(self) -> float:
        """Share of the channels' energy that is not in their mean."""
        each = float(self.energies[:-1].mean()) if len(self.energies) > 1 else 0.0
        return max(1.0 - float(self.energies[-1]) / each, 0.0) if each > 0.0 else 0.0

    @property
    def channel(self) -> int | None:
        """The loudest channel where all cancel in their mean; None otherwise."""
        each = self.energies[:-1]
        if not len(each) or self.energies[-1] >= _CANCELLING / len(each) * float(each.mean()):
            return None
        return int(each.argmax())


def _flat_tops(block: NDArray[np.float64]) -> tuple[float, int]:
    """Largest magnitude in a block, and the number of samples that stand there after another."""
    top = float(np.abs(block).max(initial=0.0))
    at_top = np.abs(block) >= top * (1.0 - _FLAT)
    return top, int((at_top[1:] & (block[1:] == block[:-1])).sum()) if top else 0


def channel_of(blocks: Blocks) -> int | None:
    """Channel of a sound that is taken, from 0; None for the mean of all.

    Parameters
    ----------
    blocks : callable
        Starts the stream: (frames, channels) blocks, float32.
    """
    return _Sums.of(blocks).channel


def mono(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean of the channels of a (frames, channels) block."""
    return block.mean(axis=1, dtype=np.float32)


def mixed(
    blocks: Blocks, channel: int | None, offset: float = 0.0
) -> Iterator[NDArray[np.float32]]:
    """Stream of mono blocks.

    Parameters
    ----------
    blocks : callable
        Starts the stream: (frames, channels) blocks.
    channel : int or None
        From 0; None for the mean of all.
    offset : float
        Taken away from each sample.

    Yields
    ------
    (frames,) float32
    """
    for block in blocks():
        one = mono(block) if channel is None else np.ascontiguousarray(block[:, channel])
        yield one - np.float32(offset) if offset else one


def _check_heard(recording: Recording, mean: float, name: str) -> None:
    """Refuse a sound without anything in the band that is compared."""
    x = recording.audio - mean
    power = np.square(np.abs(np.fft.rfft(x * np.hanning(len(x)))))
    hertz = np.fft.rfftfreq(len(x), 1.0 / recording.sample_rate)
    low, high = HEARD
    total = max(float(power.sum()), 1e-300)
    if power[(hertz >= low) & (hertz <= high)].sum() >= _UNHEARD * total:
        return
    below = float(power[hertz < low].sum()) / total
    where = f"below {low:.0f} Hz" if below > 0.5 else f"above {high:.0f} Hz"
    raise TargetError(
        f"{name} has all its energy {where}; a match hears {low:.0f} Hz to {high:.0f} Hz."
    )


def _share_left(
    audio: NDArray[np.float32], sample_rate: float, mean: float, energy: float
) -> float:
    """Share of a sound's energy (squares times seconds) that a part of it does not have."""
    there = np.where(audio == 0.0, 0.0, audio.astype(np.float64) - mean)
    return min(max(1.0 - float(there @ there) / sample_rate / energy, 0.0), 1.0)


# --------------------------------------------------------------------------------------------------
# Windows in a longer sound


def _windows(
    source: Source, sample_rate: float, start: float | None
) -> tuple[Recording, NDArray[np.float32], float]:
    """Recording, the analysis window, and the time at which the latter begins, s.

    The analysis window begins at `start`, or is the liveliest part of the recording. The recording
    is the whole of a sound of up to ten seconds; else it begins at `start`, too, or is the
    liveliest part.
    """
    energy = np.array([*_energies(resampled(source.blocks, sample_rate))])
    hops = -(-ANALYSIS_SAMPLES // _HOP)
    long_hops = -(-round(LONGEST_RECORDING * ANALYSIS_RATE) // _HOP)  # the last may be a part
    first = 0  # hop at which the recording begins
    if start is not None:
        last = max(len(energy) * _HOP - ANALYSIS_SAMPLES, 0)
        begin = min(max(round(start * ANALYSIS_RATE), 0), last)
        room = len(energy) * _HOP - round(LONGEST_RECORDING * ANALYSIS_RATE)
        recording_start = min(begin, max(room, 0)) / ANALYSIS_RATE
    else:
        if len(energy) > long_hops:
            first = _liveliest(energy, long_hops)
        within = energy[first : first + long_hops]
        begin = (first + (_liveliest(within, hops) if len(within) > hops else 0)) * _HOP
        recording_start = first * _HOP / ANALYSIS_RATE
    recording = _recording(source, sample_rate, recording_start)
    audio = _cut(resampled(source.blocks, sample_rate), begin, begin + ANALYSIS_SAMPLES + 1)
    if begin == 0 and len(audio) <= ANALYSIS_SAMPLES:
        return recording, *_centred(audio)
    audio = audio[:ANALYSIS_SAMPLES]
    if len(audio) < ANALYSIS_SAMPLES:  # the last hop is not a whole one
        audio = np.pad(audio, (0, ANALYSIS_SAMPLES - len(audio)))
    ramp = np.sin(np.linspace(0.0, np.pi / 2, _FADE, dtype=np.float32)) ** 2
    if begin > 0:
        audio[:_FADE] *= ramp
    audio[-_FADE:] *= ramp[::-1]
    return recording, audio, begin / ANALYSIS_RATE


def _part(
    source: Source, sample_rate: float, start: float | None, seconds: float
) -> tuple[float | None, NDArray[np.float32]]:
    """Begin, s, and samples of a window, (n, 1), faded; None where the sound is no longer."""
    energy = np.array([*_energies(resampled(source.blocks, sample_rate))])
    hops = max(round(seconds * ANALYSIS_RATE / _HOP), 1)
    if len(energy) <= hops:
        return None, np.zeros((0, 1), np.float32)
    hop = _HOP / ANALYSIS_RATE
    begin = _liveliest(energy, hops) * hop if start is None else start
    begin = min(max(begin, 0.0), max(len(energy) * hop - seconds, 0.0))
    first = round(begin * sample_rate)
    part = np.array(_cut(source.blocks(), first, first + round(seconds * sample_rate)))
    fade = min(round(_FADE / ANALYSIS_RATE * sample_rate), len(part) // 2)
    ramp = np.sin(np.linspace(0.0, np.pi / 2, fade, dtype=np.float32)) ** 2
    part[:fade] *= ramp
    part[len(part) - fade :] *= ramp[::-1]
    return first / sample_rate, part[:, None]


def _liveliest(energy: NDArray[np.float64], hops: int) -> int:
    """First of so many hops with the most energy."""
    heard = np.concatenate([[0.0], np.cumsum(energy)])
    return int(np.argmax(heard[hops:] - heard[:-hops]))


def _recording(source: Source, sample_rate: float, start: float) -> Recording:
    """Up to LONGEST_RECORDING from `start`, faded where it cuts through sound."""
    rate = min(sample_rate, FULL_RATE)
    begin, room = round(start * rate), round(LONGEST_RECORDING * rate)
    audio = _cut(resampled(source.blocks, sample_rate, rate), begin, begin + room + 1)
    fade = round(_FADE / ANALYSIS_RATE * rate)
    ramp = np.sin(np.linspace(0.0, np.pi / 2, fade, dtype=np.float32)) ** 2
    audio, cut = np.array(audio[:room]), len(audio) > room
    if begin > 0:
        audio[:fade] *= ramp[: len(audio)]
    if cut:
        audio[-fade:] *= ramp[::-1]
    return Recording(audio, rate, begin / rate)


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


def resampled(
    blocks: Blocks, sample_rate: float, to: float = ANALYSIS_RATE
) -> Iterator[NDArray[np.float32]]:
    """Stream of mono blocks at another rate, one block at a time.

    Parameters
    ----------
    blocks : callable
        Starts the stream: mono blocks, float32.
    sample_rate : float
        Of these blocks, Hz.
    to : float
        Rate of the result, Hz.

    Yields
    ------
    (n,) float32
    """
    if sample_rate == to:
        yield from (np.array(block) for block in blocks())
        return
    stream = soxr.ResampleStream(sample_rate, to, 1, dtype="float32", quality="HQ")
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
