"""The last ten minutes of sound on disk, to be saved after the fact, or after a crash.

A file is written round and round by plain writes: what a killed process has written stays with the
system, and a full disk is an error rather than a signal, as it would be with mapped memory.
"""

import contextlib
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mesosynth.engine.sound_writer import SoundWriter
from mesosynth.errors import AudioFileError
from mesosynth.plugins.plugin import CHANNELS

MINUTES = 10.0
SPARE = 30.0  # s more than that, so that the oldest part can be read while the newest is written
PAUSE = 2.0  # s of digital silence that are kept; longer pauses are left out

_MAGIC = b"mesosynth ring 1"
_HEADER = struct.Struct("<16sqqq")  # magic, sample rate, frames it holds, frames written
_DATA = 4096  # bytes before the first frame
_FRAME = 4 * CHANNELS
_PART = 2**18  # frames read at once

try:
    import fcntl
except ImportError:  # Windows, where a file that is open cannot be removed
    fcntl = None


class ReplayBuffer:
    """The ring of one session, in a file of its own: 230 MB at 48 kHz, in proportion at others.

    Parameters
    ----------
    path : Path
        Does not exist yet.
    sample_rate : int
        Hz.

    Raises
    ------
    OSError
        If it cannot be written, here and from :meth:`append`.
    """

    def __init__(self, path: Path, sample_rate: int) -> None:
        self.path, self.sample_rate = path, sample_rate
        self.capacity = round((60.0 * MINUTES + SPARE) * sample_rate)
        self.written = 0
        self._quiet = 0  # frames of digital silence just before
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("w+b", buffering=0)
        with contextlib.suppress(OSError):  # a file system without locks
            _lock(self._file.fileno())
        self._tell()

    def append(self, frames: NDArray[np.float32]) -> None:
        """Append `frames`, (n, 2) float32, n much less than the capacity."""
        if not frames.any():
            if self._quiet > PAUSE * self.sample_rate:
                return
            self._quiet += len(frames)
        else:
            self._quiet = 0
        begin = self.written % self.capacity
        first = min(len(frames), self.capacity - begin)
        self._put(_DATA + _FRAME * begin, frames[:first].tobytes())
        self._put(_DATA, frames[first:].tobytes())
        self.written += len(frames)
        self._tell()

    def save(self, seconds: float, path: Path) -> float:
        """Write the last `seconds` to a WAV or FLAC file, and return how many there were.

        May run in a thread of its own while :meth:`append` goes on.

        Raises
        ------
        AudioFileError
            If there is no sound yet, or the file cannot be written.
        """
        return _save(self.path, seconds, path)

    def close(self) -> None:
        """Give the disk space back."""
        self._file.close()
        self.path.unlink(missing_ok=True)

    def _tell(self) -> None:
        self._put(0, _HEADER.pack(_MAGIC, self.sample_rate, self.capacity, self.written))

    def _put(self, at: int, data: bytes) -> None:
        self._file.seek(at)
        while data:  # a write may be short where the disk is nearly full
            data = data[self._file.write(data) :]


def recover(ring: Path, path: Path) -> float:
    """Write all of a ring that was left behind to a sound file, and remove the ring.

    Returns its seconds; 0, and no file, for a ring without sound or one that is in use.

    Raises
    ------
    AudioFileError
        If the file cannot be written; the ring stays.
    """
    try:
        with ring.open("rb") as file:
            _lock(file.fileno())  # the lock of a session ends with it, however it ends
            seconds = _save(ring, 60.0 * MINUTES, path) if _frames(ring)[2] else 0.0
        ring.unlink()
    except OSError:
        return 0.0
    return seconds


def _save(ring: Path, seconds: float, path: Path) -> float:
    sample_rate, capacity, written = _frames(ring)
    frames = min(round(seconds * sample_rate), round(60.0 * MINUTES * sample_rate), written)
    if frames < 1:
        raise AudioFileError(f"{path} was not written: there has been no sound yet.")
    writer = SoundWriter(path, sample_rate, CHANNELS)
    try:
        for part in _parts(ring, capacity, written - frames, written):
            writer.write(part)
        writer.close()
    except AudioFileError:
        with contextlib.suppress(OSError):  # the ring still has all of it
            path.unlink()
        raise
    return writer.seconds


def _parts(ring: Path, capacity: int, begin: int, end: int) -> Iterator[NDArray[np.float32]]:
    with ring.open("rb") as file:
        while begin < end:
            place = begin % capacity
            count = min(_PART, end - begin, capacity - place)
            file.seek(_DATA + _FRAME * place)
            data = file.read(_FRAME * count)
            samples = np.frombuffer(data[: len(data) // _FRAME * _FRAME], np.float32)
            yield samples.reshape(-1, CHANNELS)
            begin += count


def _frames(ring: Path) -> tuple[int, int, int]:
    """Sample rate, capacity and frames written; zeros if it is no ring."""
    try:
        with ring.open("rb") as file:
            magic, *numbers = _HEADER.unpack(file.read(_HEADER.size))
    except (OSError, struct.error):
        return 0, 0, 0
    sample_rate, capacity, written = numbers
    whole = magic == _MAGIC and sample_rate > 0 and capacity > 0 and written >= 0
    return (sample_rate, capacity, written) if whole else (0, 0, 0)


def _lock(descriptor: int) -> None:
    if fcntl is not None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
