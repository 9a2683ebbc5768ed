"""Layers: a match with several arpeggios, and the mixer of those that play.

What such a match finds is played by the instrument "layers", which the session changes over to
with the first step. The parameters are the truth of the sound; a :class:`LayerMixer` keeps of each
layer what they cannot say, and changes with them.
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
"""What all layers share, where they sound as they were found."""


class Layers:
    """Matches the target with several arpeggios, and changes the ones that play.

    Pausing, resuming and stopping are those of any match, see :class:`Match`.

    Attributes
    ----------
    settings : LayersSettings
        Of the next match with layers.
    result : LayersResult or None
        Of the last match with layers of this target that came to something.
    scores : Scores or None
        How alike the layers that are heard and the target are, as far as it is known.
    """

    started = Signal()
    stepped = Signal(LayersStep)
    ended = Signal(object)
    """A LayersResult, or None if it came to no layer at all."""
    changed = Signal()
    """Layers came, went or moved, or :attr:`mixer` says something else of them."""
    judged = Signal(tuple, object)
    """Each layer's share of what is heard, 0 to 1, and Scores of the sum, None without a target."""

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
        self._is_changed = False  # by a hand, since the match that runs was sent
        self._judged: tuple[Layer, ...] = ()  # what the scores are of

    # ------------------------------------------------------------------ the match

    @property
    def running(self) -> bool:
        """Whether the match that runs, stands still or waits is one with layers."""
        return self._match.running_layers is not None

    def start(self, go_on: bool = False) -> None:
        """Match the target with layers by :attr:`settings`, anew if a match runs.

        Parameters
        ----------
        go_on : bool
            Go on from the layers that there are, and leave those alone that are pinned.

        Raises
        ------
        TargetError
            If there is no target.
        ArgumentError
            If it is to go on, but no layers play.
        """
        if go_on and not self._mixer.notes:
            raise ArgumentError("There are no layers to go on from; match with layers first.")
        job = self._job_from_here(self.settings) if go_on else LayersJob(self.settings)
        self._match.want(self._wanted(job))
        self._is_first_step = not go_on
        self._may_change_over = True

    def apply(self) -> None:
        """Play what the last match with layers found.

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
        """Take a reply of the matcher's process that is about layers."""
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
                if wanted is None or wanted.done is None:  # else it goes on at once
                    useless = self._match.is_stale or self._is_overtaken
                    self._end(None if useless else result)
                self._match.begin_wanted()
            case _:
                pass

    @property
    def _is_overtaken(self) -> bool:
        """Whether what the match tells is of layers that a hand has changed, or of no use."""
        return self._is_changed or self._match.wanted is not None

    def _take_step(self, step: LayersStep) -> None:
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
        """Play what was found, unless another instrument was chosen since."""
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
            self.set_mixer(mixer)  # first: what enters finds its notes in their place
            if plays:
                self._sound.set(values, "match")
            else:
                self._rack.set_instrument(INSTRUMENT, values, "match")
                self._messages.say(
                    "Layers play now, the instrument for what is found; undo goes back."
                )

    # ------------------------------------------------------------------ what other parts cause

    def follow_values(self, values: Mapping[str, float], _source: Source, draw: bool) -> None:
        """Change the mixer with the parameters, and have the layers drawn."""
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

    # ------------------------------------------------------------------ the mixer

    @property
    def mixer(self) -> LayerMixer:
        """Notes of each layer; empty while another instrument plays."""
        return self._mixer

    def set_mixer(self, mixer: LayerMixer) -> None:
        """Take notes of layers whose parameters follow at once."""
        if mixer != self._mixer:
            self._mixer = mixer
            self._emit(self.changed)

    def mute(self, place: int, muted: bool) -> None:
        """Let a layer, 0 for the first, not be heard; the match keeps it.

        Raises, as all that follow, ArgumentError if there is no such layer.
        """
        self._note(place, muted=muted)

    def solo(self, place: int, solo: bool) -> None:
        """Let a layer be heard alone, or with others that are solo."""
        self._note(place, solo=solo)

    def pin(self, place: int, pinned: bool) -> None:
        """Let matches leave a layer as it is, also the one that runs."""
        self._note(place, pinned=pinned)
        self._match_from_here()

    def move(self, place: int, to: int) -> None:
        """Put a layer at another place in the order."""
        self._check_place(place)
        self._check_place(to)
        self._change(*self._mixer.moved(place, to, self._sound.values))
        self._match_from_here()

    def remove(self, place: int) -> None:
        """Take a layer out; a match that runs looks for another one in its stead."""
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
        """Let a match that runs or stands still go on with the layers as a hand left them."""
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

    # ------------------------------------------------------------------ for the whole sound

    def take_preset(self, preset: Preset) -> None:
        """Take notes of the layers in a preset that plays next, and of where its phrase begins."""
        mixer = LayerMixer().after(preset.values)
        if preset.match is not None:
            heard = [one for one in mixer.layers(preset.values, heard=True) if one.level > 0.0]
            first = min((one.onset for one in heard), default=0.0)
            mixer = replace(mixer, begin=preset.match.onset - first, sha256=preset.match.sha256)
        self.set_mixer(mixer)

    def onset(self) -> float | None:
        """When the phrase begins that plays the target, s in its window, if it is known."""
        target = self._target.sound
        if target is None or self._mixer.sha256 != target.sha256:
            return None
        return self._mixer.begin - target.start

    def record(self) -> MatchRecord | None:
        """What a preset keeps of the match; None once the layers have moved on."""
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
