"""Open Sound Control from the network: datagrams in, addresses and numbers out.

Garbage is left out in silence: anybody on the network may send anything.
"""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Sequence

from pythonosc.osc_message import OscMessage

from mesosynth.errors import DeviceError

HOST = "127.0.0.1"
"""Only this machine's programs, unless the user opens it to others."""

_LARGEST = 65536  # bytes of a datagram
_BUNDLE, _TIME_TAG, _LENGTH = b"#bundle\0", 8, struct.Struct(">i")
_DEEPEST = 8  # bundles in bundles
_WAKE = 0.2  # s between two looks at whether to end

OscMessages = list[tuple[str, Sequence[object]]]
Receive = Callable[[str, Sequence[object], float], None]


def decode(datagram: bytes) -> OscMessages:
    """Addresses and arguments of a datagram, in order; an empty list if it makes no sense.

    Time tags are not waited for: a gesture is for now.
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
    # The parser lets slip whatever bytes can provoke: ParseError, UnicodeDecodeError, IndexError,
    # OverflowError; all they mean is that this is no OSC.
    with contextlib.suppress(Exception):
        if OscMessage.dgram_is_message(datagram):
            message = OscMessage(datagram)
            messages.append((message.address, list(message.params)))


class OscReceiver:
    """A UDP port, read by a thread of its own.

    Parameters
    ----------
    port : int
        0 takes any that is free.
    receive : callable
        Called by that thread with address, arguments and time (s of `time.perf_counter`).
    host : str
        Address of this machine's to listen on.

    Attributes
    ----------
    port : int
        In use.

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
        """Give the port back."""
        self._closing = True
        self._thread.join(5 * _WAKE)
        self._socket.close()
