"""What the page of layers and its actions do; all of it can be undone."""

from PySide6.QtCore import QObject

from mesosynth.matching.requests import LayersSettings
from mesosynth.session.events import LayersEnded, LayersProgress
from mesosynth.session.layer_book import LayerBook

from .actions import Actions
from .bridge import Bridge
from .pages.layers import LayersPage
from .settings import Settings
from .undo import History
from .widgets.knob import Knobs


class LayerCommands(QObject):
    """Ties the page, the actions and the knobs' pages to the bridge."""

    def __init__(
        self,
        actions: Actions,
        bridge: Bridge,
        history: History,
        page: LayersPage,
        knobs: Knobs,
        settings: Settings,
    ) -> None:
        super().__init__(history)
        self._actions, self._bridge, self._history = actions, bridge, history
        self._page, self._knobs, self._settings = page, knobs, settings
        self._has_target = self._has_result = False
        self._shown = LayerBook()
        page.show_settings(LayersSettings(settings.layers, settings.layers_seconds))
        page.count.valueChanged.connect(self._remember)
        page.seconds.valueChanged.connect(self._remember)
        page.asked.connect(self._change)
        page.chosen.connect(self._choose)
        actions["match_layers"].triggered.connect(lambda: self._start(go_on=False))
        actions["go_on_layers"].triggered.connect(lambda: self._start(go_on=True))
        actions["apply_layers"].triggered.connect(self._apply)
        bridge.attached.connect(self._show)
        bridge.target_loaded.connect(self._on_target)
        bridge.layers_started.connect(self._on_started)
        bridge.layers_progress.connect(self._on_progress)
        bridge.layers_ended.connect(self._on_ended)
        bridge.layers_changed.connect(self._show)
        bridge.layers_judged.connect(page.judge)
        bridge.parameters_changed.connect(self._on_parameters)
        for changed in (bridge.match_paused, bridge.match_resumed):
            changed.connect(self._on_paused)
        for changed in (bridge.match_started, bridge.match_ended):
            changed.connect(self._refresh)
        self._show()

    def _start(self, go_on: bool) -> None:
        if self._bridge.start_layers_match(self._page.settings, go_on):
            self._history.await_layers()

    def _apply(self) -> None:
        self._history.begin("layers found")
        self._bridge.apply_layers()
        self._history.end()

    def _change(self, method: str, arguments: tuple[object, ...], text: str) -> None:
        self._history.begin(text)
        self._bridge.change_layers(method, *arguments)
        self._history.end()
        self._show()
        if method == "move_layer" and isinstance(arguments[1], int):
            self._page.focus_card(arguments[1])

    def _choose(self, place: int) -> None:
        self._knobs.pages.turn_to(place + 1)

    def _remember(self) -> None:
        wanted = self._page.settings
        self._settings.layers, self._settings.layers_seconds = wanted.layers, wanted.seconds

    def _on_target(self) -> None:
        self._has_target, self._has_result = True, False
        self._refresh()

    def _on_started(self) -> None:
        self._page.start()
        self._refresh()
        self._bridge.say("Matching with layers…")

    def _on_progress(self, event: LayersProgress) -> None:
        self._page.add(event.step)

    def _on_paused(self) -> None:
        if self._bridge.matching_layers and self._bridge.is_match_paused:
            self._page.pause()

    def _on_ended(self, event: LayersEnded) -> None:
        result = event.result
        self._has_result = self._has_result or result is not None
        self._page.end(result)
        self._refresh()
        if result is None:
            self._bridge.say("The match with layers ended before there was one.", "warning")
            return
        how = "Matched" if result.converged else "Ended"
        count = len(result.layers)
        self._bridge.say(
            f"{how} with {count} layer{'s' if count > 1 else ''} after {result.seconds:.0f} s: "
            f"{result.scores}."
        )

    def _on_parameters(self, values: dict[str, float]) -> None:
        if self._bridge.layers == self._shown:
            self._page.show_values(values)
        else:
            self._show()

    def _show(self) -> None:
        self._shown = self._bridge.layers
        self._page.show_layers(self._shown, self._bridge.values)
        self._refresh()

    def _refresh(self) -> None:
        actions, there = self._actions, self._bridge.session is not None
        ready = there and self._has_target
        actions["match_layers"].setEnabled(ready)
        actions["go_on_layers"].setEnabled(
            ready and bool(self._bridge.layers.notes) and not self._bridge.matching_layers
        )
        actions["apply_layers"].setEnabled(there and self._has_result)
