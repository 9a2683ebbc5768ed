"""The device, sample rate and block that last worked, as JSON in the user's configuration folder.

Only what has worked is kept, so that no setting can keep the program from starting; and a start
without the sound card is always possible.
"""

import os
from pathlib import Path

import msgspec

from mesosynth.errors import SettingsError
from mesosynth.system.atomic_file import unused
from mesosynth.system.paths import config_folder

REVISION = 1
LARGEST = 2**16  # bytes that a file of settings may have


class AudioSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What sound goes to; None leaves the choice to the device.

    Attributes
    ----------
    device : str or None
        Part of a device's name, or "silent".
    sample_rate, block : int or None
        Hz and frames.
    """

    device: str | None = None
    sample_rate: int | None = None
    block: int | None = None


DEFAULT_AUDIO = AudioSettings()
"""The system's own device, at its own settings."""


class _Document(msgspec.Struct, frozen=True):
    audio: AudioSettings
    revision: int = REVISION


def settings_path() -> Path:
    """The file, which may not exist yet."""
    return config_folder() / "audio.json"


def load_audio_settings() -> tuple[AudioSettings, str]:
    """Read the last good settings.

    Returns
    -------
    settings : AudioSettings
        Defaults, if there are none yet or they cannot be read.
    trouble : str
        What to tell the user; "" when all is well. A file that is broken, or was written by a
        later mesosynth, is put beside under another name, and nothing of it is lost.
    """
    path = settings_path()
    try:
        with path.open("rb") as file:
            return _document(file.read(LARGEST)).audio, ""
    except FileNotFoundError:
        return AudioSettings(), ""
    except OSError as error:
        why = error.strerror
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        why = str(error)
    return AudioSettings(), f"{path} cannot be used ({why}); {_put_beside(path)}"


def save_audio_settings(settings: AudioSettings) -> None:
    """Write the settings, whole or not at all.

    Raises
    ------
    SettingsError
        If they cannot be written.
    """
    path = settings_path()
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    text = msgspec.json.format(msgspec.json.encode(_Document(settings)), indent=2)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(text + b"\n")
        part.replace(path)
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror}.") from error


def _document(text: bytes) -> _Document:
    document = msgspec.json.decode(text, type=_Document)
    if document.revision != REVISION:
        raise ValueError(
            f"revision {document.revision} is of another mesosynth, this one reads {REVISION}"
        )
    return document


def _put_beside(path: Path) -> str:
    beside = unused(path.with_name("audio.put-aside.json"))
    try:
        path.rename(beside)
    except OSError:
        return "starting with the system's own device."
    return f"it is now {beside.name}, and the start is with the system's own device."
