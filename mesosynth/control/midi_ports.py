"""MIDI input ports, opened and closed as they come and go."""

import contextlib
import ctypes
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from mesosynth.engine.portaudio import quiet_drivers
from mesosynth.errors import DeviceError

# --------------------------------------------------------------------------------------------------
# JACK server: a client that waits for the server's end
#
# RtMidi's own clients do not notice the end: they go on listing the ports of a dead server.


_NO_START_SERVER = 1
_LIBRARY = "libjack.so.0"


def load_jack() -> ctypes.CDLL | None:
    """Load the system's JACK library for the whole process; None if there is none.

    Its symbols replace those of the library in RtMidi's wheel, which has an older protocol than
    most servers.
    """
    try:
        return ctypes.CDLL(_LIBRARY, ctypes.RTLD_GLOBAL)
    except OSError:
        return None


class JackWatch:
    """Client that knows whether a JACK server runs.

    Parameters
    ----------
    library : ctypes.CDLL or None
        From :func:`load_jack`; with None there is never a server.
    """

    def __init__(self, library: ctypes.CDLL | None) -> None:
        self._library = library
        self._client: int | None = None
        self._ended = threading.Event()
        self._callback: Any = None
        if library is not None:
            library.jack_client_open.restype = ctypes.c_void_p
            library.jack_client_open.argtypes = [
                ctypes.c_char_p, ctypes.c_int, ctypes.POINTER(ctypes.c_int),
            ]  # fmt: skip
            library.jack_client_close.argtypes = [ctypes.c_void_p]
            library.jack_activate.argtypes = [ctypes.c_void_p]
            shutdown = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
            library.jack_on_shutdown.argtypes = [ctypes.c_void_p, shutdown, ctypes.c_void_p]
            self._callback = shutdown(self._on_shutdown)

    def _on_shutdown(self, _: int) -> None:
        self._ended.set()

    @property
    def alive(self) -> bool:
        """Whether a server runs.

        After a server's end it is False once, before it looks for another: the library frees the
        old server's clients when it meets a new one, and their owners must have closed them by
        then.
        """
        if self._ended.is_set():
            self.close()
            return False
        if self._client is None:
            self._open()
        return self._client is not None

    def _open(self) -> None:
        if self._library is None:
            return
        status = ctypes.c_int()
        client = self._library.jack_client_open(
            b"mesosynth watch", _NO_START_SERVER, ctypes.byref(status)
        )
        if not client:
            return
        self._ended.clear()
        self._library.jack_on_shutdown(client, self._callback, None)
        if self._library.jack_activate(client) == 0:
            self._client = client
        else:
            self._library.jack_client_close(client)

    def close(self) -> None:
        """Leave the server."""
        if self._client is not None and self._library is not None:
            self._library.jack_client_close(self._client)
        self._client = None
        self._ended.clear()


# --------------------------------------------------------------------------------------------------
# MIDI inputs through RtMidi
#
# RtMidi does not report that a port came or went, so the ports are listed every second. Some of its
# failures end the process: use this only in a process that may end.


CLIENT = "mesosynth"

Receive = Callable[[str, list[int], float], None]
"""Receives a port's name, a message's bytes and its time, s of `time.perf_counter`."""


def import_rtmidi() -> Any:  # noqa: ANN401 - the untyped module
    """Import and return rtmidi2.

    Raises
    ------
    DeviceError
        If it cannot be loaded here.
    """
    os.environ.setdefault("JACK_NO_START_SERVER", "1")
    try:
        import rtmidi2
    except ImportError as error:
        raise DeviceError(f"MIDI cannot be used here ({error}); reinstall rtmidi2.") from error
    return rtmidi2


class MidiPorts:
    """All inputs whose name contains `wanted`, opened and closed as they come and go.

    Parameters
    ----------
    wanted : str or None
        Part of a name, in any case; "" for all inputs, None to open none.
    receive : callable
        Called from RtMidi's threads, one per port.
    gone : callable
        Called by :meth:`look` with the name of a port that vanished.

    Attributes
    ----------
    names : tuple of str
        All inputs at the last look.

    Raises
    ------
    DeviceError
        If RtMidi cannot be loaded.
    """

    def __init__(self, wanted: str | None, receive: Receive, gone: Callable[[str], None]) -> None:
        # Before RtMidi, which then uses the system's library.
        self._jack = JackWatch(load_jack() if sys.platform == "linux" else None)
        self._rtmidi = import_rtmidi()
        self._wanted = None if wanted is None else wanted.lower()
        self._receive = receive
        self._gone = gone
        self._open: dict[str, Any] = {}
        self._scout: Any = None
        self._api: int | None = None
        self.names: tuple[str, ...] = ()

    @property
    def open_names(self) -> tuple[str, ...]:
        """Names of the open inputs."""
        return tuple(self._open)

    def look(self) -> bool:
        """Open new inputs, close those that are gone; return whether any changed."""
        with quiet_drivers():
            names = self._list()
            for name in [name for name in self._open if name not in names]:
                self._close(name)
                self._gone(name)
            for index, name in enumerate(names):
                if self._wants(name) and name not in self._open:
                    self._start(index, name)
        changed = names != self.names
        self.names = names
        return changed

    def close(self) -> None:
        """Close all inputs."""
        with quiet_drivers():
            for name in list(self._open):
                self._close(name)
            self._scout = None
            self._jack.close()

    def _wants(self, name: str) -> bool:
        return self._wanted is not None and self._wanted in name.lower()

    def _list(self) -> tuple[str, ...]:
        if self._api == self._rtmidi.API_UNIX_JACK and not self._jack.alive:
            self._scout = None
            return ()
        if self._scout is None:
            self._scout = self._choose()
        names = () if self._scout is None else tuple(str(name) for name in self._scout.ports)
        # Two keyboards of one model may have the same name; the second one gets a number.
        return tuple(
            name if (n := names[:i].count(name)) == 0 else f"{name} ({n + 1})"
            for i, name in enumerate(names)
        )

    def _choose(self) -> Any:  # noqa: ANN401 - an untyped class
        """Client of the system's MIDI: on Linux ALSA or, where there is none, JACK."""
        rtmidi = self._rtmidi
        if sys.platform != "linux":
            self._api = rtmidi.API_UNSPECIFIED
            return self._input("scout")
        self._api = rtmidi.API_LINUX_ALSA
        with contextlib.suppress(RuntimeError):
            return self._input("scout")
        self._api = rtmidi.API_UNIX_JACK
        return self._input("scout") if self._jack.alive else None

    def _input(self, purpose: str) -> Any:  # noqa: ANN401 - an untyped class
        return self._rtmidi.MidiIn(f"{CLIENT} {purpose}", api=self._api)

    def _start(self, index: int, name: str) -> None:
        try:
            port = self._input("in")
        except RuntimeError:
            return  # the next look tries once more
        # Clock is wanted; system exclusive and active sensing are not.
        port.ignore_types(midi_sysex=True, midi_time=False, midi_sense=True)

        def receive(message: list[int], _delta: float) -> None:
            self._receive(name, message, time.perf_counter())

        port.callback = receive
        try:
            port.open_port(index)
        except (RuntimeError, ValueError, IndexError):
            return  # gone again, or held by another program: the next look tries once more
        self._open[name] = port

    def _close(self, name: str) -> None:
        port = self._open.pop(name)
        port.callback = None
        port.close_port()


def list_ports() -> tuple[str, ...]:
    """Names of all MIDI inputs.

    Raises
    ------
    DeviceError
        If RtMidi cannot be loaded.
    """
    ports = MidiPorts(None, _ignore, _ignore)
    ports.look()
    ports.close()
    return ports.names


def _ignore(*_: object) -> None:
    """Ignore the arguments."""
