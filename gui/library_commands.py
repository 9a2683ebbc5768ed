"""What the actions of the Library menu do: each to the preset that is chosen, or plays."""

from collections.abc import Callable

from PySide6.QtCore import QObject

from mesosynth.presets.search import MOST_STARS, Entry

from .actions import Actions
from .bridge import Bridge
from .pages.blend import BlendPage
from .pages.library import LibraryPanel


class LibraryCommands(QObject):
    """Ties the actions to the page of sounds, whether it is open or not.

    Parameters
    ----------
    actions : Actions
    bridge : Bridge
    panel : LibraryPanel
    blends : BlendPage
        Where chance is asked for another sound.
    """

    def __init__(
        self, actions: Actions, bridge: Bridge, panel: LibraryPanel, blends: BlendPage
    ) -> None:
        super().__init__(panel)
        self._actions, self._bridge, self._panel = actions, bridge, panel
        deeds = panel.deeds
        panel.cornered.connect(blends.keep)
        self._tie("previous_sound", lambda: panel.step(-1))
        self._tie("next_sound", lambda: panel.step(1))
        self._tie("keep_sound", self._save)
        self._tie("vary", blends.vary.click)
        self._tie("import_bank", panel.ask_import)
        self._tie("export_bank", panel.ask_export)
        self._tie_entry("favourite", lambda e: deeds.set_favourite(e, not deeds.is_favourite(e)))
        self._tie_entry("more_stars", lambda entry: self._rate(entry, 1))
        self._tie_entry("fewer_stars", lambda entry: self._rate(entry, -1))
        self._tie_entry("edit_sound", self._edit)
        self._tie_entry("overwrite_sound", self._overwrite)
        self._tie_entry("remove_sound", deeds.remove)

    def _tie(self, id_: str, do: Callable[[], object]) -> None:
        self._actions[id_].triggered.connect(lambda: do())

    def _tie_entry(self, id_: str, do: Callable[[Entry], object]) -> None:
        self._tie(id_, lambda: self._with_current(do))

    def _with_current(self, do: Callable[[Entry], object]) -> None:
        entry = self._panel.current
        if entry is None:
            self._bridge.say("Choose a sound of the library first: F2 opens it.", "warning")
        elif entry.problem:
            self._bridge.say(entry.problem, "error")
        else:
            do(entry)

    def _save(self) -> None:
        self._open_page()
        self._panel.ask_to_save()

    def _edit(self, entry: Entry) -> None:
        self._open_page()
        self._panel.ask_to_edit(entry)

    def _overwrite(self, entry: Entry) -> None:
        if entry.factory:
            self._bridge.say(f"{entry.name} came with mesosynth and stays; Ctrl+L saves a new one.")
        else:
            self._panel.deeds.overwrite(entry)

    def _rate(self, entry: Entry, by: int) -> None:
        stars = self._panel.library.marks.ratings.get(entry.key, 0) + by
        self._panel.deeds.rate(entry, min(max(stars, 0), MOST_STARS))

    def _open_page(self) -> None:
        page = self._actions["sounds"]
        if not page.isChecked():
            page.trigger()
