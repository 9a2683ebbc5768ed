"""Sound writer: a WAV or FLAC file that can be read even if the program is killed.

libsndfile writes the length to a file's header when it closes the file. A program that is killed
never does, so the length is written from time to time through a second handle on the file.
"""

import contextlib
import struct
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
from numpy.typing import NDArray

from mesosynth.audio.decoder import sound_name
from mesosynth.audio.file import write_error
from mesosynth.errors import AudioFileError
from mesosynth.system.atomic_file import check_outputs

SUFFIXES = (".wav", ".flac")
BYTES = 3  # per sample, 24 bits
LONGEST_WAV = 2**32 - 2**16  # bytes of sound; the limit of a WAV header
_HEADER_SECONDS = 0.4


class SoundWriter:
    """A WAV or FLAC file of 24 bits, being written.

    Parameters
    ----------
    path : Path
        Ends in ``.wav`` or ``.flac``; an old file is overwritten.
    sample_rate : int
        Hz.
    channels : int

    Attributes
    ----------
    path : Path
    frames : int
        Frames written so far.

    Raises
    ------
    AudioFileError
        If it cannot be written, here and from the methods.
    """

    def __init__(self, path: Path, sample_rate: int, channels: int) -> None:
        check_path(path)
        self.path, self.sample_rate, self.frames = path, sample_rate, 0
        self._limit = LONGEST_WAV // (BYTES * channels) if path.suffix.lower() == ".wav" else None
        self._told = 0  # frames in the header
        try:
            self._file = soundfile.SoundFile(
                sound_name(path), "w", sample_rate, channels, subtype="PCM_24"
            )
        except (OSError, soundfile.SoundFileError) as error:
            raise AudioFileError(write_error(path, error)) from error

    @property
    def seconds(self) -> float:
        """Length written so far, s."""
        return self.frames / self.sample_rate

    @property
    def full(self) -> bool:
        """Whether the format's limit is reached, and the sound must go on in another file."""
        return self._limit is not None and self.frames >= self._limit

    def write(self, frames: NDArray[np.float32]) -> None:
        """Append `frames`, (n, channels) float32; from time to time, update the header's length."""
        if self._limit is not None:
            frames = frames[: self._limit - self.frames]
        try:
            self._file.write(frames)
            self.frames += len(frames)
            if self.frames - self._told > _HEADER_SECONDS * self.sample_rate:
                self._tell()
        except (OSError, soundfile.SoundFileError) as error:
            raise AudioFileError(write_error(self.path, error)) from error

    def close(self) -> None:
        """Finish the file; where that fails, what was written can still be read."""
        try:
            self._file.close()
        except (OSError, soundfile.SoundFileError) as error:
            with contextlib.suppress(OSError):
                self._tell()
            raise AudioFileError(write_error(self.path, error)) from error

    def _tell(self) -> None:
        with self.path.open("r+b") as file:
            head = file.read(4096)
            put = _put_flac_length if head.startswith(b"fLaC") else _put_wav_length
            put(file, head, self.frames, self._file.channels)
        self._told = self.frames


def check_path(path: Path) -> None:
    """Raise for a name whose format or folder does not exist, or that cannot be written.

    Raises
    ------
    AudioFileError
        If it ends in neither ``.wav`` nor ``.flac``, there is no such folder, or it is no plain
        file.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise AudioFileError(f"{path} must end in .wav or .flac to be written.")
    check_outputs([path], AudioFileError)


def _put_wav_length(file: BinaryIO, head: bytes, frames: int, channels: int) -> None:
    begin = head.index(b"data") + 8  # no chunk before it holds text
    size = BYTES * channels * frames
    for at, value in ((4, begin + size - 8), (begin - 4, size)):
        file.seek(at)
        file.write(struct.pack("<I", value))


def _put_flac_length(file: BinaryIO, head: bytes, frames: int, _channels: int) -> None:
    """Write the number of complete frames: the encoder writes whole blocks, one block late."""
    block = int.from_bytes(head[8:10], "big")
    whole = max(frames - 1, 0) // block * block
    # 20 bits of sample rate, 3 of channels, 5 of bits per sample, and 36 of the length.
    described = int.from_bytes(head[18:26], "big") >> 36 << 36
    file.seek(18)
    file.write((described | whole).to_bytes(8, "big"))
