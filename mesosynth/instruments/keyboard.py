"""Keyboard and its clock: held keys, gestures, and starts repeated by period or tempo.

An instrument that is played and repeats as the arpeggiator does derives from
:class:`KeyboardInstrument`, which reads the events and calls it at their frames::

    class Bell(KeyboardInstrument):
        name, pitch = "Bell", "f_c"
        parameters = ParameterTable([..., *REPETITION, RELEASE, GAIN])

        def prepare(self, sample_rate, max_block): ...      # allocate, then super().prepare(...)
        def forget(self): ...                               # no voices, ramps at their targets
        def begin_block(self): ...                          # aim the ramps at self.knobs
        def start(self, place): ...                         # of a key, or -1: by the clock
        def release(self, place): ...                       # the key let go; -1: transport stopped
        def silence(self): ...                              # fade all at once
        def render(self, block, begin, end): ...            # one kernel call: frames begin to end

`start` finds pitch, velocity and gain in ``self.keyboard.keys[place]`` and bend, pressure and slide
in ``self.keyboard.gestures``. All calls come in the order of time: whatever starts at a frame is
rendered from that frame on, so a kernel needs no start times.

Where every start is a voice of its own, :class:`VoiceInstrument` allocates, releases and steals
them.
"""

import math
import random
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from mesosynth import units
from mesosynth.errors import ArgumentError
from mesosynth.plugins.parameters import Parameter
from mesosynth.plugins.plugin import CHANNELS, WHOLE_CHANNEL, EventKind, Events, Instrument
from mesosynth.plugins.tempo import DIVISIONS, LONGEST_DELAY, Pulse, synced_period
from mesosynth.plugins.tuning import MIDDLE_C_HERTZ, KeyTuning
from mesosynth.system.kernels import F4, F8, compile_loops, loop

KEYS = 16
"""Keys held at once; a further key replaces the one that was pressed first."""

MIDI_CHANNELS = 16
MIDI_KEYS = 128
SEED = 20261121

BEND, PRESSURE, TIMBRE, KEY_PRESSURE = range(4)
"""Rows of :attr:`Keyboard.gestures`: the first three by MIDI channel, the last by key."""

_SLOWEST, _FASTEST = 5.0, 960.0  # BPM
_NEVER = 1 << 40  # samples
_AT_ITS_FRAME = frozenset(
    (EventKind.NOTE_ON, EventKind.NOTE_OFF, EventKind.SUSTAIN, EventKind.ALL_OFF, EventKind.START,
     EventKind.STOP)
)  # fmt: skip

REPETITION = (
    Parameter("period", "Period", "s", 0.1, 16.0, 1.5,
              "Time from one start to the next, unless it keeps the tempo.", curve="log"),
    Parameter("sync", "Sync", "", 0.0, 1.0, 0.0,
              "Whether starts repeat by the period or by tempo and note value.",
              choices=("Period", "Tempo")),
    Parameter("tempo", "Tempo", "BPM", 20.0, 300.0, 120.0, "Quarter notes a minute."),
    Parameter("division", "Note value", "", 0.0, len(DIVISIONS) - 1.0,
              float([*DIVISIONS].index("1/2")),
              "Note value by which starts repeat when they keep the tempo.",
              choices=tuple(DIVISIONS)),
    Parameter("swing", "Swing", "", 0.0, 0.6, 0.0,
              "How late every other start is, in periods; a third is a triplet's swing."),
    Parameter("humanise", "Humanise", "", 0.0, 1.0, 0.0,
              "How much onset, pitch and level of each start stray, always in the same way."),
)  # fmt: skip
"""Parameters of the clock; every :class:`KeyboardInstrument` has them."""

SPREAD = Parameter("spread", "Spread", "", 0.0, 1.0, 0.0,
                   "How far starts lie from the middle, to the left and to the right.")  # fmt: skip
RELEASE = Parameter("release", "Release", "s", 0.02, 8.0, 1.0,
                    "Time in which the sound fades once its key is let go.", "log")  # fmt: skip
GAIN = Parameter("gain", "Gain", "dB", -60.0, 6.0, -9.0, "Level of the output.")


EARLIEST, LATEST = -8.0, 16.0
"""Range of the delay of a repetition, s; before 0 its first event is under way at the beginning."""


@dataclass(slots=True)
class Key:
    """One held key, which repeats while it is `active`."""

    active: bool = False  # held, by finger or pedal
    down: bool = False  # held by finger
    note: int = 0  # MIDI, 0 to 127
    channel: int = 0  # MIDI, 0 to 15
    hertz: float = 0.0  # pitch without the bend
    velocity: float = 0.0  # 0 to 1
    gain: float = 0.0  # its square, an amplitude
    pressed: int = 0  # number of the key press, counted from the reset
    pulse: Pulse = field(default_factory=Pulse)  # clock of its starts
    seen: float = 0.0  # time on the keyboard's clock to which `pulse` is advanced, periods


class Keyboard:
    """All held keys and the gestures of each MIDI channel."""

    def __init__(self) -> None:
        self.keys = [Key() for _ in range(KEYS)]
        self.held = False  # whether any key is, by finger or pedal
        self.gestures = np.zeros((4, MIDI_CHANNELS))  # rows as above; semitones, and 0 to 1
        self.late = 0.0  # delay of the starts of each key, periods
        self.clock = 0.0  # periods that have passed while not frozen
        self.moved = True  # whether a gesture changed the sound; the reader clears it
        self.reset()

    def reset(self) -> None:
        """Release all keys and centre all gestures."""
        self.let_go()
        self.gestures.fill(0.0)
        self._presses = 0
        self.moved = True

    def pulse(self, place: int) -> Pulse:
        """[audio] Clock of the key at `place`, advanced to now."""
        key = self.keys[place]
        key.pulse.advance(self.clock - key.seen)
        key.seen = self.clock
        return key.pulse

    def press(self, channel: int, note: int, velocity: float, hertz: float) -> int:
        """[audio] Hold a key; voices of an older press of the same key are no longer its own.

        Parameters
        ----------
        channel : int
            0 to 15.
        note : int
            0 to 127.
        velocity : float
            0 to 1; the gain is its square.
        hertz : float
            Pitch of the key, Hz.

        Returns
        -------
        int
            Index in `keys`.
        """
        place = self._find(channel, note)
        if place < 0:
            free = [i for i in range(KEYS) if not self.keys[i].active]
            place = free[0] if free else min(range(KEYS), key=self._pressed)
        self._presses += 1
        key = self.keys[place]
        key.active = key.down = True
        key.channel, key.note, key.hertz = channel, note, hertz
        key.velocity, key.gain, key.pressed = velocity, velocity * velocity, self._presses
        self.gestures[KEY_PRESSURE, place] = 0.0
        key.pulse.restart(self.late)
        key.seen, self.held = self.clock, True
        return place

    def release(self, channel: int, note: int) -> int:
        """[audio] Release a key.

        Parameters
        ----------
        channel : int
            0 to 15.
        note : int
            0 to 127.

        Returns
        -------
        int
            Index in `keys` if it is not held by the pedal, else -1.
        """
        place = self._find(channel, note)
        if place < 0:
            return -1
        key = self.keys[place]
        key.down = False
        key.active = self._pedal
        self._look()
        return -1 if key.active else place

    def set_pedal(self, down: bool) -> list[int]:
        """[audio] Press or release the sustain pedal; return the keys that this releases."""
        self._pedal = down
        if down:
            return []
        released = [i for i, key in enumerate(self.keys) if key.active and not key.down]
        for place in released:
            self.keys[place].active = False
        self._look()
        return released

    def let_go(self) -> None:
        """[audio] Release all keys and the pedal."""
        self._pedal = False
        self.held = False
        for key in self.keys:
            key.active = key.down = False

    def gesture(self, kind: int, channel: int, note: int, value: float) -> None:
        """[audio] Apply a bend, pressure or slide.

        Parameters
        ----------
        kind : int
            PITCH_BEND, PRESSURE or TIMBRE of :class:`EventKind`.
        channel : int
            0 to 15.
        note : int
            0 to 127, or WHOLE_CHANNEL; only for pressure.
        value : float
            Semitones of a bend; else 0 to 1.
        """
        if kind == EventKind.PITCH_BEND:
            self.gestures[BEND, channel] = value
        elif kind == EventKind.TIMBRE:
            self.gestures[TIMBRE, channel] = value
        elif kind == EventKind.PRESSURE and note == WHOLE_CHANNEL:
            self.gestures[PRESSURE, channel] = value
        elif kind == EventKind.PRESSURE:
            place = self._find(channel, note)
            if place >= 0:
                self.gestures[KEY_PRESSURE, place] = value
        self.moved = True

    def _find(self, channel: int, note: int) -> int:
        for place, key in enumerate(self.keys):
            if key.active and key.note == note and key.channel == channel:
                return place
        return -1

    def _look(self) -> None:
        self.held = any(key.active for key in self.keys)

    def _pressed(self, place: int) -> int:
        return self.keys[place].pressed


class TunedInstrument(Instrument):
    """Instrument whose keys may be tuned to a scale."""

    pitch: ClassVar[str] = ""  # id of the parameter whose place a key takes, if it takes one's

    def __init__(self) -> None:
        self.tuning = KeyTuning()
        self.relative = False  # whether keys transpose `pitch` by their distance from middle C

    def state(self) -> dict[str, Any]:
        """[control] Scale of the keys, if it is not the equal temperament."""
        return self.tuning.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        """[control] Tune the keys, as :meth:`mesosynth.plugins.tuning.KeyTuning.restore`.

        Raises
        ------
        ArgumentError
            If it is not a scale; the keys stay as they were.
        """
        self.tuning.restore(state)


class KeyboardInstrument(TunedInstrument):
    """Instrument that keys play and that repeats by period or tempo."""

    def __init__(self) -> None:
        super().__init__()
        self.keyboard = Keyboard()
        self.chance = random.Random()  # for humanise, with a fixed seed
        self.knobs: list[float] = []  # all parameters at the end of the block
        self.frozen = False  # whether all clocks stand still
        # Of starts without a key: delay in periods, of which the first of a negative one is under
        # way already when the repetition begins; delay in s, in its place if it is not 0; and the
        # part of a start that is over at its first sample, s.
        self.late = self.delay = self.missed = 0.0
        self.muted = False  # whether clocks advance without a sound, and the block stays as it is
        self._pulse = Pulse()
        index = self.parameters.index
        self._pitch_at, self._period_at, self._tempo_at, self._division_at, self._sync_at = (
            index(id_) for id_ in (self.pitch, "period", "tempo", "division", "sync")
        )
        self._swing_at, self._humanise_at = index("swing"), index("humanise")

    # ------------------------------------------------------------------ what an instrument writes

    @abstractmethod
    def forget(self) -> None:
        """[audio] Drop all voices, and let the ramps of the next block stand at their targets."""

    @abstractmethod
    def begin_block(self) -> None:
        """[audio] Aim the ramps of a block at the knobs."""

    @abstractmethod
    def start(self, place: int) -> None:
        """[audio] Start an event of the key at `place`, or without a key (-1)."""

    @abstractmethod
    def release(self, place: int) -> None:
        """[audio] Release the voices of the key at `place`, or those without a key (-1)."""

    @abstractmethod
    def silence(self) -> None:
        """[audio] Fade all voices at once."""

    @abstractmethod
    def render(self, block: F4, begin: int, end: int) -> None:
        """[audio] Render a part of a block.

        Parameters
        ----------
        block : (2, frames) float32
        begin, end : int
            Frames to overwrite.
        """

    # ------------------------------------------------------------------ the contract of plugins

    def prepare(self, sample_rate: float, max_block: int) -> None:
        """[control] Allocate everything for blocks of up to `max_block` frames, then reset."""
        self._sample_rate = float(sample_rate)
        self.reset()

    def reset(self) -> None:
        """[control] Forget all sound, as if `prepare` had just returned."""
        self.keyboard.reset()
        self.chance.seed(SEED)
        self.restart()
        self.frozen, self._running = False, True
        self.forget()
        self._tempo = self._tempo_knob = 0.0
        self._notes: list[tuple[int, int, int, int, float]] = []

    def restart(self) -> None:
        """[audio] Let the repetition without a key begin `late` periods from now."""
        self._pulse.restart(self.late)
        self._begins = self._is_fresh = True

    def state(self) -> dict[str, Any]:
        """[control] Scale of the keys, and the delay of the repetition, s, if there are any."""
        return {**super().state(), **({"delay": self.delay} if self.delay else {})}

    def restore(self, state: Mapping[str, Any]) -> None:
        """[control] Tune the keys, and let the repetition begin later or earlier.

        Parameters
        ----------
        state : mapping
            "tuning" as for :meth:`mesosynth.plugins.tuning.KeyTuning.restore`, and "delay", s.

        Raises
        ------
        ArgumentError
            If either is not valid; all stays as it was.
        """
        delay: object = state.get("delay", 0.0)
        if not isinstance(delay, (int, float)) or not EARLIEST <= delay <= LATEST:
            raise ArgumentError(f"delay={delay!r} must be {EARLIEST:g} to {LATEST:g} s.")
        super().restore(state)
        self.delay = float(delay)

    def mute(self, muted: bool) -> None:
        """[audio] Advance the clocks of the next blocks without a sound, or play again."""
        if muted and not self.muted:
            self.forget()
        self.muted = muted

    def process(self, values: F8, events: Events, block: F4) -> None:
        """[audio] Overwrite `block`, (2, frames) float32, with the next samples."""
        self.knobs = values.tolist()
        frames = block.shape[1]
        if len(events):
            self._sort(events)
        period = self._period()
        if self.delay:
            self.late = self.delay * self._sample_rate / period
        if not self.muted:
            self.begin_block()
        now = self._due = 0  # the period or tempo may have changed: ask every clock again
        while now < frames:
            until = self._take_notes(now, period) if self._notes else _NEVER
            if self._due <= now:
                self._due = now + self._start_due(period)
            then = min(self._due, until, frames)
            if not self.muted:
                self.render(block, now, then)
            if not self.frozen:
                self._advance((then - now) / period)
            now = then

    # ------------------------------------------------------------------ events

    def _sort(self, events: Events) -> None:
        """Apply gestures at once, as they ramp over the block; keep events for their own frame."""
        self._notes.clear()
        for event in events.tolist():
            _, kind, channel, note, value = event
            if kind in _AT_ITS_FRAME:
                self._notes.append(event)
            elif kind == EventKind.TEMPO:
                self._tempo = min(max(value, _SLOWEST), _FASTEST)
            elif kind == EventKind.FREEZE:
                self.frozen = value >= 0.5
            else:
                self.keyboard.gesture(kind, channel % MIDI_CHANNELS, note, value)
        self._notes.reverse()  # the next one is the last

    def _take_notes(self, now: int, period: float) -> int:
        """Apply events up to frame `now`; return the frame of the next one."""
        while self._notes and self._notes[-1][0] <= now:
            _, kind, channel, note, value = self._notes.pop()
            place = self._obey(kind, channel % MIDI_CHANNELS, note % MIDI_KEYS, value)
            if place >= 0:  # before anything else happens at this very frame
                wait = self._repeat(self.keyboard.pulse(place), place, period)
                self._due = min(self._due, now + wait)
            elif not self.keyboard.held:  # what repeats by itself goes on
                self._due = now
        return self._notes[-1][0] if self._notes else _NEVER

    def _obey(self, kind: int, channel: int, note: int, value: float) -> int:
        """Apply an event; return the index of the key that it pressed, or -1."""
        keyboard = self.keyboard
        if kind == EventKind.NOTE_ON and value > 0.0:
            hertz = float(self.tuning.hertz[note])
            if self.relative:
                hertz *= self.knobs[self._pitch_at] / MIDDLE_C_HERTZ
            pressed = keyboard.press(channel, note, min(value, 1.0), hertz)
            self.release(pressed)
            return pressed
        if kind in (EventKind.NOTE_ON, EventKind.NOTE_OFF):
            place = keyboard.release(channel, note)
            if place >= 0:
                self.release(place)
        elif kind == EventKind.SUSTAIN:
            for place in keyboard.set_pedal(value >= 0.5):
                self.release(place)
        elif kind == EventKind.ALL_OFF:
            keyboard.let_go()
            self.silence()
        elif kind == EventKind.START:
            self._running = True
            self.restart()
        elif kind == EventKind.STOP:
            self._running = False
            self.release(-1)
        return -1

    # ------------------------------------------------------------------ time

    def _period(self) -> float:
        """Samples from one start to the next."""
        tempo = self.knobs[self._tempo_at]
        if tempo != self._tempo_knob:  # the last change counts, knob or MIDI clock
            self._tempo = self._tempo_knob = tempo
        seconds = self.knobs[self._period_at]
        if self.knobs[self._sync_at] >= 0.5:
            seconds = synced_period(self._tempo, self.knobs[self._division_at])
        return seconds * self._sample_rate

    def _start_due(self, period: float) -> int:
        """Start all that is due; return the samples until the next start."""
        wait = _NEVER
        if not self.keyboard.held:
            runs = self._running and not self.frozen
            if runs and self._is_fresh:
                self._is_fresh = False
                if self.delay:
                    self._pulse.restart(self.late)
            return self._repeat(self._pulse, -1, period) if runs else wait
        for place, key in enumerate(self.keyboard.keys):
            if key.active:
                wait = min(wait, self._repeat(self.keyboard.pulse(place), place, period))
        return wait

    def _repeat(self, pulse: Pulse, place: int, period: float) -> int:
        while (wait := pulse.wait(period)) <= 0:
            if self.muted and self.frozen:  # a key that is pressed now sounds once it can
                return _NEVER
            late = self.late if place < 0 else self.keyboard.late
            if place < 0:
                self.missed = max(-wait, 0) / self._sample_rate if self._begins else 0.0
                self._begins = False
            if not self.muted:
                self.start(place)
                late += LONGEST_DELAY * self.knobs[self._humanise_at] * self.chance.random()
            pulse.start(self.knobs[self._swing_at], late)
        return wait

    def _advance(self, periods: float) -> None:
        """Advance all clocks; without a key also that of the repetition."""
        self.keyboard.clock += periods
        if not self.keyboard.held and self._running:
            self._pulse.advance(periods)


# --------------------------------------------------------------------------------------------------
# Voices
#
# A voice is a row. From V_STEP on, pitch, amplitude and partials ramp over a block: their values at
# its begin are followed by those at its end, and these by the columns of the instrument's own.

VOICES = 16
ROWS = 48  # for voices; those beyond VOICES fade
FADE_SECONDS = 0.02  # of a stolen voice; no longer than the shortest period
STRAY_SEMITONES = 0.25  # largest detuning of a fully humanised start, up or down
STRAY_DB = 6.0  # largest attenuation of a fully humanised start
PRESSURE_GAIN = 1.0  # an amplitude of 1 + this at full pressure: 6 dB
SLIDE = 60.0  # dB per octave of brightness for a full slide

(
    V_COMING,  # attack level
    V_RISE,  # change of the attack level per sample
    V_GOING,  # release level
    V_FADE,  # loss of the release level per sample; 0 until it is released
    V_LEFT,
    V_RIGHT,
    V_HERTZ,  # of its key; 0 follows the parameter
    V_DETUNE,  # frequency ratio from humanise
    V_KEY,  # index of its key among the held ones, or -1
    V_CHANNEL,
    V_GAIN,  # from velocity and humanise
    V_SOFTNESS,  # less brightness from a soft key, dB/octave
    V_BORN,  # number of the start since the reset
    V_STEP,  # pitch, cycles per sample, at the block's begin
    V_AMPLITUDE,  # from velocity, pressure and humanise, at the block's begin
    V_PARTIAL,  # first of the partials' amplitudes, at the block's begin
) = range(16)

_RELEASED = -2.0  # in place of a voice's key
_GOLDEN = 0.5 * (math.sqrt(5.0) - 1.0)
_OCTAVE_DB = 20.0 * math.log10(2.0)


@loop("void(f8[:, ::1], i8, i8, i8, f8[:, ::1], f8, f8, f8, f8, f8)")
def _aim_voices(
    voices: F8, first: int, count: int, partials: int, gestures: F8, f_c: float, unit: float,
    brightness: float, brightest: float, pure: float,
) -> None:  # fmt: skip
    """Set the ends of the ramps of voices `first` to `count`.

    ``a_k = k^(slope / (20 log10 2)) / n``, where n is the root of the sum of squares, so that
    brightness changes the timbre but not the power; with a slope of `pure` or less only the
    fundamental sounds. `unit` are the cycles per sample of 1 Hz.
    """
    ends = 2 + partials  # columns from the begin of a ramp to its end
    for v in range(first, count):
        row = voices[v]
        channel, key = int(row[V_CHANNEL]), int(row[V_KEY])
        hertz = row[V_HERTZ] if row[V_HERTZ] > 0.0 else f_c
        bend = 2.0 ** (gestures[BEND, channel] / 12.0)
        row[V_STEP + ends] = hertz * row[V_DETUNE] * bend * unit
        pressure = gestures[PRESSURE, channel]
        if key >= 0:
            pressure = max(pressure, gestures[KEY_PRESSURE, key])
        row[V_AMPLITUDE + ends] = row[V_GAIN] * (1.0 + PRESSURE_GAIN * pressure)
        slope = brightness - row[V_SOFTNESS] + SLIDE * gestures[TIMBRE, channel]
        slope = min(slope, max(brightness, brightest))
        a = row[V_PARTIAL + ends :]
        power = 0.0
        for k in range(partials):
            a[k] = (k + 1.0) ** (slope / _OCTAVE_DB)
            if k and slope <= pure:
                a[k] = 0.0
            power += a[k] * a[k]
        for k in range(partials):
            a[k] /= math.sqrt(power)


class VoiceInstrument(KeyboardInstrument):
    """Keyboard instrument whose every start is a voice, a row of a matrix that a loop renders."""

    partials: ClassVar[int]  # of a voice
    fields: ClassVar[int]  # columns of a voice
    ramped: ClassVar[int]  # columns of the ramps that all voices share
    brightest: ClassVar[float] = 0.0  # dB/octave, beyond which a slide does not go
    pure: ClassVar[float] = -math.inf  # dB/octave, at which only the fundamental sounds
    softness: ClassVar[float] = 0.0  # dB/octave that the softest key loses

    def __init__(self) -> None:
        super().__init__()
        self.voices = self.starts = 0  # with those that fade; since the reset
        table = self.parameters
        self._spread_at, self._release_at = table.index("spread"), table.index("release")
        self._brightness_at = table.index("brightness") if "brightness" in table else None

    # ------------------------------------------------------------------ what an instrument writes

    @abstractmethod
    def aim_ramps(self) -> float:
        """[audio] Set the ends of the shared ramps; return the cycles per sample of 1 Hz."""

    @abstractmethod
    def _begin_voice(self, row: F8, place: int) -> None:
        """[audio] Set the own columns of a new voice, of the key at `place` or without one (-1)."""

    @abstractmethod
    def loudness(self, row: F8) -> float:
        """[audio] Level of a voice, for the choice of one to end."""

    def sounding(self) -> list[int]:
        """[audio] Voices that are not about to end."""
        return [v for v in range(self.voices) if self._rows[v, V_FADE] < self._fast]

    def _dispensable(self, sounding: list[int], by_key: bool) -> int:
        """[audio] Voice that gives way to a new one, of those that sound, or -1."""
        return min(sounding, key=self._order)

    # ------------------------------------------------------------------ voices

    def prepare(self, sample_rate: float, max_block: int) -> None:
        """[control] Allocate everything for blocks of up to `max_block` frames, then reset."""
        compile_loops(__name__)
        self._rows = np.zeros((ROWS, self.fields))
        self._ramps = np.zeros((3, self.ramped))
        self._mix = np.zeros((CHANNELS, max_block))
        self._fast = 1.0 / (FADE_SECONDS * sample_rate)
        super().prepare(sample_rate, max_block)

    def reset(self) -> None:
        """[control] Forget all sound, as if `prepare` had just returned."""
        super().reset()
        self.starts = 0

    def forget(self) -> None:
        """[audio] Drop all voices, and let the ramps of the next block stand at their targets."""
        self.voices = 0
        self._said: list[float] = []
        self._moving = self._was_frozen = False
        self._unit = self._base = self._next_base = 0.0

    def begin_block(self) -> None:
        """[audio] Aim the ramps of a block at the knobs."""
        knobs, fresh = self.knobs, not self._said
        self._base = self._next_base
        still = knobs == self._said and self.frozen == self._was_frozen
        if still and not self._moving and not self.keyboard.moved:
            return
        self._moving, self._was_frozen, self._said = not still, self.frozen, knobs
        self._unit = self.aim_ramps()
        self._next_base = knobs[self._pitch_at] * self._unit
        if fresh:
            self._ramps[0], self._base = self._ramps[1], self._next_base
        self._aim(0)
        self.keyboard.moved = False

    def _aim(self, first: int) -> None:
        brightness = 0.0 if self._brightness_at is None else self.knobs[self._brightness_at]
        _aim_voices(
            self._rows, first, self.voices, self.partials, self.keyboard.gestures,
            self.knobs[self._pitch_at], self._unit, brightness, self.brightest, self.pure,
        )  # fmt: skip

    def start(self, place: int) -> None:
        """[audio] Start a voice, of the key at `place` or without one (-1)."""
        if not self.make_room(place >= 0):
            return
        row, knobs = self._rows[self.voices], self.knobs
        row.fill(0.0)
        row[V_COMING] = row[V_GOING] = 1.0
        humanise = knobs[self._humanise_at]
        semitones = STRAY_SEMITONES * humanise * (2.0 * self.chance.random() - 1.0)
        row[V_DETUNE] = 2.0 ** (semitones / 12.0)
        row[V_GAIN] = units.db_to_amplitude(-STRAY_DB * humanise * self.chance.random())
        # Steps of the golden ratio: each place is far from the last ones, the first in the middle.
        side = knobs[self._spread_at] * (2.0 * ((0.5 + _GOLDEN * self.starts) % 1.0) - 1.0)
        row[V_LEFT], row[V_RIGHT] = math.sqrt(1.0 - side), math.sqrt(1.0 + side)
        row[V_BORN], row[V_KEY] = self.starts, place
        self.starts += 1
        if place >= 0:
            key = self.keyboard.keys[place]
            row[V_HERTZ], row[V_CHANNEL] = key.hertz, key.channel
            row[V_GAIN] *= key.gain
            row[V_SOFTNESS] = self.softness * (1.0 - key.velocity)
        self.voices += 1
        self._aim(self.voices - 1)
        end = V_PARTIAL + self.partials
        row[V_STEP:end] = row[end : 2 * end - V_STEP]
        if place < 0:  # the block's ramps may be under way already
            row[V_STEP] *= self._base / self._next_base
        self._begin_voice(row, place)

    def release(self, place: int) -> None:
        """[audio] Release the voices of the key at `place`, or those without a key (-1)."""
        for voice, key in enumerate(self._rows[: self.voices, V_KEY].tolist()):
            if key == place:
                row = self._rows[voice]
                row[V_KEY] = _RELEASED
                if row[V_FADE] == 0.0:
                    row[V_FADE] = fade = 1.0 / (self.knobs[self._release_at] * self._sample_rate)
                    if row[V_RISE] > 0.0:  # it begins after the attack
                        row[V_GOING] = 1.0 + fade * (1.0 - row[V_COMING]) / row[V_RISE]

    def silence(self) -> None:
        """[audio] Fade all voices at once."""
        for row in self._rows[: self.voices]:
            row[V_KEY] = _RELEASED
            self._steal(row)

    def _steal(self, row: F8) -> None:
        """Fade a voice within the shortest period."""
        if row[V_FADE] < self._fast:
            row[V_GOING] = self.level(row)
            row[V_FADE] = self._fast

    def level(self, row: F8) -> float:
        """[audio] Level of a voice by attack and release, 0 to 1."""
        return min(max(min(float(row[V_COMING]), float(row[V_GOING])), 0.0), 1.0)

    def make_room(self, by_key: bool) -> bool:
        """[audio] Fade a voice where there are too many; return whether a new one may start.

        A voice that is replaced at once would click, so it fades within the shortest period. A key
        always sounds; a start without one is left out where no voice gives way.
        """
        sounding = self.sounding()
        count = len(sounding)
        if count >= (VOICES if by_key else VOICES - 1):
            voice = self._dispensable(sounding, by_key)
            if voice >= 0:
                self._steal(self._rows[voice])
                count -= 1
        if self.voices == ROWS and by_key:
            self.voices -= 1
            self._rows[min(range(ROWS), key=self._order)] = self._rows[self.voices]
        return by_key or (count < VOICES and self.voices < ROWS)

    def _order(self, voice: int) -> tuple[float, float]:
        """Loudness and number of a voice: of equals, the oldest goes first."""
        return self.loudness(self._rows[voice]), float(self._rows[voice, V_BORN])
