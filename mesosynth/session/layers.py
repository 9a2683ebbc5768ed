"""Layers: a match with several sounds, and the mixer of those that play.

The result of such a match is played by the instrument "layers", which the session changes to with
the first step. The sound is in the parameters; a :class:`LayerMixer` has the state of each layer
that is not a parameter, and changes with them.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from mesosynth.audio.target import Target
from mesosynth.errors import ArgumentError
from mesosynth.instruments import INSTRUMENTS
from mesosynth.instruments.layers import LAYERS, PARAMETERS, SILENT, LayerVoice
from mesosynth.matching.checkpoint import Checkpoint
from mesosynth.matching.results import (
    LAYERED,
    Layer,
    LayersResult,
    LayersSettings,
    LayersStep,
    Scores,
)
from mesosynth.presets.matched import layer_state, layer_values, phrase_begin
from mesosynth.presets.preset import MatchRecord, Preset
from mesosynth.session.layer_mixer import LayerMixer, LayerNote, is_event, kinds_of, mixer_of
from mesosynth.session.match import Match, Wanted
from mesosynth.session.rack import Rack
from mesosynth.session.signals import Emitter, Messages, Signal
from mesosynth.session.sound import Sound, Source
from mesosynth.session.target import CurrentTarget
from mesosynth.system.jobs import Done, Failed, Job, JobEvent, Jobs, Stepped
from mesosynth.system.steps import Evaluation

INSTRUMENT = "layers"

Kind = dict[str, Any]
"""Instrument, parameters and state of a layer, as in a preset."""

_AS_FOUND = {"transpose": 0.0, "speed": 1.0}
"""Parameters of all layers together, for the sound as it was found."""


class Layers:
    """Matches the target with several sounds, and changes the ones that play.

    Pausing, resuming and stopping are those of any match, see :class:`Match`.

    Attributes
    ----------
    settings : LayersSettings
        Of the next match with layers.
    result : LayersResult or None
        Of the last match with layers of this target with a result.
    scores : Scores or None
        Similarity of the audible layers and the target, if known.
    """

    started = Signal()
    stepped = Signal(LayersStep)
    ended = Signal(object)
    """A LayersResult, or None without a result."""
    changed = Signal()
    """Layers were added, removed or moved, or :attr:`mixer` changed."""
    judged = Signal(tuple, object)
    """Share of each layer in the sound, 0 to 1, and Scores of the sum, None without a target."""

    def __init__(
        self,
        emit: Emitter,
        messages: Messages,
        jobs: Jobs,
        sound: Sound,
        rack: Rack,
        target: CurrentTarget,
        match: Match,
    ) -> None:
        self.settings = LayersSettings()
        self.result: LayersResult | None = None
        self.scores: Scores | None = None
        self._emit, self._messages, self._jobs = emit, messages, jobs
        self._sound, self._rack, self._target, self._match = sound, rack, target, match
        self._mixer = LayerMixer()
        self._best_loss = math.inf
        self._is_first_step = False  # of a match that begins with no layers
        self._may_change_over = False  # to the instrument that plays layers
        self._matched = LayersSettings()  # of the match that runs
        self._last: LayersStep | None = None  # of the match that runs
        self._judged: tuple[Layer, ...] = ()  # what the scores are of

    # ------------------------------------------------------------------ the match

    @property
    def running(self) -> bool:
        """Whether the match that runs, is paused or waits is one with layers."""
        return self._match.running_layers

    def start(self, go_on: bool = False) -> None:
        """Match the target with layers by :attr:`settings`; a running match is replaced.

        Parameters
        ----------
        go_on : bool
            Whether to continue from the present layers, and keep the pinned ones.

        Raises
        ------
        TargetError
            If there is no target.
        ArgumentError
            With `go_on`, if no layers play.
        """
        if go_on and not self._mixer.notes:
            raise ArgumentError("There are no layers to go on from; match with layers first.")
        for place, kind in self._kinds().items() if go_on else ():
            if not is_event(kind):
                raise ArgumentError(
                    f"Layer {place + 1}, {kind['instrument']}, is no event: a match with layers "
                    f"goes on from those of {', '.join(LAYERED)} only. Remove it first."
                )
        settings = self._settings_from_here(self.settings) if go_on else self.settings
        self._match.want(Wanted(partial(self._begin, settings, ()), layers=True))
        self._is_first_step = not go_on
        self._may_change_over = True

    def apply(self, place: int = 0) -> None:
        """Play the result of the last match with layers, or another candidate.

        Parameters
        ----------
        place : int, default 0
            Index in `result.candidates`; 0 for the best, the result itself.

        Raises
        ------
        ArgumentError
            If there is none.
        """
        if self.result is None:
            raise ArgumentError("There is no match with layers; match a sound first.")
        answers = [self.result.layers, *(one.layers for one in self.result.candidates[1:])]
        if not 0 <= place < len(answers):
            raise ArgumentError(f"place={place} is no candidate; there are {len(answers)}.")
        self._is_first_step = self._may_change_over = True
        self._play(answers[place])

    def _settings_from_here(
        self, settings: LayersSettings, before: LayersStep | None = None
    ) -> LayersSettings:
        start = self._layers(heard=False)
        return replace(
            settings, layers=max(settings.layers, len(start)),
            start=start, pinned=self._mixer.pinned, before=before,
        )  # fmt: skip

    def _begin(
        self, settings: LayersSettings, evaluations: Iterable[Evaluation], paused: bool
    ) -> None:
        self._best_loss, self._last, self._matched = math.inf, None, settings
        self._match.begin_job("layers", settings, (settings,), evaluations, paused)
        self._emit(self.started)

    def load(self, checkpoint: Checkpoint, paused: bool) -> None:
        """Continue a match with layers from its file.

        Parameters
        ----------
        checkpoint : Checkpoint
        paused : bool
            Whether it is paused once it is there again.
        """
        settings = checkpoint.settings
        assert isinstance(settings, LayersSettings)
        begin = partial(self._begin, settings, checkpoint.evaluations)
        self._match.want(Wanted(begin, paused, layers=True))
        self._is_first_step, self._may_change_over = not settings.start, True

    def take(self, job: Job, event: JobEvent) -> None:
        """Process an event of a match with layers, or of a picture of layers.

        Parameters
        ----------
        job : Job
        event : JobEvent
        """
        match job.name, event:
            case "layers picture", Done((picture, layers, scores)):
                if picture is not None:
                    self._emit(self._sound.analysed, picture, newest="")
                self._judged, self.scores = layers, scores
                self._emit(self.judged, tuple(layer.share for layer in layers), scores)
            case "layers", Stepped(step):
                self._emit(self.stepped, step)
                self._take_step(step)
            case "layers", Done(result):
                self._end(result)
            case "layers", Failed():
                self._end(None)
            case _:
                pass

    def take_cancelled(self) -> None:
        """Tell that the match has ended before it had a result."""
        self._end(None)

    def _take_step(self, step: LayersStep) -> None:
        self._last = step
        if step.loss <= self._best_loss:  # another try for one layer need not be heard
            self._best_loss = step.loss
            if self._match.follow:
                self._play(step.layers)

    def _end(self, result: LayersResult | None) -> None:
        if result is not None:
            self.result = result
            if self._match.follow:
                self._play(result.layers)
        self._emit(self.ended, result)

    def _play(self, layers: Sequence[Layer]) -> None:
        """Play a result, unless the user chose another instrument since."""
        plays, first = self._rack.instrument == INSTRUMENT, self._may_change_over
        if not plays and not first:
            return
        before = LayerMixer() if self._is_first_step else self._mixer
        target = self._target.sound
        sha256 = "" if target is None else target.sha256
        recording = None if target is None else target.recording
        mixer = mixer_of(layers, before, phrase_begin(layers, recording), sha256)
        values = {**layer_values(layers, recording), **_AS_FOUND, **mixer.levels}
        kinds = {int(n) - 1: kind for n, kind in layer_state(layers).get("layers", {}).items()}
        self._is_first_step = self._may_change_over = False
        with self._emit.held():
            self.set_mixer(mixer)  # before the values, which change it
            if not first and plays:
                self._set(values, kinds, "match")
            else:
                self._rack.play_alone(INSTRUMENT, values, self._state(kinds))
            if not plays:
                self._messages.say(
                    "Layers play now, the instrument for what is found; undo goes back."
                )

    def follow_values(self, values: Mapping[str, float], _source: Source, draw: bool) -> None:
        """Update the mixer after a change of parameters, and request pictures.

        Parameters
        ----------
        values : mapping
        _source : str
            Of the change, not used.
        draw : bool
            Whether pictures are wanted.
        """
        if self._rack.instrument != INSTRUMENT:
            self.set_mixer(LayerMixer())
            return
        self.set_mixer(self._mixer.after(self._sound.values))
        if draw:
            self._draw()

    def take_target(self, _target: Target) -> None:
        """Compare the layers with another target."""
        self.result = self.scores = None
        if self._rack.instrument == INSTRUMENT:
            self._draw()

    def _draw(self) -> None:
        layers, values = self._layers(heard=True), dict(self._sound.instrument_values)
        effects, state = self._rack.preset_effects, self._rack.state
        begin, target, rate = self._mixer.begin, self._target.sound, self._match.picture_rate
        self._jobs.begin("layers picture", layers, target, begin, values, effects, state, rate)

    def heard(self) -> tuple[Layer, ...]:
        """Audible layers in the units of a match, with the others at level 0."""
        return self._layers(heard=True)

    def instrument(self, place: int) -> str:
        """Name of a layer's instrument; `place` is 0 for the first."""
        return self._kinds().get(place, {"instrument": "chirplet"})["instrument"]

    @property
    def mixer(self) -> LayerMixer:
        """State of each layer; empty while another instrument plays."""
        return self._mixer

    def set_mixer(self, mixer: LayerMixer) -> None:
        """Replace the mixer; the parameters follow at once."""
        if mixer != self._mixer:
            self._mixer = mixer
            self._emit(self.changed)

    def mute(self, place: int, muted: bool) -> None:
        """Mute a layer, or end that; the match keeps it.

        Parameters
        ----------
        place : int
            0 for the first.
        muted : bool

        Raises
        ------
        ArgumentError
            If there is no such layer.
        """
        self._note(place, muted=muted)

    def solo(self, place: int, solo: bool) -> None:
        """Play a layer alone, or with others that are solo, or end that.

        Parameters
        ----------
        place : int
            0 for the first.
        solo : bool

        Raises
        ------
        ArgumentError
            If there is no such layer.
        """
        self._note(place, solo=solo)

    def pin(self, place: int, pinned: bool) -> None:
        """Keep a layer as it is in matches, also in the running one, or end that.

        Parameters
        ----------
        place : int
            0 for the first.
        pinned : bool

        Raises
        ------
        ArgumentError
            If there is no such layer.
        """
        self._note(place, pinned=pinned)
        self._match_from_here()

    def move(self, place: int, to: int) -> None:
        """Move a layer to another place in the order.

        Parameters
        ----------
        place, to : int
            0 for the first.

        Raises
        ------
        ArgumentError
            If there is no such layer.
        """
        self._check_place(place)
        self._check_place(to)
        kinds = self._kinds()
        order = list(range(len(self._mixer.notes)))
        order.insert(to, order.pop(place))
        moved = {n: kinds[old] for n, old in enumerate(order) if old in kinds}
        self._change(*self._mixer.moved(place, to, self._sound.values), moved)
        self._match_from_here()

    def remove(self, place: int) -> None:
        """Remove a layer; a running match looks for another one instead.

        Raises
        ------
        ArgumentError
            If there is no such layer.
        """
        self._check_place(place)
        kinds = {n - (n > place): kind for n, kind in self._kinds().items() if n != place}
        self._change(*self._mixer.without(place, self._sound.values), kinds)
        self._match_from_here()

    def use(
        self, place: int, instrument: str, values: Mapping[str, float],
        state: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        """Let a layer be an instrument, with the parameters of a sound.

        Parameters
        ----------
        place : int
            0 for the first; the number of layers adds one.
        instrument : str
            Any that is built in, but layers.
        values : mapping of str to float
            Its parameters by id; missing ones have their defaults.
        state : mapping, optional
            What it keeps beside them: the file of a sampler.

        Raises
        ------
        ArgumentError
            If layers do not play, or there is no such layer, instrument or parameter.
        """
        if self._rack.instrument != INSTRUMENT:
            raise ArgumentError("Layers do not play; choose the instrument Layers first.")
        if not 0 <= place <= min(len(self._mixer.notes), LAYERS - 1):
            raise ArgumentError(f"place={place} is no layer; there are {len(self._mixer.notes)}.")
        voice = LayerVoice(instrument, values, state)
        kind = {"instrument": instrument, "parameters": dict(values)}
        kinds = {
            **self._kinds(),
            place: {**kind, **({"state": voice.state} if voice.state else {})},
        }
        own = {f"{id_}_{place + 1}": value for id_, value in voice.followed_values.items()}
        own[f"level_{place + 1}"] = max(
            self._sound.values[f"level_{place + 1}"], LayerNote(0).level
        )
        self._set({id_: PARAMETERS[id_].clamp(value) for id_, value in own.items()}, kinds)

    def voice(self, place: int) -> LayerVoice:
        """A layer's instrument with its parameters; `place` is 0 for the first."""
        kind = self._kinds().get(place, {"instrument": "chirplet", "parameters": {}})
        return LayerVoice(kind["instrument"], kind["parameters"])

    def shape(self, place: int, values: Mapping[str, float]) -> None:
        """Change parameters of a layer that only its state has; it begins anew.

        Parameters
        ----------
        place : int
            0 for the first.
        values : mapping of str to float
            By id, some of those of :attr:`LayerVoice.own_values`.

        Raises
        ------
        ArgumentError
            If the layer is an arpeggio, or has no such parameter.
        """
        kinds = self._kinds()
        if place not in kinds:
            raise ArgumentError(f"place={place} is an arpeggio: all its parameters are knobs.")
        kind = kinds[place]
        voice = LayerVoice(kind["instrument"], {**kind["parameters"], **values})
        self._set({}, {**kinds, place: {**kind, "parameters": voice.given}})

    def add(
        self, instrument: str, values: Mapping[str, float], state: Mapping[str, Any] | None = None
    ) -> None:
        """Add a layer at the end, audible, with the level of its sound.

        Where no layers play, the sound that plays becomes the first one.

        Parameters
        ----------
        instrument : str
            Any that is built in, but layers.
        values : mapping of str to float
            Its parameters by id; missing ones have their defaults.
        state : mapping, optional
            What it keeps beside them: the file of a sampler.

        Raises
        ------
        ArgumentError
            If there are as many layers as possible, or there is no such instrument or parameter.
        """
        if len(self._mixer.notes) >= LAYERS:
            raise ArgumentError(f"There are {LAYERS} layers already; remove one first.")
        added = [(instrument, LayerVoice(instrument, values).given, state)]
        with self._emit.held():
            if self._rack.instrument != INSTRUMENT:
                if self._rack.instrument in INSTRUMENTS:
                    first = self._rack.instrument, self._sound.instrument_values, self._rack.state
                    added.insert(0, first)
                self._rack.set_instrument(INSTRUMENT, {"level_1": SILENT})
            for name, sound, own in added:
                number = len(self._mixer.notes) + 1
                self.use(number - 1, name, sound, own)
                level = PARAMETERS[f"level_{number}"]
                gain = sound.get("gain", INSTRUMENTS[name].parameters["gain"].default)
                self._sound.set({level.id: max(level.clamp(gain), SILENT + 1.0)})

    def _kinds(self) -> dict[int, Kind]:
        """Instruments and parameters of the layers that are no chirplets, by place."""
        if self._rack.instrument != INSTRUMENT:
            return {}
        return kinds_of(self._rack.state)

    def _set(
        self, values: Mapping[str, float], kinds: Mapping[int, Kind], source: Source = "user"
    ) -> None:
        """Set parameters and kinds at once: the ones without the others are another sound."""
        state = self._state(kinds)
        if state != self._rack.state:
            self._rack.set_state(state, values, source)
        else:
            self._sound.set(values, source)

    def _state(self, kinds: Mapping[int, Kind]) -> dict[str, Any]:
        """State of the instrument with other kinds of layers."""
        before = self._rack.state if self._rack.instrument == INSTRUMENT else {}
        state = {id_: value for id_, value in before.items() if id_ != "layers"}
        others = {str(n + 1): k for n, k in kinds.items() if k["instrument"] != "chirplet"}
        return {**state, **({"layers": others} if others else {})}

    def _layers(self, *, heard: bool) -> tuple[Layer, ...]:
        """Layers in the units of a match; instruments that it does not know are silent in it."""
        return self._mixer.layers(self._sound.values, self._kinds(), heard=heard)

    def _note(self, place: int, **changes: bool) -> None:
        self._check_place(place)
        mixer = self._mixer.noting(place, **changes)
        self._change(mixer, mixer.levels)

    def _change(
        self,
        mixer: LayerMixer,
        values: Mapping[str, float],
        kinds: Mapping[int, Kind] | None = None,
    ) -> None:
        with self._emit.held():
            self.set_mixer(mixer)
            self._set(values, self._kinds() if kinds is None else kinds)

    def _check_place(self, place: int) -> None:
        if not 0 <= place < len(self._mixer.notes):
            raise ArgumentError(f"place={place} is no layer; there are {len(self._mixer.notes)}.")

    def _match_from_here(self) -> None:
        """Let a running or paused match continue with the layers as the user changed them."""
        waits = self._match.wanted is not None
        if waits or not self.running or self._rack.instrument != INSTRUMENT:
            return
        self._best_loss = math.inf
        settings = self._settings_from_here(self._matched, self._last or self._matched.before)
        paused = self._match.is_paused
        self._match.begin_job("layers", settings, (settings,), paused=paused)

    def take_preset(self, preset: Preset) -> None:
        """Set the mixer for a preset that plays next, with the begin of its phrase."""
        mixer = LayerMixer().after(preset.values)
        if preset.match is not None:
            layers = mixer.layers(preset.values, kinds_of(preset.state), heard=True)
            heard = [one for one in layers if one.level > 0.0]
            first = min((one.onset for one in heard), default=0.0)
            mixer = replace(mixer, begin=preset.match.onset - first, sha256=preset.match.sha256)
        self.set_mixer(mixer)

    def onset(self) -> float | None:
        """Begin of a phrase in time with the target, s in its recording, if known."""
        target = self._target.sound
        if target is None or self._mixer.sha256 != target.sha256:
            return None
        return self._mixer.begin - target.recording.start

    def record(self) -> MatchRecord | None:
        """Record of the match for a preset; None if the layers have changed since."""
        target, scores = self._target.sound, self.scores
        layers = self._layers(heard=True)
        is_judged = [replace(one, share=1.0) for one in self._judged] == list(layers)
        if target is None or scores is None or not is_judged or self._mixer.sha256 != target.sha256:
            return None
        heard = [layer for layer in layers if layer.level > 0.0]
        if not heard:
            return None
        return MatchRecord(
            target=target.name,
            sha256=target.sha256,
            evaluations=0 if self.result is None else self.result.evaluations,
            onset=min(layer.onset for layer in heard),
            gain=max(layer.level for layer in heard),
            similarity=scores.as_dict(),
        )
