"""Sequence curves: theta over the time of a long sound, one strip a parameter, with a playhead."""

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget
from typing_extensions import override

from mesosynth.instruments.chirplet import PARAMETERS
from mesosynth.matching.results import MatchedSequence, Moment

from .. import theme
from .axes import Axis
from .parts import Curve, Line
from .plot import Link, Plot, Table

SHOWN = ("f_c", "f_m", "gamma", "w")
"""Parameters that have a strip."""

_ROOM = 1.25  # of the values' range that a strip shows
_MARGIN = 0.15  # of a wide axis, so that ticks of two strips keep apart
_LEAST = 1.5  # ratio that it shows at least
_REST = 3.0  # hops without an arpeggio that break a line
_DOTS = 2000  # moments beyond which only the line is drawn
_WAYS: dict[int, float] = {Qt.Key.Key_Left: -0.02, Qt.Key.Key_Right: 0.02}  # of the sound
_TIME = Axis(0.0, 1.0, "Time (s)")
_HINT = "Arpeggio after arpeggio of a long sound; stop whenever you like: it goes on from there"


class Strip(Plot):
    """Strip of one parameter: estimates as dots, smoothed as lines; a click seeks.

    Signals
    -------
    sought : float
        s.
    """

    sought = Signal(float)

    def __init__(self, id_: str, hint: str) -> None:
        super().__init__(
            f"{PARAMETERS[id_].name} over time", _TIME, _axis(id_, ()),
            "Click or press arrow keys to move the playhead", hint,
        )  # fmt: skip
        self.id = id_
        self.show_grid(True)
        self.doubtful = Curve(self, "TEXT", width=0.0, alpha=0.25, dots=3.5)
        self.found = Curve(self, "TEXT", width=0.0, alpha=0.75, dots=3.5)
        self.line = Curve(self, "ACCENT")
        self.playhead = Line(self, "MATCH", width=1.5)
        self.viewport().setCursor(Qt.CursorShape.PointingHandCursor)

    @override
    def read(self, x: float, y: float) -> str:
        shown = self.found if len(self.found.x) else self.line
        if not len(shown.x):
            return ""
        place = int(np.abs(shown.x - x).argmin())
        return f"{shown.x[place]:.2f} s · {self.id} {self.y_axis.text(float(shown.y[place]))}"

    @override
    def press(self, x: float, y: float, event: QMouseEvent) -> bool:
        self.sought.emit(x)
        return True

    @override
    def drag(self, x: float, y: float, event: QMouseEvent) -> None:
        self.sought.emit(x)

    @override
    def keyPressEvent(self, ev: QKeyEvent) -> None:
        if ev.key() in _WAYS or ev.key() == Qt.Key.Key_Home:
            ev.ignore()  # they move the playhead of all strips
        else:
            super().keyPressEvent(ev)


class SequenceCurves(QWidget):
    """Curves of theta over time: estimates as dots, smoothed as lines.

    Signals
    -------
    sought
        A time in the sound, s, that was clicked or reached by keys.
    """

    sought = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        self._matched: MatchedSequence | None = None
        self.position: float | None = None
        self.strips = [Strip(id_, _HINT if id_ == SHOWN[1] else " ") for id_ in SHOWN]
        self._link = Link(self.strips, upright=False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        for strip in self.strips:
            last = strip is self.strips[-1]
            strip.bottom.numbered = last
            strip.setMinimumSize(120, 60 if last else 28)  # the last one has the time's labels
            strip.sought.connect(self._seek)
            layout.addWidget(strip, 3 if last else 2)
        self.setFocusProxy(self.strips[0])
        theme.name(self, "Theta over time", self.strips[0].accessibleDescription())

    def show_sequence(self, matched: MatchedSequence | None, lines: Sequence[Moment]) -> None:
        """Show a sequence."""
        self._matched = matched
        moments = [] if matched is None else [m for m in matched.moments if m.theta]
        rest = 0.0 if matched is None else _REST * matched.settings.hop
        for strip in self.strips:
            id_ = strip.id
            strip.set_empty(matched is None)
            found = [m for m in moments if m.found]
            y = _axis(id_, [abs(m.theta[id_]) for m in found])
            strip.set_axes(Axis(0.0, self._duration, _TIME.label), y)
            for curve, is_found in ((strip.found, True), (strip.doubtful, False)):
                shown = [m for m in moments if m.found == is_found and len(moments) <= _DOTS]
                curve.show([m.onset for m in shown], [max(abs(m.theta[id_]), y.low) for m in shown])
            strip.line.show(*_line(lines, id_, y.low, rest))

    def show_position(self, position: float | None) -> None:
        """Move the playhead to a time in the sound, s; None hides it."""
        self.position = position
        for strip in self.strips:
            strip.playhead.move(position if self._matched is not None else None)

    def table(self) -> Table:
        """All moments; of a rate with a direction its sign, too."""
        names = [f"{id_} ({PARAMETERS[id_].unit})" for id_ in SHOWN]
        moments = () if self._matched is None else self._matched.moments
        rows = [(m.onset, *(m.theta[id_] for id_ in SHOWN), m.loss) for m in moments if m.theta]
        return Table(["onset_s", *names, "loss"], rows)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        way = _WAYS.get(event.key(), 0.0)
        if way:
            self._seek((self.position or 0.0) + way * self._duration)
        elif event.key() == Qt.Key.Key_Home:
            self._seek(0.0)
        else:
            super().keyPressEvent(event)

    def _seek(self, time: float) -> None:
        if self._matched is not None:
            self.sought.emit(min(max(time, 0.0), self._duration))

    @property
    def _duration(self) -> float:
        return 1.0 if self._matched is None else self._matched.sound.duration


def _line(
    moments: Sequence[Moment], id_: str, low: float, rest: float
) -> tuple[list[float], list[float]]:
    """Points of a line that is broken where the direction turns, and by a rest."""
    across, up = list[float](), list[float]()
    last: Moment | None = None
    for moment in moments:
        if last is not None:
            turned = moment.theta["gamma"] * last.theta["gamma"] < 0.0
            if turned or moment.onset - last.onset > rest:
                across.append(np.nan)
                up.append(np.nan)
        across.append(moment.onset)
        up.append(max(abs(moment.theta[id_]), low))
        last = moment
    return across, up


def _axis(id_: str, values: Sequence[float]) -> Axis:
    """An axis around what was found; of a rate with a direction its magnitude."""
    parameter = PARAMETERS[id_]
    low = max(min(values, default=0.0), parameter.smallest or parameter.minimum)
    high = max(max(values, default=parameter.maximum), low)
    stretch = max(_ROOM, _LEAST * low / high, (high / low) ** _MARGIN) ** 0.5
    name = "|γ|" if id_ == "gamma" else id_
    return Axis(low / stretch, high * stretch, f"{name} ({parameter.unit})", "octaves")
