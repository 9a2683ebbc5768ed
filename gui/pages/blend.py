"""Blend page: four sounds in a square to move between, and chance around the present one."""

from PySide6.QtWidgets import QToolButton

from mesosynth.presets.morph import PINNED, blend, vary
from mesosynth.presets.preset import Preset
from mesosynth.session import Session

from .. import theme
from ..desk import Desk
from ..pad.blend_square import CORNERS, BlendSquare
from ..undo import History
from ..widgets.parts import Panel, row, slider, wide
from .library import PLACES

_FIRST_AMOUNT = 15  # percent


class BlendPage(Panel):
    """Page of blends: the sounds in the corners, and chance around the present one.

    Parameters
    ----------
    desk : Desk
    history : History
        A drag is one step of it.
    """

    def __init__(self, desk: Desk, history: History) -> None:
        super().__init__()
        self._desk, self._history = desk, history
        self._presets: list[Preset | None] = [None] * len(CORNERS)
        self._name = "Sound"
        self._seed = 0
        self.square = BlendSquare()
        self.amount = slider("Amount of chance, percent", 1, 100, _FIRST_AMOUNT)
        tip = "Another sound around this one; pinned knobs stay"
        self.vary = theme.tool_button("Vary", tip, kind="", named="Vary the sound by chance")
        self.vary.clicked.connect(self.vary_sound)
        percent = theme.note(f"{_FIRST_AMOUNT}%")
        self.amount.valueChanged.connect(lambda amount: percent.setText(f"{amount}%"))
        self.keepers = keep = [self._keep_button(corner) for corner in range(len(CORNERS))]
        self.lay_out(
            theme.note("Keep sounds in the corners, then drag between them.", wrap=True),
            (self.square, 8), wide(*keep[2:]), wide(*keep[:2]),
            theme.title("Chance"), row(self.vary, (self.amount, 1), percent),
            theme.note("Level and tempo stay, and every knob that is pinned.", wrap=True),
        )  # fmt: skip
        self.setFocusProxy(self.square)
        self.square.gesture_began.connect(lambda: history.begin("blend"))
        self.square.moved.connect(self._blend)
        self.square.gesture_ended.connect(history.end)
        self.square.nudged.connect(lambda x, y: history.nudging("blend", lambda: self._blend(x, y)))
        desk.attached.connect(self._attach)

    def _keep_button(self, corner: int) -> QToolButton:
        place = PLACES[corner]
        tip, named = (
            f"The {place} corner keeps the sound of now",
            f"Keep the sound in the {place} corner",
        )
        button = theme.tool_button(f"Keep {place}", tip, named=named)
        button.clicked.connect(lambda: self.keep_here(corner))
        return button

    def keep_here(self, corner: int) -> None:
        """Let a corner, in the order of :data:`CORNERS`, keep the present sound."""
        self.keep(self._desk.session.presets.preset(self._name), corner)

    def keep(self, preset: Preset, corner: int) -> None:
        """Put a sound in a corner, in the order of :data:`CORNERS`."""
        self._presets[corner] = preset
        self._desk.say(f"The {PLACES[corner]} corner of the blend keeps {preset.name}.")
        self.square.set_names(self._names)

    @property
    def _names(self) -> list[str]:
        return [preset.name if preset else "" for preset in self._presets]

    def _attach(self, session: Session) -> None:
        session.presets.loaded.connect(self._on_loaded)

    def _on_loaded(self, preset: Preset) -> None:
        self._name = preset.name

    def _blend(self, x: float, y: float) -> None:
        shares = [(x if cx else 1 - x) * (y if cy else 1 - y) for cx, cy in CORNERS]
        kept = [(p, s) for p, s in zip(self._presets, shares, strict=True) if p is not None]
        if len(kept) > 1 and any(share for _, share in kept):
            mixed = blend([p for p, _ in kept], [s for _, s in kept])
            self._desk.hear(lambda session: session.presets.play(mixed, None, "user"))

    def vary_sound(self) -> None:
        """Play another sound around this one, by chance."""
        self._seed += 1
        amount = self.amount.value() / 100.0

        def play(session: Session) -> None:
            unknowns, present = session.match.settings.unknowns, session.presets.preset(self._name)
            pinned = {id_ for id_ in session.sound.parameters.matchable if id_ not in unknowns}
            varied = vary(present, amount, self._seed, {*PINNED, *pinned})
            session.presets.play(varied, None, "user")

        self._history.begin("chance")
        self._desk.hear(play)
        self._history.end()
