"""What the desk remembers from one day to the next, as JSON in the user's configuration folder."""

import json
import math
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import platformdirs

FOLDER_VARIABLE = "MESOSYNTH_CONFIG_DIR"
"""The environment variable that names another folder."""


@dataclass(slots=True)
class Settings:
    """Remembered choices.

    Attributes
    ----------
    geometry : str
        The window's place and size, as Qt saves it, in base64; "" for none yet.
    folder : str
        Where the last file was opened or saved; "" for none yet.
    follow : bool
        Whether a match drives the sound.
    gain : float or None
        Level of the output, dB; None for the instrument's default.
    """

    geometry: str = ""
    folder: str = ""
    follow: bool = True
    gain: float | None = None


def settings_path() -> Path:
    """Name the file in which settings are kept."""
    folder = os.environ.get(FOLDER_VARIABLE) or platformdirs.user_config_dir("mesosynth", False)
    return Path(folder) / "desk.json"


def load_settings() -> tuple[Settings, str]:
    """Read the settings; a file that is broken gives defaults and a sentence about it.

    Returns
    -------
    settings : Settings
    trouble : str
        What to tell the user; "" when all is well.
    """
    path = settings_path()
    try:
        return _checked(json.loads(path.read_text(encoding="utf-8"))), ""
    except FileNotFoundError:
        return Settings(), ""
    except (OSError, ValueError) as error:
        return Settings(), f"{path}: settings cannot be read ({error}); starting with defaults."


def save_settings(settings: Settings) -> str:
    """Write the settings whole or not at all; return what went wrong, or ""."""
    path = settings_path()
    draft = path.with_suffix(".json.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps(asdict(settings), indent=2) + "\n", encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        return f"{path}: settings cannot be saved ({error.strerror}); check the folder's rights."
    return ""


def _checked(data: object) -> Settings:
    if not isinstance(data, dict):
        raise ValueError("not a JSON object")
    kinds = {"geometry": str, "folder": str, "follow": bool, "gain": (int, float, type(None))}
    known = {field.name: data[field.name] for field in fields(Settings) if field.name in data}
    for key, value in known.items():
        if not isinstance(value, kinds[key]) or (key == "gain" and isinstance(value, bool)):
            raise ValueError(f"{key} is {value!r}")
    gain = known.get("gain")
    if gain is not None and not math.isfinite(gain):
        raise ValueError(f"gain is {gain!r}")
    return Settings(**known)
