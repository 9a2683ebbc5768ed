"""Blend page: four sounds in a square to move between, and chance around the present one."""

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QSlider, QToolButton, QVBoxLayout
from typing_extensions import override

from mesosynth.presets.morph import PINNED, blend, vary
from mesosynth.presets.preset import Preset
from mesosynth.session import Session

from .. import theme
from ..desk import Desk
from ..plots.canvas import Canvas
from ..undo import History

# --------------------------------------------------------------------------------------------------
# Square with a sound at each corner, and a point between them to drag.


CORNERS = ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0))
"""Places of the corners, from the lower left: across, and up."""

PLACES = ("lower left", "lower right", "upper left", "upper right")
"""What the corners are called."""

_MARGIN, _RADIUS, _STEP = 22.0, 9.0, 0.02


class BlendSquare(Canvas):
    """Square of four sounds; the point's place is the share of each corner.

    Attributes
    ----------
    across, up : float
        The point, 0 to 1, from the lower left.

    Signals
    -------
    gesture_began, gesture_ended
    moved
        x and y, within a gesture.
    nudged
        x and y, by a key.
    """

    gesture_began = Signal()
    gesture_ended = Signal()
    moved = Signal(float, float)
    nudged = Signal(float, float)

    def __init__(self) -> None:
        super().__init__()
        self.across, self.up = 0.5, 0.5
        self._names = ["", "", "", ""]
        self._held = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumHeight(160)
        theme.name(self, "Blend", "Drag, or use the arrow keys, between the corners' sounds")

    @override
    def sizeHint(self) -> QSize:
        return QSize(270, 270)

    @property
    def area(self) -> QRectF:
        """The square, px."""
        inside = QRectF(self.rect()).adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN)
        side = min(inside.width(), inside.height())
        return QRectF(inside.center().x() - side / 2, inside.center().y() - side / 2, side, side)

    def set_names(self, names: list[str]) -> None:
        """Show the corners' names in the order of :data:`CORNERS`; "" for an empty one."""
        self._names = names
        self.refresh()

    def point(self, x: float, y: float) -> QPointF:
        """Position of a blend on the widget.

        Parameters
        ----------
        x, y : float
            0 to 1, from the lower left.

        Returns
        -------
        QPointF
            px.
        """
        area = self.area
        return QPointF(area.left() + x * area.width(), area.bottom() - y * area.height())

    @override
    def paint_still(self, painter: QPainter) -> None:
        area = self.area
        painter.fillRect(area, theme.colour(theme.WELL))
        painter.setPen(theme.colour(theme.GRID))
        for share in (0.25, 0.5, 0.75):
            painter.drawLine(self.point(share, 0.0), self.point(share, 1.0))
            painter.drawLine(self.point(0.0, share), self.point(1.0, share))
        painter.setPen(theme.colour(theme.LINE))
        painter.drawRect(area)
        flags = Qt.AlignmentFlag
        for (x, y), name in zip(CORNERS, self._names, strict=True):
            painter.setPen(theme.colour(theme.TEXT if name else theme.DIM))
            line = QRectF(area.left(), 0.0, area.width() / 2 - 4, _MARGIN - 2)
            line.moveTop(area.bottom() + 2 if y == 0.0 else area.top() - _MARGIN)
            if x == 1.0:
                line.moveRight(area.right())
            side = flags.AlignLeft if x == 0.0 else flags.AlignRight
            text = painter.fontMetrics().elidedText(
                name or "empty", Qt.TextElideMode.ElideRight, int(line.width())
            )
            painter.drawText(line, side | flags.AlignVCenter, text)

    @override
    def paint_moving(self, painter: QPainter) -> None:
        here = self.point(self.across, self.up)
        for corner, name in zip(CORNERS, self._names, strict=True):
            if name:
                painter.setPen(QPen(theme.colour(theme.ACCENT, 0.35), 1.0))
                painter.drawLine(here, self.point(*corner))
        painter.setPen(QPen(theme.colour(theme.TEXT if self.hasFocus() else theme.ACCENT), 1.5))
        painter.setBrush(theme.colour(theme.ACCENT, 1.0 if self._held else 0.7))
        painter.drawEllipse(here, _RADIUS, _RADIUS)

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._held = True
            self.gesture_began.emit()
            self._move_to(event.position())

    @override
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._held:
            self._move_to(event.position())

    @override
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._held:
            self._held = False
            self.gesture_ended.emit()
            self.update()

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        keys = Qt.Key
        steps = {keys.Key_Left: (-1, 0), keys.Key_Right: (1, 0), keys.Key_Down: (0, -1),
                 keys.Key_Up: (0, 1)}  # fmt: skip
        step = steps.get(keys(event.key()))
        if step is None:
            super().keyPressEvent(event)
            return
        self._put(self.across + _STEP * step[0], self.up + _STEP * step[1])
        self.nudged.emit(self.across, self.up)

    def _move_to(self, place: QPointF) -> None:
        area = self.area
        self._put(
            (place.x() - area.left()) / area.width(), (area.bottom() - place.y()) / area.height()
        )
        self.moved.emit(self.across, self.up)

    def _put(self, x: float, y: float) -> None:
        self.across, self.up = min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)
        self.update()


# --------------------------------------------------------------------------------------------------
# Page of blends.


_FIRST_AMOUNT = 15  # percent


class BlendPage(QFrame):
    """Page of blends: the sounds in the corners, and chance around the present one.

    Parameters
    ----------
    desk : Desk
    history : History
        A drag is one step of it.
    """

    def __init__(self, desk: Desk, history: History) -> None:
        super().__init__()
        self.setObjectName("panel")
        self._desk, self._history = desk, history
        self._presets: list[Preset | None] = [None] * len(CORNERS)
        self._name = "Sound"
        self._seed = 0
        self.square = BlendSquare()
        self.keepers = [self._keep_button(corner) for corner in range(len(CORNERS))]
        self.amount = QSlider(Qt.Orientation.Horizontal)
        self.amount.setRange(1, 100)
        self.amount.setValue(_FIRST_AMOUNT)
        theme.name(self.amount, "Amount of chance, percent")
        self.vary = theme.tool_button(
            "Vary", "Another sound around this one; pinned knobs stay", kind="",
            named="Vary the sound by chance",
        )  # fmt: skip
        self._percent = theme.note()
        self._lay_out()
        self.setFocusProxy(self.square)
        self.square.gesture_began.connect(lambda: history.begin("blend"))
        self.square.moved.connect(self._blend)
        self.square.gesture_ended.connect(history.end)
        self.square.nudged.connect(lambda x, y: history.nudging("blend", lambda: self._blend(x, y)))
        self.vary.clicked.connect(self.vary_sound)
        self.amount.valueChanged.connect(self._show_amount)
        desk.attached.connect(self._attach)
        self._show_amount()

    def keep_here(self, corner: int) -> None:
        """Let a corner, in the order of :data:`CORNERS`, keep the present sound."""
        self.keep(self._desk.session.presets.preset(self._name), corner)

    def keep(self, preset: Preset, corner: int) -> None:
        """Put a sound in a corner.

        Parameters
        ----------
        preset : Preset
        corner : int
            Index in :data:`CORNERS`.
        """
        self._presets[corner] = preset
        self._desk.say(f"The {PLACES[corner]} corner of the blend keeps {preset.name}.")
        self.square.set_names([preset.name if preset else "" for preset in self._presets])

    def _lay_out(self) -> None:
        hint = theme.note("Keep sounds in the corners, then drag between them.")
        hint.setWordWrap(True)
        buttons = QGridLayout()
        buttons.setSpacing(4)
        for (x, y), button in zip(CORNERS, self.keepers, strict=True):
            buttons.addWidget(button, 1 - int(y), int(x))
        chance = QHBoxLayout()
        chance.addWidget(self.vary)
        chance.addWidget(self.amount, 1)
        chance.addWidget(self._percent)
        about = theme.note("Level and tempo stay, and every knob that is pinned.")
        about.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.GAP, 6, theme.GAP, theme.GAP)
        layout.setSpacing(6)
        layout.addWidget(hint)
        layout.addWidget(self.square, 8)
        layout.addLayout(buttons)
        layout.addSpacing(theme.GAP)
        layout.addWidget(theme.title("Chance"))
        layout.addLayout(chance)
        layout.addWidget(about)
        layout.addStretch(1)

    def _keep_button(self, corner: int) -> QToolButton:
        place = PLACES[corner]
        tip = f"The {place} corner keeps the sound of now"
        button = theme.tool_button(
            f"Keep {place}", tip, named=f"Keep the sound in the {place} corner"
        )
        button.clicked.connect(lambda: self.keep_here(corner))
        return button

    def _attach(self, session: Session) -> None:
        session.presets.loaded.connect(self._on_loaded)

    def _on_loaded(self, preset: Preset) -> None:
        self._name = preset.name

    def _blend(self, x: float, y: float) -> None:
        shares = [(x if cx else 1 - x) * (y if cy else 1 - y) for cx, cy in CORNERS]
        kept = [(p, s) for p, s in zip(self._presets, shares, strict=True) if p is not None]
        if len(kept) < 2 or not any(share for _, share in kept):
            return
        self._play(lambda _: blend([p for p, _ in kept], [s for _, s in kept]))

    def vary_sound(self) -> None:
        """Play another sound around this one, by chance."""
        self._seed += 1
        amount = self.amount.value() / 100.0

        def varied(session: Session) -> Preset:
            unknowns = session.match.settings.unknowns
            pinned = {id_ for id_ in session.sound.parameters.matchable if id_ not in unknowns}
            return vary(session.presets.preset(self._name), amount, self._seed, {*PINNED, *pinned})

        self._history.begin("chance")
        self._play(varied)
        self._history.end()

    def _play(self, make: Callable[[Session], Preset]) -> None:
        if self._desk.ask(lambda session: session.presets.play(make(session), None, "user")):
            self._desk.ask(lambda session: session.sound.playing or session.sound.play())

    def _show_amount(self) -> None:
        self._percent.setText(f"{self.amount.value()}%")
