"""Audio settings: the last working device, sample rate and block, in the configuration folder.

Only settings that worked are saved, so that none can prevent the next start; and a start without
the sound card is always possible.
"""

from pathlib import Path
from typing import Any

import msgspec

from mesosynth.errors import SettingsError
from mesosynth.system import file_kinds
from mesosynth.system.documents import Document, Object
from mesosynth.system.paths import config_folder


class AudioSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Device, sample rate and block; None leaves the choice to the device.

    Attributes
    ----------
    device : str or None
        Part of a device's name, or "silent".
    sample_rate : int or None
        Hz.
    block : int or None
        Frames.
    extra : dict
        Keys of later versions.
    """

    device: str | None = None
    sample_rate: int | None = None
    block: int | None = None
    extra: dict[str, Any] = {}


DEFAULT_AUDIO = AudioSettings()
"""The system's default device and its own settings."""


def _flatten(raw: Object) -> None:
    """Move the settings out of the object `audio` of revision 1."""
    raw.update(raw.pop("audio"))


AUDIO_SETTINGS = Document(
    AudioSettings, file_kinds.AUDIO_SETTINGS, SettingsError,
    revision=2, migrations=[_flatten], numbered=False, largest=2**16,
)  # fmt: skip


def settings_path() -> Path:
    """File of the settings, which may not exist yet."""
    return config_folder() / "audio.json"


def load_audio_settings() -> tuple[AudioSettings, str]:
    """Read the last working settings.

    Returns
    -------
    settings : AudioSettings
        Defaults, if there are none yet or they cannot be used.
    trouble : str
        Message for the user, or "". A broken file, or one of a later version, is renamed, and
        nothing of it is lost.
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
