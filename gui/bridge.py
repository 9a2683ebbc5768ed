"""The only place where the desk touches the session.

A timer drains :meth:`Session.poll` into one Qt signal per kind of event, and every request of the
window goes through here, so that an error of the engine becomes a message line and nothing else.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Qt, QTimer, Signal

from mesosynth.errors import MesosynthError
from mesosynth.events import (
    Analysed,
    Capture,
    Event,
    Explored,
    ExploreStarted,
    MatchEnded,
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
from mesosynth.host.status import AudioStatus
from mesosynth.matching.messages import Drivers, MatchSettings
from mesosynth.parameters import ParameterTable
from mesosynth.session import Session
from mesosynth.session.snapshots import Snapshot

TICK_MS = 16
"""Time between two polls of the session, ms: some 60 pictures a second."""


class Bridge(QObject):
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
    match_paused = Signal()
    match_resumed = Signal()
    explore_started = Signal(ExploreStarted)
    explored = Signal(Explored)
    drivers = Signal(Drivers)
    transport = Signal(Transport)
    recording = Signal(Recording)
    capture = Signal(Capture)
    preset_loaded = Signal(PresetLoaded)
    message = Signal(Message)
    follow_changed = Signal(bool)
    rack_changed = Signal()
    instrument_changed = Signal()
    attached = Signal()
    tick = Signal()

    def __init__(self, parameters: ParameterTable, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.parameters = self.instrument_parameters = parameters
        self.values = parameters.defaults()
        self.session: Session | None = None
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

    @property
    def matching(self) -> bool:
        """Whether a match runs."""
        return self.session is not None and self.session.matching

    @property
    def playing(self) -> bool:
        """Whether the instrument plays."""
        return self.session is not None and self.session.playing

    def say(self, text: str, severity: str = "info") -> None:
        """Show a sentence in the status bar: "info", "warning" or "error"."""
        self.message.emit(Message(text, severity))  # pyright: ignore[reportArgumentType] - a Literal

    def set_parameters(self, values: Mapping[str, float]) -> None:
        """Move live parameters by hand; a hand on theta takes over from the match."""
        session = self.session
        if session is None:
            return
        if session.matching and session.follow and set(values) & set(self.parameters.matchable):
            self.set_follow(False)
            self.say("You took over from the match; press F to let it drive again.")
        if self._ask(lambda: session.set_parameters(values)):
            # Shown at once, not at the next tick: a knob must stick to the hand.
            moved = {id_: self.parameters[id_].clamp(value) for id_, value in values.items()}
            self.values = {**self.values, **moved}
            self.parameters_changed.emit(self.values, "user")

    def change_rack(self, method: str, *arguments: object) -> bool:
        """Call a method of the session that changes the rack; heard after a short crossfade.

        Parameters
        ----------
        method : {"set_instrument", "add_effect", "remove_effect", "move_effect", "bypass_effect"}
        *arguments
            As the session's method takes them.
        """
        done = self._request(lambda session: getattr(session, method)(*arguments))
        self._show_sound(rack=True)
        return done

    def snapshot(self) -> Snapshot | None:
        """All that makes the sound now; None while there is no session."""
        return None if self.session is None else self.session.snapshot()

    def recall(self, snapshot: Snapshot) -> bool:
        """Go back to a sound that :meth:`snapshot` took."""
        done = self._request(lambda session: session.recall(snapshot))
        self._show_sound(rack=True)
        return done

    def _show_sound(self, rack: bool = False) -> None:
        """Show what a request changed at once, not at the next tick."""
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

    def play_note(self, note: int, down: bool) -> None:
        """Press a MIDI key, or let go of it."""
        if self.session is not None:
            (self.session.note_on if down else self.session.note_off)(note)

    def learn(self, parameter: str | None) -> None:
        """Let the next MIDI controller that moves turn a parameter from then on."""
        self._request(lambda session: session.learn(parameter))

    def forget_controller(self, parameter: str) -> None:
        """Let no MIDI controller turn a parameter any more."""
        self._request(lambda session: session.forget_controller(parameter))

    def set_follow(self, follow: bool) -> None:
        """Let the match drive the sound, or not."""
        if self.session is not None and self.session.follow != follow:
            self.session.follow = follow
            self.follow_changed.emit(follow)

    def load_target(self, path: Path) -> bool:
        """Take a sound file as the target; False (and a message) if it cannot be one."""
        return self._request(lambda session: session.load_target(path))

    def load_preset(self, path: Path) -> bool:
        """Take all parameters from a preset; False (and a message) if it cannot be read."""
        return self._request(lambda session: session.load_preset(path))

    def save_preset(self, path: Path) -> bool:
        """Write all parameters to a preset; False (and a message) if it cannot be written."""
        return self._request(lambda session: session.save_preset(path))

    def save_session(self, path: Path, desk: Mapping[str, Any]) -> bool:
        """Write the whole session and what the desk remembers; False (and a message) if not."""
        return self._request(lambda session: session.save_session(path, desk))

    def load_session(self, path: Path) -> dict[str, Any] | None:
        """Go on from a session's file; return what the desk had put there, None if it is none."""
        desk: dict[str, Any] = {}
        done = self._request(lambda session: desk.update(session.load_session(path)))
        self._show_sound(rack=True)
        return desk if done else None

    def set_recording(self, running: bool) -> bool:
        """Start to record from the input, or end the recording and take it as the target."""
        if running:
            return self._request(lambda session: session.start_recording())
        return self._request(lambda session: session.stop_recording())

    def set_playing(self, playing: bool) -> bool:
        """Start or stop the sound."""
        return self._request(lambda session: session.play() if playing else session.stop())

    def set_matching(self, matching: bool) -> bool:
        """Start or stop a match."""
        if matching:
            return self._request(lambda session: session.start_match())
        return self._request(lambda session: session.stop_match())

    def move_window(self, start: float) -> bool:
        """Match another part of the target's file, from `start`, s."""
        return self._request(lambda session: session.move_window(start))

    def explore(self, axes: tuple[str, str] | None) -> bool:
        """Have the loss mapped over two parameters; None ends it."""
        return self._request(lambda session: session.explore(axes))

    def ask_drivers(self) -> bool:
        """Have it told which coefficients would drive a match from here."""
        return self._request(lambda session: session.ask_drivers())

    @property
    def is_match_paused(self) -> bool:
        """Whether a match stands still."""
        return self.session is not None and self.session.match_paused

    def set_match_settings(self, settings: MatchSettings) -> bool:
        """Go about the next match like this."""
        return self._request(lambda session: setattr(session, "match_settings", settings))

    def save_match(self, path: Path) -> bool:
        """Write the match as far as it came; False (and a message) if it cannot be written."""
        return self._request(lambda session: session.save_match(path))

    def load_match(self, path: Path) -> bool:
        """Take a match up from a file; False (and a message) if it is none."""
        return self._request(lambda session: session.load_match(path))

    def set_match_paused(self, paused: bool) -> bool:
        """Let the match stand still, or go on."""
        if paused:
            return self._request(lambda session: session.pause_match())
        return self._request(lambda session: session.resume_match())

    def apply_candidate(self, place: int) -> bool:
        """Play a candidate of the last match, 0 for the best."""
        done = self._request(lambda session: session.apply_candidate(place))
        self._show_sound()
        return done

    def morph_to_match(self, amount: float) -> bool:
        """Play what lies between the sound before the match (0) and the match (1)."""
        done = self._request(lambda session: session.morph_to_match(amount))
        self._show_sound()
        return done

    def scope(self, frames: int) -> NDArray[np.float32]:
        """Return the last `frames` samples that were played; fewer or none at the start."""
        return np.zeros(0, np.float32) if self.session is None else self.session.scope(frames)

    def audio_status(self) -> AudioStatus | None:
        """Return the state of the sound device, or None while it is not known."""
        return None if self.session is None else self.session.audio_status()

    def panic(self) -> bool:
        """Silence everything."""
        return self._request(lambda session: session.panic())

    def unpanic(self) -> bool:
        """Play again what a panic interrupted."""
        return self._request(lambda session: session.unpanic())

    def start_capture(self, path: Path) -> bool:
        """Write what is heard to a file; False (and a message) if it cannot be written."""
        return self._request(lambda session: session.start_capture(path))

    def stop_capture(self) -> bool:
        """Finish the capture."""
        return self._request(lambda session: session.stop_capture())

    def save_last(self, minutes: float, path: Path) -> bool:
        """Write what was heard in the last minutes to a file, in the background."""
        return self._request(lambda session: session.save_last(minutes, path))

    def set_device(
        self, device: str | None, sample_rate: int | None = None, block: int | None = None
    ) -> bool:
        """Change over to another device, sample rate or block."""
        return self._request(lambda session: session.set_device(device, sample_rate, block))

    def reset_meters(self) -> bool:
        """Count underflows and the largest load and peaks anew."""
        return self._request(lambda session: session.reset_meters())

    def _request(self, request: Callable[[Session], object]) -> bool:
        session = self.session
        return session is not None and self._ask(lambda: request(session))

    def _ask(self, request: Callable[[], object]) -> bool:
        try:
            request()
        except MesosynthError as error:
            self.say(str(error), "error")
            return False
        return True

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
                self.values = dict(values)
                self.parameters_changed.emit(self.values, source)
                if source == "midi" and self.session is not None and not self.session.follow:
                    self.follow_changed.emit(False)  # a controller may have taken over
            case TargetLoaded():
                self.target_loaded.emit(event)
            case Analysed(what, analysis):
                (self.target_analysed if what == "target" else self.sound_analysed).emit(analysis)
            case MatchStarted():
                self.match_started.emit()
            case MatchProgress(step):
                self.match_progress.emit(step)
            case MatchEnded(result):
                self.match_ended.emit(result)
            case MatchPaused():
                self.match_paused.emit()
            case MatchResumed():
                self.match_resumed.emit()
            case ExploreStarted():
                self.explore_started.emit(event)
            case Explored():
                self.explored.emit(event)
            case Drivers():
                self.drivers.emit(event)
            case Transport():
                self.transport.emit(event)
            case Recording():
                self.recording.emit(event)
            case Capture():
                self.capture.emit(event)
            case PresetLoaded():
                self.preset_loaded.emit(event)
            case Message():
                self.message.emit(event)
            case _:  # saved minutes and ports, of which messages tell
                pass


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
