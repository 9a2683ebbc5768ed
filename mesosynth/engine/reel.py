"""A recording that runs: one sound file after the other, where one is not enough."""

import contextlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mesosynth.engine.sound_writer import SoundWriter, check_path, unused
from mesosynth.errors import AudioFileError


class Reel:
    """A recording that runs: one file or, where its rate changes or the format ends, several.

    Parameters
    ----------
    path : Path
        Of the first file.
    channels : int

    Attributes
    ----------
    path : Path
        Of the file that is being written.
    seconds : float
        Of all files.
    peak : float
        Largest magnitude since it was last set to 0.
    """

    def __init__(self, path: Path, channels: int) -> None:
        self.path, self.seconds, self.peak = path, 0.0, 0.0
        self._first, self._channels = path, channels
        self._writer: SoundWriter | None = None

    def open(self, sample_rate: int) -> None:
        """Let what follows have this sample rate, Hz.

        Raises
        ------
        AudioFileError
            If the file cannot be written.
        """
        if self._writer is not None:
            self._writer.close()
            self.path = unused(self._first)
        self._writer = SoundWriter(self.path, sample_rate, self._channels)

    def write(self, sample_rate: int, frames: NDArray[np.float32]) -> None:
        """Append `frames`, (n, channels) float32.

        Raises
        ------
        AudioFileError
            If the file cannot be written.
        """
        while len(frames):
            writer = self._writer
            if writer is None or writer.full or writer.sample_rate != sample_rate:
                self.open(sample_rate)
                continue
            before = writer.frames
            writer.write(frames)
            written, frames = np.split(frames, [writer.frames - before])
            self.seconds += len(written) / sample_rate
            self.peak = max(self.peak, float(np.abs(written).max()))

    def close(self) -> None:
        """Finish the file.

        Raises
        ------
        AudioFileError
            If it cannot be written; what is there can be read.
        """
        if self._writer is not None:
            self._writer.close()

    def abandon(self) -> None:
        """Let go of a file that could not be written on; what is there can be read."""
        with contextlib.suppress(AudioFileError):  # said before
            self.close()


def open_reel(path: Path, channels: int, sample_rate: int) -> Reel:
    """Begin a recording; its file is opened at once if the sample rate is known, that is, not 0.

    Raises
    ------
    AudioFileError
        If it cannot be written.
    """
    check_path(path)
    reel = Reel(path, channels)
    if sample_rate:
        reel.open(sample_rate)
    return reel
