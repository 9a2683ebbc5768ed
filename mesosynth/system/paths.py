"""Files that travel with the program, factory presets and assets, and where the user's lie."""

import os
from pathlib import Path

import platformdirs

CONFIG_VARIABLE = "MESOSYNTH_CONFIG_DIR"
"""The environment variable that names another folder for settings."""

_PACKAGE = Path(__file__).parents[1]
_IN_WHEEL = _PACKAGE / "data"


def resource(folder: str, name: str = "") -> Path:
    """Path of a file in `presets/` or `assets/`, in a wheel as in a checkout.

    Parameters
    ----------
    folder : {"presets", "assets"}
    name : str
        The file; empty for the folder itself.
    """
    inside = _PACKAGE / "data" / folder
    return (inside if inside.is_dir() else _PACKAGE.parent / folder) / name


def factory_presets() -> list[Path]:
    """The presets that mesosynth brings, by name."""
    return sorted(resource("presets").glob("*.json"))


def config_folder() -> Path:
    """Folder of the user's settings; it may not exist yet."""
    folder = os.environ.get(CONFIG_VARIABLE)
    return Path(folder or platformdirs.user_config_dir("mesosynth", appauthor=False))
