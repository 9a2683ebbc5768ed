"""Files that travel with the program, factory presets and assets, and where the user's lie."""

import os
from pathlib import Path
from urllib.parse import unquote_to_bytes

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


# --------------------------------------------------------------------------------------------------
# Names of files that are not UTF-8, which Python keeps as lone surrogates and no JSON file takes

_URI = "file://"


def shown_name(path: Path) -> str:
    """Name of a file as text that can be printed and kept; what is not UTF-8 becomes U+FFFD."""
    return os.fsencode(path.name).decode("utf-8", "replace")


def path_text(path: Path) -> str:
    """A path as text for a document, a file: URI where it is not UTF-8."""
    text = str(path)
    return text if _is_text(text) else path.absolute().as_uri()


def text_path(text: str) -> Path:
    """Path of a text that :func:`path_text` made."""
    if text.startswith(_URI):
        return Path(os.fsdecode(unquote_to_bytes(text.removeprefix(_URI))))
    return Path(text)


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
