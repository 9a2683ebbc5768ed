"""What the desk remembers from one day to the next, as JSON in the user's configuration folder."""

import math
import os
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from mesosynth.system.atomic_file import unused
from mesosynth.system.paths import CONFIG_VARIABLE, config_folder

FOLDER_VARIABLE = CONFIG_VARIABLE
"""The environment variable that names another folder."""

MOST_RECENT = 10
"""Targets that are remembered."""

SCALES = (100, 125, 150, 175, 200)
"""Sizes of the desk, percent."""

_LARGEST = 2**20  # bytes that the file may have


class Settings(msgspec.Struct, kw_only=True):
    """Remembered choices.

    Attributes
    ----------
    geometry : str
        The window's place and size, as Qt saves it, in base64; "" for none yet.
    folder : str
        Where the last file was opened or saved; "" for none yet.
    views : str
        Where the last view was saved; "" for none yet.
    follow : bool
        Whether a match drives the sound.
    gain : float or None
        Level of the output, dB; None for the instrument's default.
    page : str
        The drawer's page that is open; "" for none.
    axes : (str, str) or None
        The parameters on the pad; None for the first pair.
    share : float
        Of the room beside the drawer that the pad has, 0.2 to 0.8.
    theme : {"system", "dark", "light"}
    scale : int
        Size of everything, percent, 100 to 200.
    layers : int
        How many a match with layers looks for, at most.
    layers_seconds : float
        How long it takes, at most.
    recent : list of str
        Files of the last targets, the newest first.
    toured : bool
        Whether the tour of the first start has been shown.
    """

    geometry: str = ""
    folder: str = ""
    views: str = ""
    follow: bool = True
    gain: float | None = None
    page: str = ""
    axes: tuple[str, str] | None = None
    share: Annotated[float, msgspec.Meta(ge=0.2, le=0.8)] = 0.45
    theme: Literal["system", "dark", "light"] = "system"
    scale: Annotated[int, msgspec.Meta(ge=100, le=200)] = 100
    layers: Annotated[int, msgspec.Meta(ge=1, le=8)] = 4
    layers_seconds: Annotated[float, msgspec.Meta(ge=5.0, le=600.0)] = 60.0
    recent: list[str] = []
    toured: bool = False

    def remember_target(self, path: Path) -> None:
        """Put a target first among the recent ones."""
        name = str(path)
        self.recent = [name, *(other for other in self.recent if other != name)][:MOST_RECENT]


def settings_path() -> Path:
    """Name the file in which settings are kept."""
    return config_folder() / "desk.json"


def load_settings() -> tuple[Settings, str]:
    """Read the settings; a file that is broken gives defaults, and is put beside.

    Returns
    -------
    settings : Settings
    trouble : str
        What to tell the user; "" when all is well.
    """
    path = settings_path()
    try:
        with path.open("rb") as file:
            return _checked(file.read(_LARGEST)), ""
    except FileNotFoundError:
        return Settings(), ""
    except OSError as error:
        why = str(error.strerror)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        why = str(error)
    return Settings(), f"{path}: settings cannot be read ({why}); {_put_beside(path)}"


def save_settings(settings: Settings) -> str:
    """Write the settings whole or not at all; return what went wrong, or ""."""
    path = settings_path()
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    text = msgspec.json.format(msgspec.json.encode(settings), indent=2)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(text + b"\n")
        draft.replace(path)
    except OSError as error:
        return f"{path}: settings cannot be saved ({error.strerror}); check the folder's rights."
    return ""


def _checked(text: bytes) -> Settings:
    settings = msgspec.json.decode(text, type=Settings)
    if settings.gain is not None and not math.isfinite(settings.gain):
        raise ValueError(f"gain is {settings.gain!r}")
    settings.recent = settings.recent[:MOST_RECENT]
    return settings


def _put_beside(path: Path) -> str:
    beside = unused(path.with_name("desk.put-aside.json"))
    try:
        path.rename(beside)
    except OSError:
        return "starting with defaults."
    return f"it is now {beside.name}; starting with defaults."
