"""Notes and gestures on their way into the audio callback, from another thread or process.

A ring in shared memory with one writer and one reader, neither of which ever waits. Every record
carries a sequence number and a check sum: Python has no memory barriers, so the reader believes a
record only once all of it has arrived.
"""

import struct
import threading
import time
import zlib

import numpy as np

from mesosynth.engine.shared import SharedBlock
from mesosynth.plugins.plugin import EventKind

MOVED = 0
"""The kind of a record, besides those of EventKind, that moves a parameter to `value`: the one at
place ``256 channel + note`` of the vector of all values."""

MAX_EVENTS = 4096
_RECORD = struct.Struct("<ddIBBBx")  # time, value, sequence, kind, channel, note
_CHECKED = struct.Struct("<24sI")
_STRIDE = 32
_WRITTEN, _READ = 0, 1  # words of the header

Record = tuple[float, float, int, int, int, int]
"""Time (s of `time.perf_counter`, which all processes of a machine share), value, sequence number,
kind, channel, note."""


class EventQueue(SharedBlock):
    """Events with time stamps, in order, for one reader.

    Any thread of the writing process may push. A full queue refuses; because what it refused may
    have been the end of a note, the first event after that is ALL_OFF.

    Parameters
    ----------
    name : str, optional
        Of an existing queue, to attach to it; None creates one.
    """

    def __init__(self, name: str | None = None) -> None:
        super().__init__(16 + MAX_EVENTS * _STRIDE, name)
        self._array("header", np.uint64, 2, 0)
        self._array("records", np.uint8, MAX_EVENTS * _STRIDE, 16)
        self._lock = threading.Lock()  # between the threads of the writer
        self._written = self._last
        self._read = int(self._arrays["header"][_READ])
        self._refused = False

    def __reduce__(self) -> tuple[type["EventQueue"], tuple[str]]:
        return EventQueue, (self.name,)

    def push(
        self, kind: int, channel: int = 0, note: int = 0, value: float = 0.0,
        stamp: float | None = None,
    ) -> bool:  # fmt: skip
        """Append an event; False if nobody has made room for it.

        Parameters
        ----------
        kind : int
            An EventKind, or MOVED.
        channel, note : int
            0 to 255.
        value : float
        stamp : float, optional
            When it happened, s of `time.perf_counter`; None is now.
        """
        with self._lock:
            if self._refused:
                self._refused = not self._write(time.perf_counter(), EventKind.ALL_OFF, 0, 0, 0.0)
            stamp = time.perf_counter() if stamp is None else stamp
            if self._refused or not self._write(stamp, kind, channel, note, value):
                self._refused = True
            return not self._refused

    def move(self, place: int, value: float) -> bool:
        """Move the parameter at `place` of the vector of all values, as :meth:`push`."""
        return self.push(MOVED, place >> 8, place & 0xFF, value)

    @property
    def full(self) -> bool:
        """Whether there is no room for an event more."""
        return self._written - int(self._arrays["header"][_READ]) >= MAX_EVENTS

    @property
    def waiting(self) -> int:
        """[audio] Events that were not taken yet, by the writer's count."""
        return int(self._arrays["header"][_WRITTEN]) - self._read

    def resume(self) -> None:
        """Go on where another process, the writer so far and now gone, has left off."""
        self._written = self._last

    @property
    def _last(self) -> int:
        """Number of the last event.

        A writer that was killed before it counted its last one may have been heard all the same.
        """
        return int(self._arrays["header"].max())

    def _write(self, stamp: float, kind: int, channel: int, note: int, value: float) -> bool:
        if self.full:
            return False
        place = self._written % MAX_EVENTS * _STRIDE
        self._written += 1
        payload = _RECORD.pack(stamp, value, self._written & 0xFFFFFFFF, kind, channel, note)
        _CHECKED.pack_into(self._arrays["records"].data, place, payload, zlib.crc32(payload))
        self._arrays["header"][_WRITTEN] = self._written
        return True

    def peek(self) -> Record | None:
        """[audio] The oldest event that was not taken yet, or None."""
        place = self._read % MAX_EVENTS * _STRIDE
        payload, check = _CHECKED.unpack_from(self._arrays["records"].data, place)
        if zlib.crc32(payload) != check:
            return None
        record: Record = _RECORD.unpack(payload)
        return record if record[2] == (self._read + 1) & 0xFFFFFFFF else None

    def take(self) -> None:
        """[audio] Make room for one event more, after :meth:`peek` gave one."""
        self._read += 1
        self._arrays["header"][_READ] = self._read

    def skip(self) -> None:
        """[control] Forget all events so far: they were meant for a reader that is gone."""
        self._read = self._last
        self._arrays["header"][_READ] = self._read
