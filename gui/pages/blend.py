"""The drawer's page of blends: four sounds in a square, and chance around the present one."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QSlider, QToolButton, QVBoxLayout

from mesosynth.errors import MesosynthError
from mesosynth.presets.morph import PINNED, blend, vary
from mesosynth.presets.preset import Preset
from mesosynth.session import Session
from mesosynth.session.events import PresetLoaded

from .. import theme
from ..bridge import Bridge
from ..pad.blend_square import CORNERS, PLACES, BlendSquare
from ..undo import History

_FIRST_AMOUNT = 15  # percent


class BlendPage(QFrame):
    """Blends what its corners keep; empty corners have no say.

    Parameters
    ----------
    bridge : Bridge
    history : History
        A drag is one step of it.
    """

    def __init__(self, bridge: Bridge, history: History) -> None:
        super().__init__()
        self.setObjectName("panel")
        self._bridge, self._history = bridge, history
        self._presets: list[Preset | None] = [None] * len(CORNERS)
        self._name = "Sound"
        self._seed = 0
        self.square = BlendSquare()
        self.keepers = [self._keep_button(corner) for corner in range(len(CORNERS))]
        self.amount = QSlider(Qt.Orientation.Horizontal)
        self.amount.setRange(1, 100)
        self.amount.setValue(_FIRST_AMOUNT)
        theme.name(self.amount, "Amount of chance, percent")
        self.vary = QToolButton()
        self.vary.setText("Vary")
        self.vary.setToolTip("Another sound around this one; pinned knobs stay")
        theme.name(self.vary, "Vary the sound by chance")
        self._percent = theme.note()
        self._lay_out()
        self.setFocusProxy(self.square)
        self.square.gesture_began.connect(lambda: history.begin("blend"))
        self.square.moved.connect(self._blend)
        self.square.gesture_ended.connect(history.end)
        self.square.nudged.connect(lambda x, y: history.nudging("blend", lambda: self._blend(x, y)))
        self.vary.clicked.connect(self._on_vary)
        self.amount.valueChanged.connect(self._show_amount)
        bridge.preset_loaded.connect(self._on_loaded)
        self._show_amount()

    def keep_here(self, corner: int) -> None:
        """Let a corner, in the order of :data:`CORNERS`, keep the present sound."""
        session = self._bridge.session
        if session is not None:
            self.keep(session.preset(self._name), corner)

    def keep(self, preset: Preset, corner: int) -> None:
        """Let a corner keep a sound."""
        self._presets[corner] = preset
        self._bridge.say(f"The {PLACES[corner]} corner of the blend keeps {preset.name}.")
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
        layout.addWidget(theme.title("Blend"))
        layout.addWidget(hint)
        layout.addWidget(self.square, 8)
        layout.addLayout(buttons)
        layout.addSpacing(theme.GAP)
        layout.addWidget(theme.title("Chance"))
        layout.addLayout(chance)
        layout.addWidget(about)
        layout.addStretch(1)

    def _keep_button(self, corner: int) -> QToolButton:
        button = QToolButton()
        button.setObjectName("small")
        button.setText(f"Keep {PLACES[corner]}")
        button.setToolTip(f"The {PLACES[corner]} corner keeps the sound of now")
        theme.name(button, f"Keep the sound in the {PLACES[corner]} corner")
        button.clicked.connect(lambda: self.keep_here(corner))
        return button

    def _on_loaded(self, loaded: PresetLoaded) -> None:
        self._name = loaded.preset.name

    def _blend(self, x: float, y: float) -> None:
        shares = [(x if cx else 1 - x) * (y if cy else 1 - y) for cx, cy in CORNERS]
        kept = [(p, s) for p, s in zip(self._presets, shares, strict=True) if p is not None]
        if len(kept) < 2 or not any(share for _, share in kept):
            return
        self._play(lambda _: blend([p for p, _ in kept], [s for _, s in kept]))

    def _on_vary(self) -> None:
        self._seed += 1
        amount = self.amount.value() / 100.0

        def varied(session: Session) -> Preset:
            unknowns = session.match_settings.unknowns
            pinned = {id_ for id_ in self._bridge.parameters.matchable if id_ not in unknowns}
            return vary(session.preset(self._name), amount, self._seed, {*PINNED, *pinned})

        self._history.begin("chance")
        self._play(varied)
        self._history.end()

    def _play(self, make: Callable[[Session], Preset]) -> None:
        session = self._bridge.session
        if session is None:
            return
        try:
            session.play_preset(make(session), None, "user")
        except MesosynthError as error:
            self._bridge.say(str(error), "error")
            return
        if not self._bridge.playing:
            self._bridge.set_playing(True)

    def _show_amount(self) -> None:
        self._percent.setText(f"{self.amount.value()}%")
