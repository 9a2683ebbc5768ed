"""The one model that a window, a terminal or a script holds.

It owns the parameters, the target, the preset and both processes, and is the only writer of live
parameters: a knob, a preset and the matcher all pass through :meth:`Session.set_parameters`, so
that picture and sound agree. Whoever holds it calls :meth:`Session.poll` some thirty times a second
and acts on the events that come back; no call of it waits long.
"""

import math
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillReading
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mesosynth import units
from mesosynth.audio_file import load_target
from mesosynth.audio_settings import AudioSettings, save_audio_settings
from mesosynth.controls import Controls
from mesosynth.errors import (
    ArgumentError,
    AudioFileError,
    DeviceError,
    MesosynthError,
    PresetError,
    SettingsError,
    TargetError,
    WorkerError,
)
from mesosynth.events import (
    Analysed,
    Capture,
    ControllerLearned,
    ControlPorts,
    Event,
    MatchEnded,
    MatchProgress,
    MatchStarted,
    Message,
    ParametersChanged,
    RackChanged,
    Recording,
    SavedLast,
    Source,
    TargetLoaded,
    Transport,
)
from mesosynth.host.control_messages import Layout, Moved, Transported
from mesosynth.host.device_settings import check_settings
from mesosynth.host.process import AudioProcess, AudioStatus
from mesosynth.host.registry import find_plugin
from mesosynth.host.tape import Kept, Tape, Trouble
from mesosynth.matched_preset import match_record
from mesosynth.matching import process as matcher
from mesosynth.matching.messages import MatchResult
from mesosynth.parameters import ParameterTable
from mesosynth.plugin import EventKind
from mesosynth.presets import MatchRecord, Preset, load_preset, save_preset
from mesosynth.rack_model import RackedPlugin, RackModel
from mesosynth.takes import last_minutes_folder, new_take, takes_folder
from mesosynth.target import ANALYSIS_RATE, Target
from mesosynth.tuning import (
    EQUAL_TEMPERAMENT,
    MIDDLE_C,
    MIDDLE_C_HERTZ,
    load_scale,
    note_frequencies,
)

_PATIENCE = 0.3  # s that reading a target may hold up the caller
_LONGEST_TAKE = 600.0  # s
_OUT = "did not return, or crashed; it is out until it is saved anew or switched on again."


class Session:
    """Parameters, target, sound and match of one player.

    Parameters
    ----------
    device : str, optional
        Name (or part of it) of the output device; None takes the system's default, "silent" the
        silent clock.
    instrument : str
        Name in :data:`mesosynth.instruments.INSTRUMENTS`.
    sample_rate, block : int, optional
        Hz and frames; None leaves the choice to the device.

    Attributes
    ----------
    parameters : ParameterTable
        The instrument's and all effects'; another one after each RackChanged.
    values : dict
        All live parameters by id. Change them by :meth:`set_parameters` alone.
    follow : bool
        Whether the match drives the sound.
    target : Target or None
    result : MatchResult or None
        Of the last match of this target that came to something.
    """

    def __init__(
        self,
        device: str | None = None,
        instrument: str = "chirplet",
        sample_rate: int | None = None,
        block: int | None = None,
    ) -> None:
        self.instrument = instrument
        self._rack = RackModel(instrument)
        self._matched_instrument = instrument  # what the matcher knows
        self._rack_revision = 0
        self.values = self.parameters.defaults()
        self.follow = True
        self.target: Target | None = None
        self.result: MatchResult | None = None
        self._playing = False
        self._events: list[Event] = []
        self._audio = AudioProcess(instrument, device, sample_rate, block)
        self._controls = Controls(self._audio, self._layout())
        self._audio_is_ready = False
        self._audio_message = ""
        self._device = self._good_device = AudioSettings(
            device=device, sample_rate=sample_rate, block=block
        )
        self._resume = False  # what a panic interrupted
        self._transport: Transport | None = None
        self._matcher = matcher.MatcherProcess(instrument)
        self._match_wanted = False  # as soon as there is a target and no other match
        self._best_loss = math.inf
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="mesosynth reader")
        self._reading: Future[Target] | None = None
        self._tape = Tape(
            self._audio.output, self._audio.recording, last_minutes_folder(), takes_folder()
        )
        self._capture: Capture | None = None
        self._recording = False
        self._audio.start()
        self._tape.start()
        self._matcher.start()
        self._push_values()

    # ------------------------------------------------------------------ what users call

    def poll(self) -> list[Event]:
        """Everything that happened since the last call, in order; never blocks."""
        self._poll_controls()
        self._poll_audio()
        self._poll_reading()
        self._poll_tape()
        self._poll_recording()
        self._poll_matcher()
        events, self._events = self._events, []
        return events

    @property
    def parameters(self) -> ParameterTable:
        """The instrument's parameters, and those of the effects as "delay.time"."""
        return self._rack.parameters

    @property
    def effects(self) -> list[RackedPlugin]:
        """The effects that the sound goes through, in order."""
        return self._rack.effects

    def set_instrument(self, plugin: str) -> None:
        """Let another instrument play, a user's as well, after a short crossfade.

        Its parameters stand at their defaults; a user's are known when `poll` reports RackChanged
        again. The matcher goes on matching with the session's first instrument.

        Raises
        ------
        PluginError
            If there is no such plugin.
        ArgumentError
            If it is an effect.
        """
        if find_plugin(plugin).kind == "effect":
            raise ArgumentError(f"plugin {plugin!r} is an effect, not an instrument.")
        self._rack.set_instrument(plugin)
        self.instrument = plugin
        self.values = {id_: value for id_, value in self.values.items() if "." in id_}
        self._push_rack()

    def add_effect(self, plugin: str, index: int | None = None) -> str:
        """Put an effect into the rack, at the end if `index` is None; return its name there.

        A user's plugin is tried out first, elsewhere; what comes of it is in `effects` later, when
        `poll` reports RackChanged again.

        Raises
        ------
        PluginError
            If there is no such plugin.
        ArgumentError
            If it is an instrument, or the rack is full.
        """
        if find_plugin(plugin).kind == "instrument":
            raise ArgumentError(f"plugin {plugin!r} is an instrument, not an effect.")
        uid = self._rack.add(plugin, index)
        self._push_rack()
        return uid

    def remove_effect(self, uid: str) -> None:
        """Take an effect out of the rack.

        Raises
        ------
        ArgumentError
            If it is not there.
        """
        self._rack.remove(uid)
        self._push_rack()

    def move_effect(self, uid: str, index: int) -> None:
        """Put an effect at another place in the order, 0 for the first; raises as above."""
        self._rack.move(uid, index)
        self._push_rack()

    def bypass_effect(self, uid: str, bypassed: bool = True) -> None:
        """Let the sound go past an effect, or through it again; raises as above."""
        self._rack.bypass(uid, bypassed)
        self._push_rack()

    def parameter_place(self, id_: str) -> int:
        """Where a parameter lies in the vector that the audio process reads.

        Raises
        ------
        ArgumentError
            If there is no such parameter.
        """
        return self._rack.index(id_)

    def set_parameters(self, values: Mapping[str, float], source: Source = "user") -> None:
        """Move live parameters; heard at the next block, `poll` reports ParametersChanged.

        Raises
        ------
        ArgumentError
            If a parameter does not exist; a value out of range moves to the nearest end.
        """
        self.values = self.parameters.complete({**self.values, **values})
        self._push_values()
        self._events.append(ParametersChanged(dict(self.values), source))

    def load_preset(self, path: Path) -> None:
        """Take all parameters from a preset.

        Raises
        ------
        PresetError
            If it cannot be read, or is of another instrument; the sound stays as it is.
        """
        preset = load_preset(path)
        if preset.instrument != self.instrument:
            raise PresetError(
                f"{path} is for the {preset.instrument}; this session plays the {self.instrument}."
            )
        values = self._rack.load(preset.effects)
        self._rack.state = preset.state
        self._push_rack()
        self.set_parameters({**preset.values, **values}, "preset")
        self._say(f"Preset {preset.name}.")

    def save_preset(self, path: Path) -> None:
        """Write all parameters to a preset, with the match that they come from, if any.

        Raises
        ------
        PresetError
            If `path` cannot be written.
        """
        save_preset(path, self.preset(path.stem))
        self._say(f"Saved {path.name}.")

    def preset(self, name: str) -> Preset:
        """The live parameters as a preset, with the match that they come from, if any."""
        return Preset(
            name=name,
            instrument=self.instrument,
            parameters=self._instrument_values(),
            effects=self._rack.states(self.values),
            state=self._rack.state,
            match=self._match_record(),
        )

    def load_target(self, path: Path) -> None:
        """Read a sound file as the target; `poll` reports TargetLoaded, and its pictures later.

        A long file is read in the background; then its errors come as messages.

        Raises
        ------
        AudioFileError, TargetError
            And the target that was there stays.
        """
        self._reading = self._reader.submit(load_target, path)
        try:
            target = self._reading.result(timeout=_PATIENCE)
        except StillReading:
            self._say(f"Reading {path.name} …")
            return
        except MesosynthError:
            self._reading = None
            raise
        self._reading = None
        self._take_target(target)

    def start_recording(self) -> None:
        """Record a take from the input; it is on disk as it is recorded.

        Raises
        ------
        DeviceError
            If there is no input.
        AudioFileError
            If it cannot be written.
        """
        path = new_take()
        sample_rate = self._audio.start_recording()
        try:
            self._tape.start_take(path, sample_rate)
        except AudioFileError:
            self._audio.stop_recording()
            raise
        self._recording = True
        self._events.append(Recording(running=True, seconds=0.0, level=units.SILENCE_DB))

    def stop_recording(self) -> None:
        """End the recording, and make the take the target.

        Raises
        ------
        TargetError
            If nothing can be heard in it.
        AudioFileError
            If it cannot be written.
        """
        if not self._recording:
            return
        self._end_recording()
        take = self._tape.stop_take()
        if take is None or take.seconds == 0.0:
            raise TargetError("Nothing was recorded; choose an input in the system's settings.")
        self._say(f"Kept the take as {take.path}.")
        self.load_target(take.path)

    @property
    def recording(self) -> bool:
        """Whether a take is being recorded."""
        return self._recording

    def start_capture(self, path: Path) -> None:
        """Write what is heard to a WAV or FLAC file of 24 bits; `poll` reports Capture.

        Raises
        ------
        AudioFileError
            If it cannot be written.
        """
        self._tape.start_capture(path)

    def stop_capture(self) -> None:
        """Finish the file that :meth:`start_capture` began.

        Raises
        ------
        AudioFileError
            If it cannot be finished; what was written can be read.
        """
        self._tape.stop_capture()

    def save_last(self, minutes: float, path: Path) -> None:
        """Write what was heard in the last `minutes`, ten at most, to a WAV or FLAC file.

        Pauses of more than two seconds are left out. `poll` reports SavedLast when it is done.

        Raises
        ------
        ArgumentError
            If `minutes` is not more than 0.
        AudioFileError
            If nothing has been heard yet, or the file cannot be written.
        """
        self._tape.save_last(minutes, path)

    @property
    def playing(self) -> bool:
        """Whether the instrument plays."""
        return self._playing

    @property
    def matching(self) -> bool:
        """Whether a match runs, or waits for its target to be read."""
        return self._matcher.matching or self._match_wanted

    def play(self) -> None:
        """Start the instrument from the beginning of an arpeggio."""
        self._set_playing(True)

    def stop(self) -> None:
        """Fade the instrument out."""
        self._set_playing(False)

    def panic(self) -> None:
        """Silence everything at once: stop, let every plugin and every note be forgotten.

        Parameters stay. :meth:`unpanic` goes back to playing.
        """
        self._resume = self._playing or self._resume
        self._playing = False
        self._audio.panic()

    def unpanic(self) -> None:
        """Play again if a panic interrupted that; the arpeggio begins anew."""
        if self._resume:
            self.play()

    def listen(self, midi: str | None = "", osc: int | None = None) -> None:
        """Be played from outside: by MIDI and, where a port is given, by OSC.

        Ports come and go as they please; `poll` reports ControlPorts, MidiActivity and Messages.

        Parameters
        ----------
        midi : str, optional
            Part of the inputs' names, "" for all of them; None for none.
        osc : int, optional
            UDP port of this machine, 0 for any that is free; None for none.
        """
        self._controls.listen(midi, osc)

    def midi_ports(self) -> tuple[str, ...]:
        """Names of the MIDI inputs there are, as of a second ago; none before :meth:`listen`."""
        return self._controls.ports.present

    @property
    def control_ports(self) -> ControlPorts:
        """The ports there are and those that are heard."""
        return self._controls.ports

    def learn(self, parameter: str | None) -> None:
        """Bind the next MIDI controller that moves to a parameter; None thinks better of it.

        `poll` reports ControllerLearned; the map is kept for the next time.

        Raises
        ------
        ArgumentError
            If there is no such parameter.
        """
        self._controls.learn(parameter)
        if parameter is not None:
            self._say(f"Move the MIDI controller for {self.parameters[parameter].name}.")

    def forget_controller(self, parameter: str) -> None:
        """Unbind the MIDI controller that moves a parameter, if one does."""
        self._controls.forget(parameter)

    def note_on(self, note: int, velocity: float = 0.8, channel: int = 0) -> None:
        """Press a key, heard at the next block, also while the transport stands.

        Parameters
        ----------
        note : int
            MIDI key, 0 to 127; 60 is middle C.
        velocity : float
            0 to 1.
        channel : int
            0 to 15.
        """
        self._controls.note_on(note, velocity, channel)

    def note_off(self, note: int, channel: int = 0) -> None:
        """Let go of a key."""
        self._controls.note_off(note, channel)

    def sustain(self, down: bool) -> None:
        """Tread the sustain pedal, or let go of it."""
        self._controls.gesture(EventKind.SUSTAIN, float(down))

    def freeze(self, frozen: bool) -> None:
        """Let the instrument stand still in the sound of this moment, or go on."""
        self._controls.gesture(EventKind.FREEZE, float(frozen))

    def all_notes_off(self) -> None:
        """Let go of all keys and the pedal, whoever holds them."""
        self._controls.gesture(EventKind.ALL_OFF, 0.0)

    def tune(
        self,
        path: Path | None,
        reference_note: int = MIDDLE_C,
        reference_hertz: float = MIDDLE_C_HERTZ,
    ) -> None:
        """Tune the keys to a scale, after a short crossfade; presets keep it.

        Parameters
        ----------
        path : Path or None
            A Scala file (.scl), whose degree 0 is middle C; None for the equal temperament.
        reference_note : int
            Key whose frequency is given.
        reference_hertz : float
            That frequency, Hz.

        Raises
        ------
        TuningError
            If the file cannot be read, or is no scale.
        ArgumentError
            If the reference is impossible.
        """
        scale = EQUAL_TEMPERAMENT if path is None else load_scale(path)
        note_frequencies(scale, MIDDLE_C, reference_note, reference_hertz)  # or it says why not
        self._rack.state = {
            "tuning": {
                "name": scale.name, "cents": list(scale.cents),
                "reference_note": reference_note, "reference_hertz": reference_hertz,
            }
        }  # fmt: skip
        self._push_rack()
        self._say(f"Keys are tuned to {scale.name}.")

    def set_device(
        self, device: str | None, sample_rate: int | None = None, block: int | None = None
    ) -> None:
        """Change over to another device, sample rate or block, with a fade.

        Where the device refuses, the session goes back to what last worked, and says so; what
        works is remembered for the next start (:mod:`mesosynth.audio_settings`).

        Parameters
        ----------
        device, sample_rate, block
            As in the constructor.

        Raises
        ------
        DeviceError
            If no device takes such a sample rate or block; the message names those that are legal.
        """
        check_settings(sample_rate, block)
        self._change_device(AudioSettings(device=device, sample_rate=sample_rate, block=block))

    def reset_meters(self) -> None:
        """Count underflows and the largest load and peaks anew.

        Raises
        ------
        WorkerError
            If the audio process does not answer.
        """
        self._audio.reset_meters()

    def start_match(self) -> None:
        """Match the target, anew if a match runs.

        Raises
        ------
        TargetError
            If there is no target.
        """
        if self.target is None and self._reading is None:
            raise TargetError("There is no target to match; load or record a sound first.")
        self._match_wanted = True
        if self._matcher.matching:
            self._matcher.stop_match()
        self._start_wanted_match()

    def stop_match(self) -> None:
        """End the match with the best theta so far."""
        self._match_wanted = False
        if self._matcher.matching:
            self._matcher.stop_match()

    def scope(self, frames: int) -> NDArray[np.float32]:
        """The last `frames` samples that were sent to the device."""
        return self._audio.scope(frames)

    def audio_status(self) -> AudioStatus | None:
        """What the audio process last said of itself; None until it has spoken."""
        return self._audio.status() if self._audio_is_ready else None

    @property
    def matcher_pid(self) -> int | None:
        """Process number of the matcher."""
        return self._matcher.pid

    @property
    def audio_pid(self) -> int | None:
        """Process number of the audio process."""
        return self._audio.pid

    def close(self) -> None:
        """End both processes. A second call does nothing."""
        self._reader.shutdown(wait=False, cancel_futures=True)
        self._matcher.close()
        self._controls.close()
        self._tape.close()
        self._audio.close()

    # ------------------------------------------------------------------ parameters and transport

    def _push_values(self) -> None:
        self._audio.set_values(self._rack.vector(self.values))
        if self.instrument == self._matched_instrument:
            self._matcher.draw_sound(self._instrument_values())

    def _instrument_values(self) -> dict[str, float]:
        return {id_: self.values[id_] for id_ in self._rack.instrument.parameters}

    def _push_rack(self) -> None:
        """Tell the audio process what is in the rack; its values lie there before it looks."""
        values = {**self.values, **self._rack.take_pending()}
        known = {id_: value for id_, value in values.items() if id_ in self.parameters}
        self.values = self.parameters.complete(known)
        self._push_values()
        self._audio.set_rack(self._rack.slots)
        self._controls.use(self._layout())
        self._events.append(RackChanged())

    def _set_playing(self, playing: bool) -> None:
        self._playing, self._resume = playing, False
        self._audio.set_playing(playing)

    def _say(self, text: str, severity: Literal["info", "warning", "error"] = "info") -> None:
        self._events.append(Message(text, severity))

    def _layout(self) -> Layout:
        return Layout(self.parameters, {id_: self._rack.index(id_) for id_ in self.parameters})

    # ------------------------------------------------------------------ keys, MIDI, OSC

    def _poll_controls(self) -> None:
        for event in self._controls.poll():
            match event:
                case Moved(values):
                    known = {id_: v for id_, v in values.items() if id_ in self.parameters}
                    self._take_over(known)
                    self.set_parameters(known, "midi")
                case Transported(playing):
                    self._set_playing(playing)
                case ControllerLearned(parameter, channel, controller):
                    self._events.append(event)
                    name = self.parameters[parameter].name
                    self._say(f"Controller {controller} of channel {channel + 1} moves {name}.")
                case _:
                    self._events.append(event)

    def _take_over(self, values: Mapping[str, float]) -> None:
        """A hand on theta ends that the match drives it."""
        if self.matching and self.follow and set(values) & set(self.parameters.matchable):
            self.follow = False
            self._say("You took over from the match.")

    # ------------------------------------------------------------------ audio

    def _poll_audio(self) -> None:
        status = self._audio.status()
        if not self._audio_is_ready:
            try:
                self._audio_is_ready = self._audio.wait_ready(0.0)
                if self._audio_is_ready:
                    self._keep_device()
            except DeviceError as error:
                self._audio_is_ready = True  # on the silent clock
                self._leave_device(error)
        if not self._audio.alive:
            guilty = self._rack.disable(self._audio.culprit, _OUT)
            if guilty is not None:
                self._push_rack()
            self._audio.restart()
            self._audio_is_ready = False
            whose = f" without {guilty}" if guilty else ""
            self._say(f"The audio process had ended and was started again{whose}.", "warning")
            return
        if self._audio_is_ready and status.rack_revision != self._rack_revision:
            self._rack_revision = status.rack_revision
            self._hear_of_rack()
        if status.message != self._audio_message:
            self._audio_message = status.message
            if status.message:
                self._say(status.message, "warning")
        transport = Transport(self._playing, status.device, status.silent)
        if self._audio_is_ready and transport != self._transport:
            self._transport = transport
            self._events.append(transport)

    def _hear_of_rack(self) -> None:
        """Learn what became of the effects, and say what is wrong with them."""
        known = {plugin.uid: plugin.problem for plugin in (self._rack.instrument, *self.effects)}
        try:
            if self._rack.take_reports(self._audio.rack_reports()):
                self._push_rack()
        except WorkerError:
            return  # it has ended, which is noticed by itself
        self._events.append(RackChanged())
        for plugin in (self._rack.instrument, *self.effects):
            if plugin.problem and plugin.problem != known[plugin.uid]:
                self._say(plugin.problem, "error")

    def _change_device(self, settings: AudioSettings) -> None:
        self._device = settings
        self._audio.set_device(settings.device, settings.sample_rate, settings.block)
        self._audio_is_ready = False

    def _keep_device(self) -> None:
        """Remember what works, if it is not what worked before."""
        if self._device == self._good_device:
            return
        self._good_device = self._device
        try:
            save_audio_settings(self._device)
        except SettingsError as error:
            self._say(str(error), "warning")

    def _leave_device(self, error: DeviceError) -> None:
        """Go back to what worked, if it is not that which now fails."""
        if self._device == self._good_device:
            self._say(str(error), "error")
            return
        self._change_device(self._good_device)
        self._say(f"{error} Back to what worked before.", "error")

    def _poll_tape(self) -> None:
        for news in self._tape.news():
            match news:
                case Trouble(text):
                    self._say(text, "error")
                case Kept(path, seconds, recovered):
                    self._events.append(SavedLast(path, seconds, recovered))
                    whose = "of a session that was killed " if recovered else ""
                    self._say(f"The last {seconds:.0f} seconds {whose}are in {path}.")
        reel, before = self._tape.capture, self._capture
        self._capture = Capture(True, reel.seconds, reel.path) if reel is not None else None
        if self._capture is None and before is not None:
            self._events.append(Capture(False, before.seconds, before.path))
        elif self._capture is not None and self._capture != before:
            self._events.append(self._capture)

    def _poll_recording(self) -> None:
        if not self._recording:
            return
        take = self._tape.take
        if take is None:  # it could not be written on, which the tape has said
            self._end_recording()
            return
        if take.peak > 0.0:
            level, take.peak = units.amplitude_to_db(take.peak), 0.0
            self._events.append(Recording(running=True, seconds=take.seconds, level=level))
        if self._audio.recording_rate == 0:
            self._say("The input has gone; the take ends.", "warning")
        elif take.seconds > _LONGEST_TAKE:
            self._say(f"A take ends after {_LONGEST_TAKE / 60:.0f} minutes.", "warning")
        else:
            return
        try:
            self.stop_recording()
        except MesosynthError as error:
            self._say(str(error), "error")

    def _end_recording(self) -> None:
        self._recording = False
        self._audio.stop_recording()
        self._events.append(Recording(running=False, seconds=0.0, level=units.SILENCE_DB))

    # ------------------------------------------------------------------ target and match

    def _poll_reading(self) -> None:
        if self._reading is None or not self._reading.done():
            return
        reading, self._reading = self._reading, None
        try:
            self._take_target(reading.result())
        except MesosynthError as error:
            self._match_wanted = False
            self._say(str(error), "error")

    def _take_target(self, target: Target) -> None:
        self.target, self.result = target, None
        if self._matcher.matching:
            self._matcher.stop_match()  # it is of the old target
        self._matcher.set_target(target)
        self._events.append(TargetLoaded(target.name, target.audio, ANALYSIS_RATE))
        self._start_wanted_match()

    def _start_wanted_match(self) -> None:
        if not self._match_wanted or self._matcher.matching or self._reading is not None:
            return
        self._match_wanted = False
        self._best_loss = math.inf
        self._matcher.start_match()
        self._events.append(MatchStarted())

    def _poll_matcher(self) -> None:
        for reply in self._matcher.poll():
            match reply:
                case matcher.Pictures(what, analysis):
                    self._events.append(Analysed(what, analysis))
                case matcher.Stepped(step):
                    self._events.append(MatchProgress(step))
                    if step.loss <= self._best_loss:  # other starts need not be heard
                        self._best_loss = step.loss
                        self._follow(step.theta)
                case matcher.Ended(result):
                    self._end_match(result)
                case matcher.Failed(text):
                    self._say(text, "error")
                case matcher.Restarted():
                    self._say("The matcher had ended and was started again.", "warning")
                case matcher.Ready():
                    pass

    def _end_match(self, result: MatchResult | None) -> None:
        if result is not None:
            self.result = result
            self._follow(result.theta)
            if not result.found:
                self._say(result.remark, "warning")
        self._events.append(MatchEnded(result))
        self._start_wanted_match()

    def _follow(self, theta: Mapping[str, float]) -> None:
        if self.follow and self.instrument == self._matched_instrument:
            self.set_parameters(theta, "match")

    def _match_record(self) -> MatchRecord | None:
        result, target = self.result, self.target
        if result is None or target is None or self.instrument != self._matched_instrument:
            return None
        clamped = {id_: self.parameters[id_].clamp(value) for id_, value in result.theta.items()}
        if any(self.values[id_] != value for id_, value in clamped.items()):
            return None  # the sound has moved on
        return match_record(result, target.name, target.sha256)
