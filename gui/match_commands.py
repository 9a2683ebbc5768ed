"""What the actions of the Match menu do, and the page in the drawer that goes with them."""

from PySide6.QtCore import QObject

from mesosynth.matching.results import MatchResult, MatchSettings

from .actions import Actions
from .bridge import Bridge
from .pages.match import MatchSettingsPanel
from .undo import History
from .widgets.knob import Knobs

_ALIKE = 0.9  # similarity by JTFS below which one arpeggio is hardly what a user looks for


class MatchCommands(QObject):
    """Ties the page and the pins of the knobs to the bridge; every change of sound can be undone.

    Attributes
    ----------
    result : MatchResult or None
        Of the last match, while it can be applied.
    """

    def __init__(
        self,
        actions: Actions,
        bridge: Bridge,
        history: History,
        page: MatchSettingsPanel,
        knobs: Knobs,
    ) -> None:
        super().__init__(history)
        self.result: MatchResult | None = None
        self._actions, self._bridge, self._history = actions, bridge, history
        self._page, self._knobs = page, knobs
        self._has_target = False
        actions["match"].triggered.connect(lambda: bridge.set_matching(True))
        actions["stop_match"].triggered.connect(lambda: bridge.set_matching(False))
        actions["pause_match"].triggered.connect(bridge.set_match_paused)
        actions["apply"].triggered.connect(self._apply)
        page.settings_changed.connect(self._use)
        page.audition_asked.connect(self._audition)
        page.morph_began.connect(lambda: history.begin("morph"))
        page.morphed.connect(self._morph)
        page.morph_ended.connect(history.end)
        bridge.attached.connect(self.show_settings)
        bridge.target_loaded.connect(self._on_target)
        bridge.match_started.connect(self._on_started)
        bridge.match_progress.connect(page.add)
        bridge.match_paused.connect(self._on_paused)
        bridge.match_resumed.connect(self._on_resumed)
        bridge.match_ended.connect(self._on_ended)
        bridge.match_judged.connect(self._on_judged)
        for changed in (bridge.layers_started, bridge.layers_ended):
            changed.connect(self._refresh)
        self._refresh()

    def pin(self, id_: str, pinned: bool) -> None:
        """Let a match leave a parameter where it is, or not."""
        self._page.pin(id_, pinned)

    def show_settings(self) -> None:
        """Show how the session matches, for example after a session was loaded."""
        session = self._bridge.session
        if session is not None:
            self._page.show_settings(session.match_settings)
            self._show_pins(session.match_settings)
        self._refresh()

    def _use(self, settings: MatchSettings) -> None:
        self._bridge.set_match_settings(settings)
        self._show_pins(settings)

    def _show_pins(self, settings: MatchSettings) -> None:
        for knob in self._knobs.all():
            knob.pin(knob.parameter.matchable and knob.id not in settings.unknowns)

    def _apply(self) -> None:
        if self.result is not None:
            self._history.set_at_once(self.result.theta, "match result")

    def _audition(self, place: int) -> None:
        self._history.begin(f"candidate {place + 1}")
        self._bridge.apply_candidate(place)
        self._history.end()

    def _morph(self, amount: float) -> None:
        """A drag is one step of undo; keys and wheel on the slider are one when they pause."""
        self._history.nudging("morph", lambda: self._bridge.morph_to_match(amount))

    def _on_target(self) -> None:
        self._has_target = True
        self._refresh()

    def _on_started(self) -> None:
        self.result = None
        self._page.start()
        self._refresh()
        self._bridge.say("Matching…")

    def _on_paused(self) -> None:
        self._page.pause()
        self._bridge.say("The match stands still; press P to go on.")
        self._refresh()

    def _on_resumed(self) -> None:
        self._bridge.say("Matching…")
        self._refresh()

    def _on_ended(self, result: MatchResult | None) -> None:
        self.result = result
        self._page.end(result)
        self._refresh()
        if result is None:
            self._bridge.say("The match ended before a first estimate.", "warning")
        elif result.found:
            how = "Matched" if result.converged else "Match stopped"
            after = f"{result.evaluations} evaluations in {result.seconds:.1f} s"
            self._bridge.say(f"{how} after {after}, loss {result.loss:.1e}.")

    def _on_judged(self, result: MatchResult) -> None:
        """Where one arpeggio is not enough, say what is."""
        scores, best = result.similarity, self.result
        if scores is None or best is None or result.theta != best.theta:
            return
        if scores.jtfs < _ALIKE:
            self._bridge.say(
                f"One arpeggio is {scores.jtfs:.0%} like the target; press L to match it with "
                "several, and with how they repeat."
            )

    def _refresh(self) -> None:
        session = self._bridge.session
        actions, matching = self._actions, self._bridge.matching
        actions["match"].setEnabled(session is not None and self._has_target)
        actions["stop_match"].setEnabled(matching)
        actions["pause_match"].setEnabled(matching)
        actions["pause_match"].setChecked(session is not None and session.match_paused)
        actions["apply"].setEnabled(self.result is not None)
