"""Shared memory between processes: parameters, sound, events. No operation waits or locks."""

import contextlib
import mmap
import os
import struct
import threading
import time
import weakref
import zlib
from dataclasses import dataclass
from multiprocessing.shared_memory import SharedMemory
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mesosynth.errors import ArgumentError, WorkerError
from mesosynth.plugins.plugin import CHANNELS, EventKind
from mesosynth.system.worker import start_tracker

# --------------------------------------------------------------------------------------------------
# Shared blocks: parameters one way, status and sound the other
#
# One side writes and the other reads; neither waits. The process that creates a block owns it and
# removes its name when it closes the block or ends; killing the other process does no harm. A block
# is an argument of a child process: unpickling attaches it.


class SharedBlock:
    """A named block of memory and the arrays in it.

    Parameters
    ----------
    size : int
        Bytes.
    name : str, optional
        Of an existing block, to attach to it; None creates one.
    """

    def __init__(self, size: int, name: str | None) -> None:
        if name is None:
            start_tracker()
        try:
            memory = SharedMemory(name=name, create=name is None, size=size)
        except OSError as error:
            raise _no_memory(size, error) from error
        if name is None:
            _claim(memory, size)
        self.name = memory.name
        self._arrays: dict[str, NDArray[Any]] = {}
        # A finalizer also runs at exit, and must not hold the block itself.
        self._release = weakref.finalize(self, _release, memory, self._arrays, name is None)
        self._memory: SharedMemory | None = memory

    def _array(self, key: str, dtype: Any, shape: int, offset: int) -> NDArray[Any]:  # noqa: ANN401 - whatever np.dtype takes
        if self._memory is None:
            raise ArgumentError(f"shared memory block {self.name!r} is closed; create a new one.")
        array = np.ndarray((shape,), dtype, buffer=self._memory.buf, offset=offset)
        self._arrays[key] = array
        return array

    def touch(self) -> None:
        """[control] Map all of it, so that a page's first use does not delay a callback."""
        memory = None if self._memory is None else self._memory.buf
        if memory is not None:
            memory[:: mmap.PAGESIZE].tobytes()

    def close(self) -> None:
        """Detach the memory; the owner also removes its name. A second call does nothing."""
        self._memory = None
        self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _claim(memory: SharedMemory, size: int) -> None:
    """Have the system set the memory aside: else it ends the process where there is too little."""
    descriptor = getattr(memory, "_fd", -1)
    if descriptor < 0 or not hasattr(os, "posix_fallocate"):
        return  # Windows sets it aside by itself
    try:
        os.posix_fallocate(descriptor, 0, size)
    except OSError as error:
        memory.close()
        memory.unlink()
        raise _no_memory(size, error) from error


def _no_memory(size: int, error: OSError) -> WorkerError:
    return WorkerError(
        f"{size / 2**20:.1f} MiB of shared memory cannot be had ({error.strerror}); make room in "
        "/dev/shm, or make it larger and writable."
    )


def _release(memory: SharedMemory, arrays: dict[str, NDArray[Any]], owner: bool) -> None:
    arrays.clear()  # numpy's references, which would prevent unmapping
    memory.close()
    if owner:
        with contextlib.suppress(FileNotFoundError):  # removed by another program
            memory.unlink()


class ParameterBlock(SharedBlock):
    """Live parameters, written by the session and read by the audio callback.

    A vector arrives whole or not at all. It is stored as 64-bit words: version, playing, the
    values, and a checksum over all of them. The reader copies everything and keeps the copy only if
    the checksum fits: Python has no memory barriers, so the order of the words guarantees nothing.

    Parameters
    ----------
    length : int
        Number of values.
    name : str, optional
        Of an existing block, to attach to it; None creates one.
    """

    def __init__(self, length: int, name: str | None = None) -> None:
        words = length + 3
        super().__init__(8 * words, name)
        self.length = length
        self._array("shared", np.uint64, words, 0)
        self._copy = np.zeros(words, np.uint64)
        self._floats = self._copy[2:-1].view(np.float64)
        self._multipliers = np.random.default_rng(words).integers(
            1, 2**63, words - 1, dtype=np.uint64
        )
        self._values = np.zeros(length)
        self._playing = False
        self._version = 0

    def __reduce__(self) -> tuple[type["ParameterBlock"], tuple[int, str]]:
        return ParameterBlock, (self.length, self.name)

    @property
    def version(self) -> int:
        """Number of the values that were written or read last."""
        return self._version

    def write(self, values: NDArray[np.float64], playing: bool) -> None:
        """Publish values and transport together. One writer only.

        Parameters
        ----------
        values : (length,) float64
        playing : bool
            State of the transport.

        Raises
        ------
        ArgumentError
            If `values` has another length.
        """
        if values.shape != (self.length,):
            raise ArgumentError(
                f"values has shape {values.shape}; this instrument takes ({self.length},)."
            )
        self._copy[1] = playing
        self._floats[:] = values
        self._publish()

    def set_values(self, values: NDArray[np.float64]) -> None:
        """Publish the first values, (n,) float64; the others, and the transport, stay."""
        self._floats[: len(values)] = values
        self._publish()

    def set_playing(self, playing: bool) -> None:
        """Publish the state of the transport; the values stay."""
        self._copy[1] = playing
        self._publish()

    def _publish(self) -> None:
        self._version += 1
        self._copy[0] = self._version
        self._copy[-1] = np.dot(self._copy[:-1], self._multipliers)
        self._arrays["shared"][:] = self._copy

    def read(self) -> tuple[NDArray[np.float64], bool]:
        """Latest whole values and whether to play, without waiting or allocating.

        The array, (length,) float64, belongs to the block and is overwritten by the next read.
        During a write it returns the result of the last read.
        """
        shared = self._arrays["shared"]
        if shared[0] != self._version:
            np.copyto(self._copy, shared)
            if np.dot(self._copy[:-1], self._multipliers) == self._copy[-1]:
                np.copyto(self._values, self._floats)
                self._playing = bool(self._copy[1])
                self._version = int(self._copy[0])
        return self._values, self._playing


class Ring(SharedBlock):
    """The last `capacity` samples of a sound, with one writer and one reader.

    Parameters
    ----------
    capacity : int
        Samples.
    name : str, optional
        Of an existing ring, to attach to it; None creates one.
    """

    def __init__(self, capacity: int, name: str | None = None) -> None:
        super().__init__(8 + 4 * capacity, name)
        self.capacity = capacity
        self._array("written", np.int64, 1, 0)
        self._array("samples", np.float32, capacity, 8)
        self._position = int(self._arrays["written"][0])

    def __reduce__(self) -> tuple[type["Ring"], tuple[int, str]]:
        return Ring, (self.capacity, self.name)

    @property
    def written(self) -> int:
        """Number of samples written so far."""
        return int(self._arrays["written"][0])

    def write(self, block: NDArray[np.float32]) -> None:
        """Append `block`, (frames,) float32, at most the ring's capacity; allocates nothing."""
        samples, written = self._arrays["samples"], self._arrays["written"]
        begin = int(written[0]) % self.capacity
        first = min(len(block), self.capacity - begin)
        np.copyto(samples[begin : begin + first], block[:first])
        np.copyto(samples[: len(block) - first], block[first:])
        written[0] += len(block)

    def latest(self, frames: int) -> NDArray[np.float32]:
        """Last `frames` samples, (frames,) float32, with zeros before the first.

        Raises
        ------
        ArgumentError
            If `frames` is not 0 to the capacity.
        """
        if not 0 <= frames <= self.capacity:
            raise ArgumentError(f"frames={frames} must be 0 to {self.capacity}, the ring's length.")
        written = self.written
        available = min(frames, written)
        out = np.zeros(frames, np.float32)
        out[frames - available :] = self._from(written - available, written)
        return out

    def read_new(self) -> NDArray[np.float32]:
        """Samples since the last call, (frames,) float32.

        A reader that is late by more than the capacity loses the oldest part.
        """
        written = self.written
        begin = max(self._position, written - self.capacity)
        self._position = written
        return self._from(begin, written)

    def skip(self) -> None:
        """Drop all samples before the next :meth:`read_new`."""
        self._position = self.written

    def _from(self, begin: int, end: int) -> NDArray[np.float32]:
        samples = self._arrays["samples"]
        start, length = begin % self.capacity, end - begin
        first = min(length, self.capacity - start)
        return np.concatenate([samples[start : start + first], samples[: length - first]])


# --------------------------------------------------------------------------------------------------
# Copy of the output, in stereo


SOUND_FRAMES = 2**20  # frames: 5 s at 192 kHz, 22 s at 48 kHz; 8 MB


@dataclass(frozen=True, slots=True)
class Stretch:
    """Sound of one sample rate, (n, 2) float32, and the number of frames lost before it.

    Frames are lost where the reader is too late.
    """

    sample_rate: int
    frames: NDArray[np.float32]
    lost: int


class SoundRing(SharedBlock):
    """The last frames of a stereo sound, with one writer; each reader has an attachment of its own.

    Parameters
    ----------
    name : str, optional
        Of an existing ring, to attach to it; None creates one.
    """

    def __init__(self, name: str | None = None) -> None:
        super().__init__(24 + 4 * CHANNELS * SOUND_FRAMES, name)
        # Frames written, the sample rate, and the first frame of that rate.
        self._array("books", np.int64, 3, 0)
        samples = self._array("flat", np.float32, CHANNELS * SOUND_FRAMES, 24)
        self._arrays["samples"] = samples.reshape(SOUND_FRAMES, CHANNELS)
        self._position = self.written
        self._sample_rate = int(self._arrays["books"][1])

    def __reduce__(self) -> tuple[type["SoundRing"], tuple[str]]:
        return SoundRing, (self.name,)

    @property
    def written(self) -> int:
        """Number of frames written so far."""
        return int(self._arrays["books"][0])

    @property
    def sample_rate(self) -> int:
        """Hz; 0 before the first sound."""
        return int(self._arrays["books"][1])

    def begin(self, sample_rate: int) -> None:
        """[control] Set the sample rate of the frames from now on, Hz."""
        self.touch()
        books = self._arrays["books"]
        books[2] = books[0]
        books[1] = sample_rate

    def write(self, block: NDArray[np.float32]) -> None:
        """[audio] Append `block`, (2, frames) float32, at most SOUND_FRAMES; allocates nothing."""
        samples, books, frames = self._arrays["samples"], self._arrays["books"], block.shape[1]
        begin = int(books[0]) % SOUND_FRAMES
        first = min(frames, SOUND_FRAMES - begin)
        np.copyto(samples[begin : begin + first], block[:, :first].T)
        if first < frames:
            np.copyto(samples[: frames - first], block[:, first:].T)
        books[0] += frames

    def read_new(self) -> list[Stretch]:
        """Sound since the last call: one stretch per sample rate."""
        written, rate, since = (int(word) for word in self._arrays["books"])
        stretches: list[Stretch] = []
        if rate != self._sample_rate:
            if self._position < since:
                stretches.append(self._read(since))
            self._sample_rate = rate
        if self._position < written:
            stretches.append(self._read(written))
        return stretches

    def latest(self, frames: int) -> NDArray[np.float32]:
        """Last `frames` frames mixed to mono, (frames,), with zeros before the first.

        Raises
        ------
        ArgumentError
            If `frames` is not 0 to SOUND_FRAMES.
        """
        if not 0 <= frames <= SOUND_FRAMES:
            raise ArgumentError(f"frames={frames} must be 0 to {SOUND_FRAMES}, the ring's length.")
        written = self.written
        out = np.zeros(frames, np.float32)
        available = min(frames, written)
        sound = self._between(written - available, written)
        out[frames - available :] = 0.5 * (sound[:, 0] + sound[:, 1])
        return out

    def _read(self, end: int) -> Stretch:
        begin = max(self._position, end - SOUND_FRAMES)
        lost, self._position = begin - self._position, end
        return Stretch(self._sample_rate, self._between(begin, end), lost)

    def _between(self, begin: int, end: int) -> NDArray[np.float32]:
        samples, start = self._arrays["samples"], begin % SOUND_FRAMES
        first = min(end - begin, SOUND_FRAMES - start)
        return np.concatenate([samples[start : start + first], samples[: end - begin - first]])


# --------------------------------------------------------------------------------------------------
# Notes and gestures from another thread or process to the audio callback
#
# A ring in shared memory with one writer and one reader, neither of which waits. Every record has a
# sequence number and a checksum: Python has no memory barriers, so the reader takes a record only
# when it is complete.


MOVED = 0
"""Kind of a record, besides those of EventKind, that moves a parameter to `value`: the one at index
``256 channel + note`` of the vector of all values."""

MAX_EVENTS = 4096
_RECORD = struct.Struct("<ddIBBBx")  # time, value, sequence, kind, channel, note
_CHECKED = struct.Struct("<24sI")
_SEQUENCE = struct.Struct("<I")  # at byte 16
_STRIDE = 32
_WRITTEN, _READ = 0, 1  # words of the header

Record = tuple[float, float, int, int, int, int]
"""Time (s, of `time.perf_counter`, the same in all processes), value, sequence number, kind,
channel, note."""


class EventQueue(SharedBlock):
    """Events with time stamps, in order, for one reader.

    Any thread of the writing process may push. A full queue refuses events; as a refused one may
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
        """Append an event.

        Parameters
        ----------
        kind : int
            An EventKind, or MOVED.
        channel, note : int
            0 to 255.
        value : float
            In the unit of the kind.
        stamp : float, optional
            Time of the event, s of `time.perf_counter`; None is now.

        Returns
        -------
        bool
            False if the queue is full.
        """
        with self._lock:
            if self._refused:
                self._refused = not self._write(time.perf_counter(), EventKind.ALL_OFF, 0, 0, 0.0)
            stamp = time.perf_counter() if stamp is None else stamp
            if self._refused or not self._write(stamp, kind, channel, note, value):
                self._refused = True
            return not self._refused

    def move(self, place: int, value: float) -> bool:
        """Move a parameter.

        Parameters
        ----------
        place : int
            Index in the vector of all values.
        value : float
            In the parameter's unit.

        Returns
        -------
        bool
            False if the queue is full.
        """
        return self.push(MOVED, place >> 8, place & 0xFF, value)

    @property
    def full(self) -> bool:
        """Whether the queue is full."""
        return self._written - int(self._arrays["header"][_READ]) >= MAX_EVENTS

    @property
    def waiting(self) -> int:
        """[audio] Number of events that wait, by the writer's count."""
        return int(self._arrays["header"][_WRITTEN]) - self._read

    def resume(self) -> None:
        """Continue after the last event of another process, the former writer, which has ended."""
        self._written = self._last

    @property
    def _last(self) -> int:
        """Number of the last event.

        The event of a writer that was killed before counting it may have been read all the same.
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
        """[audio] Oldest waiting event, or None."""
        place, records = self._read % MAX_EVENTS * _STRIDE, self._arrays["records"]
        if _SEQUENCE.unpack_from(records, place + 16)[0] != (self._read + 1) & 0xFFFFFFFF:  # pyright: ignore[reportArgumentType] - an array is a buffer
            return None
        payload, check = _CHECKED.unpack_from(records, place)  # pyright: ignore[reportArgumentType]
        if zlib.crc32(payload) != check:
            return None
        record: Record = _RECORD.unpack(payload)
        return record if record[2] == (self._read + 1) & 0xFFFFFFFF else None

    def take(self) -> None:
        """[audio] Remove the event that :meth:`peek` returned."""
        self._read += 1
        self._arrays["header"][_READ] = self._read

    def skip(self) -> None:
        """[control] Drop all events, which were for a reader that has ended."""
        self._read = self._last
        self._arrays["header"][_READ] = self._read
