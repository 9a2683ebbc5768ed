"""Dark or light, bigger or smaller: what the View menu changes of the whole desk."""

import os
from collections.abc import MutableMapping

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication, QMainWindow, QWidget

from . import theme
from .actions import Actions
from .bridge import Bridge
from .icons import redress
from .settings import SCALES, Settings

_THEMES = ("system", "dark", "light")
_SAID = {"system": "as the system", "dark": "dark", "light": "light"}
SCALE_VARIABLE = "QT_SCALE_FACTOR"


def set_scale(settings: Settings, environment: MutableMapping[str, str] = os.environ) -> None:
    """Have Qt scale everything; it looks once, when its application is made."""
    if settings.scale != 100:
        environment[SCALE_VARIABLE] = f"{settings.scale / 100:g}"


class Look(QObject):
    """Ties "theme", "bigger" and "smaller" to the window.

    Signals
    -------
    anew_asked
        The desk should open anew, in another size.
    """

    anew_asked = Signal()

    def __init__(
        self, window: QMainWindow, actions: Actions, bridge: Bridge, settings: Settings
    ) -> None:
        super().__init__(window)
        self._window, self._bridge, self._settings = window, bridge, settings
        self._actions = actions
        actions["theme"].triggered.connect(self._next_theme)
        actions["bigger"].triggered.connect(lambda: self._scale(1))
        actions["smaller"].triggered.connect(lambda: self._scale(-1))
        application = QApplication.instance()
        if isinstance(application, QApplication):
            application.styleHints().colorSchemeChanged.connect(self._on_system)
        self._refresh()

    def use(self, choice: str) -> None:
        """Take a look over: "system", "dark" or "light"."""
        application = QApplication.instance()
        if not isinstance(application, QApplication):
            return
        theme.apply(application, choice)
        redress(self._window)
        for widget in self._window.findChildren(QWidget):
            widget.update()

    def largest(self) -> int:
        """The largest size, percent, in which the window still fits on its screen."""
        screen = self._window.screen().size() * self._settings.scale / 100
        needed = self._window.minimumSize()
        room = min(screen.width() / needed.width(), screen.height() / needed.height())
        return max((scale for scale in SCALES if scale <= 100 * room), default=100)

    def _next_theme(self) -> None:
        place = (_THEMES.index(self._settings.theme) + 1) % len(_THEMES)
        self._settings.theme = _THEMES[place]
        self.use(self._settings.theme)
        self._bridge.say(f"The desk is {_SAID[self._settings.theme]}.")

    def _on_system(self) -> None:
        if self._settings.theme == "system":
            self.use("system")

    def _scale(self, by: int) -> None:
        sizes = [scale for scale in SCALES if scale <= max(self.largest(), self._settings.scale)]
        place = sizes.index(self._settings.scale) if self._settings.scale in sizes else 0
        wanted = sizes[min(max(place + by, 0), len(sizes) - 1)]
        if wanted == self._settings.scale:
            self._bridge.say(f"The desk is at {wanted}%; there is no room for another size.")
            return
        self._settings.scale = wanted
        self._refresh()
        self._bridge.say(f"The desk opens anew at {wanted}%.")
        self.anew_asked.emit()

    def _refresh(self) -> None:
        self._actions["smaller"].setEnabled(self._settings.scale > SCALES[0])
        self._actions["bigger"].setEnabled(self._settings.scale < SCALES[-1])
