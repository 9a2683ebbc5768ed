"""MIDI decoder: notes, pedals, MPE zones, and the tempo of a MIDI clock."""

from collections.abc import Iterable
from typing import Any, Protocol

import mido

from mesosynth.plugins.plugin import WHOLE_CHANNEL, EventKind

# --------------------------------------------------------------------------------------------------
# Tempo of a MIDI clock, 24 ticks to the quarter note, without their jitter


TICKS = 24
EVERY = 6
"""Ticks between two reports of the tempo: a sixteenth note."""

_FINEST = 0.05  # bandwidth of the settled loop, per tick
_PAUSE = 0.5  # s between two ticks: the clock had stopped
_PULL = 0.02  # largest relative change of the tempo to catch up with the beat


class MidiClock:
    """Delay-locked loop of second order that follows the ticks.

    The reported tempo is adjusted slightly, so that an integral of it stays on the ticks: without
    that, rounding errors would add up.
    """

    def __init__(self) -> None:
        self._last = self._next = self._period = 0.0
        self._ticks = 0
        self.restart()

    def restart(self) -> None:
        """Begin a beat with the next tick."""
        self._count = 0
        self._played = 0.0  # integral of the reported tempo, ticks
        self._rate = 0.0  # reported tempo, ticks/s
        self._reported = 0.0

    def tick(self, stamp: float) -> float | None:
        """Process a tick at `stamp` s; return the tempo, quarter notes a minute, when it is due."""
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
        """Tempo at the tick at `stamp`, without jitter."""
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
# MPE zones: a manager channel and its member channels
#
# The lower zone's manager is the first channel, its members are the channels after it; the upper
# zone's manager is the last channel, its members are the channels before it. The last message sets
# the number of members; they are taken from the other zone where both would overlap.


CHANNELS = 16
LOWER, UPPER = 0, CHANNELS - 1
"""Manager channels."""


class Zones:
    """The two MPE zones; both are empty at first."""

    def __init__(self) -> None:
        self._members: dict[int, tuple[int, ...]] = {LOWER: (), UPPER: ()}

    def resize(self, manager: int, members: int) -> None:
        """Set the size of a zone.

        Parameters
        ----------
        manager : int
            LOWER or UPPER.
        members : int
            Number of members; 0 for no zone.
        """
        members = min(members, CHANNELS - 1)
        taken = range(1, 1 + members) if manager == LOWER else range(UPPER - members, UPPER)
        other = UPPER - manager
        mine = {manager, *taken} if members else set[int]()
        rest = () if other in mine else tuple(c for c in self._members[other] if c not in mine)
        self._members = {manager: tuple(taken), other: rest}

    def manager_of(self, channel: int) -> int | None:
        """Manager of a member channel; None for other channels."""
        for manager, members in self._members.items():
            if channel in members:
                return manager
        return None

    def members_beside(self, channel: int) -> tuple[int, ...]:
        """All members of the zone of a member channel; for other channels, the channel alone."""
        manager = self.manager_of(channel)
        return (channel,) if manager is None else self._members[manager]

    def led_by(self, channel: int) -> tuple[int, ...]:
        """Channels of a gesture on `channel`: a manager's is for its members, too."""
        return (channel, *self._members.get(channel, ()))


# --------------------------------------------------------------------------------------------------
# Decoder: MIDI bytes to notes and gestures
#
# RPN 6 on the first channel makes the channels after it members of an MPE zone, on the last channel
# those before it. Each member has bend, pressure and timbre of its own, to which the manager's are
# added.


BEND_RANGE = 2.0  # semitones up and down, unless RPN 0 sets it
MPE_BEND_RANGE = 48.0  # of a member channel
_MOST_BEND = 96.0

_WHEEL, _DATA, _DATA_FINE, _PEDAL, _TIMBRE = 1, 6, 38, 64, 74
_NRPN_FINE, _NRPN = 98, 99
_RPN_FINE, _RPN = 100, 101
_RPN_BEND, _RPN_MPE, _RPN_NONE = (0, 0), (0, 6), (127, 127)
_SOUND_OFF, _RESET, _NOTES_OFF = 120, 121, 123
_NOT_FOR_KNOBS = {0, 32, _DATA, _DATA_FINE, _PEDAL, *range(96, 102), *range(120, 128)}


_Message = Any
"""A mido.Message, whose attributes have no types."""


class MidiListener(Protocol):
    """Receiver of decoded messages."""

    def event(self, kind: EventKind, channel: int, note: int, value: float, stamp: float) -> None:
        """Receive an event for the instrument.

        Parameters
        ----------
        kind : EventKind
        channel : int
            0 to 15.
        note : int
            0 to 127, or WHOLE_CHANNEL.
        value : float
            In the unit of the kind.
        stamp : float
            Time, s of `time.perf_counter`.
        """
        ...

    def controller(self, channel: int, number: int, position: float, stamp: float) -> None:
        """Receive the position of a controller.

        Parameters
        ----------
        channel : int
            0 to 15.
        number : int
            0 to 127.
        position : float
            0 to 1.
        stamp : float
            Time, s of `time.perf_counter`.
        """
        ...

    def program(self, channel: int, number: int) -> None:
        """Receive a program change.

        Parameters
        ----------
        channel : int
            0 to 15.
        number : int
            0 to 127.
        """
        ...


class MidiDecoder:
    """Decoder of the bytes of one port; bytes that are not MIDI are skipped.

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
        """Decode bytes.

        Parameters
        ----------
        data : iterable of int
            0 to 255.
        stamp : float
            Time of arrival, s of `time.perf_counter`.
        """
        self._stamp = stamp
        self._parser.feed(data)
        for message in self._parser:
            decode = self._decode.get(message.type)
            if decode is not None:
                decode(message)

    def release(self, stamp: float) -> None:
        """Release all held keys and pedals of a port that is gone."""
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
        if message.velocity == 0:  # many keyboards send it for a note off
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
            self._let_go(channel, number == _SOUND_OFF)
        elif number == _RESET:
            self._reset(channel)
        elif number == _TIMBRE and self._is_mpe(channel):
            for member in self._zones.led_by(channel):
                self._event(EventKind.TIMBRE, member, WHOLE_CHANNEL, value / 127.0)
        elif number in (_NRPN_FINE, _NRPN):
            self._rpn[channel] = _RPN_NONE  # data entry is for a parameter of the maker's now
        elif number == _RPN:
            self._rpn[channel] = (value, self._rpn[channel][1])
        elif number == _RPN_FINE:
            self._rpn[channel] = (self._rpn[channel][0], value)
        elif number == _DATA:
            self._set_registered(channel, value)
        elif number not in _NOT_FOR_KNOBS:
            if number == _WHEEL:
                self._event(EventKind.WHEEL, channel, WHOLE_CHANNEL, value / 127.0)
            self._listener.controller(channel, number, value / 127.0, self._stamp)

    def _let_go(self, channel: int, at_once: bool) -> None:
        """Release the keys of a channel, and of its members where it manages a zone.

        Where no other channel plays, that is all sound there is, stuck notes included. What a
        pedal sustains goes on, unless it shall end `at_once`.
        """
        channels = set(self._zones.led_by(channel))
        keys = {key for key in self._keys if key[0] in channels}
        if keys != self._keys or not self._pedals <= channels:
            for each, note in sorted(keys):
                self._event(EventKind.NOTE_OFF, each, note, 0.0)
            self._keys -= keys
            if at_once and self._pedals and self._pedals <= channels:
                self._pedals.clear()
                self._event(EventKind.SUSTAIN, channel, 0, 0.0)
            return
        self._keys.clear()
        self._pedals.clear()
        self._event(EventKind.ALL_OFF, channel, WHOLE_CHANNEL, 0.0)

    def _reset(self, channel: int) -> None:
        """Reset controllers as MIDI's recommended practice RP-015 has it."""
        self._bend[channel] = 0.0
        self._rpn[channel] = _RPN_NONE
        self._pedals.discard(channel)
        self._event(EventKind.SUSTAIN, channel, 0, 0.0)
        self._event(EventKind.WHEEL, channel, WHOLE_CHANNEL, 0.0)
        for member in self._zones.led_by(channel):
            manager = self._zones.manager_of(member)
            bend = self._bend[member] + (0.0 if manager is None else self._bend[manager])
            self._event(EventKind.PITCH_BEND, member, WHOLE_CHANNEL, bend)
            self._event(EventKind.PRESSURE, member, WHOLE_CHANNEL, 0.0)

    def _set_registered(self, channel: int, value: int) -> None:
        if self._rpn[channel] == _RPN_BEND:
            for member in self._zones.members_beside(channel):  # members share one range
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
        """Whether a channel is a zone's manager or member."""
        return self._zones.manager_of(channel) is not None or len(self._zones.led_by(channel)) > 1
