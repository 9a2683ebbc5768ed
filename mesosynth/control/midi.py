"""MIDI messages into events: notes, pedals, MPE zones, and the tempo of a MIDI clock."""

from collections.abc import Iterable
from typing import Any, Protocol

import mido

from mesosynth.plugins.plugin import WHOLE_CHANNEL, EventKind

# --------------------------------------------------------------------------------------------------
# Tempo from a MIDI clock, 24 ticks to the quarter note, in spite of their jitter.


TICKS = 24
EVERY = 6
"""Ticks between two reports of the tempo: a sixteenth note."""

_FINEST = 0.05  # the loop's bandwidth, per tick, once it has settled
_PAUSE = 0.5  # s between two ticks: the clock had stopped
_PULL = 0.02  # the most that the tempo is bent to catch up with the beat


class MidiClock:
    """Follows ticks by a delay-locked loop of second order.

    The tempo that it reports is bent a little so that whoever integrates it stays on the ticks:
    counting beats by tempo alone, every rounding would add up.
    """

    def __init__(self) -> None:
        self._last = self._next = self._period = 0.0
        self._ticks = 0
        self.restart()

    def restart(self) -> None:
        """Take the next tick as the first of a beat."""
        self._count = 0
        self._played = 0.0  # ticks that the reported tempo amounts to
        self._rate = 0.0  # ticks a second, as reported
        self._reported = 0.0

    def tick(self, stamp: float) -> float | None:
        """Take a tick that came at `stamp` s; return quarter notes a minute when they are due."""
        gap, self._last = stamp - self._last, stamp
        if self._ticks == 0 or not 0.0 < gap < _PAUSE:
            self._ticks, self._period = 1, 0.0
            self._next = stamp
            self.restart()
        elif self._period == 0.0:
            self._period = gap
            self._next = stamp + gap
            self._ticks += 1
        else:
            self._ticks += 1
            bandwidth = max(_FINEST, 1.0 / self._ticks)
            error = stamp - self._next
            self._next += self._period + min(1.0, 1.5 * bandwidth) * error
            self._period = max(self._period + bandwidth * bandwidth * error, 1e-3)
        self._count += 1
        due = self._period > 0.0 and self._count % EVERY == 0
        return self._report(self._next - self._period) if due else None

    def _report(self, stamp: float) -> float:
        """Tempo at the tick that came at `stamp`, freed of its jitter."""
        rate = 1.0 / self._period
        if self._rate:
            self._played += (stamp - self._reported) * self._rate
        else:
            self._played = float(self._count)
        behind = (self._count - self._played) / (4 * EVERY)
        self._rate = rate * (1.0 + min(max(behind, -_PULL), _PULL))
        self._reported = stamp
        return 60.0 * self._rate / TICKS


# --------------------------------------------------------------------------------------------------
# MPE's zones: which channels belong to one hand, and which of them speaks for the others.
#
# The lower zone's manager is the first channel, its members are those after it; the upper zone's is
# the last one, its members are those before it. Each zone has as many members as was said last, and
# takes them from the other where they would overlap.


CHANNELS = 16
LOWER, UPPER = 0, CHANNELS - 1
"""The managers."""


class Zones:
    """Which channels belong together; none, at first."""

    def __init__(self) -> None:
        self._members: dict[int, tuple[int, ...]] = {LOWER: (), UPPER: ()}

    def resize(self, manager: int, members: int) -> None:
        """Give the zone of a manager so many members, 0 for no zone."""
        members = min(members, CHANNELS - 1)
        taken = range(1, 1 + members) if manager == LOWER else range(UPPER - members, UPPER)
        other = UPPER - manager
        mine = {manager, *taken} if members else set[int]()
        rest = () if other in mine else tuple(c for c in self._members[other] if c not in mine)
        self._members = {manager: tuple(taken), other: rest}

    def manager_of(self, channel: int) -> int | None:
        """The manager of a member; None for a channel that is none."""
        for manager, members in self._members.items():
            if channel in members:
                return manager
        return None

    def members_beside(self, channel: int) -> tuple[int, ...]:
        """All members of the zone that a member is in; a channel that is none stands alone."""
        manager = self.manager_of(channel)
        return (channel,) if manager is None else self._members[manager]

    def led_by(self, channel: int) -> tuple[int, ...]:
        """Channels that a gesture on `channel` is for: a manager's is for its members, too."""
        return (channel, *self._members.get(channel, ()))


# --------------------------------------------------------------------------------------------------
# MIDI bytes in, notes and gestures out.
#
# Both zones of MPE are understood: RPN 6 on the first channel makes the channels after it members,
# on the last one those before it. Each has bend, pressure and timbre of its own, to which those of
# the first, or of the last, are added.


BEND_RANGE = 2.0  # semitones either way, unless RPN 0 says otherwise
MPE_BEND_RANGE = 48.0  # of a member channel
_MOST_BEND = 96.0

_DATA, _DATA_FINE, _PEDAL, _TIMBRE = 6, 38, 64, 74
_RPN_FINE, _RPN = 100, 101
_RPN_BEND, _RPN_MPE, _RPN_NONE = (0, 0), (0, 6), (127, 127)
_SOUND_OFF, _RESET, _NOTES_OFF = 120, 121, 123
_NOT_FOR_KNOBS = {0, 32, _DATA, _DATA_FINE, _PEDAL, *range(96, 102), *range(120, 128)}


_Message = Any
"""A mido.Message, whose attributes are made while it runs."""


class MidiListener(Protocol):
    """Who is told what the bytes meant."""

    def event(self, kind: EventKind, channel: int, note: int, value: float, stamp: float) -> None:
        """What an instrument hears."""
        ...

    def controller(self, channel: int, number: int, position: float, stamp: float) -> None:
        """A knob or slider stands at `position`, 0 to 1."""
        ...

    def program(self, channel: int, number: int) -> None:
        """A program was chosen, 0 to 127."""
        ...


class MidiDecoder:
    """The bytes of one port.

    Any bytes will do: what is no message is left out.

    Parameters
    ----------
    listener : MidiListener
    """

    def __init__(self, listener: MidiListener) -> None:
        self._listener = listener
        self._parser = mido.Parser()
        self._clock = MidiClock()
        self._stamp = 0.0
        self._keys: set[tuple[int, int]] = set()
        self._pedals: set[int] = set()
        self._rpn = [_RPN_NONE] * CHANNELS
        self._range = [BEND_RANGE] * CHANNELS
        self._bend = [0.0] * CHANNELS
        self._zones = Zones()
        self._decode = {
            "note_on": self._note_on,
            "note_off": self._note_off,
            "polytouch": self._key_pressure,
            "aftertouch": self._channel_pressure,
            "pitchwheel": self._pitch_wheel,
            "control_change": self._control,
            "program_change": self._program,
            "clock": self._tick,
            "start": self._start,
            "continue": self._start,
            "stop": self._stop,
        }

    def feed(self, data: Iterable[int], stamp: float) -> None:
        """Take bytes, 0 to 255, that came at `stamp`, s of `time.perf_counter`."""
        self._stamp = stamp
        self._parser.feed(data)
        for message in self._parser:
            decode = self._decode.get(message.type)
            if decode is not None:
                decode(message)

    def release(self, stamp: float) -> None:
        """End whatever is held: the port is gone, and nobody else will."""
        self._stamp = stamp
        for channel, note in sorted(self._keys):
            self._event(EventKind.NOTE_OFF, channel, note, 0.0)
        for channel in sorted(self._pedals):
            self._event(EventKind.SUSTAIN, channel, 0, 0.0)
        self._keys.clear()
        self._pedals.clear()

    def _event(self, kind: EventKind, channel: int, note: int, value: float) -> None:
        self._listener.event(kind, channel, note, value, self._stamp)

    def _note_on(self, message: _Message) -> None:
        if message.velocity == 0:  # how many keyboards send a note's end
            self._note_off(message)
            return
        self._keys.add((message.channel, message.note))
        self._event(EventKind.NOTE_ON, message.channel, message.note, message.velocity / 127.0)

    def _note_off(self, message: _Message) -> None:
        self._keys.discard((message.channel, message.note))
        self._event(EventKind.NOTE_OFF, message.channel, message.note, message.velocity / 127.0)

    def _key_pressure(self, message: _Message) -> None:
        self._event(EventKind.PRESSURE, message.channel, message.note, message.value / 127.0)

    def _channel_pressure(self, message: _Message) -> None:
        for channel in self._zones.led_by(message.channel):
            self._event(EventKind.PRESSURE, channel, WHOLE_CHANNEL, message.value / 127.0)

    def _pitch_wheel(self, message: _Message) -> None:
        self._bend[message.channel] = message.pitch / 8192.0 * self._range[message.channel]
        for channel in self._zones.led_by(message.channel):
            manager = self._zones.manager_of(channel)
            bend = self._bend[channel] + (0.0 if manager is None else self._bend[manager])
            self._event(EventKind.PITCH_BEND, channel, WHOLE_CHANNEL, bend)

    def _program(self, message: _Message) -> None:
        self._listener.program(message.channel, message.program)

    def _tick(self, message: _Message) -> None:
        bpm = self._clock.tick(self._stamp)
        if bpm is not None:
            self._event(EventKind.TEMPO, 0, 0, bpm)

    def _start(self, message: _Message) -> None:
        self._clock.restart()
        self._event(EventKind.START, 0, 0, 0.0)

    def _stop(self, message: _Message) -> None:
        self._event(EventKind.STOP, 0, 0, 0.0)

    def _control(self, message: _Message) -> None:
        channel, number, value = message.channel, message.control, message.value
        if number == _PEDAL:
            down = value >= 64
            (self._pedals.add if down else self._pedals.discard)(channel)
            self._event(EventKind.SUSTAIN, channel, 0, float(down))
        elif number in (_SOUND_OFF, _NOTES_OFF):
            self._keys.clear()
            self._pedals.clear()
            self._event(EventKind.ALL_OFF, channel, WHOLE_CHANNEL, 0.0)
        elif number == _RESET:
            self._reset(channel)
        elif number == _TIMBRE and self._is_mpe(channel):
            for member in self._zones.led_by(channel):
                self._event(EventKind.TIMBRE, member, WHOLE_CHANNEL, value / 127.0)
        elif number == _RPN:
            self._rpn[channel] = (value, self._rpn[channel][1])
        elif number == _RPN_FINE:
            self._rpn[channel] = (self._rpn[channel][0], value)
        elif number == _DATA:
            self._set_registered(channel, value)
        elif number not in _NOT_FOR_KNOBS:
            self._listener.controller(channel, number, value / 127.0, self._stamp)

    def _reset(self, channel: int) -> None:
        self._bend[channel] = 0.0
        self._pedals.discard(channel)
        self._event(EventKind.SUSTAIN, channel, 0, 0.0)
        for member in self._zones.led_by(channel):
            bend = self._bend[member]
            self._event(EventKind.PITCH_BEND, member, WHOLE_CHANNEL, bend)
            self._event(EventKind.PRESSURE, member, WHOLE_CHANNEL, 0.0)

    def _set_registered(self, channel: int, value: int) -> None:
        if self._rpn[channel] == _RPN_BEND:
            for member in self._zones.members_beside(channel):  # they bend by the same range
                self._range[member] = min(float(value), _MOST_BEND)
        elif self._rpn[channel] == _RPN_MPE and channel in (LOWER, UPPER):
            self._resize_zone(channel, value)

    def _resize_zone(self, manager: int, members: int) -> None:
        before = [self._zones.manager_of(channel) for channel in range(CHANNELS)]
        self._zones.resize(manager, members)
        for channel, was_in in enumerate(before):
            is_in = self._zones.manager_of(channel)
            if is_in == manager or is_in != was_in:
                self._range[channel] = BEND_RANGE if is_in is None else MPE_BEND_RANGE

    def _is_mpe(self, channel: int) -> bool:
        """Whether it is a zone's, as its manager or as a member."""
        return self._zones.manager_of(channel) is not None or len(self._zones.led_by(channel)) > 1
