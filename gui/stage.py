"""Stage view: what a performer reads from two metres, over the pad, the blend or the map."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QSizePolicy, QWidget
from typing_extensions import override

from mesosynth.engine.status import AudioStatus
from mesosynth.units import amplitude_to_db

from . import theme
from .desk import Desk
from .pages.library import LibraryPage
from .widgets.elided_label import ElidedLabel

NEXT = 3
"""Presets that are named ahead."""

_NAME, _SMALL = 34.0, 20.0  # points: some 45 and 27 px


class Level(QWidget):
    """Large bar of the output's peak, from -60 dB to full scale."""

    def __init__(self) -> None:
        super().__init__()
        self._level = theme.FLOOR_DB
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme.name(self, "Output level")

    @override
    def sizeHint(self) -> QSize:
        return theme.size(280, 30)

    def show_level(self, level: float) -> None:
        """Show a level, dBFS."""
        self._level = level
        self.setAccessibleDescription(f"{level:.0f} dB")
        self.update()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.colour(theme.WELL))
        share = 1.0 - min(max(self._level, theme.FLOOR_DB), 0.0) / theme.FLOOR_DB
        ink = theme.ERROR if self._level > -1.0 else theme.ACCENT
        painter.fillRect(QRectF(0, 0, share * self.width(), self.height()), theme.colour(ink))


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
        self._desk, self._library = desk, library
        self.name, self.tempo, self.next = ElidedLabel(), QLabel(), ElidedLabel()
        self.level = Level()
        for label, what in ((self.name, "Sound"), (self.tempo, "Tempo"), (self.next, "Next")):
            theme.name(label, what)
        grid = QGridLayout(self)
        grid.setContentsMargins(2 * theme.GAP, theme.GAP, 2 * theme.GAP, theme.GAP)
        grid.addWidget(self.name, 0, 0)
        grid.addWidget(self.tempo, 0, 1, Qt.AlignmentFlag.AlignRight)
        grid.addWidget(self.next, 1, 0)
        grid.addWidget(self.level, 1, 1)
        grid.setColumnStretch(0, 1)
        self.hide()

    def show_audio(self, status: AudioStatus | None) -> None:
        """Show what plays now, while the stage view is on."""
        if not self.isVisible():
            return
        self.name.setFont(theme.font(_NAME, bold=True))
        self.tempo.setFont(theme.font(_SMALL))
        self.next.setFont(theme.font(_SMALL))
        current = self._desk.session.presets.current
        self.name.say(current.name if current else "Own sound")
        tempo = self._desk.values.get("tempo")
        self.tempo.setText("" if tempo is None else f"{tempo:.0f} BPM")
        found, rows = self._library.found, self._library.rows
        keys = [entry.key for entry in found]
        place = keys.index(rows.playing) + 1 if rows.playing in keys else 0
        names = [entry.name for entry in found[place : place + NEXT]]
        self.next.say("Next: " + " · ".join(names) if names else "")
        if status is not None:
            self.level.show_level(amplitude_to_db(max(status.peak_left, status.peak_right)))
