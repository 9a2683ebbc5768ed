"""What the key and the buttons do that let target and match be heard against each other."""

from PySide6.QtCore import QObject

from mesosynth.session.events import Heard

from .actions import Actions
from .bridge import Bridge
from .pages.match import HEARD, TEXTS, AuditionButtons

_SAID: dict[Heard, str] = {
    "target": "You hear the target; press T for the match.",
    "match": "You hear the match; press T for both.",
    "both": "You hear target and match; press T to end.",
}


class AuditionCommands(QObject):
    """The key goes from target to match, to both, to nothing; a button goes straight there."""

    def __init__(self, actions: Actions, bridge: Bridge, buttons: AuditionButtons) -> None:
        super().__init__(actions)
        self._action, self._bridge, self._buttons = actions["audition"], bridge, buttons
        self._heard: Heard | None = None
        self._action.triggered.connect(self._go_on)
        buttons.asked.connect(self._ask)
        bridge.auditioned.connect(self._show)
        bridge.target_loaded.connect(self._on_target)
        for control in (self._action, buttons):
            control.setEnabled(False)

    def _go_on(self) -> None:
        order = (None, *HEARD)
        self._ask(order[(order.index(self._heard) + 1) % len(order)])

    def _ask(self, what: Heard | None) -> None:
        self._bridge.request(lambda session: session.audition(what))
        session = self._bridge.session
        self._show(None if session is None else session.auditioned)

    def _show(self, heard: Heard | None) -> None:
        if heard != self._heard:
            self._bridge.say(_SAID[heard] if heard else "The sound is as it was.")
        self._heard = heard
        self._action.setChecked(heard is not None)
        self._action.setIconText(TEXTS[heard] if heard else "Hear")
        self._buttons.show_heard(heard)

    def _on_target(self) -> None:
        for control in (self._action, self._buttons):
            control.setEnabled(True)
