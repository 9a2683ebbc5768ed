"""Audition: a second sound beside the instrument, such as the target of a match, in a loop.

Both start together and keep in step, whichever is heard: changing between them moves two gains and
nothing else, so that the ear compares two sounds without a pause. Another version of the sound, of
the same length, takes its place by a crossfade, wherever it is at that moment.

The sound is in shared memory (:class:`Clip`), at the device's sample rate. An
:class:`AuditionRequest` in a parameter block says what is heard; it arrives whole or not at all.
"""

from dataclasses import astuple, dataclass, fields

import numpy as np
from numpy.typing import NDArray

from mesosynth.engine.shared import ParameterBlock, SharedBlock
from mesosynth.plugins.plugin import CHANNELS

CAPACITY = 11 * 2**17
"""Frames of a sound: 30 s at 48 kHz, 7 s at 192 kHz."""

FADE_SECONDS = 0.015  # of the gains, and before both start again: longer than the rack's fade
CROSSFADE_SECONDS = 0.1  # from one half to the other


@dataclass(frozen=True, slots=True)
class AuditionRequest:
    """Sound, loop and gains of an audition.

    Attributes
    ----------
    serial : int
        A new number starts sound and instrument again, together.
    half : int
        Half of the clip that holds the sound, 0 or 1. The other one, with the old serial, is faded
        to at the present position; neither may be written to until then.
    frames : int
        Length of the sound.
    sample_rate : int
        Of the sound, Hz; on a device of another rate it is silent.
    period : int
        Frames from one start of the sound to the next, `frames` or more.
    start : int
        Frame of that period at which it starts when the instrument does.
    sound_gain, instrument_gain : float
        Amplitudes; 0 is silent.
    """

    serial: int = 0
    half: int = 0
    frames: int = 0
    sample_rate: int = 0
    period: int = 1
    start: int = 0
    sound_gain: float = 0.0
    instrument_gain: float = 1.0


REQUEST_WORDS = len(fields(AuditionRequest))
"""Number of words of a request."""

_HALVES = ("first", "second")
_SERIAL, _HALF, _FRAMES, _RATE, _PERIOD, _START, _SOUND, _INSTRUMENT = range(REQUEST_WORDS)


class Clip(SharedBlock):
    """Shared memory for two sounds, so that one can be written while the other is heard.

    Parameters
    ----------
    name : str, optional
        Of an existing clip, to attach to it; None creates one.
    """

    def __init__(self, name: str | None = None) -> None:
        size = CHANNELS * CAPACITY
        super().__init__(2 * 4 * size, name)
        for half in range(2):
            self._array(_HALVES[half], np.float32, size, half * 4 * size)

    def __reduce__(self) -> tuple[type["Clip"], tuple[str]]:
        return Clip, (self.name,)

    def half(self, half: int) -> NDArray[np.float32]:
        """Samples of a half, (CHANNELS, CAPACITY)."""
        return self._arrays[_HALVES[half]].reshape(CHANNELS, CAPACITY)


def request_vector(request: AuditionRequest) -> NDArray[np.float64]:
    """Request as the words of a parameter block, (REQUEST_WORDS,)."""
    return np.array(astuple(request), np.float64)


class Audition:
    """Audio side of an audition: conducts the instrument, and mixes the sound in.

    Parameters
    ----------
    requests : ParameterBlock
        Of length REQUEST_WORDS; there is no request while it is not "playing".
    clip : Clip

    Attributes
    ----------
    seconds : float
        Position of the sound in its period, s; -1 while it is silent.
    """

    def __init__(self, requests: ParameterBlock, clip: Clip) -> None:
        self._requests, self._clip = requests, clip
        self.seconds = -1.0
        self._serial = 0  # of the sound that is heard; 0 for none
        self._half = self._frames = self._position = self._closing = 0
        self._period = 1

    def prepare(self, sample_rate: float, max_block: int) -> None:
        """[control] Allocate all buffers, and start again.

        Parameters
        ----------
        sample_rate : float
            Hz.
        max_block : int
            Frames in the largest block.
        """
        self._sample_rate = sample_rate
        self._fade = round(FADE_SECONDS * sample_rate)
        self._sound, self._instrument = (Gain(self._fade, max_block) for _ in range(2))
        self._instrument.jump(1.0)
        self._new = Gain(round(CROSSFADE_SECONDS * sample_rate), max_block)
        self._new.jump(1.0)
        self._part, self._old = (np.zeros(max_block, np.float32) for _ in range(2))
        self._serial, self._closing, self.seconds = 0, self._fade, -1.0

    def begin_block(self, playing: bool, frames: int) -> bool:
        """[audio] Apply the latest request.

        Parameters
        ----------
        playing : bool
            State of the transport, which counts while there is no request.
        frames : int
            Length of the block.

        Returns
        -------
        bool
            Whether the instrument plays in this block.
        """
        values, requested = self._requests.read()
        if not requested or values[_RATE] != self._sample_rate:
            self._leave(playing)
            return playing
        if values[_SERIAL] != self._serial:
            self._sound.aim(0.0)
            if self._closing > 0:
                self._closing -= frames
                return False
            self._begin(values)
        self._closing = self._fade
        if values[_HALF] != self._half and self._new.neutral:
            self._half = int(values[_HALF]) % 2
            self._new.jump(0.0)
            self._new.aim(1.0)
        self._sound.aim(float(values[_SOUND]))
        self._instrument.aim(float(values[_INSTRUMENT]))
        return True

    def _begin(self, values: NDArray[np.float64]) -> None:
        self._serial, self._half = int(values[_SERIAL]), int(values[_HALF]) % 2
        self._frames = min(max(int(values[_FRAMES]), 0), CAPACITY)
        self._period = max(int(values[_PERIOD]), self._frames, 1)
        self._position = int(values[_START]) % self._period
        self._new.jump(1.0)
        self._instrument.jump(float(values[_INSTRUMENT]))  # it is silent at this moment

    def _leave(self, playing: bool) -> None:
        """End the audition; the instrument follows its transport."""
        self._closing = self._fade
        self._sound.aim(0.0)
        if self._sound.silent:
            self._serial = 0
        if playing or not self._serial:  # an instrument that stops should not get louder
            self._instrument.aim(1.0)

    def mix(self, block: NDArray[np.float32]) -> None:
        """[audio] Apply the gains to `block`, (2, frames) float32, and add the sound, in place."""
        frames = block.shape[1]
        if not self._instrument.neutral:
            line = self._instrument.line(frames)
            for row in block:  # row by row: broadcasting in place makes a copy
                np.multiply(row, line, out=row)
        if not self._serial:
            self.seconds = -1.0
            return
        silent, line = self._sound.silent, self._sound.line(frames)
        crossing, new = not self._new.neutral, self._new.line(frames)
        if crossing:
            old = np.subtract(1.0, new, out=self._old[:frames])
            np.multiply(old, line, out=old)
            line = np.multiply(new, line, out=new)
        done = 0
        while done < frames:
            count = min(frames - done, self._period - self._position)
            heard = min(count, self._frames - self._position)
            if heard > 0 and not silent:
                part = slice(done, done + heard)
                self._add(block[:, part], self._half, line[part])
                if crossing:
                    self._add(block[:, part], 1 - self._half, self._old[part])
            self._position = (self._position + count) % self._period
            done += count
        self.seconds = self._position / self._sample_rate

    def _add(self, block: NDArray[np.float32], half: int, gain: NDArray[np.float32]) -> None:
        """Add the next frames of the sound to `block`."""
        frames = block.shape[1]
        sound = self._clip.half(half)[:, self._position : self._position + frames]
        part = self._part[:frames]
        for row, channel in zip(block, sound, strict=True):
            np.multiply(channel, gain, out=part)
            np.add(row, part, out=row)


class Gain:
    """An amplitude that moves to its target in a straight line, over the time of a fade."""

    def __init__(self, fade: int, max_block: int) -> None:
        self._fade, self._left = max(fade, 1), 0
        self._level = self._target = self._step = 0.0
        self._count = np.arange(1.0, max_block + 1.0, dtype=np.float32)
        self._line = np.zeros(max_block, np.float32)

    @property
    def silent(self) -> bool:
        """Whether it is 0 and stays there."""
        return self._level == self._target == 0.0

    @property
    def neutral(self) -> bool:
        """Whether it is 1 and stays there."""
        return self._level == self._target == 1.0

    def jump(self, level: float) -> None:
        """Set the amplitude at once."""
        self._level = self._target = level
        self._left = 0

    def aim(self, target: float) -> None:
        """Move to `target` over one fade."""
        if target != self._target:
            self._target, self._left = target, self._fade
            self._step = (target - self._level) / self._fade

    def line(self, frames: int) -> NDArray[np.float32]:
        """[audio] Gain over the next block, (frames,); overwritten by the next call."""
        line, moving = self._line[:frames], min(frames, self._left)
        way = np.multiply(self._count[:moving], self._step, out=line[:moving])
        np.add(way, self._level, out=way)
        self._left -= moving
        self._level = self._level + moving * self._step if self._left else self._target
        line[moving:].fill(self._level)
        return line
