"""Stage view: what a performer reads from two metres, over the pad, the blend or the map."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QProgressBar
from typing_extensions import override

from mesosynth.engine.status import AudioStatus
from mesosynth.units import amplitude_to_db

from . import theme
from .desk import Desk
from .pages.library import LibraryPage
from .widgets.elided_label import ElidedLabel

NEXT = 3
"""Presets that are named ahead."""

LETTERS = 2.6
"""Size of a plot's texts on a stage, times that on the desk: some 26 px."""

_NAME, _SMALL = 34.0, 20.0  # points: some 45 and 27 px


class Stage(QFrame):
    """Name of the sound, tempo, level, and the presets that come next, in large letters.

    Parameters
    ----------
    desk : Desk
    library : LibraryPage
        Whose list goes on.
    """

    def __init__(self, desk: Desk, library: LibraryPage) -> None:
        super().__init__()
        self.setObjectName("panel")
        self._desk, self._library, self._loud = desk, library, False
        self.name, self.tempo, self.next = ElidedLabel(), QLabel(), ElidedLabel()
        self.level = QProgressBar(textVisible=False)
        self.level.setRange(round(theme.FLOOR_DB), 0)
        for part, what in (
            (self.name, "Sound"), (self.tempo, "Tempo"), (self.next, "Next"),
            (self.level, "Output level"),
        ):  # fmt: skip
            theme.name(part, what)
        grid = QGridLayout(self)
        grid.setContentsMargins(2 * theme.GAP, theme.GAP, 2 * theme.GAP, theme.GAP)
        grid.addWidget(self.name, 0, 0)
        grid.addWidget(self.tempo, 0, 1, Qt.AlignmentFlag.AlignRight)
        grid.addWidget(self.next, 1, 0)
        grid.addWidget(self.level, 1, 1)
        grid.setColumnStretch(0, 1)
        self.hide()

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.name.setFont(theme.font(_NAME, bold=True))
        self.tempo.setFont(theme.font(_SMALL))
        self.next.setFont(theme.font(_SMALL))
        self.level.setFixedSize(theme.size(280, 30))

    def show_audio(self, status: AudioStatus | None) -> None:
        """Show what plays now, while the stage view is on."""
        if not self.isVisible():
            return
        current = self._desk.session.presets.current
        self.name.say(current.name if current else "Own sound")
        tempo = self._desk.values.get("tempo")
        self.tempo.setText("" if tempo is None else f"{tempo:.0f} BPM")
        found, rows = self._library.found, self._library.rows
        keys = [entry.key for entry in found]
        place = keys.index(rows.playing) + 1 if rows.playing in keys else 0
        names = [entry.name for entry in found[place : place + NEXT]]
        self.next.say("Next: " + " · ".join(names) if names else "")
        peak = 0.0 if status is None else max(status.peak_left, status.peak_right)
        level = amplitude_to_db(peak)
        self.level.setValue(round(min(max(level, theme.FLOOR_DB), 0.0)))
        if (level > -1.0) != self._loud:
            self._loud = level > -1.0
            ink = theme.ERROR if self._loud else theme.ACCENT
            self.level.setStyleSheet(f"QProgressBar::chunk {{ background: {ink}; }}")
