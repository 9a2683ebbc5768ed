"""Axes that several pictures share: zoom one, and all of them zoom."""

from PySide6.QtCore import QObject, Signal

from gui.plots.axes import Axis

_CLOSEST = 0.02  # the smallest share of an axis that can fill a picture


class SharedAxes(QObject):
    """A horizontal and a vertical axis, and which part of each is in sight.

    Attributes
    ----------
    x, y : Axis
        What is in sight.

    Signals
    -------
    changed
    """

    changed = Signal()

    def __init__(self, x: Axis, y: Axis) -> None:
        super().__init__()
        self._home = x, y
        self._x_part = self._y_part = (0.0, 1.0)
        self.x, self.y = x, y

    @property
    def zoomed(self) -> bool:
        """Whether less than everything is in sight."""
        return (self._x_part, self._y_part) != ((0.0, 1.0), (0.0, 1.0))

    def set_home(self, x: Axis, y: Axis) -> None:
        """Take other axes; the part of them that is in sight stays."""
        if self._home != (x, y):
            self._home = x, y
            self._update()

    def reset(self) -> None:
        """Bring everything back in sight."""
        self._x_part = self._y_part = (0.0, 1.0)
        self._update()

    def zoom(self, across: float, up: float, x_share: float, y_share: float) -> None:
        """Make what is in sight so many times longer, around a place that stays where it is."""
        self._x_part = _stretched(self._x_part, across, x_share)
        self._y_part = _stretched(self._y_part, up, y_share)
        self._update()

    def pan(self, across: float, up: float) -> None:
        """Move by shares of what is in sight."""
        self._x_part = _moved(self._x_part, across)
        self._y_part = _moved(self._y_part, up)
        self._update()

    def _update(self) -> None:
        x, y = self._home
        self.x, self.y = x.between(*self._x_part), y.between(*self._y_part)
        self.changed.emit()


def _stretched(part: tuple[float, float], factor: float, share: float) -> tuple[float, float]:
    begin, end = part
    length = min(max((end - begin) * factor, _CLOSEST), 1.0)
    fixed = begin + share * (end - begin)
    begin = min(max(fixed - share * length, 0.0), 1.0 - length)
    return begin, begin + length


def _moved(part: tuple[float, float], by: float) -> tuple[float, float]:
    begin, end = part
    length = end - begin
    begin = min(max(begin + by * length, 0.0), 1.0 - length)
    return begin, begin + length
