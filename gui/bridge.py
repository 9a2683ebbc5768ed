"""The only place where the desk touches the session.

A timer drains :meth:`Session.poll` into one Qt signal per kind of event, and every request of the
window goes through here, so that an error of the engine becomes a message line and nothing else.
What can be asked for is in :mod:`gui.requests`, a file per subject.
"""

from collections.abc import Callable, Mapping

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from typing_extensions import override

from gui.device import DeviceRequests
from gui.files import FileRequests
from gui.follow import FollowRequests
from gui.layers import LayerRequests
from gui.matching import MatchRequests
from gui.sound import SoundRequests
from mesosynth.errors import MesosynthError
from mesosynth.matching.automation import AutomationMoved, SequenceChanged
from mesosynth.matching.results import Drivers
from mesosynth.plugins.parameters import ParameterTable
from mesosynth.session import Session
from mesosynth.session.events import (
    Analysed,
    Auditioned,
    Capture,
    Event,
    Explored,
    ExploreStarted,
    Followed,
    LayersChanged,
    LayersEnded,
    LayersJudged,
    LayersProgress,
    LayersStarted,
    MatchEnded,
    MatchJudged,
    MatchPaused,
    MatchProgress,
    MatchResumed,
    MatchStarted,
    Message,
    ParametersChanged,
    PresetLoaded,
    RackChanged,
    Recording,
    TargetLoaded,
    Transport,
)

TICK_MS = 16
"""Time between two polls of the session, ms: some 60 pictures a second."""


class Bridge(
    SoundRequests,
    MatchRequests,
    FollowRequests,
    LayerRequests,
    FileRequests,
    DeviceRequests,
    QObject,
):
    """Events out as signals, requests in as methods that never raise.

    The window is built before the session exists, so that it is on screen at once;
    :meth:`attach` hands the session over.

    Parameters
    ----------
    parameters : ParameterTable
        Of the instrument that the session will play.

    Attributes
    ----------
    parameters : ParameterTable
        The instrument's and all effects', once the session is there.
    instrument_parameters : ParameterTable
        The instrument's alone; another one after each `instrument_changed`.
    values : dict
        All live parameters by id.
    """

    parameters_changed = Signal(dict, str)
    target_loaded = Signal(TargetLoaded)
    target_analysed = Signal(object)
    sound_analysed = Signal(object)
    match_started = Signal()
    match_progress = Signal(object)
    match_ended = Signal(object)
    match_judged = Signal(object)
    auditioned = Signal(object)
    match_paused = Signal()
    match_resumed = Signal()
    explore_started = Signal(ExploreStarted)
    explored = Signal(Explored)
    drivers = Signal(Drivers)
    layers_started = Signal()
    layers_progress = Signal(LayersProgress)
    layers_ended = Signal(LayersEnded)
    layers_changed = Signal()
    layers_judged = Signal(LayersJudged)
    transport = Signal(Transport)
    recording = Signal(Recording)
    followed = Signal(Followed)
    capture = Signal(Capture)
    preset_loaded = Signal(PresetLoaded)
    message = Signal(Message)
    sequence_changed = Signal(object)
    automation_moved = Signal(object)
    follow_changed = Signal(bool)
    rack_changed = Signal()
    instrument_changed = Signal()
    attached = Signal()
    tick = Signal()

    def __init__(self, parameters: ParameterTable, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.parameters = self.instrument_parameters = parameters
        self.values = parameters.defaults()
        # A coarse timer strays by 5%, and a picture in twenty would come a screen's turn late.
        self._timer = QTimer(self, interval=TICK_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._drain)

    def attach(self, session: Session) -> None:
        """Start to listen to `session`, which belongs to the bridge from here on."""
        self.session = session
        self.values = dict(session.values)
        self._look_at_rack()
        self.parameters_changed.emit(self.values, "user")
        self.attached.emit()
        self._timer.start()

    def close(self) -> None:
        """Close the session."""
        self._timer.stop()
        if self.session is not None:
            session, self.session = self.session, None
            session.close()

    def say(self, text: str, severity: str = "info") -> None:
        """Show a sentence in the status bar: "info", "warning" or "error"."""
        self.message.emit(Message(text, severity))  # pyright: ignore[reportArgumentType] - a Literal

    def set_parameters(self, values: Mapping[str, float]) -> None:
        """Move live parameters by hand; a hand on theta takes over from the match."""
        session = self.session
        if session is None:
            return
        if session.drives(values):
            self.set_follow(False)
            self.say("You took over from the match; press F to let it drive again.")
        if self.request(lambda session: session.set_parameters(values)):
            # Shown at once, not at the next tick: a knob must stick to the hand.
            moved = {id_: self.parameters[id_].clamp(value) for id_, value in values.items()}
            self.values = {**self.values, **moved}
            self.parameters_changed.emit(self.values, "user")

    def set_follow(self, follow: bool) -> None:
        """Let the match drive the sound, or not."""
        if self.session is not None and self.session.follow != follow:
            self.session.follow = follow
            self.follow_changed.emit(follow)

    @override
    def request(self, request: Callable[[Session], object]) -> bool:
        if self.session is None:
            return False
        try:
            request(self.session)
        except MesosynthError as error:
            self.say(str(error), "error")
            return False
        return True

    @override
    def show_sound(self, rack: bool = False) -> None:
        if self.session is not None:
            self.values = dict(self.session.values)
            self._look_at_rack()
            if rack:
                self.rack_changed.emit()
            self.parameters_changed.emit(self.values, "user")

    def _look_at_rack(self) -> None:
        """Take over the tables of parameters."""
        if self.session is None:
            return
        self.parameters = self.session.parameters
        table = self.session.instrument_plugin.parameters
        if list(table.values()) != list(self.instrument_parameters.values()):
            self.instrument_parameters = table
            self.instrument_changed.emit()

    def _drain(self) -> None:
        if self.session is not None:
            try:
                events = self.session.poll()
            except MesosynthError as error:
                self.say(str(error), "error")
                events = []
            for event in _newest_only(events):
                self._emit(event)
        self.tick.emit()

    def _emit(self, event: Event) -> None:
        match event:
            case RackChanged():
                if self.session is not None:
                    self.values = dict(self.session.values)
                self._look_at_rack()
                self.rack_changed.emit()
            case ParametersChanged(values, source):
                if self.session is not None and values.keys() != self.session.values.keys():
                    return  # of another rack, which is no more; what comes next is of this one
                self.values = dict(values)
                self.parameters_changed.emit(self.values, source)
                if source == "midi" and self.session is not None and not self.session.follow:
                    self.follow_changed.emit(False)  # a controller may have taken over
            case Analysed(what, analysis):
                (self.target_analysed if what == "target" else self.sound_analysed).emit(analysis)
            case MatchProgress(step):
                self.match_progress.emit(step)
            case MatchEnded(result):
                self.match_ended.emit(result)
            case MatchJudged(result):
                self.match_judged.emit(result)
            case Auditioned(what):
                self.auditioned.emit(what)
            case (
                MatchStarted() | MatchPaused() | MatchResumed() | LayersStarted() | LayersChanged()
            ):
                getattr(self, _SIGNALS[type(event)]).emit()
            case _:  # of the others signals tell whole, or, as of saved minutes, messages
                if type(event) in _SIGNALS:
                    getattr(self, _SIGNALS[type(event)]).emit(event)


_SIGNALS: dict[type, str] = {
    MatchStarted: "match_started",
    MatchPaused: "match_paused",
    MatchResumed: "match_resumed",
    LayersStarted: "layers_started",
    LayersChanged: "layers_changed",
    LayersProgress: "layers_progress",
    LayersEnded: "layers_ended",
    LayersJudged: "layers_judged",
    TargetLoaded: "target_loaded",
    ExploreStarted: "explore_started",
    Explored: "explored",
    Drivers: "drivers",
    Transport: "transport",
    Recording: "recording",
    Followed: "followed",
    Capture: "capture",
    PresetLoaded: "preset_loaded",
    Message: "message",
    SequenceChanged: "sequence_changed",
    AutomationMoved: "automation_moved",
}
"""Which signal tells of an event."""


def _newest_only(events: list[Event]) -> list[Event]:
    """Leave out parameters and pictures that a later event of the same batch makes stale."""
    seen: set[object] = set()
    kept: list[Event] = []
    for event in reversed(events):
        match event:
            case ParametersChanged():
                key = ("parameters", event.source)
            case Analysed():
                key = ("analysis", event.what)
            case _:
                kept.append(event)
                continue
        if key not in seen:
            seen.add(key)
            kept.append(event)
    return kept[::-1]
