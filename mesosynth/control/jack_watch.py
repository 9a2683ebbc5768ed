"""Whether a JACK server is there: a client of JACK that only waits for the server's end.

RtMidi's own clients do not notice it: they go on listing the ports of a server that is dead.
"""

import ctypes
import threading
from typing import Any

_NO_START_SERVER = 1
_LIBRARY = "libjack.so.0"


def load_jack() -> ctypes.CDLL | None:
    """Load the system's JACK library for the whole process; None if there is none.

    Its symbols then take the place of those of the library that comes with RtMidi's wheel, which
    speaks an older protocol than most servers do.
    """
    try:
        return ctypes.CDLL(_LIBRARY, ctypes.RTLD_GLOBAL)
    except OSError:
        return None


class JackWatch:
    """Knows whether the JACK server lives, one after the other.

    Parameters
    ----------
    library : ctypes.CDLL or None
        As :func:`load_jack` gives it; None never finds a server.
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
        """Whether there is a server.

        After one has ended it says so once, before it looks for another: the library frees what
        is left of the old server's clients when it meets a new one, and whoever holds such a client
        must have closed it by then.
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
