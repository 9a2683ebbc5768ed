"""The live chirplet arpeggiator: the offline formula with state, so that everything may move.

One arpeggio is, with ``t = 0`` in its middle (Vahidi et al., JAES 2023)::

    x(t) = c(2 pi f_c / (gamma ln 2) (2^(gamma t) - 1)) m(t) exp(-t^2 / (2 (SIGMA_0 w / gamma)^2))

    s(t) = sin(2 pi f_m t)
    m(t) = 1 - am_depth + am_depth (s(t) - am_shape min(s(t), 0))
    c(x) = sum_k a_k sin(k x),  a_k = k^(brightness / (20 log10 2)) / n,  k = 1 ... HARMONICS

where n is the root of the sum of squares of those powers, and a_k = 0 for k > 1 where brightness is
PURE. By default am_depth = 1, am_shape = 0 and brightness = PURE, so m is s and c is the sine.

Here a voice carries its position ``o = gamma t`` in octaves, its carrier phase and its AM phase in
cycles, and integrates all three from sample to sample. The carrier's step is the exact integral of
``f_c 2^o`` over one sample, so that with still parameters the two forms agree to rounding error.

Without a key arpeggios repeat by themselves. A key that is held has them repeat at its own pitch
instead; they begin where they can be heard, two standard deviations before the middle, with a note
of the modulation, so that the key answers at once.
"""

import math
import random
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesosynth import units
from mesosynth.errors import ArgumentError
from mesosynth.instruments.chirplet_keys import MIDI_CHANNELS, Keyboard
from mesosynth.instruments.chirplet_parameters import PARAMETERS, SIGMA_0
from mesosynth.instruments.chirplet_voices import (
    AMPLITUDE,
    CARRIER,
    CHANNEL,
    DETUNE,
    FADE,
    GAIN,
    HERTZ,
    KEY,
    LEFT,
    LEVEL,
    MODULATION,
    NEXT_AMPLITUDE,
    NEXT_STEP,
    OCTAVES,
    RIGHT,
    ROWS,
    STEP,
    STRIDE,
    VOICES,
    Motion,
    Voices,
    chirp_step,
    harmonics,
)
from mesosynth.plugin import CHANNELS, EventKind, Events, Instrument
from mesosynth.ramps import Ramps
from mesosynth.tempo import LONGEST_DELAY, Pulse, synced_period
from mesosynth.tuning import Scale, note_frequencies

FADE_SECONDS = 0.02  # of a voice that makes room; no longer than the shortest period
ATTACK_SECONDS = 0.005  # of a key's arpeggio, which begins in the middle of things
ENTRY = 2.0 * SIGMA_0  # of w: how far before its middle it begins
STRAY_SEMITONES = 0.25  # of a fully humanised arpeggio, either way
STRAY_DB = 6.0  # below full level
PRESSURE_GAIN = 1.0  # an amplitude of 1 + this at full pressure: 6 dB
SLIDE = 60.0  # dB per octave of brightness for a full slide
SEED = 20261121

KEYS_ON_A_PIANO = 128  # of MIDI
_SLOWEST, _FASTEST = 5.0, 960.0  # BPM
_NEVER = 1 << 40  # samples, or a place that no key has
_RELEASED = -2.0  # in place of a voice's key
_PREFERRED = 100.0  # octaves: further along than any voice can be
_GOLDEN = 0.5 * (math.sqrt(5.0) - 1.0)

(
    _F_C, _F_M, _GAMMA, _W, _AM_SHAPE, _AM_DEPTH, _BRIGHTNESS, _PERIOD, _SYNC, _TEMPO, _DIVISION,
    _SWING, _HUMANISE, _SPREAD, _RELEASE, _GAIN,
) = range(len(PARAMETERS))  # fmt: skip

# Lines over the block.
_OCTAVES, _MODULATION, _WIDTH, _REST, _DEPTH, _LEVEL = range(6)

_AT_ITS_FRAME = frozenset(
    (EventKind.NOTE_ON, EventKind.NOTE_OFF, EventKind.SUSTAIN, EventKind.ALL_OFF, EventKind.START,
     EventKind.STOP)
)  # fmt: skip


class Chirplet(Instrument):
    """Arpeggios of a chirp cut into notes, repeated by period or tempo, or played by keys.

    Parameters and gestures ramp linearly (in the quantities that a sample needs) from block to
    block; period, swing, chance and spread are heard at the next start. The first arpeggio starts
    with the first sample after :meth:`reset`.

    While frozen, voices stay where they are in their sweeps and go on sounding; only keys start
    new ones, in the middle.
    """

    name = "Chirplet"
    parameters = PARAMETERS

    def __init__(self) -> None:
        self._frequencies = note_frequencies()
        self._scale: dict[str, Any] = {}

    def prepare(self, sample_rate: float, max_block: int) -> None:
        """[control] Allocate everything for blocks of up to `max_block` frames, then reset."""
        self._sample_rate = float(sample_rate)
        self._voices = Voices(max_block)
        self._keyboard = Keyboard()
        self._pulse = Pulse()
        self._chance = random.Random()
        self._ramps = Ramps(6, max_block)
        self._targets = np.zeros(6)
        self._motion = Motion()
        self._mix = np.zeros((CHANNELS, max_block))
        self.reset()

    def reset(self) -> None:
        """[control] Forget all sound, as if `prepare` had just returned."""
        self._voices.count = 0
        self._keyboard.reset()
        self._pulse.restart()
        self._chance.seed(SEED)
        self._ramps.reset()
        self._starts = 0
        self._running = True
        self._frozen = False
        self._width = 0.0
        self._tempo = self._tempo_knob = 0.0
        self._said = (0.0, 0.0, 0.0)
        self._unit = self._base = self._next_base = 0.0
        self._notes: list[tuple[int, int, int, int, float]] = []

    def state(self) -> dict[str, Any]:
        """[control] The scale that keys are tuned to, if it is not the equal temperament."""
        return {"tuning": dict(self._scale)} if self._scale else {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """[control] Tune the keys: `state` as :meth:`state` gave it.

        Its key "tuning" holds name and cents of a scale and, where they are not the usual ones,
        root, reference_note and reference_hertz as in :func:`mesosynth.tuning.note_frequencies`.

        Raises
        ------
        ArgumentError
            If it is no scale; the keys stay as they were.
        """
        tuning = state.get("tuning") or {}
        if not tuning:
            self._frequencies, self._scale = note_frequencies(), {}
            return
        try:
            scale = Scale(str(tuning.get("name", "")), tuple(float(c) for c in tuning["cents"]))
            rest = {k: v for k, v in tuning.items() if k not in ("name", "cents")}
            frequencies = note_frequencies(scale, **rest)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise ArgumentError(f"tuning={tuning!r} is not a scale ({error}).") from error
        self._frequencies, self._scale = frequencies, dict(tuning)

    def process(
        self, values: NDArray[np.float64], events: Events, block: NDArray[np.float32]
    ) -> None:
        """[audio] Overwrite `block`, (2, frames) float32, with the next samples."""
        frames = block.shape[1]
        self._sort(events)
        level = self._move(values, frames)
        mix = self._mix[:, :frames]
        mix.fill(0.0)
        period = self._period(values)
        begin = 0
        while begin < frames:
            until = self._take_notes(begin, values)
            wait = self._start_what_is_due(values, period)
            end = min(begin + wait, begin + STRIDE, until, frames)
            self._voices.render(self._motion, begin, end, mix)
            self._end_what_is_done(values)
            self._advance((end - begin) / period)
            begin = end
        for side in range(CHANNELS):
            np.multiply(mix[side], level, out=mix[side])
            np.copyto(block[side], mix[side], casting="same_kind")
        self._voices.end_block()
        self._base = self._next_base
        self._width = float(values[_W])

    # ------------------------------------------------------------------ events

    def _sort(self, events: Events) -> None:
        """Obey gestures at once: they ramp over the block. Lay aside what has its very frame."""
        self._notes.clear()
        for i in range(len(events)):
            event: tuple[int, int, int, int, float] = events[i].item()
            _, kind, channel, note, value = event
            channel %= MIDI_CHANNELS
            if kind in _AT_ITS_FRAME:
                self._notes.append(event)
            elif kind == EventKind.TEMPO:
                self._tempo = min(max(value, _SLOWEST), _FASTEST)
            elif kind == EventKind.FREEZE:
                self._frozen = value >= 0.5
            else:
                self._keyboard.gesture(kind, channel, note, value)
        self._notes.reverse()  # the next one is the last

    def _take_notes(self, begin: int, values: NDArray[np.float64]) -> int:
        """Obey what happens up to frame `begin`; return the frame of what comes next."""
        while self._notes and self._notes[-1][0] <= begin:
            _, kind, channel, note, value = self._notes.pop()
            self._obey(kind, channel % MIDI_CHANNELS, note % KEYS_ON_A_PIANO, value, values)
        return self._notes[-1][0] if self._notes else _NEVER

    def _obey(
        self, kind: int, channel: int, note: int, value: float, values: NDArray[np.float64]
    ) -> None:
        keyboard = self._keyboard
        if kind == EventKind.NOTE_ON and value > 0.0:
            place = keyboard.press(channel, note, min(value, 1.0), float(self._frequencies[note]))
            self._fade(values, key=place)
        elif kind in (EventKind.NOTE_ON, EventKind.NOTE_OFF):
            place = keyboard.release(channel, note)
            if place >= 0:
                self._fade(values, key=place)
        elif kind == EventKind.SUSTAIN:
            keyboard.set_pedal(value >= 0.5)
            self._fade(values, orphans=True)
        elif kind == EventKind.ALL_OFF:
            keyboard.let_go()
            self._fade_all(1.0 / (FADE_SECONDS * self._sample_rate))
        elif kind == EventKind.START:
            self._running = True
            self._pulse.restart()
        elif kind == EventKind.STOP:
            self._running = False
            self._fade(values, key=-1)

    def _fade(self, values: NDArray[np.float64], key: int = _NEVER, orphans: bool = False) -> None:
        """Release the voices of a key (-1: of none), or of all keys that are held no longer."""
        fade = 1.0 / (float(values[_RELEASE]) * self._sample_rate)
        for voice in range(self._voices.count):
            row = self._voices.state[voice]
            place = int(row[KEY])
            orphan = orphans and place >= 0 and not self._keyboard.keys[place].active
            if place == key or orphan:
                row[KEY] = _RELEASED
                row[FADE] = max(fade, float(row[FADE]))

    def _fade_all(self, fade: float) -> None:
        for voice in range(self._voices.count):
            row = self._voices.state[voice]
            row[KEY] = _RELEASED
            row[FADE] = max(fade, float(row[FADE]))

    # ------------------------------------------------------------------ time

    def _period(self, values: NDArray[np.float64]) -> float:
        """Samples from one start to the next."""
        if values[_TEMPO] != self._tempo_knob:  # who spoke last is right: the knob or the clock
            self._tempo = self._tempo_knob = float(values[_TEMPO])
        seconds = float(values[_PERIOD])
        if values[_SYNC] >= 0.5:
            seconds = synced_period(self._tempo, float(values[_DIVISION]))
        return seconds * self._sample_rate

    def _start_what_is_due(self, values: NDArray[np.float64], period: float) -> int:
        """Start all arpeggios that are due; return the samples until the next one is."""
        wait, held = _NEVER, False
        for place, key in enumerate(self._keyboard.keys):
            if key.active:
                held = True
                wait = min(wait, self._repeat(key.pulse, place, values, period))
        if not held and self._runs:
            wait = self._repeat(self._pulse, -1, values, period)
        return wait

    def _repeat(self, pulse: Pulse, place: int, values: NDArray[np.float64], period: float) -> int:
        while (wait := pulse.wait(period)) <= 0:
            self._start_voice(values, place)
            delay = LONGEST_DELAY * float(values[_HUMANISE]) * self._chance.random()
            pulse.start(float(values[_SWING]), delay)
        return wait

    @property
    def _runs(self) -> bool:
        """Whether arpeggios repeat by themselves where no key is held."""
        return self._running and not self._frozen

    def _advance(self, periods: float) -> None:
        """Let time pass for all that repeats; it stands still while frozen."""
        if self._frozen:
            return
        held = False
        for key in self._keyboard.keys:
            if key.active:
                held = True
                key.pulse.advance(periods)
        if not held and self._running:
            self._pulse.advance(periods)

    # ------------------------------------------------------------------ voices

    def _move(self, values: NDArray[np.float64], frames: int) -> NDArray[np.float64]:
        """Lay out the block's lines; return that of the level."""
        targets, rate = self._targets, self._sample_rate
        gamma = 0.0 if self._frozen else float(values[_GAMMA])
        targets[_OCTAVES] = gamma / rate
        targets[_MODULATION] = float(values[_F_M]) / rate
        targets[_WIDTH] = 1.0 / (math.sqrt(2.0) * SIGMA_0 * float(values[_W]))
        targets[_REST] = values[_AM_SHAPE]
        targets[_DEPTH] = values[_AM_DEPTH]
        targets[_LEVEL] = units.db_to_amplitude(float(values[_GAIN]))
        lines = self._ramps.move(targets, frames)
        motion = self._motion
        motion.octaves, motion.modulation = lines[_OCTAVES], lines[_MODULATION]
        motion.width, motion.rest, motion.depth = lines[_WIDTH], lines[_REST], lines[_DEPTH]
        self._voices.begin_block(frames)
        self._unit = chirp_step(gamma, rate)
        said = (float(values[_F_C]) * self._unit, self._unit, float(values[_BRIGHTNESS]))
        self._next_base = said[0]
        if self._base == 0.0:  # the first block
            self._base, self._width = self._next_base, float(values[_W])
        if self._keyboard.moved or said != self._said:
            self._keyboard.moved, self._said = False, said
            for voice in range(self._voices.count):
                self._aim(voice, values)
        return lines[_LEVEL]

    def _aim(self, voice: int, values: NDArray[np.float64]) -> None:
        """Say where a voice shall be at the block's end."""
        row, keyboard = self._voices.state[voice], self._keyboard
        channel, place = int(row[CHANNEL]), int(row[KEY])
        hertz = float(row[HERTZ]) or float(values[_F_C])
        bend = 2.0 ** (keyboard.bend[channel] / 12.0)
        row[NEXT_STEP] = hertz * float(row[DETUNE]) * bend * self._unit
        pressure = keyboard.pressure[channel]
        if place >= 0:
            pressure = max(pressure, keyboard.keys[place].pressure)
        row[NEXT_AMPLITUDE] = float(row[GAIN]) * (1.0 + PRESSURE_GAIN * pressure)
        slope = min(float(values[_BRIGHTNESS]) + SLIDE * keyboard.timbre[channel], 0.0)
        harmonics(slope, self._voices.partials[1, voice])

    def _start_voice(self, values: NDArray[np.float64], place: int) -> None:
        """Start an arpeggio, of the key at `place` or, if that is -1, in step with the formula.

        By itself it enters at its window's edge: sample k is the formula at
        ``t = o_0 / gamma + k / sample_rate``, where ``o_0 = -sign(gamma) w / 2``. The edge lies at
        5 sigma (-108 dB): no click.
        """
        voice = self._make_room(float(values[_GAMMA]), by_key=place >= 0)
        if voice < 0:
            return
        row, gamma = self._voices.state[voice], float(values[_GAMMA])
        self._scatter(row, float(values[_HUMANISE]), float(values[_SPREAD]))
        row[KEY] = place
        if place >= 0:
            key = self._keyboard.keys[place]
            row[HERTZ], row[CHANNEL] = key.hertz, key.channel
            row[GAIN] *= key.gain
            row[LEVEL], row[FADE] = 0.0, -1.0 / (ATTACK_SECONDS * self._sample_rate)
            distance = 0.0 if self._frozen else ENTRY * float(values[_W])
        else:
            # The wider of the two ends of the ramp, so that a start is always at 5 sigma or beyond.
            distance = 0.5 * max(self._width, float(values[_W]))
        octaves = -math.copysign(distance, gamma)
        row[OCTAVES] = octaves
        if place < 0:
            row[MODULATION] = float(values[_F_M]) * octaves / gamma % 1.0
        self._aim(voice, values)
        hertz = float(row[NEXT_STEP]) / self._unit
        row[CARRIER] = hertz / (gamma * math.log(2.0)) * (2.0**octaves - 1.0) % 1.0
        # A block's lines may be under way already.
        way = 1.0 if row[HERTZ] else self._base / self._next_base
        row[STEP] = row[NEXT_STEP] * way
        row[AMPLITUDE] = row[NEXT_AMPLITUDE]
        np.copyto(self._voices.partials[0, voice], self._voices.partials[1, voice])

    def _scatter(self, row: NDArray[np.float64], humanise: float, spread: float) -> None:
        """Give a voice its place between left and right, and its chance."""
        semitones = STRAY_SEMITONES * humanise * (2.0 * self._chance.random() - 1.0)
        row[DETUNE] = 2.0 ** (semitones / 12.0)
        row[GAIN] = units.db_to_amplitude(-STRAY_DB * humanise * self._chance.random())
        # Steps of the golden ratio: each start is far from those before, the first in the middle.
        side = spread * (2.0 * ((0.5 + _GOLDEN * self._starts) % 1.0) - 1.0)
        row[LEFT], row[RIGHT] = math.sqrt(1.0 - side), math.sqrt(1.0 + side)
        self._starts += 1

    def _make_room(self, gamma: float, by_key: bool) -> int:
        """Return the row of a new voice, and have an old one fade where there are many; -1: none.

        A voice that were simply taken over would click. So the one furthest along its sweep, or
        one whose key is released, fades, and is gone before the shortest period is over. What
        starts by itself spares voices that have not reached their middle yet, lest a long sweep
        never be heard at all, and is left out where no voice can go. A key always sounds.
        """
        voices, fast = self._voices, 1.0 / (FADE_SECONDS * self._sample_rate)
        direction = math.copysign(1.0, gamma)
        sounding, furthest, travelled = 0, -1, -math.inf if by_key else 0.0
        for voice in range(voices.count):
            row = voices.state[voice]
            fade = float(row[FADE])
            if fade < fast:
                sounding += 1
                far = direction * float(row[OCTAVES]) + (_PREFERRED if fade > 0.0 else 0.0)
                if far > travelled:
                    furthest, travelled = voice, far
        if furthest >= 0 and sounding >= (VOICES if by_key else VOICES - 1):
            voices.state[furthest, FADE] = fast
            sounding -= 1
        if by_key:
            if voices.count == ROWS:
                voices.remove(min(range(ROWS), key=self._level_of))
        elif sounding >= VOICES or voices.count == ROWS:
            return -1
        return voices.add()

    def _level_of(self, voice: int) -> float:
        return float(self._voices.state[voice, LEVEL])

    def _end_what_is_done(self, values: NDArray[np.float64]) -> None:
        """End voices that faded, or that leave the window on whichever side they move to."""
        voices, gamma = self._voices, float(values[_GAMMA])
        half = 0.5 * max(self._width, float(values[_W]))
        for voice in range(voices.count - 1, -1, -1):
            row = voices.state[voice]
            octaves, fade, level = float(row[OCTAVES]), float(row[FADE]), float(row[LEVEL])
            if (fade > 0.0 and level <= 0.0) or (octaves * gamma > 0.0 and abs(octaves) > half):
                voices.remove(voice)
            elif fade < 0.0 and level >= 1.0:
                row[FADE] = 0.0
