"""What two processes see at once: parameters one way, status and sound the other.

One side writes and the other reads; nobody ever waits. The process that creates a block owns it
and removes its name when it closes the block or ends; killing the other process harms nothing.
A block is handed to a child process as an argument: unpickling attaches it.
"""

import contextlib
import mmap
import weakref
from multiprocessing.shared_memory import SharedMemory
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mesosynth.errors import ArgumentError


class SharedBlock:
    """A named piece of memory and the arrays that lie in it.

    Parameters
    ----------
    size : int
        Bytes.
    name : str, optional
        Of an existing block, to attach to it; None creates one.
    """

    def __init__(self, size: int, name: str | None) -> None:
        memory = SharedMemory(name=name, create=name is None, size=size)
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
        """[control] Have all of it mapped, so that no callback is held up by a page's first use."""
        memory = None if self._memory is None else self._memory.buf
        if memory is not None:
            memory[:: mmap.PAGESIZE].tobytes()

    def close(self) -> None:
        """Let go of the memory; the owner also removes its name. A second call does nothing."""
        self._memory = None
        self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _release(memory: SharedMemory, arrays: dict[str, NDArray[Any]], owner: bool) -> None:
    arrays.clear()  # numpy's hold on the memory, without which it cannot be unmapped
    memory.close()
    if owner:
        with contextlib.suppress(FileNotFoundError):  # somebody tidied up, which is as well
            memory.unlink()


class ParameterBlock(SharedBlock):
    """The live parameters, written by the session and read by the audio callback.

    A vector lands whole or not at all. It lies in memory as 64-bit words: version, playing, the
    values, and a check sum over all of them. The reader copies everything and keeps the copy only
    if it adds up: Python has no memory barriers, so the order of the words promises nothing.

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

    def write(self, values: NDArray[np.float64], playing: bool) -> None:
        """Publish `values`, (length,) float64, and the transport, both at once. One writer only.

        Raises
        ------
        ArgumentError
            If `values` has another length.
        """
        if values.shape != (self.length,):
            raise ArgumentError(
                f"values has shape {values.shape}; this instrument takes ({self.length},)."
            )
        self._version += 1
        self._copy[0] = self._version
        self._copy[1] = playing
        self._floats[:] = values
        self._copy[-1] = np.dot(self._copy[:-1], self._multipliers)
        self._arrays["shared"][:] = self._copy

    def read(self) -> tuple[NDArray[np.float64], bool]:
        """Return the latest whole values and whether to play, without waiting or allocating.

        The array, (length,) float64, belongs to the block and is overwritten by the next read.
        Caught in the middle of a write, it returns what the last read returned.
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
        Samples kept.
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
        """Samples written so far."""
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
        """Return the last `frames` samples, (frames,) float32, with zeros before the first.

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
        """Return what was written since the last call, (frames,) float32.

        A reader that falls behind by more than the capacity loses the oldest part.
        """
        written = self.written
        begin = max(self._position, written - self.capacity)
        self._position = written
        return self._from(begin, written)

    def skip(self) -> None:
        """Let the next :meth:`read_new` begin here."""
        self._position = self.written

    def _from(self, begin: int, end: int) -> NDArray[np.float32]:
        samples = self._arrays["samples"]
        start, length = begin % self.capacity, end - begin
        first = min(length, self.capacity - start)
        return np.concatenate([samples[start : start + first], samples[: length - first]])
