"""Replay buffer: the last ten minutes of sound on disk, to be saved later or after a crash.

A file is overwritten in a circle by plain writes: the system keeps them when the process is killed,
and a full disk is an error rather than a signal, as it would be with mapped memory.
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
SPARE = 30.0  # s more, so that the oldest part can be read while the newest is written
PAUSE = 2.0  # s of digital silence; longer pauses are cut

_MAGIC = b"mesosynth ring 1"
_HEADER = struct.Struct("<16sqqq")  # magic, sample rate, frames it holds, frames written
_DATA = 4096  # bytes before the first frame
_FRAME = 4 * CHANNELS
_PART = 2**18  # frames read at once

try:
    import fcntl
except ImportError:  # Windows, where an open file cannot be removed
    fcntl = None


class ReplayBuffer:
    """Replay buffer of one session, in a file: 230 MB at 48 kHz, in proportion at other rates.

    Parameters
    ----------
    path : Path
        Must not exist yet.
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
        """Write the last seconds to a WAV or FLAC file.

        May run in a thread of its own while :meth:`append` goes on.

        Parameters
        ----------
        seconds : float
            s.
        path : Path
            Ends in ``.wav`` or ``.flac``.

        Returns
        -------
        float
            Length that was written, s.

        Raises
        ------
        AudioFileError
            If there is no sound yet, or the file cannot be written.
        """
        return _save(self.path, seconds, path)

    def close(self) -> None:
        """Remove the file."""
        self._file.close()
        self.path.unlink(missing_ok=True)

    def _tell(self) -> None:
        self._put(0, _HEADER.pack(_MAGIC, self.sample_rate, self.capacity, self.written))

    def _put(self, at: int, data: bytes) -> None:
        self._file.seek(at)
        while data:  # a write may be short where the disk is nearly full
            data = data[self._file.write(data) :]


def recover(ring: Path, path: Path) -> float:
    """Write the replay buffer of a killed session to a sound file, and remove the buffer.

    Parameters
    ----------
    ring : Path
        File of the replay buffer.
    path : Path
        Ends in ``.wav`` or ``.flac``.

    Returns
    -------
    float
        Length, s; 0, and no file, for a buffer without sound or one that is in use.

    Raises
    ------
    AudioFileError
        If the file cannot be written; the buffer stays.
    """
    try:
        with ring.open("rb") as file:
            _lock(file.fileno())  # fails while its session runs
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
        with contextlib.suppress(OSError):  # the buffer still has all of it
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
    """Sample rate, capacity and frames written; zeros if it is not a replay buffer."""
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
