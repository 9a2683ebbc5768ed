"""The XY pad: note rate by chirp rate, with the point that plays and the way of the match."""

import math

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.views import pad_painting
from gui.views.pad_plane import Plane
from mesosynth.matching.messages import MatchStep
from mesosynth.parameters import ParameterTable

FINE = 0.1
"""How much slower the point moves while Shift is held."""

_REACH = 22.0  # px around the point in which a press takes hold of it
_NOTCH = 0.01  # share of an axis for one notch of the wheel or one key stroke


class Pad(QWidget):
    """Drag the point to play; double-click sets it; wheel, Alt-wheel and arrow keys nudge it."""

    gesture_began = Signal(str)
    edited = Signal(dict)
    gesture_ended = Signal()
    nudged = Signal(dict, str)
    set_at_once = Signal(dict, str)

    def __init__(self, parameters: ParameterTable) -> None:
        super().__init__()
        self._parameters = parameters
        self._values = parameters.defaults()
        self._steps: list[MatchStep] = []
        self._grip: QPointF | None = None
        self._mouse = QPointF()
        self._ground: QPixmap | None = None
        self.setMinimumSize(260, 240)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setToolTip(
            "Drag the point: note rate and chirp rate\nShift-drag, wheel, arrow keys: fine moves "
            "(Alt-wheel: note rate)\nDouble-click: set the point there"
        )

    def sizeHint(self) -> QSize:  # noqa: D102 - Qt's hook
        return QSize(520, 520)

    @property
    def plane(self) -> Plane:
        """The axes at the widget's present size."""
        area = QRectF(self.rect()).adjusted(58, 6, -10, -36)
        return Plane.of(self._parameters, area)

    @property
    def handle(self) -> QPointF:
        """Where the playing point is, px."""
        return self.plane.point(self._values["f_m"], self._values["gamma"])

    @property
    def trajectory(self) -> list[MatchStep]:
        """The steps that are drawn."""
        return list(self._steps)

    def set_values(self, values: dict[str, float]) -> None:
        """Show the parameters that play."""
        if values["w"] != self._values["w"]:
            self._ground = None
        self._values = dict(values)
        theme.name(self, "Pad", f"f_m {values['f_m']:.3g} Hz, gamma {values['gamma']:.3g} oct/s")
        self.update()

    def start_trajectory(self) -> None:
        """Forget the last match."""
        self._steps.clear()
        self.update()

    def add_step(self, step: MatchStep) -> None:
        """Draw the match on to a step."""
        self._steps.append(step)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: D102 - Qt's hook
        plane = self.plane
        ratio = self.devicePixelRatioF()  # another one when the window moves to another screen
        if self._ground is None or self._ground.devicePixelRatio() != ratio:
            self._ground = self._painted_ground(plane)
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._ground)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pad_painting.paint_trajectory(painter, plane, self._steps)
        f_m, gamma = self._values["f_m"], self._values["gamma"]
        held = self._grip is not None
        pad_painting.paint_handle(painter, plane, f_m, gamma, held, self.hasFocus())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: D102 - Qt's hook
        self._ground = None

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: D102 - Qt's hook
        near = _distance(event.position(), self.handle) <= _REACH
        if event.button() == Qt.MouseButton.LeftButton and near:
            self._grip = self.handle
            self._mouse = event.position()
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
            self.gesture_began.emit("move on the pad")
            self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: D102 - Qt's hook
        if self._grip is None:
            near = _distance(event.position(), self.handle) <= _REACH
            shapes = Qt.CursorShape
            self.setCursor(shapes.OpenHandCursor if near else shapes.CrossCursor)
            return
        # The grip keeps the unclamped place, so that the point stays under the mouse at the edges.
        speed = FINE if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
        self._grip += (event.position() - self._mouse) * speed
        self._mouse = event.position()
        self.edited.emit(self._at(self._grip))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: D102 - Qt's hook
        if event.button() == Qt.MouseButton.LeftButton and self._grip is not None:
            self._grip = None
            self.setCursor(Qt.CursorShape.OpenHandCursor)
            self.gesture_ended.emit()
            self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: D102 - Qt's hook
        if event.button() == Qt.MouseButton.LeftButton:
            self.set_at_once.emit(self._at(event.position()), "set on the pad")

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: D102 - Qt's hook
        notches = event.angleDelta() / 120.0
        fine = FINE if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
        self._nudge(notches.x() * fine, notches.y() * fine)
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: D102 - Qt's hook
        keys = {
            Qt.Key.Key_Left: (-1, 0),
            Qt.Key.Key_Right: (1, 0),
            Qt.Key.Key_Down: (0, -1),
            Qt.Key.Key_Up: (0, 1),
        }
        step = keys.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
            return
        fine = FINE if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
        self._nudge(step[0] * fine, step[1] * fine)

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: D102 - Qt's hook
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: D102 - Qt's hook
        self.update()

    def _nudge(self, across: float, up: float) -> None:
        area = self.plane.area
        move = QPointF(across * _NOTCH * area.width(), -up * _NOTCH * area.height())
        self.nudged.emit(self._at(self.handle + move), "nudge on the pad")

    def _at(self, point: QPointF) -> dict[str, float]:
        f_m, gamma = self.plane.values(point)
        return {"f_m": f_m, "gamma": math.copysign(gamma, self._values["gamma"])}

    def _painted_ground(self, plane: Plane) -> QPixmap:
        ratio = self.devicePixelRatioF()
        ground = QPixmap(self.size() * ratio)
        ground.setDevicePixelRatio(ratio)
        ground.fill(theme.colour(theme.PANEL))
        painter = QPainter(ground)
        pad_painting.paint_grid(painter, plane)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pad_painting.paint_note_counts(painter, plane, self._values["w"])
        painter.end()
        return ground


def _distance(a: QPointF, b: QPointF) -> float:
    return math.hypot(a.x() - b.x(), a.y() - b.y())
