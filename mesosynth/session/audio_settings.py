"""The device, sample rate and block that last worked, as JSON in the user's configuration folder.

Only what has worked is kept, so that no setting can keep the program from starting; and a start
without the sound card is always possible.
"""

from pathlib import Path
from typing import Any

import msgspec

from mesosynth.errors import SettingsError
from mesosynth.system import file_kinds
from mesosynth.system.documents import Document, Object
from mesosynth.system.paths import config_folder


class AudioSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What sound goes to; None leaves the choice to the device.

    Attributes
    ----------
    device : str or None
        Part of a device's name, or "silent".
    sample_rate, block : int or None
        Hz and frames.
    extra : dict
        Keys of later versions.
    """

    device: str | None = None
    sample_rate: int | None = None
    block: int | None = None
    extra: dict[str, Any] = {}


DEFAULT_AUDIO = AudioSettings()
"""The system's own device, at its own settings."""


def _flatten(raw: Object) -> None:
    """The settings of revision 1 lay in an object `audio`."""
    raw.update(raw.pop("audio"))


AUDIO_SETTINGS = Document(
    AudioSettings, file_kinds.AUDIO_SETTINGS, SettingsError,
    revision=2, migrations=[_flatten], numbered=False, largest=2**16,
)  # fmt: skip


def settings_path() -> Path:
    """The file, which may not exist yet."""
    return config_folder() / "audio.json"


def load_audio_settings() -> tuple[AudioSettings, str]:
    """Read the last good settings.

    Returns
    -------
    settings : AudioSettings
        Defaults, if there are none yet or they cannot be used.
    trouble : str
        What to tell the user; "" when all is well. A file that is broken, or was written by a
        later mesosynth, is put aside under another name, and nothing of it is lost.
    """
    instead = "the start is with the system's own device"
    return AUDIO_SETTINGS.load_own(settings_path(), DEFAULT_AUDIO, instead)


def save_audio_settings(settings: AudioSettings) -> None:
    """Write the settings, whole or not at all.

    Raises
    ------
    SettingsError
        If they cannot be written.
    """
    AUDIO_SETTINGS.save(settings_path(), settings, make_folder=True)
