"""All that goes to the device, in stereo, for whoever writes it down."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mesosynth.engine.shared import SharedBlock
from mesosynth.errors import ArgumentError
from mesosynth.plugins.plugin import CHANNELS

SOUND_FRAMES = 2**20  # frames: 5 s at 192 kHz, 22 s at 48 kHz; 8 MB


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of sound of one sample rate, (n, 2) float32, and how many frames before it are lost.

    Lost is what the reader was too late for.
    """

    sample_rate: int
    frames: NDArray[np.float32]
    lost: int


class SoundRing(SharedBlock):
    """The last frames of a stereo sound, with one writer; each reader attaches for itself.

    Parameters
    ----------
    name : str, optional
        Of an existing ring, to attach to it; None creates one.
    """

    def __init__(self, name: str | None = None) -> None:
        super().__init__(24 + 4 * CHANNELS * SOUND_FRAMES, name)
        # Frames written, the sample rate, and the frame from which on it holds.
        self._array("books", np.int64, 3, 0)
        samples = self._array("flat", np.float32, CHANNELS * SOUND_FRAMES, 24)
        self._arrays["samples"] = samples.reshape(SOUND_FRAMES, CHANNELS)
        self._position = self.written
        self._sample_rate = int(self._arrays["books"][1])

    def __reduce__(self) -> tuple[type["SoundRing"], tuple[str]]:
        return SoundRing, (self.name,)

    @property
    def written(self) -> int:
        """Frames written so far."""
        return int(self._arrays["books"][0])

    @property
    def sample_rate(self) -> int:
        """Hz; 0 before the first sound."""
        return int(self._arrays["books"][1])

    def begin(self, sample_rate: int) -> None:
        """[control] What is written from here on has this sample rate, Hz."""
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
        """What was written since the last call: a stretch for each sample rate."""
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
        """Return the last `frames` frames mixed to mono, (frames,), with zeros before the first.

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
