"""MIDI bytes in, notes and gestures out.

Both zones of MPE are understood: RPN 6 on the first channel makes the channels after it members,
on the last one those before it. Each has bend, pressure and timbre of its own, to which those of
the first, or of the last, are added.
"""

from collections.abc import Iterable
from typing import Any, Protocol

import mido

from mesosynth.control.midi_clock import MidiClock
from mesosynth.control.mpe_zones import CHANNELS, LOWER, UPPER, Zones
from mesosynth.plugins.plugin import WHOLE_CHANNEL, EventKind

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
