"""`mesosynth desktop`: entry in the menu of this user's desktop, icon and file types (Linux)."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import platformdirs

from mesosynth.cli.options import Json
from mesosynth.errors import ArgumentError, SettingsError
from mesosynth.system.atomic_file import write_atomically, writing
from mesosynth.system.paths import resource

FILES = {
    "mesosynth.desktop": "applications",
    "mesosynth.svg": "icons/hicolor/scalable/apps",
    "mesosynth.xml": "mime/packages",
}
"""Files of the entry, and their folders below the user's data folder."""

_REFRESH = (
    ("update-mime-database", "mime"),
    ("update-desktop-database", "applications"),
    ("gtk-update-icon-cache", "icons/hicolor"),
)


def desktop(*, remove: bool = False, json: Json = False) -> dict[str, Any]:
    """Add mesosynth to the menu of this user's desktop, with its icon and its file types.

    Parameters
    ----------
    remove : bool
        Remove it from there.
    json : bool
        One JSON object on standard output.
    """
    if sys.platform != "linux":
        raise ArgumentError(f"desktop: entries are made on Linux only, not on {sys.platform}.")
    folder = platformdirs.user_data_path()
    places = [folder / below / name for name, below in FILES.items()]
    for place in places:
        if remove:
            with writing(place, SettingsError):
                place.unlink(missing_ok=True)
        else:
            content = resource("assets", f"desktop/{place.name}").read_text(encoding="utf-8")
            if place.suffix == ".desktop":
                content = content.replace("Exec=mesosynth", f"Exec={_program()}")
            with writing(place, SettingsError, make_folder=True):
                write_atomically(place, content.encode())
    for tool, below in _REFRESH:
        if shutil.which(tool) and (folder / below).is_dir():
            quiet = ["-q"] if tool.startswith("gtk") else []
            subprocess.run([tool, *quiet, folder / below], capture_output=True, check=False)
    if not json:
        print("\n".join(f"{'removed' if remove else 'written'}: {place}" for place in places))
    return {"removed" if remove else "written": [str(place) for place in places]}


def _program() -> str:
    """The program that runs now, of a bundle or of an environment, as an entry's Exec takes it."""
    beside = Path(sys.executable).with_name("mesosynth")
    if beside.is_file():
        return _quoted(beside)
    return f"{_quoted(Path(sys.executable))} -m mesosynth"


def _quoted(program: Path) -> str:
    text = str(program)
    for sign in '\\"`$':
        text = text.replace(sign, f"\\{sign}")
    return f'"{text.replace("%", "%%")}"'
