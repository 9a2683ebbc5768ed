"""Chirplet arpeggiator, live: the offline formula with state, so that every parameter may move.

One arpeggio is, with ``t = 0`` in its middle (Vahidi et al., JAES 2023, eq. 4-8)::

    x(t) = c(2 pi f_c / (gamma ln 2) (2^(gamma t) - 1)) m(t) exp(-t^2 / (2 (SIGMA_0 w / gamma)^2))

    s(t) = sin(2 pi f_m t)
    m(t) = 1 - am_depth + am_depth (s(t) - am_shape min(s(t), 0))
    c(x) = sum_k a_k sin(k x),  a_k = k^(brightness / (20 log10 2)) / n,  k = 1 ... HARMONICS

where n is the root of the sum of squares of those powers, and a_k = 0 for k > 1 where brightness is
PURE. By default am_depth = 1, am_shape = 0 and brightness = PURE, so m is s and c is the sine.

A voice holds its position ``o = gamma t`` in octaves, its carrier phase and its AM phase in cycles,
and integrates all three from sample to sample. The carrier's step is the exact integral of
``f_c 2^o`` over one sample, so that with still parameters the two forms agree to rounding error.

Without a key, arpeggios repeat at f_c. While a key is held they repeat at its pitch; they begin two
standard deviations before the middle, where they are audible, with a note of the modulation, so
that the key answers at once.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesosynth import units
from mesosynth.instruments.chirplet_parameters import (
    P_AM_DEPTH,
    P_AM_SHAPE,
    P_DIVISION,
    P_F_M,
    P_GAIN,
    P_GAMMA,
    P_HUMANISE,
    P_PERIOD,
    P_SWING,
    P_SYNC,
    P_TEMPO,
    P_W,
    PARAMETERS,
    SIGMA_0,
)
from mesosynth.instruments.chirplet_voices import Arpeggios
from mesosynth.instruments.chirplet_waves import STRIDE, Motion, chirp_step
from mesosynth.instruments.keyboard import MIDI_CHANNELS, Keyboard
from mesosynth.plugins.plugin import CHANNELS, EventKind, Events, Instrument
from mesosynth.plugins.ramps import Ramps
from mesosynth.plugins.tempo import LONGEST_DELAY, Pulse, synced_period
from mesosynth.plugins.tuning import KeyTuning

MIDI_KEYS = 128
_SLOWEST, _FASTEST = 5.0, 960.0  # BPM
_NEVER = 1 << 40  # samples

# Rows of the ramps.
_OCTAVES, _MODULATION, _WIDTH, _REST, _DEPTH, _LEVEL = range(6)

_AT_ITS_FRAME = frozenset(
    (EventKind.NOTE_ON, EventKind.NOTE_OFF, EventKind.SUSTAIN, EventKind.ALL_OFF, EventKind.START,
     EventKind.STOP)
)  # fmt: skip


class Chirplet(Instrument):
    """Chirplet arpeggiator: a chirp cut into notes, repeated by period or tempo, or played by keys.

    Parameters and gestures ramp linearly (in the quantities that a sample needs) from block to
    block; period, swing, humanise and spread apply from the next start. The first arpeggio starts
    with the first sample after :meth:`reset`.

    While frozen, voices stay at their place in the sweep and go on sounding; only keys start new
    ones, in the middle.
    """

    name = "Chirplet"
    parameters = PARAMETERS

    def __init__(self) -> None:
        self._tuning = KeyTuning()
        self._late = 0.0  # periods by which arpeggios without a key start after the beat

    def prepare(self, sample_rate: float, max_block: int) -> None:
        """[control] Allocate everything for blocks of up to `max_block` frames, then reset."""
        self._sample_rate = float(sample_rate)
        self._keyboard = Keyboard()
        self._arpeggios = Arpeggios(self._keyboard, self._sample_rate, max_block)
        self._pulse = Pulse()
        self._ramps = Ramps(6, max_block)
        self._targets = np.zeros(6)
        self._motion = Motion()
        self._mix = np.zeros((CHANNELS, max_block))
        self.reset()

    def reset(self) -> None:
        """[control] Forget all sound, as if `prepare` had just returned."""
        self._arpeggios.reset()
        self._keyboard.reset()
        self._pulse.restart(self._late)
        self._ramps.reset()
        self._running = True
        self._tempo = self._tempo_knob = 0.0
        self._notes: list[tuple[int, int, int, int, float]] = []

    def state(self) -> dict[str, Any]:
        """[control] Scale of the keys, if it is not the equal temperament."""
        return self._tuning.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        """[control] Tune the keys, as :meth:`mesosynth.plugins.tuning.KeyTuning.restore`.

        Raises
        ------
        ArgumentError
            If it is not a scale; the keys stay as they were.
        """
        self._tuning.restore(state)

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
        self._due = 0  # the period or tempo may have changed: ask every clock again
        for begin in range(0, frames, STRIDE):
            self._play(begin, min(begin + STRIDE, frames), values, period)
        for side in range(CHANNELS):
            np.multiply(mix[side], level, out=mix[side])
            np.copyto(block[side], mix[side], casting="same_kind")
        self._arpeggios.end_block(values)

    def _play(self, begin: int, end: int, values: NDArray[np.float64], period: float) -> None:
        """Render a part of the block with all voices that begin and end in it."""
        voices = self._arpeggios.voices
        voices.open(self._motion, begin, end, self._mix)
        while voices.now < end:
            until = self._take_notes(voices.now, values, period)
            if self._due <= voices.now:
                self._due = voices.now + self._start_due(values, period)
            then = min(self._due, until, end)
            self._advance((then - voices.now) / period)
            voices.now = then
        voices.close()
        self._arpeggios.remove_finished(values)

    # ------------------------------------------------------------------ events

    def _sort(self, events: Events) -> None:
        """Apply gestures at once, as they ramp over the block; keep events for their own frame."""
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
                self._arpeggios.frozen = value >= 0.5
            else:
                self._keyboard.gesture(kind, channel, note, value)
        self._notes.reverse()  # the next one is the last

    def _take_notes(self, begin: int, values: NDArray[np.float64], period: float) -> int:
        """Apply events up to frame `begin`; return the frame of the next one."""
        while self._notes and self._notes[-1][0] <= begin:
            _, kind, channel, note, value = self._notes.pop()
            place = self._obey(kind, channel % MIDI_CHANNELS, note % MIDI_KEYS, value, values)
            if place >= 0:  # before anything else happens at this very frame
                wait = self._repeat(self._keyboard.pulse(place), place, values, period)
                self._due = min(self._due, begin + wait)
            elif not self._keyboard.held:  # what repeats by itself goes on
                self._due = begin
        return self._notes[-1][0] if self._notes else _NEVER

    def _obey(
        self, kind: int, channel: int, note: int, value: float, values: NDArray[np.float64]
    ) -> int:
        """Apply an event; return the index of the key that it pressed, or -1."""
        keyboard = self._keyboard
        if kind == EventKind.NOTE_ON and value > 0.0:
            pressed = keyboard.press(channel, note, min(value, 1.0), self._hertz(note))
            self._arpeggios.release(pressed, values)
            return pressed
        if kind in (EventKind.NOTE_ON, EventKind.NOTE_OFF):
            place = keyboard.release(channel, note)
            if place >= 0:
                self._arpeggios.release(place, values)
        elif kind == EventKind.SUSTAIN:
            keyboard.set_pedal(value >= 0.5)
            self._arpeggios.release_orphans(values)
        elif kind == EventKind.ALL_OFF:
            keyboard.let_go()
            self._arpeggios.silence()
        elif kind == EventKind.START:
            self._running = True
            self._pulse.restart(self._late)
        elif kind == EventKind.STOP:
            self._running = False
            self._arpeggios.release(-1, values)
        return -1

    def _hertz(self, note: int) -> float:
        """Pitch of a key."""
        return float(self._tuning.hertz[note])

    # ------------------------------------------------------------------ time

    def _period(self, values: NDArray[np.float64]) -> float:
        """Samples from one start to the next."""
        if values[P_TEMPO] != self._tempo_knob:  # the last change counts, of knob or MIDI clock
            self._tempo = self._tempo_knob = float(values[P_TEMPO])
        seconds = float(values[P_PERIOD])
        if values[P_SYNC] >= 0.5:
            seconds = synced_period(self._tempo, float(values[P_DIVISION]))
        return seconds * self._sample_rate

    def _start_due(self, values: NDArray[np.float64], period: float) -> int:
        """Start all arpeggios that are due; return the samples until the next start."""
        keyboard, wait = self._keyboard, _NEVER
        if not keyboard.held:
            return self._repeat(self._pulse, -1, values, period) if self._runs else wait
        for place, key in enumerate(keyboard.keys):
            if key.active:
                wait = min(wait, self._repeat(keyboard.pulse(place), place, values, period))
        return wait

    def _repeat(self, pulse: Pulse, place: int, values: NDArray[np.float64], period: float) -> int:
        late = self._late if place < 0 else self._keyboard.late
        while (wait := pulse.wait(period)) <= 0:
            self._arpeggios.start(place, values)
            delay = (
                late + LONGEST_DELAY * float(values[P_HUMANISE]) * self._arpeggios.chance.random()
            )
            pulse.start(float(values[P_SWING]), delay)
        return wait

    @property
    def _runs(self) -> bool:
        """Whether arpeggios repeat without a key."""
        return self._running and not self._arpeggios.frozen

    def _advance(self, periods: float) -> None:
        """Advance all clocks; they stand still while frozen."""
        if self._arpeggios.frozen:
            return
        self._keyboard.clock += periods
        if not self._keyboard.held and self._running:
            self._pulse.advance(periods)

    def _move(self, values: NDArray[np.float64], frames: int) -> NDArray[np.float64]:
        """Compute the block's ramps; return that of the level."""
        targets, rate = self._targets, self._sample_rate
        gamma = 0.0 if self._arpeggios.frozen else float(values[P_GAMMA])
        targets[_OCTAVES] = gamma / rate
        targets[_MODULATION] = float(values[P_F_M]) / rate
        targets[_WIDTH] = 1.0 / (math.sqrt(2.0) * SIGMA_0 * float(values[P_W]))
        targets[_REST] = values[P_AM_SHAPE]
        targets[_DEPTH] = values[P_AM_DEPTH]
        targets[_LEVEL] = units.db_to_amplitude(float(values[P_GAIN]))
        lines = self._ramps.move(targets, frames)
        motion = self._motion
        motion.still = not self._ramps.changed
        motion.octaves, motion.modulation = lines[_OCTAVES], lines[_MODULATION]
        motion.width, motion.rest, motion.depth = lines[_WIDTH], lines[_REST], lines[_DEPTH]
        self._arpeggios.begin_block(values, chirp_step(gamma, rate), frames)
        return lines[_LEVEL]
