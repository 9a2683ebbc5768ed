"""Map page: hear sounds of the library by a click, blend them by a drag."""

from pathlib import Path

from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QToolButton
from typing_extensions import override

from mesosynth.presets.library import Library
from mesosynth.presets.morph import blend
from mesosynth.presets.preset import Preset
from mesosynth.presets.similarity import MapPoint, SoundMap
from mesosynth.session import Session

from .. import theme
from ..desk import Desk
from ..plots.library_map import LibraryMap
from ..undo import History
from ..widgets.parts import Panel, row

SIMILAR = 4
"""Sounds that are named as like the one that plays."""


class MapPage(Panel):
    """Page of the map, up to date while it is visible.

    Parameters
    ----------
    desk : Desk
    library : Library
    history : History
        A drag is one step of it.
    """

    def __init__(self, desk: Desk, library: Library, history: History) -> None:
        super().__init__()
        self._desk, self._library, self._history = desk, library, history
        self._seen = self._revision = -1
        self.chart: SoundMap | None = None
        self.map = LibraryMap()
        self.count, self._alike_title = theme.note(), theme.note()
        hint = theme.note("Click a point to hear it, drag between points to blend them.", wrap=True)
        self._alike = QGridLayout()
        self._alike.setSpacing(4)
        self.similar: list[QToolButton] = []
        self._playing = self._name = ""
        head = row((hint, 1), self.count)
        self.lay_out(head, (self.map, 1), self._alike_title, self._alike)
        self.setFocusProxy(self.map)
        self.map.chosen.connect(self._on_chosen)
        self.map.blended.connect(self._on_blended)
        self.map.gesture_began.connect(lambda: history.begin("move on the map"))
        self.map.gesture_ended.connect(history.end)
        desk.attached.connect(self._attach)
        desk.tick.connect(self._on_tick)

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self.chart is None:
            self.chart = SoundMap()
        self._seen = -1

    @override
    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._seen = -1

    def close_chart(self) -> None:
        """End what listens in the background."""
        if self.chart is not None:
            self.chart.close()

    def _on_tick(self) -> None:
        if self.chart is None or not self.isVisible():
            return
        if self._library.revision != self._seen:
            self._seen = self._library.revision
            self.chart.show(self._library.entries)
        if self.chart.revision != self._revision:
            self._revision = self.chart.revision
            self.map.show_places(self.chart.places)
            self.count.setText(self._note(self.chart))
            self._show_similar()

    def _note(self, chart: SoundMap) -> str:
        if chart.left:
            return f"listening to {chart.left} new sounds …"
        if chart.trouble:
            self._desk.say(chart.trouble, "warning")
        return f"{len(chart.places)} of {len(self._library.entries)}"

    def _attach(self, session: Session) -> None:
        session.presets.loaded.connect(self._on_loaded)

    def _on_loaded(self, _preset: Preset, path: Path | None) -> None:
        entry = self._library.find(path) if path is not None else None
        self._playing, self._name = (entry.key, entry.name) if entry else ("", "")
        self.map.set_playing(self._playing)
        self._show_similar()

    def _show_similar(self) -> None:
        """Buttons for the sounds that are most like the one that plays."""
        for button in self.similar:
            self._alike.removeWidget(button)
            button.deleteLater()
        found = self.chart.similar(self._playing, SIMILAR) if self.chart is not None else []
        self._alike_title.setText(f"Like {self._name}:" if found else "")
        self.similar = [
            theme.tool_button(place.entry.name, f"Hear {place.entry.name}") for place in found
        ]
        for i, (button, place) in enumerate(zip(self.similar, found, strict=True)):
            button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            button.clicked.connect(lambda _=False, p=place: self._on_chosen(p))
            self._alike.addWidget(button, i // 2, i % 2)

    def _on_chosen(self, place: MapPoint) -> None:
        self._desk.hear(lambda session: session.presets.load(place.entry.path))

    def _on_blended(self, mix: list[tuple[MapPoint, float]]) -> None:
        presets, shares = [place.preset for place, _ in mix], [share for _, share in mix]
        self._desk.hear(lambda session: session.presets.play(blend(presets, shares), None, "user"))
