"""What an OSC address asks for.

==========================  ===================================================================
``/param/<id> value``       a parameter, in its own unit
``/knob/<id> position``     the same by its knob's travel, 0 to 1
``/note/on note velocity``  velocity 0 to 1 (or 2 to 127 as MIDI has it), and perhaps a channel
``/note/off note``          and perhaps a channel
``/bend semitones``         and perhaps a channel
``/pressure amount``        0 to 1, and perhaps a channel
``/sustain`` ``/freeze``    0 or 1
``/tempo bpm``
``/start`` ``/stop`` ``/panic``
==========================  ===================================================================
"""

import math
from collections.abc import Sequence
from typing import Protocol

from mesosynth.plugins.parameters import ParameterTable
from mesosynth.plugins.plugin import WHOLE_CHANNEL, EventKind

SLOWEST, FASTEST = 5.0, 960.0
"""Quarter notes a minute that a tempo may be."""

_WORDS = {
    "/start": EventKind.START, "/stop": EventKind.STOP, "/panic": EventKind.ALL_OFF,
    "/sustain": EventKind.SUSTAIN, "/freeze": EventKind.FREEZE,
}  # fmt: skip
_GESTURES = {"/bend": EventKind.PITCH_BEND, "/pressure": EventKind.PRESSURE}
_RANGES = {EventKind.PITCH_BEND: (-96.0, 96.0), EventKind.PRESSURE: (0.0, 1.0)}
_KEYS, _CHANNELS = 128, 16


class OscListener(Protocol):
    """Who is told what the words meant."""

    def event(self, kind: EventKind, channel: int, note: int, value: float, stamp: float) -> None:
        """What an instrument hears."""
        ...

    def move(self, parameter: str, value: float) -> None:
        """A parameter is to have a value, within its range."""
        ...


def obey(
    listener: OscListener,
    parameters: ParameterTable,
    address: str,
    arguments: Sequence[object],
    stamp: float,
) -> None:
    """Do what an OSC message says, or nothing if it makes no sense.

    Parameters
    ----------
    listener : OscListener
    parameters : ParameterTable
    address : str
    arguments : sequence
        As they came; only finite numbers count.
    stamp : float
        When it came, s of `time.perf_counter`.
    """
    numbers = [_number(argument) for argument in arguments]
    value = numbers[0] if numbers else math.nan
    _, _, id_ = address[1:].partition("/")
    if address.startswith(("/param/", "/knob/")):
        if id_ in parameters and math.isfinite(value):
            parameter = parameters[id_]
            knob = address.startswith("/knob/")
            listener.move(id_, parameter.from_unit(value) if knob else parameter.clamp(value))
    elif address in ("/note/on", "/note/off"):
        _play(listener, address == "/note/on", numbers, stamp)
    elif address in _GESTURES:
        kind, channel = _GESTURES[address], _whole(numbers, 1, _CHANNELS)
        if math.isfinite(value) and channel is not None:
            low, high = _RANGES[kind]
            listener.event(kind, channel, WHOLE_CHANNEL, min(max(value, low), high), stamp)
    elif address == "/tempo":
        if math.isfinite(value) and value > 0.0:
            bpm = min(max(value, SLOWEST), FASTEST)
            listener.event(EventKind.TEMPO, 0, WHOLE_CHANNEL, bpm, stamp)
    elif address in _WORDS:
        on = float(not value < 0.5)  # a button that sends no number means to switch on
        listener.event(_WORDS[address], 0, WHOLE_CHANNEL, on, stamp)


def _play(listener: OscListener, on: bool, numbers: list[float], stamp: float) -> None:
    note = _whole(numbers, 0, _KEYS) if numbers else None
    channel = _whole(numbers, 2 if on else 1, _CHANNELS)
    if note is None or channel is None:
        return
    velocity = numbers[1] if on and len(numbers) > 1 else 1.0 if on else 0.0
    if not math.isfinite(velocity):
        return
    velocity = min(max(velocity if velocity <= 1.0 else velocity / 127.0, 0.0), 1.0)
    kind = EventKind.NOTE_ON if velocity > 0.0 else EventKind.NOTE_OFF
    listener.event(kind, channel, note, velocity, stamp)


def _number(argument: object) -> float:
    """`argument` as a number, NaN if it is none."""
    try:
        return float(argument) if isinstance(argument, int | float) else math.nan
    except OverflowError:
        return math.nan


def _whole(numbers: list[float], place: int, end: int) -> int | None:
    """The number at `place` if it is 0 to `end` - 1; 0 where there is none, None if it is bad."""
    if place >= len(numbers):
        return 0
    value = numbers[place]
    return int(value) if 0.0 <= value < end else None
