"""Sounds kept at hand: A and B to compare, and eight snapshots."""

from PySide6.QtCore import QObject, Signal

from mesosynth.session.snapshots import Snapshot

from .actions import SLOTS, Actions
from .bridge import Bridge
from .undo import History


class Comparisons(QObject):
    """Ties the actions "compare", "store_1" … and "recall_1" … to the bridge.

    A and B begin as the same sound; to change sides leaves each as it sounded last.

    Attributes
    ----------
    side : str
        "A" or "B", which sounds now.
    slots : list of Snapshot or None

    Signals
    -------
    changed
        The side, or a slot, is another one now.
    """

    changed = Signal()

    def __init__(self, actions: Actions, bridge: Bridge, history: History) -> None:
        super().__init__(history)
        self.side = "A"
        self.slots: list[Snapshot | None] = [None] * SLOTS
        self._other: Snapshot | None = None
        self._actions, self._bridge, self._history = actions, bridge, history
        actions["compare"].triggered.connect(self.compare)
        for slot in range(SLOTS):
            actions[f"store_{slot + 1}"].triggered.connect(lambda _=False, s=slot: self.store(s))
            recall = actions[f"recall_{slot + 1}"]
            recall.triggered.connect(lambda _=False, s=slot: self.recall(s))
        bridge.attached.connect(self._refresh)
        self._refresh()

    def compare(self) -> None:
        """Change over to the other side."""
        now = self._bridge.snapshot()
        if now is None:
            return
        self.side = "B" if self.side == "A" else "A"
        there, self._other = self._other or now, now
        self._history.recall(there, f"change to {self.side}")
        self._bridge.say(f"This is {self.side}; C changes over.")
        self._refresh()

    def store(self, slot: int) -> None:
        """Keep the sound in a slot, 0 for the first."""
        self.slots[slot] = self._bridge.snapshot()
        self._bridge.say(f"Snapshot {slot + 1} keeps this sound; press {slot + 1} to recall it.")
        self._refresh()

    def recall(self, slot: int) -> None:
        """Go back to the sound of a slot, if it holds one."""
        kept = self.slots[slot]
        if kept is not None:
            self._history.recall(kept, f"snapshot {slot + 1}")
            self._bridge.say(f"Snapshot {slot + 1}.")

    def restore(self, slots: list[Snapshot | None]) -> None:
        """Fill the slots, for example from a saved session."""
        self.slots = [*slots, *[None] * SLOTS][:SLOTS]
        self._refresh()

    def _refresh(self) -> None:
        ready = self._bridge.session is not None
        self._actions["compare"].setEnabled(ready)
        self._actions["compare"].setIconText("[A]  B" if self.side == "A" else "A  [B]")
        for slot, kept in enumerate(self.slots):
            self._actions[f"store_{slot + 1}"].setEnabled(ready)
            self._actions[f"recall_{slot + 1}"].setEnabled(kept is not None)
        self.changed.emit()
