"""Files that travel with the program, factory presets and assets, and where the user's lie."""

import os
import re
import time
from pathlib import Path
from urllib.parse import unquote_to_bytes

import platformdirs

CONFIG_VARIABLE = "MESOSYNTH_CONFIG_DIR"
"""The environment variable that names another folder for settings."""

_PACKAGE = Path(__file__).parents[1]
_IN_WHEEL = _PACKAGE / "data"


def resource(folder: str, name: str = "") -> Path:
    """Path of a file in `presets/`, `assets/` or `docs/guide/`, in a wheel as in a checkout.

    Parameters
    ----------
    folder : {"presets", "assets", "guide"}
    name : str
        The file; empty for the folder itself.
    """
    inside = _IN_WHEEL / folder
    beside = _PACKAGE.parent / ("docs/guide" if folder == "guide" else folder)
    return (inside if inside.is_dir() else beside) / name


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


# --------------------------------------------------------------------------------------------------
# Files in order of their making: a number in the name, since clocks are put right and travel


def numbered_path(folder: Path, word: str, suffix: str) -> Path:
    """Path for a new file, "WORD NUMBER DATE TIME.suffix", numbered after all others of its word.

    Parameters
    ----------
    folder : Path
        It may not exist yet.
    word : str
        First word of the names.
    suffix : str
        With its point.
    """
    last = max((_number(path, word) for path in folder.glob(f"{word} *{suffix}")), default=0)
    return folder / f"{word} {last + 1:06} {time.strftime('%Y-%m-%d %H.%M.%S')}{suffix}"


def in_order(folder: Path, word: str, suffix: str) -> list[Path]:
    """Files that :func:`numbered_path` named, the oldest first; before them those without a number.

    Parameters
    ----------
    folder, word, suffix
        As of :func:`numbered_path`.
    """
    return sorted(
        folder.glob(f"{word} *{suffix}"), key=lambda path: (_number(path, word), path.name)
    )


def _number(path: Path, word: str) -> int:
    found = re.match(rf"{re.escape(word)} ([0-9]{{1,15}}) ", path.name)
    return int(found[1]) if found else 0
