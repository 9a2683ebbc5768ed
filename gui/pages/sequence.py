"""Sequence page: theta over the time of a long sound."""

import time
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import (
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QProgressBar,
    QSlider,
    QVBoxLayout,
)
from typing_extensions import override

from mesosynth.instruments.chirplet import PARAMETERS
from mesosynth.matching.results import (
    LONGEST_HOP,
    SHORTEST_HOP,
    MatchedSequence,
    Moment,
    SequenceSettings,
)
from mesosynth.matching.smoothing import smoothed
from mesosynth.session import Session

from .. import theme
from ..actions import Actions
from ..desk import Desk
from ..files import ask_save
from ..plots import canvas as plot_painting
from ..plots.axes import Axis
from ..plots.canvas import Canvas
from ..settings import Settings
from ..text import plain_text
from ..undo import History
from ..widgets.elided_label import ElidedLabel
from ..widgets.number_box import decimal_box

# --------------------------------------------------------------------------------------------------
# Curves of theta over time, one strip a parameter, with a playhead.


SHOWN = ("f_c", "f_m", "gamma", "w")
_GAP = 5.0  # px between two strips
_ROOM = 1.25  # of the values' range that a strip shows
_MARGIN = 0.15  # of a wide axis, so that ticks of two strips keep apart
_LEAST = 1.5  # ratio that it shows at least
_REST = 3.0  # hops without an arpeggio that break a line
_DOTS = 200  # moments beyond which only the line is drawn
_WAYS: dict[int, float] = {Qt.Key.Key_Left: -0.02, Qt.Key.Key_Right: 0.02}  # of the sound


class SequenceCurves(Canvas):
    """Curves of theta over time: estimates as dots, smoothed as lines.

    Signals
    -------
    sought
        A time in the sound, s, that was clicked or reached by keys.
    """

    sought = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumSize(120, 4 * 52)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._matched: MatchedSequence | None = None
        self._lines: Sequence[Moment] = ()
        self._position: float | None = None

    def show_sequence(self, matched: MatchedSequence | None, lines: Sequence[Moment]) -> None:
        """Show a sequence.

        Parameters
        ----------
        matched : MatchedSequence or None
        lines : sequence of Moment
            Smoothed, as it is played.
        """
        self._matched, self._lines = matched, lines
        self.refresh()

    def show_position(self, position: float | None) -> None:
        """Move the playhead to a time in the sound, s; None hides it."""
        if position != self._position:
            self._position = position
            self.update()

    @property
    def area(self) -> QRectF:
        """Rectangle of the strips, px."""
        left, bottom = plot_painting.left_margin(), plot_painting.bottom_margin()
        top = 0.6 * plot_painting.em()  # for half of the highest tick
        return QRectF(left, top, self.width() - left - 4, self.height() - top - bottom)

    def point(self, time: float) -> QPointF:
        """Position of a time, in the middle of the strips, px."""
        return QPointF(self._across(time), self.area.center().y())

    @override
    def paint_still(self, painter: QPainter) -> None:
        area = self.area
        height = (area.height() - _GAP * (len(SHOWN) - 1)) / len(SHOWN)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for place, id_ in enumerate(SHOWN):
            top = area.top() + place * (height + _GAP)
            self._paint_strip(painter, QRectF(area.left(), top, area.width(), height), id_)
        plot_painting.paint_x_axis(painter, area, Axis(0.0, self._duration, "Seconds"))

    @override
    def paint_moving(self, painter: QPainter) -> None:
        if self._position is not None and self._matched is not None:
            x, area = self._across(self._position), self.area
            painter.setPen(QPen(QColor(theme.ACCENT), 1.5))
            painter.drawLine(QLineF(x, area.top(), x, area.bottom()))

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._seek(event)

    @override
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._seek(event)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        way = _WAYS.get(event.key(), 0.0)
        if way:
            to = (self._position or 0.0) + way * self._duration
            self.sought.emit(min(max(to, 0.0), self._duration))
        elif event.key() == Qt.Key.Key_Home:
            self.sought.emit(0.0)
        else:
            super().keyPressEvent(event)

    def _seek(self, event: QMouseEvent) -> None:
        if self._matched is not None:
            share = (event.position().x() - self.area.left()) / self.area.width()
            self.sought.emit(min(max(share, 0.0), 1.0) * self._duration)

    @property
    def _duration(self) -> float:
        return 1.0 if self._matched is None else self._matched.sound.duration

    def _across(self, time: float) -> float:
        return self.area.left() + time / self._duration * self.area.width()

    def _paint_strip(self, painter: QPainter, area: QRectF, id_: str) -> None:
        plot_painting.paint_ground(painter, area)
        found = [] if self._matched is None else [m for m in self._matched.moments if m.theta]
        axis = _axis(id_, [abs(moment.theta[id_]) for moment in found if moment.found])
        plot_painting.paint_y_axis(painter, area, axis, grid=True)
        painter.save()
        painter.setClipRect(area)
        if len(found) <= _DOTS:
            painter.setPen(Qt.PenStyle.NoPen)
            for moment in found:
                painter.setBrush(theme.colour(theme.TEXT, 0.75 if moment.found else 0.2))
                painter.drawEllipse(self._spot(area, axis, moment, id_), 1.8, 1.8)
        painter.setPen(QPen(QColor(theme.MATCH), 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        rest = 0.0 if self._matched is None else _REST * self._matched.settings.hop
        for way in _unbroken(self._lines, rest):
            spots = [self._spot(area, axis, moment, id_) for moment in way]
            if len(spots) == 1:
                painter.drawEllipse(spots[0], 2.2, 2.2)
            painter.drawPolyline(QPolygonF(spots))
        painter.restore()

    def _spot(self, area: QRectF, axis: Axis, moment: Moment, id_: str) -> QPointF:
        share = axis.share(max(abs(moment.theta[id_]), axis.low))
        return QPointF(self._across(moment.onset), area.bottom() - share * area.height())


def _axis(id_: str, values: Sequence[float]) -> Axis:
    """An axis around what was found; of a rate with a direction its magnitude."""
    parameter = PARAMETERS[id_]
    low = max(min(values, default=0.0), parameter.smallest or parameter.minimum)
    high = max(max(values, default=parameter.maximum), low)
    stretch = max(_ROOM, _LEAST * low / high, (high / low) ** _MARGIN) ** 0.5
    label = f"|γ| {parameter.unit}" if id_ == "gamma" else f"{id_} {parameter.unit}"
    return Axis(low / stretch, high * stretch, label, "octaves")


def _unbroken(moments: Sequence[Moment], rest: float) -> list[list[Moment]]:
    """Stretches in one direction, without a rest of more seconds than that."""
    ways: list[list[Moment]] = []
    for moment in moments:
        last = ways[-1][-1] if ways else None
        turned = last is not None and moment.theta["gamma"] * last.theta["gamma"] < 0.0
        if last is None or turned or moment.onset - last.onset > rest:
            ways.append([])
        ways[-1].append(moment)
    return ways


# --------------------------------------------------------------------------------------------------
# Page of the sequence.


_KINDS = {
    "Table": (".csv",),
    "Notes and controllers": (".mid",),
    "Sound of the instrument": (".wav",),
}
_REDRAW = 0.25  # s between two pictures of a sequence that grows,
_LONG = 250  # and so much more for each so many windows: a long one takes longer to draw
_SMOOTHEST = 20.0  # s
_NOTCHES = 100  # of the slider


class SequencePage(QFrame):
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
        self.setObjectName("panel")
        self._desk, self._history, self._settings = desk, history, settings
        self._matched: MatchedSequence | None = None
        self._drawn = self._begun = 0.0
        self._before = 0  # windows that an earlier run had matched
        self.playing = False
        self.curves = SequenceCurves()
        theme.name(self.curves, "Theta over time", "Click or press arrow keys to move the playhead")
        text_only = Qt.ToolButtonStyle.ToolButtonTextOnly
        self.run, self.play, self.save = (
            actions[id_].button(text_only, "", actions[id_].text())
            for id_ in ("match_sequence", "play_sequence", "save_sequence")
        )
        self.loop = QCheckBox("Loop")
        theme.name(self.loop, "Begin anew at the end")
        self.hop = decimal_box(
            SHORTEST_HOP, LONGEST_HOP, SequenceSettings().hop, "Seconds from one window to the next"
        )
        self.hop.setSingleStep(0.05)
        self.hop.setSuffix(" s")
        self.smooth = QSlider(Qt.Orientation.Horizontal)
        self.smooth.setRange(0, _NOTCHES)
        theme.name(self.smooth, "Smoothing of theta over time")
        self.progress = QProgressBar(maximum=1000, textVisible=False)
        self.progress.setFixedHeight(6)
        theme.name(self.progress, "Progress of the sequence")
        self.note = ElidedLabel()
        self.note.setObjectName("note")
        self._seconds = theme.note()
        self._lay_out()
        self._connect()
        self.setFocusProxy(self.run)
        self._show_smoothing()
        self._refresh()

    @property
    def smoothing(self) -> float:
        """Seconds; finer where they are few."""
        return _SMOOTHEST * (self.smooth.value() / _NOTCHES) ** 2

    def _lay_out(self) -> None:
        start = QHBoxLayout()
        start.addWidget(self.run)
        start.addStretch(1)
        start.addWidget(theme.note("every"))
        start.addWidget(self.hop)
        smooth = QHBoxLayout()
        smooth.addWidget(theme.note("Smooth"))
        smooth.addWidget(self.smooth, 1)
        smooth.addWidget(self._seconds)
        play = QHBoxLayout()
        play.addWidget(self.play)
        play.addWidget(self.loop)
        play.addStretch(1)
        play.addWidget(self.save)
        about = theme.note("Arpeggio after arpeggio of a long sound. Stop whenever you like: "
                           "it goes on from there.")  # fmt: skip
        about.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.GAP, 6, theme.GAP, theme.GAP)
        layout.setSpacing(6)
        layout.addWidget(theme.title("Sequence"))
        layout.addWidget(about)
        layout.addLayout(start)
        layout.addWidget(self.progress)
        layout.addWidget(self.note)
        layout.addWidget(self.curves, 1)
        layout.addLayout(smooth)
        layout.addLayout(play)

    def _connect(self) -> None:
        self.loop.toggled.connect(self._on_loop)
        self.smooth.valueChanged.connect(self._on_smooth)
        self.curves.sought.connect(
            lambda at: self._desk.ask(lambda session: session.sequence.seek(at))
        )
        self._desk.attached.connect(self._attach)

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
            self._desk.say("Load a sound first; a sequence is of its whole file.", "warning")
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

    def _on_loop(self, loops: bool) -> None:
        self._desk.ask(lambda session: setattr(session.sequence, "loops", loops))

    def _on_smooth(self) -> None:
        seconds = self.smoothing
        self._desk.ask(lambda session: session.sequence.smooth(seconds))
        self._show_smoothing()
        self._draw()

    def ask_where(self) -> None:
        """Let a file be named, and write what was found."""
        matched = self._matched
        name = "" if matched is None else f"{Path(matched.sound.name).stem} sequence"
        ask_save(self, "Save the sequence", self._settings, _KINDS, self.export, name)

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
        self.progress.setValue(round(1000 * matched.progress))
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
