"""Where recordings are kept: takes from the input, and what a killed session left behind."""

import time
from pathlib import Path

import platformdirs

from mesosynth.engine.sound_writer import unused
from mesosynth.errors import AudioFileError


def takes_folder() -> Path:
    """The user's folder of recordings."""
    return platformdirs.user_data_path("mesosynth", appauthor=False) / "takes"


def last_minutes_folder() -> Path:
    """Where each session keeps its last minutes while it runs."""
    return platformdirs.user_cache_path("mesosynth", appauthor=False)


def new_take() -> Path:
    """Name a WAV file after the date and time, in the folder of recordings, which is made.

    Raises
    ------
    AudioFileError
        If there can be no such folder.
    """
    folder = takes_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AudioFileError(f"{folder} cannot be made: {error.strerror}.") from error
    return unused(folder / f"take {time.strftime('%Y-%m-%d %H.%M.%S')}.wav")
