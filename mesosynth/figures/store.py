"""The folder of figures: what is there, and whether it was made with the same settings."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from mesosynth.errors import ArgumentError
from mesosynth.figures.style import DPI
from mesosynth.figures.table import Table
from mesosynth.system.atomic_file import draft_of, writing

VERSION = 1
"""Raised whenever the figures' numbers change; figures of another version are made again."""

_SUFFIXES = (".csv", ".png", ".json")


def fingerprint(settings: Mapping[str, Any]) -> str:
    """Hash of what a figure's numbers depend on."""
    text = json.dumps({"version": VERSION, **settings}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


class Store:
    """A folder with a picture, a table and a small JSON of settings for each figure.

    Parameters
    ----------
    folder : Path
        Made if it is not there.

    Raises
    ------
    ArgumentError
        If it cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ArgumentError(f"{folder} cannot be a folder: {error.strerror}.") from error

    def path(self, stem: str, suffix: str) -> Path:
        """One of a figure's files."""
        return self.folder / f"{stem}{suffix}"

    def has(self, stem: str, settings: Mapping[str, Any]) -> bool:
        """Whether the figure is there in full, made with these settings."""
        if not all(self.path(stem, suffix).is_file() for suffix in _SUFFIXES):
            return False
        try:
            written = json.loads(self.path(stem, ".json").read_text("utf-8"))
        except (OSError, ValueError):
            return False
        return isinstance(written, dict) and written.get("fingerprint") == fingerprint(settings)

    def save(self, stem: str, settings: Mapping[str, Any], table: Table, figure: Figure) -> None:
        """Write a figure; its settings come last, and say that the others are whole.

        Raises
        ------
        ArgumentError
            If a file cannot be written.
        """
        settled = {"fingerprint": fingerprint(settings), "settings": settings}
        self.path(stem, ".json").unlink(missing_ok=True)
        self._write(self.path(stem, ".csv"), lambda p: p.write_text(table.as_csv(), "utf-8"))
        self._write(self.path(stem, ".png"), lambda p: figure.savefig(p, format="png", dpi=DPI))
        text = json.dumps(settled, indent=1) + "\n"
        self._write(self.path(stem, ".json"), lambda p: p.write_text(text, "utf-8"))

    def _write(self, path: Path, write: Callable[[Path], object]) -> None:
        with writing(path, ArgumentError), draft_of(path) as draft:
            write(draft)
