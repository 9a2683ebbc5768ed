"""The session: sound, rack, target, match, layers, presets and the other parts, and its file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mesosynth.engine.process import AudioProcess
from mesosynth.errors import MesosynthError
from mesosynth.matching.jobs import matching_jobs
from mesosynth.matching.results import MatchSettings
from mesosynth.session import file as session_file
from mesosynth.session.capture import AudioInput, Capture
from mesosynth.session.classification import Classification
from mesosynth.session.comparison import Comparison
from mesosynth.session.device import AudioSettings, Device
from mesosynth.session.file import SavedSession, TargetFile
from mesosynth.session.keys import Keys
from mesosynth.session.layers import Layers
from mesosynth.session.loss_map import LossMap
from mesosynth.session.match import Match
from mesosynth.session.presets import Presets
from mesosynth.session.rack import Rack
from mesosynth.session.rack_model import RackModel
from mesosynth.session.resynthesis import Resynthesis
from mesosynth.session.sequence import Sequence
from mesosynth.session.signals import Emitter, Messages
from mesosynth.session.sound import Sound
from mesosynth.session.target import CurrentTarget
from mesosynth.session.tracking import Tracking
from mesosynth.system.jobs import Failed, Job, JobEvent
from mesosynth.system.paths import path_text, text_path


class Session:
    """Sound, target and match of one player.

    Not thread-safe: one thread holds it and calls :meth:`poll` about thirty times a second. Each
    part has its own state and its own signals, which are emitted in that thread:
    ``session.match.ended.connect(print)``.

    Parameters
    ----------
    device : str, optional
        Name (or part of it) of the output device; None takes the system's default, "silent" the
        silent clock.
    instrument : str
        Name in :data:`mesosynth.instruments.INSTRUMENTS`.
    sample_rate : int, optional
        Hz; None leaves the choice to the device.
    block : int, optional
        Frames; None leaves the choice to the device.
    audio_input : str, optional
        Name (or part of it) of the device that is recorded; None takes the input of `device`, or
        else the default.
    start : bool, default True
        Start its processes at once. Otherwise :meth:`start` starts them; until then nothing can
        be asked of the session, but its signals can be connected.

    Attributes
    ----------
    started : bool
        Whether its processes have been started, and it is not closed.
    messages : Messages
        Sentences for the user.
    sound : Sound
        Live values and transport.
    rack : Rack
        Instrument and effects.
    device : Device
        Sound device and audio process.
    target : CurrentTarget
        The sound to match.
    match : Match
    loss_map : LossMap
    layers : Layers
        Match with several arpeggios, and their mixer.
    presets : Presets
        Presets and snapshots of the whole sound.
    capture : Capture
        Takes of the input, and recordings of the output.
    tracking : Tracking
        The input drives the sound.
    sequence : Sequence
        Match of a long sound, and its playback.
    comparison : Comparison
        Target and match, compared by ear.
    resynthesis : Resynthesis
        Descent on the waveform of the target's file.
    classification : Classification
        Names of sounds, and which modulations decide.
    keys : Keys
        Notes, MIDI and OSC.
    """

    def __init__(
        self,
        device: str | None = None,
        instrument: str = "chirplet",
        sample_rate: int | None = None,
        block: int | None = None,
        *,
        audio_input: str | None = None,
        start: bool = True,
    ) -> None:
        self.started = False
        self._emit = emit = Emitter()
        self._audio = audio = AudioProcess(instrument, device, sample_rate, block)
        self._jobs = jobs = matching_jobs()
        settings = AudioSettings(
            device=device, sample_rate=sample_rate, block=block, input=audio_input
        )
        model, recorded = RackModel(instrument), AudioInput(audio)
        self.messages = said = Messages(emit)
        self.sound = sound = Sound(emit, audio, model)
        self.rack = rack = Rack(emit, said, audio, model, sound)
        self.device = Device(emit, said, audio, recorded, rack, settings)
        self.target = target = CurrentTarget(emit, said, rack)
        self.match = match = Match(emit, said, jobs, sound, rack, target)
        self.layers = layers = Layers(emit, said, jobs, sound, rack, target, match)
        self.loss_map = LossMap(emit, jobs, target, match, layers)
        self.presets = presets = Presets(emit, said, sound, rack, match, layers)
        self.capture = Capture(emit, said, audio, recorded, target)
        self.tracking = Tracking(emit, said, audio, recorded, sound, rack, match)
        self.sequence = Sequence(emit, said, audio, sound, rack)
        self.comparison = Comparison(emit, audio, sound, rack, target, match, layers)
        self.resynthesis = Resynthesis(emit, said, audio, target, presets)
        self.classification = Classification(emit, said, target)
        self.keys = Keys(emit, said, audio, sound, rack, match, presets)
        self._unknown: Mapping[str, Any] = {}  # keys of a later version in the file
        self._input = recorded
        self._wire()
        if start:
            self.start()

    def start(self) -> None:
        """Start the processes that play, record and match."""
        self._audio.start()
        self.capture.run()
        self._jobs.start()
        self.sound.set({})
        self.started = True

    def _wire(self) -> None:
        """Connect the parts: direct effects of a change, in this order, before any signal."""
        self.sound.on_set = (
            self.sequence.release, self.match.draw, self.layers.follow_values,
            self.presets.follow_values, self._open_input,
        )  # fmt: skip
        self.sound.on_transport = (self.comparison.end, self.resynthesis.silence)
        self.comparison.on_hear = (self.resynthesis.silence,)
        self.resynthesis.on_hear = (self.comparison.end,)
        self.rack.on_change = (self.match.aim, self.keys.follow_rack)
        self.target.on_taken = (
            self.match.take_target, self.layers.take_target, self.loss_map.take_target,
            lambda _: self.sequence.take_target(self.target.path),
            lambda _: self.resynthesis.take_target(),
        )  # fmt: skip
        self.target.on_failed = (self.match.forget_wanted,)
        self.match.on_want = (self.tracking.give_way,)
        self.match.on_layers_cancelled = (self.layers.take_cancelled,)
        self.match.on_layers_loaded = (self.layers.load,)

    def _open_input(self, *_: object) -> None:
        """Open the input where the modulation follows it, and close it afterwards."""
        if not self.started:
            return
        try:
            self._input.modulate(self.rack.hears_input)
        except MesosynthError as error:
            self.messages.say(f"The modulation has no input: {error}", "warning")

    def poll(self) -> None:
        """Process the reports of all processes, and emit their signals in order; never blocks.

        Raises
        ------
        EmitLoopError
            If a listener raised, now or since the last call; all others have been called.
        """
        with self._emit.held():
            self.keys.poll()
            self.device.poll()
            self.target.poll()
            self.capture.poll()
            self.tracking.poll()
            for job, event in self._jobs.poll():
                self._take(job, event)
            self.loss_map.poll()
            self.sequence.poll()
            self.comparison.poll()
            self.resynthesis.poll()
            self.classification.poll()
        self._emit.raise_error()

    def _take(self, job: Job | None, event: JobEvent) -> None:
        if job is None:
            self.messages.say("The matcher had ended and was started again.", "warning")
            return
        if isinstance(event, Failed):
            self.messages.say(event.text, "error")
        if job.name == "loss map":
            self.loss_map.take(event)
        else:
            self.match.take(job, event)
            self.layers.take(job, event)

    @property
    def has_match(self) -> bool:
        """Whether there is the result of a match of this target, with layers or without."""
        return self.match.result is not None or self.layers.result is not None

    def apply_match(self) -> None:
        """Play the result of the last match, with the instrument that was matched.

        Raises
        ------
        ArgumentError
            If there is none.
        """
        layers = self.layers.result is not None
        if layers and (self.match.is_layered or self.match.result is None):
            self.layers.apply()
        else:
            self.match.apply()

    def close(self) -> None:
        """End all processes; no signal is emitted afterwards. A second call does nothing."""
        self.started = False
        self._emit.close()
        self.target.close()
        self.tracking.stop()
        self.sequence.close()
        self._jobs.close()
        self.comparison.close()
        self.resynthesis.close()
        self.classification.close()
        self.keys.close()
        self.capture.close()
        self._audio.close()

    def save(self, path: Path, desk: Mapping[str, Any] | None = None) -> None:
        """Write the session to a file.

        Parameters
        ----------
        path : Path
        desk : mapping, optional
            State of the desk, as plain JSON values.

        Raises
        ------
        SessionError
            If it cannot be written; the old file stays.
        """
        session_file.save_session(path, self.saved(desk))

    def saved(self, desk: Mapping[str, Any] | None = None) -> SavedSession:
        """The session in the form of its file."""
        sound, path = self.target.sound, self.target.path
        target = None
        if sound is not None and path is not None:
            target = TargetFile(
                path=path_text(path.absolute()), sha256=sound.sha256,
                start=self.target.start, seconds=self.target.seconds,
            )  # fmt: skip
        settings = self.match.settings
        return SavedSession(
            extra=dict(self._unknown),
            sound=self.presets.preset(self.presets.name),
            target=target,
            match=None if settings == MatchSettings() else settings,
            follow=self.match.follow,
            bank=tuple(path_text(path) for path in self.presets.bank),
            desk=dict(desk or {}),
        )

    def load(self, path: Path) -> dict[str, Any]:
        """Restore a session from a file; return the state of the desk.

        A missing or changed target gives a message, and the rest is restored.

        Raises
        ------
        SessionError
            If the file is not a session; everything stays as it is.
        PluginError
            If its instrument is a missing user plugin; everything stays as it is.
        """
        return self.restore(session_file.load_session(path))

    def restore(self, saved: SavedSession) -> dict[str, Any]:
        """Restore a result of :meth:`saved`; return and raise as :meth:`load`."""
        self.presets.play(saved.sound)
        self._unknown = saved.extra
        self.match.settings = saved.match or MatchSettings()
        self.match.follow = saved.follow
        self.presets.bank = tuple(text_path(path) for path in saved.bank)
        if saved.target is not None:
            self._restore_target(saved.target)
        return saved.desk

    def _restore_target(self, file: TargetFile) -> None:
        path = text_path(file.path)
        try:
            self.target.load(path, file.start, file.seconds)
        except MesosynthError as error:
            self.messages.say(f"The session's target is not there: {error}", "warning")
            return
        sound = self.target.sound
        if self.target.path == path and sound is not None and sound.sha256 != file.sha256:
            text = f"The session's target {path.name} is another sound than it was."
            self.messages.say(text, "warning")
