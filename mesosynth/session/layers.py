"""Layers: a match with several arpeggios, and the mixer of those that play.

The result of such a match is played by the instrument "layers", which the session changes to with
the first step. The sound is in the parameters; a :class:`LayerMixer` has the state of each layer
that is not a parameter, and changes with them.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from mesosynth.audio.target import Target
from mesosynth.errors import ArgumentError
from mesosynth.matching import requests as matcher
from mesosynth.matching.process import MatcherProcess
from mesosynth.matching.requests import LayersJob
from mesosynth.matching.results import Layer, LayersResult, LayersSettings, LayersStep, Scores
from mesosynth.presets.matched import layer_values, phrase_begin
from mesosynth.presets.preset import MatchRecord, Preset
from mesosynth.session.layer_mixer import LayerMixer, mixer_of
from mesosynth.session.match import Match, Wanted
from mesosynth.session.rack import Rack
from mesosynth.session.signals import Emitter, Messages, Signal
from mesosynth.session.sound import Sound, Source
from mesosynth.session.target import CurrentTarget

INSTRUMENT = "layers"

_AS_FOUND = {"transpose": 0.0, "speed": 1.0}
"""Parameters of all layers together, for the sound as it was found."""


class Layers:
    """Matches the target with several arpeggios, and changes the ones that play.

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
        process: MatcherProcess,
        sound: Sound,
        rack: Rack,
        target: CurrentTarget,
        match: Match,
    ) -> None:
        self.settings = LayersSettings()
        self.result: LayersResult | None = None
        self.scores: Scores | None = None
        self._emit, self._messages, self._process = emit, messages, process
        self._sound, self._rack, self._target, self._match = sound, rack, target, match
        self._mixer = LayerMixer()
        self._best_loss = math.inf
        self._is_first_step = False  # of a match that begins with no layers
        self._may_change_over = False  # to the instrument that plays layers
        self._is_changed = False  # by the user, since the running match was sent
        self._judged: tuple[Layer, ...] = ()  # the layers of the scores

    @property
    def running(self) -> bool:
        """Whether the match that runs, is paused or waits is one with layers."""
        return self._match.running_layers is not None

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
        job = self._job_from_here(self.settings) if go_on else LayersJob(self.settings)
        self._match.want(self._wanted(job))
        self._is_first_step = not go_on
        self._may_change_over = True

    def apply(self) -> None:
        """Play the result of the last match with layers.

        Raises
        ------
        ArgumentError
            If there was none.
        """
        if self.result is None:
            raise ArgumentError("There is no match with layers; match a sound first.")
        self._is_first_step = self._may_change_over = True
        self._play(self.result.layers)

    def _job_from_here(self, settings: LayersSettings, done: LayersStep | None = None) -> LayersJob:
        start = self._mixer.layers(self._sound.values, heard=False)
        settings = replace(settings, layers=max(settings.layers, len(start)))
        return LayersJob(settings, start, self._mixer.pinned, done)

    def _wanted(self, job: LayersJob, paused: bool = False) -> Wanted:
        return Wanted(partial(self._begin, job), paused, job)

    def _begin(self, job: LayersJob, paused: bool) -> None:
        self._is_changed, self._best_loss = False, math.inf
        self._process.start_layers(job, paused)
        if job.done is None:
            self._emit(self.started)

    def hear(self, reply: matcher.Reply) -> None:
        """Process a reply of the matcher's process on layers."""
        match reply:
            case matcher.LayersHeard(layers, scores):
                self._judged, self.scores = layers, scores
                self._emit(self.judged, tuple(layer.share for layer in layers), scores)
            case matcher.LayersStepped(step):
                if not self._match.is_stale and not self._is_overtaken:
                    self._emit(self.stepped, step)
                    self._take_step(step)
            case matcher.LayersDone(result):
                wanted = self._match.wanted and self._match.wanted.layers
                if wanted is None or wanted.done is None:  # or it continues at once
                    useless = self._match.is_stale or self._is_overtaken
                    self._end(None if useless else result)
                self._match.begin_wanted()
            case _:
                pass

    @property
    def _is_overtaken(self) -> bool:
        """Whether the match's reports are of layers that the user has changed since."""
        return self._is_changed or self._match.wanted is not None

    def _take_step(self, step: LayersStep) -> None:
        if step.loss <= self._best_loss:  # worse trials for one layer are not played
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
        plays = self._rack.instrument == INSTRUMENT
        if not plays and not self._may_change_over:
            return
        before = LayerMixer() if self._is_first_step else self._mixer
        target = self._match.matched_target
        sha256 = "" if target is None else target.sha256
        mixer = mixer_of(layers, before, phrase_begin(layers), sha256)
        values = {**layer_values(layers), **_AS_FOUND, **mixer.levels}
        self._is_first_step = self._may_change_over = False
        with self._emit.held():
            self.set_mixer(mixer)  # before the values, which change it
            if plays:
                self._sound.set(values, "match")
            else:
                self._rack.set_instrument(INSTRUMENT, values, "match")
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
        self._process.draw_layers(self._mixer.layers(self._sound.values, heard=True))

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
        self._change(*self._mixer.moved(place, to, self._sound.values))
        self._match_from_here()

    def remove(self, place: int) -> None:
        """Remove a layer; a running match looks for another one instead.

        Raises
        ------
        ArgumentError
            If there is no such layer.
        """
        self._check_place(place)
        self._change(*self._mixer.without(place, self._sound.values))
        self._match_from_here()

    def _note(self, place: int, **changes: bool) -> None:
        self._check_place(place)
        mixer = self._mixer.noting(place, **changes)
        self._change(mixer, mixer.levels)

    def _change(self, mixer: LayerMixer, values: Mapping[str, float]) -> None:
        with self._emit.held():
            self.set_mixer(mixer)
            self._sound.set(values)

    def _check_place(self, place: int) -> None:
        if not 0 <= place < len(self._mixer.notes):
            raise ArgumentError(f"place={place} is no layer; there are {len(self._mixer.notes)}.")

    def _match_from_here(self) -> None:
        """Let a running or paused match continue with the layers as the user changed them."""
        job, match = self._process.layers, self._match
        if not self.running or job is None or self._rack.instrument != INSTRUMENT:
            return
        done = job.done or LayersStep((), math.inf, 0.0, 0.0, 0, 0.0, 0.0)
        job = self._job_from_here(job.settings, replace(done, loss=math.inf))
        self._best_loss = math.inf
        if match.is_paused and match.wanted is None:
            self._process.layers = job
        else:
            self._is_changed, match.wanted = True, self._wanted(job, match.is_paused)
            self._process.stop_match()

    def take_preset(self, preset: Preset) -> None:
        """Set the mixer for a preset that plays next, with the begin of its phrase."""
        mixer = LayerMixer().after(preset.values)
        if preset.match is not None:
            heard = [one for one in mixer.layers(preset.values, heard=True) if one.level > 0.0]
            first = min((one.onset for one in heard), default=0.0)
            mixer = replace(mixer, begin=preset.match.onset - first, sha256=preset.match.sha256)
        self.set_mixer(mixer)

    def onset(self) -> float | None:
        """Begin of a phrase in time with the target, s in its window, if known."""
        target = self._target.sound
        if target is None or self._mixer.sha256 != target.sha256:
            return None
        return self._mixer.begin - target.start

    def record(self) -> MatchRecord | None:
        """Record of the match for a preset; None if the layers have changed since."""
        target, scores = self._target.sound, self.scores
        layers = self._mixer.layers(self._sound.values, heard=True)
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
