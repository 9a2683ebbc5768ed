"""The library of sounds: every preset there is, and how one of them is found.

Presets lie in two folders: those that mesosynth brings, which nobody changes, and the user's. Both
are looked through in the background (:mod:`~mesosynth.library.scan`), searched as one types
(:mod:`~mesosynth.library.search`), and marked by the user (:mod:`~mesosynth.library.marks`); banks
of them travel as zip files (:mod:`~mesosynth.library.bank`).
"""

from mesosynth.library.entry import Entry
from mesosynth.library.library import Library, user_folder
from mesosynth.library.marks import Marks

__all__ = ["Entry", "Library", "Marks", "user_folder"]
