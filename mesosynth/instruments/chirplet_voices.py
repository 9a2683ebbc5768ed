"""Voices of the chirplet arpeggiator: arpeggios of keys and of the clock, mixed per block."""

import math
import random

import numpy as np
from numpy.typing import NDArray

from mesosynth import units
from mesosynth.instruments.chirplet_parameters import (
    HARMONICS,
    P_BRIGHTNESS,
    P_F_C,
    P_F_M,
    P_GAMMA,
    P_HUMANISE,
    P_RELEASE,
    P_SPREAD,
    P_W,
    SIGMA_0,
)
from mesosynth.instruments.chirplet_waves import (
    AMPLITUDE,
    BORN,
    CARRIER,
    CHANNEL,
    COMING,
    DETUNE,
    FADE,
    FIELDS,
    GAIN,
    GOING,
    HERTZ,
    KEY,
    LEFT,
    MODULATION,
    NEXT_AMPLITUDE,
    NEXT_STEP,
    OCTAVES,
    RIGHT,
    RISE,
    ROWS,
    STEP,
    VOICES,
    Motion,
    Waves,
    harmonics,
)
from mesosynth.instruments.keyboard import Keyboard
from mesosynth.plugins.plugin import CHANNELS

# --------------------------------------------------------------------------------------------------
# Voices
#
# A stretch of a block is rendered at once. It is not cut where a voice starts: the voice begins
# with the stretch, that far back in its sweep and its phases, and its attack, a straight line, is
# below zero until the start. Nor is it cut at a release: the level is the lower of two lines,
# attack and release, clamped to 0 and 1.


class Voices:
    """Up to ROWS voices, in the first `count` rows of `state`.

    Parameters
    ----------
    max_block : int
        Frames in the largest block.

    Attributes
    ----------
    count : int
        Number of voices.
    state : (ROWS, FIELDS) float64
        One row per voice.
    partials : (2, ROWS, HARMONICS) float64
        Amplitudes of the harmonics, at the block's begin and end.
    now : int
        Frame of the block at which voices start and end, in the open stretch.
    """

    def __init__(self, max_block: int) -> None:
        self.count = self.now = self._begin = self._end = 0
        self.state = np.zeros((ROWS, FIELDS))
        self.partials = np.zeros((2, ROWS, HARMONICS))
        self._waves = Waves(max_block)
        self._motion, self._mix = Motion(), np.zeros((CHANNELS, 0))

    def begin_block(self, frames: int) -> None:
        """[audio] Begin a block of `frames`: all ramps end with its last sample."""
        self._waves.begin_block(frames)

    def end_block(self) -> None:
        """[audio] Let the next block begin where this one ended."""
        state = self.state[: self.count]
        np.copyto(state[:, STEP : AMPLITUDE + 1], state[:, NEXT_STEP : NEXT_AMPLITUDE + 1])
        np.copyto(self.partials[0], self.partials[1])

    def add(self) -> int:
        """[audio] Row of a new voice; -1 if all rows are taken."""
        if self.count == ROWS:
            return -1
        row = self.state[self.count]
        row.fill(0.0)
        row[COMING] = row[GOING] = row[LEFT] = row[RIGHT] = row[DETUNE] = 1.0
        row[KEY] = -1.0
        self.count += 1
        return self.count - 1

    def remove(self, voice: int) -> None:
        """[audio] Remove a voice; the last one moves to its row."""
        self.count -= 1
        if voice != self.count:
            np.copyto(self.state[voice], self.state[self.count])
            np.copyto(self.partials[:, voice], self.partials[:, self.count])

    def open(self, motion: Motion, begin: int, end: int, mix: NDArray[np.float64]) -> None:
        """[audio] Begin a stretch of the block.

        Parameters
        ----------
        motion : Motion
            Ramps of the block.
        begin, end : int
            Frames of the block, STRIDE apart at most.
        mix : (2, frames) float64
            Sum of the block's voices; they are added to it.
        """
        self._motion, self._mix = motion, mix
        self._begin, self.now, self._end = begin, begin, end
        self._waves.open(motion, begin, end)

    @property
    def elapsed(self) -> int:
        """[audio] Frames from the begin of the stretch to `now`."""
        return self.now - self._begin

    @property
    def travelled(self) -> float:
        """[audio] Octaves swept from the begin of the stretch to `now`."""
        return self._waves.travelled(self.elapsed)

    def catch_up(self) -> None:
        """[audio] Render the stretch up to `now`, and begin it there."""
        if self.elapsed:
            self._render(self.elapsed)
            self.open(self._motion, self.now, self._end, self._mix)

    def close(self) -> None:
        """[audio] Render the whole stretch."""
        self._render(self._end - self._begin)
        self._begin = self.now = self._end

    def backdate(self, voice: int) -> None:
        """[audio] Move a voice that starts `now` back to the begin of the stretch."""
        frames = self.elapsed
        if not frames:
            return
        row = self.state[voice]
        row[OCTAVES] -= self._waves.travelled(frames)
        row[MODULATION] -= self._waves.turned(frames)
        row[COMING] -= row[RISE] * frames
        step, change = float(row[STEP]), float(row[NEXT_STEP]) - float(row[STEP])
        row[CARRIER] -= 2.0 ** float(row[OCTAVES]) * self._waves.cycles(frames, step, change)

    def release(self, voice: int, fade: float) -> None:
        """[audio] Fade a voice from now on, after its attack.

        Parameters
        ----------
        voice : int
            Row.
        fade : float
            Level lost per sample.
        """
        row = self.state[voice]
        if row[FADE] > 0.0:
            return
        coming, rise, begin = float(row[COMING]), float(row[RISE]), float(self.elapsed)
        if coming < 1.0 and rise > 0.0:
            begin = max(begin, (1.0 - coming) / rise)
        row[GOING], row[FADE] = 1.0 + fade * begin, fade

    def fade(self, voice: int, fade: float) -> None:
        """[audio] Fade a voice from now on, unless it already fades faster.

        Parameters
        ----------
        voice : int
            Row.
        fade : float
            Level lost per sample.
        """
        row = self.state[voice]
        if row[FADE] >= fade:
            return
        if row[FADE] > 0.0 and self.elapsed:  # it fades already, until now at the old speed
            if row[COMING] < 1.0:  # and is still in its attack
                self.catch_up()
            else:
                row[COMING], row[RISE] = row[GOING], -row[FADE]
        frames = self.elapsed
        coming = float(row[COMING]) + float(row[RISE]) * frames
        going = float(row[GOING]) - float(row[FADE]) * frames
        row[GOING], row[FADE] = min(max(min(coming, going), 0.0), 1.0) + fade * frames, fade

    def _render(self, frames: int) -> None:
        """Render the first `frames` samples of the stretch."""
        if self.count and frames:
            voices = self.count
            self._waves.render(self.state[:voices], self.partials[:, :voices], frames, self._mix)


# --------------------------------------------------------------------------------------------------
# Arpeggios: start, voice stealing, ramps and end


FADE_SECONDS = 0.02  # of a stolen voice; no longer than the shortest period
ATTACK_SECONDS = 0.005  # of a key's arpeggio, which begins inside the sweep
ENTRY = 2.0 * SIGMA_0  # of w: begin of a key's arpeggio before its middle
STRAY_SEMITONES = 0.25  # largest detuning of a fully humanised arpeggio, up or down
STRAY_DB = 6.0  # largest attenuation of a fully humanised arpeggio
PRESSURE_GAIN = 1.0  # an amplitude of 1 + this at full pressure: 6 dB
SLIDE = 60.0  # dB per octave of brightness for a full slide
SEED = 20261121

_RELEASED = -2.0  # in place of a voice's key
_PREFERRED = 100.0  # octaves: further than any voice can be
_TINY = 1e-9  # octaves, or level: tolerance for rounding
_GOLDEN = 0.5 * (math.sqrt(5.0) - 1.0)


class Arpeggios:
    """All arpeggios, of keys and of the clock.

    Parameters
    ----------
    keyboard : Keyboard
    sample_rate : float
        Hz.
    max_block : int
        Frames in the largest block.

    Attributes
    ----------
    voices : Voices
    chance : random.Random
        Random numbers for humanise, with a fixed seed.
    frozen : bool
        Whether all sweeps stand still.
    starts : int
        Arpeggios started since the reset.
    """

    def __init__(self, keyboard: Keyboard, sample_rate: float, max_block: int) -> None:
        self.voices = Voices(max_block)
        self.chance = random.Random()
        self._keyboard = keyboard
        self._sample_rate = sample_rate
        self._fast = 1.0 / (FADE_SECONDS * sample_rate)
        self.reset()

    def reset(self) -> None:
        """[control] Forget all sound."""
        self.voices.count = 0
        self.chance.seed(SEED)
        self.frozen = False
        self.starts = 0
        self._width = 0.0
        self._said = (0.0, 0.0, 0.0)
        self._unit = self._base = self._next_base = 0.0

    def begin_block(self, values: NDArray[np.float64], unit: float, frames: int) -> None:
        """[audio] Set the ends of all voices' ramps for a block.

        Parameters
        ----------
        values : (parameters,) float64
            At the end of the block.
        unit : float
            Cycles per sample of a carrier of 1 Hz, from :func:`chirp_step`.
        frames : int
            Length of the block.
        """
        self.voices.begin_block(frames)
        self._unit, self._next_base = unit, float(values[P_F_C]) * unit
        if self._base == 0.0:  # the first block
            self._base, self._width = self._next_base, float(values[P_W])
        said = (self._next_base, unit, float(values[P_BRIGHTNESS]))
        if self._keyboard.moved or said != self._said:
            self._keyboard.moved, self._said = False, said
            for voice in range(self.voices.count):
                self._aim(voice, values)

    def end_block(self, values: NDArray[np.float64]) -> None:
        """[audio] Let the next block begin where this one ended."""
        self.voices.end_block()
        self._base, self._width = self._next_base, float(values[P_W])

    def release(self, key: int, values: NDArray[np.float64]) -> None:
        """[audio] Release the voices of a key, over the time of the parameter "release".

        Parameters
        ----------
        key : int
            Index of the key; -1 releases arpeggios without a key.
        values : (parameters,) float64
        """
        for voice, of in enumerate(self._keys):
            if of == key:
                self._release(voice, values)

    def release_orphans(self, values: NDArray[np.float64]) -> None:
        """[audio] Release the voices of all keys that are no longer held."""
        for voice, key in enumerate(self._keys):
            if key >= 0.0 and not self._keyboard.keys[int(key)].active:
                self._release(voice, values)

    def silence(self) -> None:
        """[audio] Fade all voices at once."""
        for voice in range(self.voices.count):
            self.voices.state[voice, KEY] = _RELEASED
            self.voices.fade(voice, self._fast)

    @property
    def _keys(self) -> list[float]:
        """Key of each voice."""
        return self.voices.state[: self.voices.count, KEY].tolist()

    def _release(self, voice: int, values: NDArray[np.float64]) -> None:
        self.voices.state[voice, KEY] = _RELEASED
        self.voices.release(voice, 1.0 / (float(values[P_RELEASE]) * self._sample_rate))

    def _aim(self, voice: int, values: NDArray[np.float64]) -> None:
        """Set the ends of a voice's ramps."""
        row, keyboard = self.voices.state[voice], self._keyboard
        channel, place = int(row[CHANNEL]), int(row[KEY])
        hertz = float(row[HERTZ]) or float(values[P_F_C])
        bend = 2.0 ** (keyboard.bend[channel] / 12.0)
        row[NEXT_STEP] = hertz * float(row[DETUNE]) * bend * self._unit
        pressure = keyboard.pressure[channel]
        if place >= 0:
            pressure = max(pressure, keyboard.keys[place].pressure)
        row[NEXT_AMPLITUDE] = float(row[GAIN]) * (1.0 + PRESSURE_GAIN * pressure)
        slope = min(float(values[P_BRIGHTNESS]) + SLIDE * keyboard.timbre[channel], 0.0)
        harmonics(slope, self.voices.partials[1, voice])

    def start(self, place: int, values: NDArray[np.float64]) -> None:
        """[audio] Start an arpeggio, of a key or without one.

        Without a key it starts at its window's edge, in step with the formula: sample k is the
        formula at ``t = o_0 / gamma + k / sample_rate``, where ``o_0 = -sign(gamma) w / 2``. The
        edge is at 5 sigma (-108 dB): no click.

        Parameters
        ----------
        place : int
            Index of the key, or -1.
        values : (parameters,) float64
        """
        if place < 0:
            self.voices.catch_up()  # it has no attack, so it cannot begin earlier
        voice = self._make_room(values, by_key=place >= 0)
        if voice < 0:
            return
        row, gamma = self.voices.state[voice], float(values[P_GAMMA])
        self._scatter(row, float(values[P_HUMANISE]), float(values[P_SPREAD]))
        row[KEY] = place
        if place >= 0:
            key = self._keyboard.keys[place]
            row[HERTZ], row[CHANNEL] = key.hertz, key.channel
            row[GAIN] *= key.gain
            row[COMING], row[RISE] = 0.0, 1.0 / (ATTACK_SECONDS * self._sample_rate)
            distance = 0.0 if self.frozen else ENTRY * float(values[P_W])
        else:
            # The wider of the two ends of the ramp, so that a start is always at 5 sigma or beyond.
            distance = 0.5 * max(self._width, float(values[P_W]))
        octaves = -math.copysign(distance, gamma)
        row[OCTAVES] = octaves
        if place < 0:
            row[MODULATION] = float(values[P_F_M]) * octaves / gamma % 1.0
        self._aim(voice, values)
        hertz = float(row[NEXT_STEP]) / self._unit
        row[CARRIER] = hertz / (gamma * math.log(2.0)) * (2.0**octaves - 1.0) % 1.0
        # The block's ramps may be under way already.
        way = 1.0 if row[HERTZ] else self._base / self._next_base
        row[STEP] = row[NEXT_STEP] * way
        row[AMPLITUDE] = row[NEXT_AMPLITUDE]
        np.copyto(self.voices.partials[0, voice], self.voices.partials[1, voice])
        self.voices.backdate(voice)

    def _scatter(self, row: NDArray[np.float64], humanise: float, spread: float) -> None:
        """Set a voice's panorama, and its random detuning and level."""
        semitones = STRAY_SEMITONES * humanise * (2.0 * self.chance.random() - 1.0)
        row[DETUNE] = 2.0 ** (semitones / 12.0)
        row[GAIN] = units.db_to_amplitude(-STRAY_DB * humanise * self.chance.random())
        # Steps of the golden ratio: each place is far from the last ones, the first in the middle.
        side = spread * (2.0 * ((0.5 + _GOLDEN * self.starts) % 1.0) - 1.0)
        row[LEFT], row[RIGHT] = math.sqrt(1.0 - side), math.sqrt(1.0 + side)
        row[BORN] = self.starts
        self.starts += 1

    def _make_room(self, values: NDArray[np.float64], by_key: bool) -> int:
        """Row of a new voice, after fading an old one where there are too many; -1 for none.

        A voice that is replaced at once would click, so the one furthest along its sweep, or a
        released one, fades within the shortest period. A start without a key spares voices before
        their middle, or else a long sweep would never be heard, and is left out where no voice can
        go. A key always sounds.
        """
        voices = self.voices
        if voices.count == ROWS:
            voices.catch_up()
            self.remove_finished(values)
        sounding, furthest = self._furthest(values, -math.inf if by_key else 0.0)
        if furthest >= 0 and sounding >= (VOICES if by_key else VOICES - 1):
            voices.fade(furthest, self._fast)
            sounding -= 1
        if by_key:
            if voices.count == ROWS:
                voices.remove(min(range(ROWS), key=self._loudness))
        elif sounding >= VOICES or voices.count == ROWS:
            return -1
        return voices.add()

    def _furthest(self, values: NDArray[np.float64], travelled: float) -> tuple[int, int]:
        """Number of sounding voices, and the furthest one beyond `travelled` octaves, or -1."""
        voices, fast = self.voices, self._fast
        gamma, half = float(values[P_GAMMA]), self._half(values)
        direction, way, elapsed = math.copysign(1.0, gamma), voices.travelled, voices.elapsed
        state = voices.state[: voices.count]
        columns = (state[:, field].tolist() for field in (OCTAVES, GOING, FADE, BORN))
        sounding, furthest, oldest = 0, -1, math.inf
        for voice, (octaves, going, fade, born) in enumerate(zip(*columns, strict=True)):
            if fade < fast:
                far, level = direction * (octaves + way), going - fade * elapsed
                if level <= _TINY or far > half:  # silent, to be removed soon
                    continue
                sounding += 1
                if level < 1.0 - _TINY:
                    far += _PREFERRED
                further = far - travelled
                if further > _TINY or (further > -_TINY and born < oldest):
                    furthest, travelled, oldest = voice, far, born
        return sounding, furthest

    def _loudness(self, voice: int) -> tuple[float, float]:
        """Level of a voice, 0 to 1, and its number, for the choice of the voice to remove at once.

        The quietest goes first, and among equals the oldest.
        """
        row = self.voices.state[voice]
        level = min(max(min(float(row[COMING]), float(row[GOING])), 0.0), 1.0)
        place = float(row[OCTAVES]) / (SIGMA_0 * self._width)
        return level * math.exp(-0.5 * place * place), float(row[BORN])

    def _half(self, values: NDArray[np.float64]) -> float:
        """Octaves from the middle to the window's edge."""
        return 0.5 * max(self._width, float(values[P_W]))

    def remove_finished(self, values: NDArray[np.float64]) -> None:
        """[audio] Remove voices that faded, or that left the window at the end of their sweep."""
        voices, gamma, half = self.voices, float(values[P_GAMMA]), self._half(values)
        state = voices.state[: voices.count]
        places, levels = state[:, OCTAVES].tolist(), state[:, GOING].tolist()
        for voice in range(voices.count - 1, -1, -1):
            if levels[voice] <= 0.0 or (places[voice] * gamma > 0.0 and abs(places[voice]) > half):
                voices.remove(voice)
