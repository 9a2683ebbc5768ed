"""Blend page: four sounds in a square to move between, and chance around the present one."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QSlider, QToolButton, QVBoxLayout

from mesosynth.presets.morph import PINNED, blend, vary
from mesosynth.presets.preset import Preset
from mesosynth.session import Session

from .. import theme
from ..desk import Desk
from ..plots.frame import Later
from ..undo import History

if TYPE_CHECKING:
    from ..pad.blend_square import BlendSquare

CORNERS = ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0))
"""Places of the corners, from the lower left: across, and up."""

PLACES = ("lower left", "lower right", "upper left", "upper right")
"""What the corners are called."""


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
        self.place = Later(self._make_square)
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
        self.setFocusProxy(self.place)
        self.vary.clicked.connect(self.vary_sound)
        self.amount.valueChanged.connect(self._show_amount)
        desk.attached.connect(self._attach)
        self._show_amount()

    @property
    def square(self) -> "BlendSquare":
        """The square, made now if it was not yet."""
        return self.place.plot

    def _make_square(self) -> "BlendSquare":
        from ..pad.blend_square import BlendSquare

        square, history = BlendSquare(), self._history
        square.gesture_began.connect(lambda: history.begin("blend"))
        square.moved.connect(self._blend)
        square.gesture_ended.connect(history.end)
        square.nudged.connect(lambda x, y: history.nudging("blend", lambda: self._blend(x, y)))
        square.set_names(self._names)
        return square

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
        if self.place.made:
            self.square.set_names(self._names)

    @property
    def _names(self) -> list[str]:
        return [preset.name if preset else "" for preset in self._presets]

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
        layout.addWidget(self.place, 8)
        layout.addLayout(buttons)
        layout.addSpacing(theme.GAP)
        layout.addWidget(theme.title("Chance"))
        layout.addLayout(chance)
        layout.addWidget(about)

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
