"""Decoder of sound files: libsndfile, with headers put right, and PyAV or ffmpeg for all others.

What is there is read, also of a file that was cut or whose recorder died, and a remark says so.
"""

import contextlib
import functools
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from mesosynth.audio.headers import MendedFile, mended
from mesosynth.audio.target import BLOCK
from mesosynth.errors import AudioFileError
from mesosynth.system import file_kinds
from mesosynth.system.paths import shown_name

_HEADER_SLACK = 64  # bytes by which sizes in correct headers differ
_UNKNOWN_SIZE = 0x7FFF0000  # streaming writers put sizes from here on for "not known yet"
_STATED_SIZE = re.compile(r"(?:SSND|Data Size|riff)\s*: (\d+) \(should be (\d+)\)")
_LAST_FRAMES = 3000  # of an MP3, which decoders need to begin and to end
_NO_LENGTH = 1 << 60  # frames; libsndfile's own number where a header tells none
_SMALL_BLOCK = 1024  # frames in which the end of a damaged file is read
_CONVERSION = 600.0  # s that ffmpeg may take


class Decoder:
    """A sound file that is read block by block, as often as is wanted.

    Parameters
    ----------
    path : Path

    Attributes
    ----------
    sample_rate : int
        Hz.
    channels : int
    frames : int
        By the header, and once all blocks were read, those that are there.
    remark : str
        A sentence about what is missing, known once all blocks were read; or "".

    Raises
    ------
    AudioFileError
        If it is missing, no file, empty, or nothing that can be decoded.
    """

    def __init__(self, path: Path) -> None:
        _check_place(path)
        self.path, self._source, self.remark = path, path, ""
        try:
            self._header = mended(path)
            try:
                self._describe()
            except soundfile.LibsndfileError as error:
                self._take_converted(error)
        except OSError as error:
            raise AudioFileError(f"{path} cannot be read: {error.strerror}.") from error

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """All channels from the beginning: (frames, channels) blocks.

        Raises
        ------
        AudioFileError
            If nothing can be decoded.
        """
        read = 0
        trouble: Exception | None = None
        for size in (BLOCK, _SMALL_BLOCK):  # of a damaged block libsndfile gives nothing
            at = 0
            try:
                with self.open() as file:
                    while len(block := file.read(size, dtype="float32", always_2d=True)):
                        at += len(block)
                        if at > read:
                            new, read = np.asarray(block[read - at :], np.float32), at
                            yield new
            except soundfile.LibsndfileError as error:
                trouble = error
            else:
                break
        if trouble is not None and not read:
            raise AudioFileError(f"{self.path} is damaged: nothing of it can be read.") from trouble
        self.end(read)

    def end(self, frames: int) -> None:
        """Take note of the number of frames that are there, all of which were read."""
        self.remark = self._remark(frames)
        self.frames = frames

    @contextlib.contextmanager
    def open(self) -> Generator[soundfile.SoundFile]:
        """The file at its beginning, for libsndfile."""
        with contextlib.ExitStack() as stack:
            source: Any = sound_name(self._source)
            if self._header is not None:
                source = stack.enter_context(MendedFile(self.path, self._header))
            yield stack.enter_context(soundfile.SoundFile(source))

    def _describe(self) -> None:
        with self.open() as file:
            self.sample_rate, self.channels = int(file.samplerate), int(file.channels)
            self.frames = file.frames if file.frames < _NO_LENGTH else 0
            self._promised = float(self.frames)
            self._slack = _LAST_FRAMES if file.format == "MPEG" else 0
            for promised, found in re.findall(_STATED_SIZE, file.extra_info):
                if int(found) + _HEADER_SLACK < int(promised) < _UNKNOWN_SIZE:
                    self._promised = self.frames * int(promised) / max(int(found), 1)
        if self._header is not None:
            self._promised *= self._header.promised / max(self._header.found, 1)

    def _take_converted(self, error: soundfile.LibsndfileError) -> None:
        """Have another library convert what libsndfile does not know."""
        path, found = self.path, file_kinds.kind_of_file(self.path)
        if found not in (None, file_kinds.SOUND):
            raise AudioFileError(file_kinds.is_not(str(path), found, file_kinds.SOUND)) from error
        status = path.stat()
        converted = _converted(path, status.st_mtime_ns, status.st_size)
        if converted is None:
            cause = error.error_string.strip().rstrip(".")
            more = (
                "" if _has_converter() else " Install ffmpeg, or PyAV (pip install av), for more."
            )
            raise AudioFileError(
                f"{path} is not a sound file that can be read ({cause}); "
                f"WAV, FLAC, AIFF, Ogg and MP3 can.{more}"
            ) from error
        self._source, self._header = Path(converted.name), None
        self._describe()

    def _remark(self, read: int) -> str:
        name, seconds = shown_name(self.path), read / self.sample_rate
        if read + self._slack < self._promised:
            share = 100.0 * read / self._promised
            return (
                f"{name} is cut short: it holds {seconds:.2f} s, {share:.0f}% of what its header "
                "promises, which are read."
            )
        if self._header is not None and self._header.died:
            told = self._promised / self.sample_rate
            return f"The header of {name} tells {told:.2f} s: all {seconds:.2f} s in it are read."
        return ""


def sound_name(path: Path) -> Any:  # noqa: ANN401 - soundfile is not typed for bytes
    """Name of a file for soundfile, which knows no names that are not UTF-8 but as bytes."""
    return str(path) if os.name == "nt" else os.fsencode(path)


def _check_place(path: Path) -> None:
    try:
        if not path.exists():
            raise AudioFileError(f"{path} does not exist.")
        if path.is_dir():
            raise AudioFileError(f"{path} is a folder; name a sound file in it.")
        if not path.is_file():
            raise AudioFileError(f"{path} is not a file; name a sound file.")
        if path.stat().st_size == 0:
            raise AudioFileError(f"{path} is empty.")
    except (OSError, ValueError) as error:  # a name that no system takes
        cause = getattr(error, "strerror", None) or error
        raise AudioFileError(f"{path} cannot be read: {cause}.") from error


# --------------------------------------------------------------------------------------------------
# Conversion of other formats to a temporary WAV file


def _has_converter() -> bool:
    return importlib.util.find_spec("av") is not None or shutil.which("ffmpeg") is not None


@functools.lru_cache(maxsize=2)
def _converted(path: Path, _modified: int, _size: int) -> Any:  # noqa: ANN401 - a temporary file
    """A temporary WAV file of the first sound in a file, removed at the end; None if there is none.

    Parameters
    ----------
    path : Path
    _modified, _size : int
        Its time and size, so that a new file is converted anew.
    """
    out = tempfile.NamedTemporaryFile(suffix=".wav", prefix="mesosynth ")  # noqa: SIM115 - kept
    for convert in (_by_pyav, _by_ffmpeg):
        if convert(path, Path(out.name)):
            return out
    out.close()
    return None


def _by_pyav(path: Path, out: Path) -> bool:
    try:
        import av  # pyright: ignore[reportMissingImports] - an extra
    except ImportError:
        return False
    written = 0
    with contextlib.suppress(av.error.FFmpegError, IndexError, OSError), av.open(
        os.fspath(path)
    ) as container:  # fmt: skip
        stream = container.streams.audio[0]
        rate, layout = stream.rate, stream.layout
        resampler = av.AudioResampler(format="flt", layout=layout, rate=rate)
        with soundfile.SoundFile(
            str(out), "w", rate, layout.nb_channels, "FLOAT", format="RF64"
        ) as file:
            for frame in container.decode(stream):
                for part in resampler.resample(frame):
                    samples = part.to_ndarray().reshape(-1, layout.nb_channels)
                    file.write(samples)
                    written += len(samples)
    return written > 0


def _by_ffmpeg(path: Path, out: Path) -> bool:
    program = shutil.which("ffmpeg")
    if program is None:
        return False
    command = [
        program, "-v", "error", "-nostdin", "-y", "-i", f"file:{path.absolute()}", "-map", "0:a:0",
        "-c:a", "pcm_f32le", "-rf64", "auto", "-f", "wav", f"file:{out}",
    ]  # fmt: skip
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(command, capture_output=True, timeout=_CONVERSION, check=False)
        return done.returncode == 0 and out.stat().st_size > 1000
    return False
