"""Taking a bank into the user's folder, which may take a while and may be thought better of."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from mesosynth.errors import PresetError
from mesosynth.presets.bank import Bank
from mesosynth.presets.files import save_new
from mesosynth.presets.preset import Preset, load_preset, preset_to_json

Progress = Callable[[int, int], bool]
"""Gets how many of how many presets are done; what it returns tells whether to go on."""


def go_on(_done: int, _total: int) -> bool:
    """The progress that nobody watches."""
    return True


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of an import.

    Attributes
    ----------
    files : tuple of Path
        The new ones.
    left_out : tuple of str
        A sentence for everything that was not taken.
    cancelled : bool
        Whether it was ended half way; then there are no new files.
    """

    files: tuple[Path, ...] = ()
    left_out: tuple[str, ...] = ()
    cancelled: bool = False


def take_bank(
    bank: Bank, folder: Path, there: Iterable[Path], taken: set[str], on_progress: Progress
) -> Imported:
    """Write the presets of a bank to a folder, under free names.

    What is there already, to the byte or but for its name, is not taken twice. An import that is
    cancelled or fails leaves nothing behind.

    Parameters
    ----------
    bank : Bank
    folder : Path
    there : iterable of Path
        The presets that the user has.
    taken : set of str
        As :func:`~mesosynth.presets.files.save_new` takes it.
    on_progress : callable
        False ends the import.

    Raises
    ------
    PresetError
        If a new one cannot be written.
    """
    paths = list(there)
    total = len(paths) + len(bank.presets)
    files: list[Path] = []
    left_out = list(bank.left_out)
    known: set[bytes] = set()
    try:
        for done, path in enumerate(paths):
            if not on_progress(done, total):
                return Imported(cancelled=True)
            with suppress(PresetError):  # what has just gone is not there
                known.add(content(load_preset(path)))
        for done, preset in enumerate(bank.presets, len(paths)):
            if not on_progress(done, total):
                return Imported(cancelled=True)
            if content(preset) in known:
                left_out.append(f"{preset.name} is there already.")
            else:
                files.append(save_new(folder, preset, taken))
        kept, files = tuple(files), []
        return Imported(kept, tuple(left_out))
    finally:
        for file in files:
            file.unlink(missing_ok=True)


def content(preset: Preset) -> bytes:
    """Everything but the name."""
    return preset_to_json(msgspec.structs.replace(preset, name=""), preset.name)
