"""Where recordings from the input are kept."""

import datetime
from pathlib import Path

import numpy as np
import platformdirs
from numpy.typing import NDArray

from mesosynth.audio_file import write_wav
from mesosynth.errors import AudioFileError


def takes_folder() -> Path:
    """The user's folder of takes."""
    return platformdirs.user_data_path("mesosynth", appauthor=False) / "takes"


def save_take(audio: NDArray[np.float32], sample_rate: int) -> Path:
    """Write a recording, named by its date and time, and return its path.

    Parameters
    ----------
    audio : (n,) float32
    sample_rate : int
        Hz.

    Raises
    ------
    AudioFileError
        If it cannot be written.
    """
    folder = takes_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AudioFileError(f"{folder} cannot be made: {error.strerror}.") from error
    path = folder / f"take {datetime.datetime.now():%Y-%m-%d %H.%M.%S}.wav"
    write_wav(path, audio, sample_rate)
    return path
