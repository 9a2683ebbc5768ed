"""Tracking strip: level, confidence and lag of the input that the sound follows."""

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QWidget

from mesosynth.session import Session
from mesosynth.session.tracking import TrackingState

from .. import theme
from ..actions import Actions
from ..desk import Desk
from ..undo import History
from .parts import PROGRESS, column, progress_bar, row

_WORDS = {
    "listening": "Listening for something to follow…",
    "following": "Tracking",
    "silent": "Silence: the last sound is held",
}
_UNSURE = 0.4  # confidence below which the bar warns


class TrackingStrip(QWidget):
    """Level, confidence and lag of the input; visible only while it is followed.

    Parameters
    ----------
    actions : Actions
        Of which it shows "freeze_following" and "follow_input".
    desk : Desk
    history : History
        All that the input did to the sound is one step of it.
    """

    def __init__(self, actions: Actions, desk: Desk, history: History) -> None:
        super().__init__()
        self._desk, self._history = desk, history
        self._before: dict[str, float] | None = None
        self._driven: dict[str, float] = {}  # what is followed, as it was seen last
        self.words = theme.note()
        self.level, self.confidence = progress_bar("Level of the input"), progress_bar("Confidence")
        for bar in (self.level, self.confidence):
            bar.setFixedWidth(80)
        self.level_text, self.confidence_text, self.lag_text = (theme.note() for _ in range(3))
        for text, longest in (
            (self.level_text, "Input -99 dBFS"),
            (self.confidence_text, "Confidence 100%"),
            (self.lag_text, "Lag 00.00 s"),
        ):  # numbers that change must not push the rest about
            text.setMinimumWidth(text.fontMetrics().horizontalAdvance(longest) + theme.GAP)
        self.freeze_button = actions["freeze_following"].button(kind="freeze_following")
        self.end_button = actions["follow_input"].button(kind="follow_input")
        for button in (self.freeze_button, self.end_button):
            button.setIconSize(QSize(16, 16))
        strip = row(
            (self.words, 1), self.level_text, self.level, self.confidence_text, self.confidence,
            self.lag_text, self.freeze_button, self.end_button, spacing=theme.GAP,
        )  # fmt: skip
        column(strip, inside=self).setContentsMargins(4, 0, 4, 0)
        self.hide()
        desk.attached.connect(self._attach)

    def follow(self) -> None:
        """Track the input, or end it."""
        if not self._desk.session.tracking.running:
            self._history.end()
        self._desk.ask(lambda s: s.tracking.stop() if s.tracking.running else s.tracking.start())

    def freeze(self) -> None:
        """Hold the sound as it is, or let it go on."""
        frozen = not self._desk.session.tracking.frozen
        self._desk.ask(lambda session: session.tracking.freeze(frozen))
        self._desk.say("The sound is frozen; press H to let it follow again." if frozen
                         else "Tracking again.")  # fmt: skip

    def show_followed(self, followed: TrackingState) -> None:
        """Show what was heard last; nothing when nothing is followed."""
        self.setVisible(followed.running)
        if not followed.running:
            return
        held = followed.frozen and followed.hearing == "following"
        self.words.setText("Frozen: the input is heard" if held else _WORDS[followed.hearing])
        level = max(followed.level, theme.FLOOR_DB)
        self.level.setValue(round(PROGRESS * (1.0 - min(level, 0.0) / theme.FLOOR_DB)))
        self.level_text.setText(f"Input {level:.0f} dBFS")
        confidence = followed.confidence
        self.confidence.setValue(round(PROGRESS * confidence))
        theme.mark(self.confidence, "warns", confidence < _UNSURE)
        self.confidence_text.setText(f"Confidence {confidence:.0%}")
        known = followed.hearing == "following"
        self.lag_text.setText(f"Lag {followed.lag:.2f} s" if known else "Lag –")

    # ------------------------------------------------------------------ what the input did

    def _attach(self, session: Session) -> None:
        session.tracking.changed.connect(self._on_followed)
        session.sound.changed.connect(self._on_parameters)

    def _on_followed(self, followed: TrackingState) -> None:
        self.show_followed(followed)
        values = self._desk.values
        # What is not told just now is driven again as soon as it is.
        ids = {**self._driven, **followed.theta}
        self._driven = {id_: values[id_] for id_ in ids if id_ in values}
        if followed.running and self._before is None:
            self._before = dict(values)
            self._desk.say("Tracking the input; H freezes the sound, I ends it.")
        elif not followed.running and self._before is not None:
            self._keep(self._before)
            self._before, self._driven = None, {}

    def _on_parameters(self, values: dict[str, float], source: str) -> None:
        """A hand that moves what is followed takes over: the sound freezes."""
        moved = any(values.get(id_) != value for id_, value in self._driven.items())
        tracking = self._desk.session.tracking
        if moved and source == "user" and tracking.running:
            self._driven = {id_: values[id_] for id_ in self._driven if id_ in values}
            if not tracking.frozen:
                self._desk.ask(lambda session: session.tracking.freeze(True))
                self._desk.say("You took over from the input; press H to let it drive again.")

    def _keep(self, before: dict[str, float]) -> None:
        """Make one step of all that the input did; what a hand did meanwhile is in it."""
        after = {
            id_: value for id_, value in self._desk.values.items()
            if id_ in before and before[id_] != value
        }  # fmt: skip
        if after:
            old = {id_: before[id_] for id_ in after}
            self._history.did(
                "following the input",
                lambda: self._history.change(old),
                lambda: self._history.change(after),
            )
