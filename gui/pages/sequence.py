"""Sequence page: theta over the time of a long sound."""

import time
from pathlib import Path

from PySide6.QtCore import Qt

from mesosynth.matching.results import (
    LONGEST_HOP,
    SHORTEST_HOP,
    MatchedSequence,
    SequenceSettings,
)
from mesosynth.matching.smoothing import smoothed
from mesosynth.session import Session

from .. import theme
from ..actions import Actions
from ..desk import Desk
from ..files import ask_save
from ..plots.sequence_curves import SequenceCurves
from ..settings import Settings
from ..text import plain_text
from ..undo import History
from ..widgets.elided_label import ElidedLabel
from ..widgets.parts import PROGRESS, NumberBox, Panel, check_box, progress_bar, row, slider

_KINDS = {
    "Table": (".csv",),
    "Notes and controllers": (".mid",),
    "Sound of the instrument": (".wav",),
}
_REDRAW = 0.25  # s between two pictures of a sequence that grows,
_LONG = 250  # and so much more for each so many windows: a long one takes longer to draw
_SMOOTHEST = 20.0  # s
_NOTCHES = 100  # of the slider


class SequencePage(Panel):
    """Page of the sequence: matches the target's whole file, plays and writes the result.

    Parameters
    ----------
    actions : Actions
    desk : Desk
    history : History
        Playing a sequence is one step of it.
    settings : Settings
        Remember the folder of what is written.

    Attributes
    ----------
    playing : bool
        Whether the sequence moves the parameters.
    """

    def __init__(self, actions: Actions, desk: Desk, history: History, settings: Settings) -> None:
        super().__init__()
        self._desk, self._history, self._settings = desk, history, settings
        self._matched: MatchedSequence | None = None
        self._drawn = self._begun = 0.0
        self._before = 0  # windows that an earlier run had matched
        self.playing = False
        self.curves = SequenceCurves()
        self.curves.sought.connect(lambda at: desk.ask(lambda session: session.sequence.seek(at)))
        text_only = Qt.ToolButtonStyle.ToolButtonTextOnly
        self.run, self.play, self.save = (
            actions[id_].button(text_only, "", actions[id_].text())
            for id_ in ("match_sequence", "play_sequence", "save_sequence")
        )
        self.loop = check_box("Loop", "Begin anew at the end")
        hop, name = SequenceSettings().hop, "Seconds from one window to the next"
        self.hop = NumberBox(SHORTEST_HOP, LONGEST_HOP, hop, name, 2, 0.05, " s")
        self.smooth = slider("Smoothing of theta over time", 0, _NOTCHES, 0)
        self.progress = progress_bar("Progress of the sequence")
        self.note, self._seconds = ElidedLabel(), theme.note()
        self.note.setObjectName("note")
        self.lay_out(
            row(self.run, (self.note, 1), "every", self.hop),
            self.progress,
            (self.curves, 1),
            row(self.play, self.loop, "Smooth", (self.smooth, 1), self._seconds, self.save),
        )
        self.loop.toggled.connect(
            lambda on: desk.ask(lambda session: setattr(session.sequence, "loops", on))
        )
        self.smooth.valueChanged.connect(self._on_smooth)
        desk.attached.connect(self._attach)
        self.setFocusProxy(self.run)
        self._show_smoothing()
        self._refresh()

    @property
    def smoothing(self) -> float:
        """Seconds; finer where they are few."""
        return _SMOOTHEST * (self.smooth.value() / _NOTCHES) ** 2

    def _attach(self, session: Session) -> None:
        session.sequence.changed.connect(self._on_sequence)
        session.sequence.moved.connect(self._on_moved)

    # ------------------------------------------------------------------ hands

    @property
    def match_label(self) -> str:
        """Label of the action that matches."""
        if self._desk.session.sequence.running:
            return "Stop"
        return "Go on" if self._matched is not None and not self._matched.finished else "Match all"

    @property
    def found(self) -> bool:
        """Whether there is something to play and to save."""
        return self._matched is not None and any(m.found for m in self._matched.moments)

    def match_or_stop(self) -> None:
        """Match the target's whole file, or stop that."""
        session = self._desk.session
        if session.sequence.running:
            session.sequence.stop()
            self.note.setText("Stopping after this window …")
            return
        path = session.target.path
        if path is None:
            self._desk.say("Open a sound first; a sequence is of its whole file.", "warning")
            return
        settings = SequenceSettings(hop=round(self.hop.value(), 2))
        self._desk.ask(lambda session: session.sequence.start(path, settings))
        self._refresh()

    def play_or_stop(self) -> None:
        """Let what was found move the parameters, or stop that."""
        if self.playing:
            self._desk.ask(lambda session: session.sequence.stop_playing())
            return
        self._history.begin("sequence")
        if not self._desk.ask(lambda session: session.sequence.play()):
            self._history.end()

    def _on_smooth(self) -> None:
        seconds = self.smoothing
        self._desk.ask(lambda session: session.sequence.smooth(seconds))
        self._show_smoothing()
        self._draw()

    def ask_where(self) -> None:
        """Let a file be named, and write what was found."""
        matched = self._matched
        name = "" if matched is None else f"{Path(matched.sound.name).stem} sequence"
        ask_save(self, "Save sequence", self._settings, _KINDS, self.export, name)

    def export(self, path: Path) -> None:
        """Write what is shown; a message says when it is done."""
        self._desk.ask(lambda session: session.sequence.export(path))

    # ------------------------------------------------------------------ news

    def _on_sequence(self, matched: MatchedSequence | None, running: bool) -> None:
        windows = 0 if matched is None else len(matched.moments)
        if matched is not self._matched:
            self._matched, self._begun = matched, time.monotonic()
            self._before = windows
        now = time.monotonic()
        due = now - self._drawn > _REDRAW * (1.0 + windows / _LONG)
        if not running or matched is None or due:
            self._drawn = now
            self._draw()
            self._say_how_far(running)
            self._refresh()

    def _on_moved(self, playing: bool, position: float) -> None:
        self.curves.show_position(position)
        if self.playing and not playing:
            self._history.end()
        self.playing = playing

    def _draw(self) -> None:
        matched = self._matched
        lines = [] if matched is None else smoothed(matched, self.smoothing)
        self.curves.show_sequence(matched, lines)

    def _say_how_far(self, running: bool) -> None:
        matched = self._matched
        if matched is None:
            self.progress.setValue(0)
            self.note.setText("Reading the file …" if running else "")
            return
        self.progress.setValue(round(PROGRESS * matched.progress))
        done, total = len(matched.moments), matched.sound.windows(matched.settings.hop)
        text = f"{done} of {total} windows"
        if running:
            text += self._time_left(done, total)
        elif not matched.finished:
            text += " · stopped"
        self.note.setText(text)
        self.note.setToolTip(plain_text(f"{matched.sound.name}, every {matched.settings.hop:g} s"))

    def _time_left(self, done: int, total: int) -> str:
        new = done - self._before
        if new < 3:
            return ""
        seconds = (time.monotonic() - self._begun) / new * (total - done)
        text = f"{seconds:.0f} s" if seconds < 90.0 else f"{seconds / 60.0:.0f} min"
        return f" · {text} left"

    def _show_smoothing(self) -> None:
        self._seconds.setText(f"{self.smoothing:.1f} s")

    def _refresh(self) -> None:
        self.hop.setEnabled(not self._desk.session.sequence.running)
