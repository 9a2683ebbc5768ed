"""What the actions around following the input do; what it did to the sound is one step of undo."""

from PySide6.QtCore import QObject

from mesosynth.session.events import Followed

from .actions import Actions
from .bridge import Bridge
from .undo import History
from .widgets.tracking_strip import FollowStrip


class FollowCommands(QObject):
    """Ties "follow_input" and "freeze_following", and the strip, to the bridge."""

    def __init__(
        self, actions: Actions, bridge: Bridge, history: History, strip: FollowStrip
    ) -> None:
        super().__init__(history)
        self._actions, self._bridge, self._history = actions, bridge, history
        self._strip = strip
        self._before: dict[str, float] | None = None
        self._driven: dict[str, float] = {}  # what is followed, as it was seen last
        actions["follow_input"].triggered.connect(self._follow)
        actions["freeze_following"].triggered.connect(self._freeze)
        bridge.followed.connect(self._on_followed)
        bridge.parameters_changed.connect(self._on_parameters)
        bridge.attached.connect(self._refresh)
        self._refresh()

    def _follow(self, following: bool) -> None:
        if following:
            self._history.end()
        self._bridge.set_following(following)
        self._refresh()

    def _freeze(self, frozen: bool) -> None:
        self._bridge.freeze_following(frozen)
        self._bridge.say("The sound is frozen; press H to let it follow again." if frozen
                         else "Following again.")  # fmt: skip

    def _on_followed(self, followed: Followed) -> None:
        self._strip.show_followed(followed)
        # What is not told just now is driven again as soon as it is.
        self._driven = {id_: self._bridge.values[id_] for id_ in {**self._driven, **followed.theta}
                        if id_ in self._bridge.values}  # fmt: skip
        if followed.running and self._before is None:
            self._before = dict(self._bridge.values)
            self._bridge.say("Following the input; H freezes the sound, I ends it.")
        elif not followed.running and self._before is not None:
            self._keep(self._before)
            self._before, self._driven = None, {}
        self._refresh()

    def _on_parameters(self, values: dict[str, float], source: str) -> None:
        """A hand that moves what is followed takes over: the sound freezes."""
        moved = any(values.get(id_) != value for id_, value in self._driven.items())
        session = self._bridge.session
        if moved and source == "user" and session is not None and session.following:
            self._driven = {id_: values[id_] for id_ in self._driven if id_ in values}
            if not session.follow_frozen:
                self._bridge.freeze_following(True)
                self._bridge.say("You took over from the input; press H to let it drive again.")
                self._refresh()

    def _keep(self, before: dict[str, float]) -> None:
        """Make one step of all that the input did; what a hand did meanwhile is in it."""
        after = {
            id_: value for id_, value in self._bridge.values.items()
            if id_ in before and before[id_] != value
        }  # fmt: skip
        if after:
            old = {id_: before[id_] for id_ in after}
            self._history.did(
                "following the input",
                lambda: self._bridge.set_parameters(old),
                lambda: self._bridge.set_parameters(after),
            )

    def _refresh(self) -> None:
        session, following = self._bridge.session, self._bridge.following
        self._actions["follow_input"].setEnabled(session is not None)
        self._actions["follow_input"].setChecked(following)
        self._actions["freeze_following"].setEnabled(following)
        frozen = session is not None and session.follow_frozen
        self._actions["freeze_following"].setChecked(frozen)
