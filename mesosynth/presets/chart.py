"""The library on the map: where each of its sounds lies, kept up to date in the background.

Files are read in a thread; sounds that nobody has listened to yet are surveyed by a process of its
own (``python -m mesosynth.finding``), so that neither torch nor their rendering is in the way of
what plays.
"""

import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from mesosynth.errors import PresetError
from mesosynth.presets.entry import Entry
from mesosynth.presets.preset import Preset, load_preset
from mesosynth.presets.similarity import Survey, read_survey
from mesosynth.presets.sound_key import sound_key


@dataclass(frozen=True)
class Place:
    """A sound on the map.

    Attributes
    ----------
    entry : Entry
    preset : Preset
    x, y : float
        0 to 1 from left to right and from bottom to top.
    """

    entry: Entry
    preset: Preset
    x: float
    y: float


class Chart:
    """Where the library's sounds lie. Any thread may call it.

    Attributes
    ----------
    places : tuple of Place
        All that are known, by name.
    revision : int
        Grows with every change of `places`, `left` and `trouble`.
    left : int
        New sounds that are still to be listened to.
    trouble : str
        Why some could not be, or "".
    """

    def __init__(self) -> None:
        self.places: tuple[Place, ...] = ()
        self.revision = 0
        self.left = 0
        self.trouble = ""
        self._read: dict[tuple[str, int, int], tuple[str, Preset]] = {}
        self._survey = read_survey()
        self._keys: dict[str, str] = {}
        self._wanted: Sequence[Entry] | None = None
        self._tried: set[str] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._helper: subprocess.Popen[str] | None = None
        self._closed = False

    def show(self, entries: Sequence[Entry]) -> None:
        """Put other entries on the map; returns at once, `revision` tells when they are there."""
        with self._lock:
            self._wanted = entries
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._work, name="chart", daemon=True)
                self._thread.start()

    def similar(self, entry_key: str, count: int) -> list[Place]:
        """Sounds that are like one, by its entry's key, from near to far; none if it is unknown."""
        keys = self._keys
        here = keys.get(entry_key, "")
        if here not in self._survey:
            return []
        away = self._survey.distances(here)
        others = [p for p in self.places if keys.get(p.entry.key, here) in away]
        return sorted(others, key=lambda place: away[keys[place.entry.key]])[:count]

    def wait(self, timeout: float) -> bool:
        """Wait until all that was asked for is done; False if it is not after `timeout` s."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout)
        return thread is None or not thread.is_alive()

    def close(self) -> None:
        """End the helper; a second call does nothing."""
        with self._lock:
            self._closed = True
            if self._helper is not None:
                self._helper.terminate()
        self.wait(5.0)

    # ------------------------------------------------------------------ in the thread

    def _work(self) -> None:
        while True:
            with self._lock:
                entries, self._wanted = self._wanted, None
                if entries is None or self._closed:
                    self._thread = None
                    return
            known = self._known(entries)
            self._place(entries, known)
            missing = {key for key, _ in known.values() if key not in self._survey} - self._tried
            if missing:
                self._tried |= missing
                self._listen()
                self._place(entries, known)

    def _known(self, entries: Sequence[Entry]) -> dict[str, tuple[str, Preset]]:
        """Sound key and preset of each entry that can be read, by the entry's key."""
        read: dict[tuple[str, int, int], tuple[str, Preset]] = {}
        known: dict[str, tuple[str, Preset]] = {}
        for entry in entries:
            content = (entry.file, entry.modified, entry.size)
            try:
                if content not in self._read:
                    preset = load_preset(entry.path)
                    self._read[content] = sound_key(preset), preset
            except PresetError:
                continue
            read[content] = known[entry.key] = self._read[content]
        self._read = read
        return known

    def _place(self, entries: Sequence[Entry], known: dict[str, tuple[str, Preset]]) -> None:
        survey: Survey = self._survey
        places: list[Place] = []
        for entry in entries:
            key, preset = known.get(entry.key, ("", None))
            if preset is not None and key in survey:
                places.append(Place(entry, preset, *survey.position(key)))
        self._keys = {entry_key: key for entry_key, (key, _) in known.items()}
        self.places = tuple(places)
        self.revision += 1

    def _listen(self) -> None:
        """Have a process listen to what is new, and read what it found."""
        with self._lock:
            if self._closed:
                return
            self._helper = helper = subprocess.Popen(
                [sys.executable, "-m", "mesosynth.finding"],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )  # fmt: skip
        with helper:
            assert helper.stdout is not None
            for line in helper.stdout:
                done, total = map(int, line.split())
                self.left = total - done
                self.revision += 1
            said = helper.stderr.read() if helper.stderr is not None else ""
        self._helper = None
        self.left = 0
        if helper.returncode != 0 and not self._closed:
            reason = said.strip().splitlines()[-1] if said.strip() else f"code {helper.returncode}"
            self.trouble = f"New sounds are not on the map: listening to them failed ({reason})."
        self._survey = read_survey()
