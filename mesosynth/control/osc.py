"""OSC: receiver of datagrams, and the commands of its addresses."""

import contextlib
import functools
import math
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from pythonosc.osc_message import OscMessage

from mesosynth.errors import DeviceError
from mesosynth.plugins.parameters import ParameterTable
from mesosynth.plugins.plugin import WHOLE_CHANNEL, EventKind

# --------------------------------------------------------------------------------------------------
# Addresses
#
#     /param/<id> value               a parameter, in its own unit
#     /knob/<id> position             the same by its knob's travel, 0 to 1
#     /note/on note velocity          velocity 0 to 1 (or 2 to 127 as in MIDI); optional channel
#     /note/off note                  optional channel
#     /bend semitones                 optional channel
#     /pressure amount                0 to 1; optional channel
#     /wheel amount                   the modulation wheel, 0 to 1; optional channel
#     /mod/<id> value                 a parameter of the modulation, as /param/modulation.<id>
#     /sustain, /freeze               0 or 1, off or on
#     /tempo bpm
#     /start, /stop, /panic           when a button is pressed; its release, 0, does nothing
#
# An address may be a pattern as in OSC 1.0, such as /param/* or /knob/{f_c,f_m}.


SLOWEST, FASTEST = 5.0, 960.0
"""Range of the tempo, quarter notes a minute."""

_BUTTONS = {
    "/start": EventKind.START, "/stop": EventKind.STOP, "/panic": EventKind.ALL_OFF,
}  # fmt: skip
_SWITCHES = {"/sustain": EventKind.SUSTAIN, "/freeze": EventKind.FREEZE}
_POSITIONS = {
    "on": True, "true": True, "yes": True, "1": True, "off": False, "false": False, "no": False,
    "0": False,
}  # fmt: skip
_GESTURES = {
    "/bend": EventKind.PITCH_BEND, "/pressure": EventKind.PRESSURE, "/wheel": EventKind.WHEEL,
}  # fmt: skip
_RANGES = {
    EventKind.PITCH_BEND: (-96.0, 96.0), EventKind.PRESSURE: (0.0, 1.0),
    EventKind.WHEEL: (0.0, 1.0),
}  # fmt: skip
_KEYS, _CHANNELS = 128, 16


class OscListener(Protocol):
    """Receiver of OSC commands."""

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

    def move(self, parameter: str, value: float) -> None:
        """Receive a new value of a parameter.

        Parameters
        ----------
        parameter : str
            Id.
        value : float
            In the parameter's unit, within its range.
        """
        ...


def obey(
    listener: OscListener,
    parameters: ParameterTable,
    address: str,
    arguments: Sequence[object],
    stamp: float,
) -> None:
    """Execute an OSC message; a message that makes no sense does nothing.

    Parameters
    ----------
    listener : OscListener
    parameters : ParameterTable
    address : str
    arguments : sequence
        Only finite numbers count.
    stamp : float
        Time of arrival, s of `time.perf_counter`.
    """
    if _PATTERN.search(address):
        for each in _matching(address, parameters):
            obey(listener, parameters, each, arguments, stamp)
        return
    numbers = [_number(argument) for argument in arguments]
    value = numbers[0] if numbers else math.nan
    _, _, id_ = address[1:].partition("/")
    if address.startswith("/mod/"):
        address, id_ = f"/param/modulation.{id_}", f"modulation.{id_}"
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
    elif address in _BUTTONS:
        if _position(arguments):
            listener.event(_BUTTONS[address], 0, WHOLE_CHANNEL, 1.0, stamp)
    elif address in _SWITCHES:
        on = _position(arguments)
        if on is not None:
            listener.event(_SWITCHES[address], 0, WHOLE_CHANNEL, float(on), stamp)


def _position(arguments: Sequence[object]) -> bool | None:
    """Position of a switch, on without an argument; None for what is neither on nor off."""
    if not arguments:
        return True
    first = arguments[0]
    if isinstance(first, str):
        return _POSITIONS.get(first.strip().casefold())
    value = _number(first)
    return value >= 0.5 if math.isfinite(value) else None


_PATTERN = re.compile(r"[*?\[{]")
_FIXED = (
    *_BUTTONS, *_SWITCHES, *_GESTURES, "/note/on", "/note/off", "/tempo",
)  # fmt: skip


def _matching(pattern: str, parameters: ParameterTable) -> list[str]:
    """Addresses that a pattern matches; none if it is malformed."""
    expression = _expression(pattern)
    known = (*_FIXED, *(f"/{kind}/{id_}" for kind in ("param", "knob") for id_ in parameters))
    return [] if expression is None else [name for name in known if expression.fullmatch(name)]


@functools.lru_cache(maxsize=64)
def _expression(pattern: str) -> re.Pattern[str] | None:
    """Regular expression of an OSC pattern; None if it is malformed or too long."""
    if len(pattern) > _LONGEST_PATTERN or pattern.count("*") > _MOST_STARS:
        return None
    parts: list[str] = []
    for sign in re.findall(r"\[!?[^\]/]*\]|\{[^}/]*\}|\*+|.", pattern, re.DOTALL):
        if sign in ("[", "{", "]", "}"):
            return None
        if sign.startswith("*"):
            parts.append("[^/]*")
        elif sign == "?":
            parts.append("[^/]")
        elif sign.startswith("["):
            negated = sign.startswith("[!")
            inside = sign[2:-1] if negated else sign[1:-1]
            escaped = re.sub(r"([\\\]\[^&~|])", r"\\\1", inside)
            parts.append(f"[{'^/' if negated else ''}{escaped}]")
        elif sign.startswith("{"):
            parts.append(f"(?:{'|'.join(map(re.escape, sign[1:-1].split(',')))})")
        else:
            parts.append(re.escape(sign))
    with contextlib.suppress(re.error):
        return re.compile("".join(parts))
    return None


_LONGEST_PATTERN = 256  # characters
_MOST_STARS = 4  # each of which multiplies the time that matching may take


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
    """`argument` as a number, or NaN."""
    try:
        return float(argument) if isinstance(argument, int | float) else math.nan
    except OverflowError:
        return math.nan


def _whole(numbers: list[float], place: int, end: int) -> int | None:
    """Number at `place` if it is 0 to `end` - 1; 0 if it is missing, None if it is wrong."""
    if place >= len(numbers):
        return 0
    value = numbers[place]
    return int(value) if 0.0 <= value < end else None


# --------------------------------------------------------------------------------------------------
# Receiver: datagrams to addresses and numbers
#
# Malformed datagrams are ignored: any program on the network may send them.


HOST = "127.0.0.1"
"""Only programs of this machine, unless the user opens it to others."""

_LARGEST = 65536  # bytes of a datagram
_BUNDLE, _TIME_TAG, _LENGTH = b"#bundle\0", 8, struct.Struct(">i")
_DEEPEST = 8  # bundles in bundles
_WAKE = 0.2  # s between two checks whether to end

OscMessages = list[tuple[str, Sequence[object]]]
Receive = Callable[[str, Sequence[object], float], None]


def decode(datagram: bytes) -> OscMessages:
    """Addresses and arguments of a datagram, in order; an empty list if it is malformed.

    Time tags are ignored: a gesture is for now.
    """
    messages: OscMessages = []
    _unpack(datagram, messages, 0)
    return messages


def _unpack(datagram: bytes, messages: OscMessages, depth: int) -> None:
    if not datagram.startswith(_BUNDLE):
        _read(datagram, messages)
        return
    # python-osc's own reader of bundles never returns from an element of negative length.
    begin = len(_BUNDLE) + _TIME_TAG
    while depth < _DEEPEST and begin + _LENGTH.size <= len(datagram):
        (length,) = _LENGTH.unpack_from(datagram, begin)
        begin += _LENGTH.size
        if not 0 < length <= len(datagram) - begin:
            return
        _unpack(datagram[begin : begin + length], messages, depth + 1)
        begin += length


def _read(datagram: bytes, messages: OscMessages) -> None:
    # Malformed bytes can raise ParseError, UnicodeDecodeError, IndexError and OverflowError.
    with contextlib.suppress(Exception):
        if OscMessage.dgram_is_message(datagram):
            message = OscMessage(_without_strange_types(datagram))
            messages.append((message.address, list(message.params)))


_KNOWN_TYPES = frozenset("ihfdsbrmtTFN[]")
_ALIKE = str.maketrans("ISc", "Tsi")  # of the same size: an impulse is on, a symbol is a text


def _without_strange_types(datagram: bytes) -> bytes:
    """A message in types that python-osc knows; it logs the others, and takes what follows wrongly.

    Raises
    ------
    ValueError
        If that is impossible.
    """
    begin = _padded_end(datagram, 0)
    end = _padded_end(datagram, begin)
    tags = datagram[begin:end].rstrip(b"\0").decode("ascii")
    if not tags.startswith(","):
        return datagram
    known = tags.translate(_ALIKE)
    if not _KNOWN_TYPES.issuperset(known[1:]):
        raise ValueError(f"types {tags}")
    return datagram[:begin] + known.encode().ljust(end - begin, b"\0") + datagram[end:]


def _padded_end(datagram: bytes, begin: int) -> int:
    """Place after the text that begins at `begin`, which ends in one to four zeros."""
    end = datagram.find(b"\0", begin)
    return len(datagram) if end < 0 else (end // 4 + 1) * 4


class OscReceiver:
    """A UDP port with a thread that reads it.

    Parameters
    ----------
    port : int
        0 takes any free port.
    receive : callable
        Called by that thread with address, arguments and time (s of `time.perf_counter`).
    host : str
        Address of this machine to listen on.

    Attributes
    ----------
    port : int
        Its number.

    Raises
    ------
    DeviceError
        If the port is taken or forbidden.
    """

    def __init__(self, port: int, receive: Receive, host: str = HOST) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.bind((host, port))
        except (OSError, OverflowError) as error:
            self._socket.close()
            reason = getattr(error, "strerror", None) or error
            raise DeviceError(
                f"OSC cannot listen on port {port} of {host} ({reason}); choose another."
            ) from error
        self.port = int(self._socket.getsockname()[1])
        self._socket.settimeout(_WAKE)
        self._receive = receive
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="OSC", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._closing:
            try:
                datagram = self._socket.recv(_LARGEST)
            except TimeoutError:
                continue
            except OSError:
                return
            stamp = time.perf_counter()
            for address, arguments in decode(datagram):
                self._receive(address, arguments, stamp)

    def close(self) -> None:
        """Close the port."""
        self._closing = True
        self._thread.join(5 * _WAKE)
        self._socket.close()
