"""The bridge: the only place where the desk touches the session."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Qt, QTimer, Signal
from typing_extensions import override

from mesosynth.audio.target import ANALYSIS_RATE, Target
from mesosynth.audio.waveform_peaks import Overview
from mesosynth.engine.status import AudioStatus
from mesosynth.errors import MesosynthError
from mesosynth.matching.automation import AutomationMoved, SequenceChanged
from mesosynth.matching.results import Drivers, LayersSettings, MatchSettings
from mesosynth.plugins.parameters import ParameterTable
from mesosynth.session import Session
from mesosynth.session.capture import CaptureState, TakeState
from mesosynth.session.events import (
    Capture,
    Explored,
    ExploreStarted,
    Followed,
    LayersEnded,
    LayersJudged,
    LayersProgress,
    Message,
    PresetLoaded,
    Recording,
    TargetLoaded,
    Transport,
)
from mesosynth.session.layer_mixer import LayerMixer
from mesosynth.session.presets import Snapshot
from mesosynth.session.tracking import TrackingState

# --------------------------------------------------------------------------------------------------
# What every group of requests stands on.


class Asking:
    """A part of the bridge: it asks the session, and an error becomes a message.

    Attributes
    ----------
    session : Session or None
        None until the engine has started.
    """

    session: Session | None = None

    def request(self, request: Callable[[Session], object]) -> bool:
        """Ask for something; False while there is no session, and (with a message) if refused."""
        raise NotImplementedError

    def set_follow(self, follow: bool) -> None:
        """Let the match drive the sound, or not."""
        raise NotImplementedError


# --------------------------------------------------------------------------------------------------
# Requests to the sound device, and what it tells.


class DeviceRequests(Asking):
    """Where the sound goes to, and how it does there."""

    def scope(self, frames: int) -> NDArray[np.float32]:
        """Return the last `frames` samples that were played; fewer or none at the start."""
        return (
            np.zeros(0, np.float32) if self.session is None else self.session.device.scope(frames)
        )

    def audio_status(self) -> AudioStatus | None:
        """Return the state of the sound device, or None while it is not known."""
        return None if self.session is None else self.session.device.status()

    def set_device(
        self, device: str | None, sample_rate: int | None = None, block: int | None = None
    ) -> bool:
        """Change over to another device, sample rate or block."""
        return self.request(lambda session: session.device.set(device, sample_rate, block))

    def reset_meters(self) -> bool:
        """Count underflows and the largest load and peaks anew."""
        return self.request(lambda session: session.device.reset_meters())


# --------------------------------------------------------------------------------------------------
# Requests that write or read presets, sessions, and what was heard.


class FileRequests(Asking):
    """Every one returns False (and says why) where a file cannot be read or written."""

    def load_preset(self, path: Path) -> bool:
        """Take all parameters from a preset."""
        return self.request(lambda session: session.presets.load(path))

    def save_preset(self, path: Path) -> bool:
        """Write all parameters to a preset."""
        return self.request(lambda session: session.presets.save(path))

    def save_session(self, path: Path, desk: Mapping[str, Any]) -> bool:
        """Write the whole session and what the desk remembers."""
        return self.request(lambda session: session.save(path, desk))

    def load_session(self, path: Path) -> dict[str, Any] | None:
        """Go on from a session's file; return what the desk had put there, None if it is none."""
        desk: dict[str, Any] = {}
        done = self.request(lambda session: desk.update(session.load(path)))
        return desk if done else None

    def start_capture(self, path: Path) -> bool:
        """Write what is heard to a file."""
        return self.request(lambda session: session.capture.start(path))

    def stop_capture(self) -> bool:
        """Finish the capture."""
        return self.request(lambda session: session.capture.stop())

    def save_last(self, minutes: float, path: Path) -> bool:
        """Write what was heard in the last minutes to a file, in the background."""
        return self.request(lambda session: session.capture.save_last(minutes, path))


# --------------------------------------------------------------------------------------------------
# Requests around following the input.


class FollowRequests(Asking):
    """Let what comes from the input drive the sound."""

    @property
    def following(self) -> bool:
        """Whether the input is followed."""
        return self.session is not None and self.session.tracking.running

    def set_following(self, following: bool) -> bool:
        """Follow the input, or no longer."""
        if following:
            return self.request(lambda session: session.tracking.start())
        return self.request(lambda session: session.tracking.stop())

    def freeze_following(self, frozen: bool) -> bool:
        """Let the sound stay as it is while the input is followed, or let it go on."""
        return self.request(lambda session: session.tracking.freeze(frozen))


# --------------------------------------------------------------------------------------------------
# Requests around layers: matches with several arpeggios, and what is heard of each.


class LayerRequests(Asking):
    """Look for layers, and change what was found."""

    @property
    def layers(self) -> LayerMixer:
        """What there is to say of each layer; empty while another instrument plays."""
        return LayerMixer() if self.session is None else self.session.layers.mixer

    @property
    def matching_layers(self) -> bool:
        """Whether a match with layers runs, or stands still."""
        return self.session is not None and self.session.layers.running

    def start_layers_match(self, settings: LayersSettings, go_on: bool) -> bool:
        """Match with layers, perhaps from those that there are."""
        if self.session is not None:
            self.session.layers.settings = settings
        return self.request(lambda session: session.layers.start(go_on))

    def apply_layers(self) -> bool:
        """Play what the last match with layers found."""
        return self.request(lambda session: session.layers.apply())

    def change_layers(self, method: str, *arguments: object) -> bool:
        """Call a method of the session that changes layers.

        Parameters
        ----------
        method : {"mute", "solo", "pin", "move", "remove"}
        *arguments
            As the session's method takes them.
        """
        return self.request(lambda session: getattr(session.layers, method)(*arguments))


# --------------------------------------------------------------------------------------------------
# Requests around a match: its target, how it goes about, what it found, and maps of its loss.


class MatchRequests(Asking):
    """Look for the parameters that sound like a target."""

    @property
    def matching(self) -> bool:
        """Whether a match runs."""
        return self.session is not None and self.session.match.running

    @property
    def is_match_paused(self) -> bool:
        """Whether a match stands still."""
        return self.session is not None and self.session.match.is_paused

    def load_target(self, path: Path) -> bool:
        """Take a sound file as the target; False (and a message) if it cannot be one."""
        return self.request(lambda session: session.target.load(path))

    def take_sound_as_target(self) -> bool:
        """Make the sound that plays now the target."""
        return self.request(lambda session: session.target.render(session.presets.preset()))

    def known_values(self) -> dict[str, float] | None:
        """The parameters that made the target, where they are known."""
        known = None if self.session is None else self.session.target.known_values
        return None if known is None else dict(known)

    def set_recording(self, running: bool) -> bool:
        """Start to record from the input, or end the recording and take it as the target."""
        if running:
            return self.request(lambda session: session.capture.start_take())
        return self.request(lambda session: session.capture.stop_take())

    def move_window(self, start: float) -> bool:
        """Match another part of the target's file, from `start`, s."""
        return self.request(lambda session: session.target.move_window(start))

    def set_match_settings(self, settings: MatchSettings) -> bool:
        """Go about the next match like this."""
        return self.request(lambda session: setattr(session.match, "settings", settings))

    def set_matching(self, matching: bool) -> bool:
        """Start or stop a match."""
        if matching:
            return self.request(lambda session: session.match.start())
        return self.request(lambda session: session.match.stop())

    def set_match_paused(self, paused: bool) -> bool:
        """Let the match stand still, or go on."""
        if paused:
            return self.request(lambda session: session.match.pause())
        return self.request(lambda session: session.match.resume())

    def save_match(self, path: Path) -> bool:
        """Write the match as far as it came; False (and a message) if it cannot be written."""
        return self.request(lambda session: session.match.save(path))

    def load_match(self, path: Path) -> bool:
        """Take a match up from a file; False (and a message) if it is none."""
        return self.request(lambda session: session.match.load(path))

    def apply_candidate(self, place: int) -> bool:
        """Play a candidate of the last match, 0 for the best."""
        return self.request(lambda session: session.match.apply(place))

    def morph_to_match(self, amount: float) -> bool:
        """Play what lies between the sound before the match (0) and the match (1)."""
        return self.request(lambda session: session.match.morph(amount))

    def explore(self, axes: tuple[str, str] | None) -> bool:
        """Have the loss mapped over two parameters; None ends it."""
        return self.request(lambda session: session.loss_map.explore(axes))

    def ask_drivers(self) -> bool:
        """Have it told which coefficients would drive a match from here."""
        return self.request(lambda session: session.match.attribute())


# --------------------------------------------------------------------------------------------------
# Requests that change what sounds: rack, snapshots, notes, controllers, play and panic.


class SoundRequests(Asking):
    """The instrument, its effects, and what plays them."""

    @property
    def playing(self) -> bool:
        """Whether the instrument plays."""
        return self.session is not None and self.session.sound.playing

    def set_playing(self, playing: bool) -> bool:
        """Start or stop the sound."""
        return self.request(
            lambda session: session.sound.play() if playing else session.sound.stop()
        )

    def panic(self) -> bool:
        """Silence everything."""
        return self.request(lambda session: session.sound.panic())

    def unpanic(self) -> bool:
        """Play again what a panic interrupted."""
        return self.request(lambda session: session.sound.unpanic())

    def change_rack(self, method: str, *arguments: object) -> bool:
        """Call a method of the session that changes the rack; heard after a short crossfade.

        Parameters
        ----------
        method : {"set_instrument", "add_effect", "remove_effect", "move_effect", "bypass_effect"}
        *arguments
            As the session's method takes them.
        """
        return self.request(lambda session: getattr(session.rack, method)(*arguments))

    def snapshot(self) -> Snapshot | None:
        """All that makes the sound now; None while there is no session."""
        return None if self.session is None else self.session.presets.snapshot()

    def recall(self, snapshot: Snapshot) -> bool:
        """Go back to a sound that :meth:`snapshot` took."""
        if self.session is not None and self.session.layers.running:
            self.set_follow(False)  # or the next step would take it back
        return self.request(lambda session: session.presets.recall(snapshot))

    def play_note(self, note: int, down: bool) -> None:
        """Press a MIDI key, or let go of it."""
        if self.session is not None:
            (self.session.keys.note_on if down else self.session.keys.note_off)(note)

    def learn(self, parameter: str | None) -> None:
        """Let the next MIDI controller that moves turn a parameter from then on."""
        self.request(lambda session: session.keys.learn(parameter))

    def forget_controller(self, parameter: str) -> None:
        """Let no MIDI controller turn a parameter any more."""
        self.request(lambda session: session.keys.forget(parameter))


# --------------------------------------------------------------------------------------------------
# The only place where the desk touches the session.
#
# A timer drains :meth:`Session.poll` into one Qt signal per kind of event, and every request of the
# window goes through here, so that an error of the engine becomes a message line and nothing else.
# What can be asked for is in :mod:`gui.requests`, a file per subject.


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
    asked = Signal()
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
        self.values = dict(session.sound.values)
        self._look_at_rack()
        self._connect(session)
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
        if session.match.drives(values):
            self.set_follow(False)
            self.say("You took over from the match; press F to let it drive again.")
        self.request(lambda session: session.sound.set(values))

    def set_follow(self, follow: bool) -> None:
        """Let the match drive the sound, or not."""
        if self.session is not None:
            self.session.match.follow = follow

    @override
    def request(self, request: Callable[[Session], object]) -> bool:
        if self.session is None:
            return False
        try:
            request(self.session)
        except MesosynthError as error:
            self.say(str(error), "error")
            return False
        finally:
            self.asked.emit()
        return True

    def _look_at_rack(self) -> None:
        """Take over the tables of parameters."""
        if self.session is None:
            return
        self.parameters = self.session.sound.parameters
        table = self.session.rack.instrument_plugin.parameters
        if list(table.values()) != list(self.instrument_parameters.values()):
            self.instrument_parameters = table
            self.instrument_changed.emit()

    def _drain(self) -> None:
        if self.session is not None:
            try:
                self.session.poll()
            except MesosynthError as error:
                self.say(str(error), "error")
        self.tick.emit()

    def _connect(self, session: Session) -> None:
        """Pass the signals of the session's parts on."""
        tell = [
            (session.sound.changed, self._on_parameters),
            (session.sound.playing_changed, self._on_transport),
            (session.device.changed, self._on_transport),
            (session.rack.changed, self._on_rack),
        ]
        pass_on = [
            (session.sound.analysed, self.sound_analysed),
            (session.target.analysed, self.target_analysed),
            (session.match.started, self.match_started),
            (session.match.stepped, self.match_progress),
            (session.match.ended, self.match_ended),
            (session.match.judged, self.match_judged),
            (session.match.paused, self.match_paused),
            (session.match.resumed, self.match_resumed),
            (session.match.follow_changed, self.follow_changed),
            (session.match.attributed, self.drivers),
            (session.layers.started, self.layers_started),
            (session.layers.changed, self.layers_changed),
            (session.comparison.changed, self.auditioned),
        ]
        for signal, listener in tell:
            signal.connect(listener)
        for signal, ours in pass_on:
            signal.connect(partial(_pass_on, ours, None), check_nargs=False)
        records = [
            (session.target.loaded, self.target_loaded, _target_loaded),
            (session.loss_map.started, self.explore_started, ExploreStarted),
            (session.loss_map.filled, self.explored, Explored),
            (session.layers.stepped, self.layers_progress, LayersProgress),
            (session.layers.ended, self.layers_ended, LayersEnded),
            (session.layers.judged, self.layers_judged, LayersJudged),
            (session.capture.take_changed, self.recording, _recording),
            (session.capture.changed, self.capture, _capture),
            (session.tracking.changed, self.followed, _followed),
            (session.presets.loaded, self.preset_loaded, PresetLoaded),
            (session.messages.said, self.message, Message),
            (session.sequence.changed, self.sequence_changed, SequenceChanged),
            (session.sequence.moved, self.automation_moved, AutomationMoved),
        ]
        for signal, ours, record in records:
            signal.connect(partial(_pass_on, ours, record), check_nargs=False)

    def _on_rack(self) -> None:
        if self.session is not None:
            self.values = dict(self.session.sound.values)
        self._look_at_rack()
        self.rack_changed.emit()

    def _on_parameters(self, values: dict[str, float], source: str) -> None:
        if self.session is not None and values.keys() != self.session.sound.values.keys():
            return  # of another rack, which is no more; what comes next is of this one
        self.values = dict(values)
        self.parameters_changed.emit(self.values, source)

    def _on_transport(self, *_: object) -> None:
        session = self.session
        if session is not None and session.device.name is not None:
            self.transport.emit(Transport(session.sound.playing, *session.device.name))


def _pass_on(signal: Any, record: Callable[..., object] | None, *args: object) -> None:  # noqa: ANN401
    signal.emit(*args if record is None else (record(*args),))


def _target_loaded(target: Target, overview: Overview | None) -> TargetLoaded:
    return TargetLoaded(target.name, target.audio, ANALYSIS_RATE, target.start, overview)


def _recording(take: TakeState) -> Recording:
    return Recording(take.running, take.seconds, take.level)


def _capture(state: CaptureState) -> Capture:
    return Capture(state.running, state.seconds, state.path)


def _followed(state: TrackingState) -> Followed:
    return Followed(**{field: getattr(state, field) for field in state.__slots__})
