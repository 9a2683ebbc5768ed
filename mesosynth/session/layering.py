"""The part of a session that matches with layers, and keeps them in order.

What a match with layers finds is played by the instrument "layers", which a session changes over
to with the first of its steps. Of each layer a :class:`LayerBook` keeps what its parameters cannot
say; the two change together.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from typing_extensions import override

from mesosynth.audio.target import Target
from mesosynth.errors import ArgumentError, TargetError
from mesosynth.instruments.layers import LAYER_IDS
from mesosynth.matching import requests as matcher
from mesosynth.matching.requests import LayersJob
from mesosynth.matching.results import Layer, LayersResult, LayersSettings, LayersStep, Scores
from mesosynth.presets.matched import layer_values, phrase_begin
from mesosynth.presets.preset import MatchRecord, Preset
from mesosynth.session.events import (
    LayersChanged,
    LayersEnded,
    LayersJudged,
    LayersProgress,
    LayersStarted,
    Source,
)
from mesosynth.session.layer_book import LayerBook, book_of
from mesosynth.session.matching import Wanted
from mesosynth.session.presets import Presets
from mesosynth.session.snapshots import Snapshot, Snapshots

INSTRUMENT = "layers"

_AS_FOUND = {"transpose": 0.0, "speed": 1.0}
"""What all layers share, where they sound as they were found."""


class Layering(Snapshots, Presets):
    """Matches the target with several arpeggios, and changes what is heard of them.

    Attributes
    ----------
    layers_settings : LayersSettings
        How the next match with layers goes about it.
    layers_result : LayersResult or None
        Of the last match with layers of this target that came to something.
    layers_scores : Scores or None
        How alike the layers that are heard and the target are, as far as it is known.
    """

    layers_settings = LayersSettings()
    layers_result: LayersResult | None = None
    layers_scores: Scores | None = None
    _book = LayerBook()
    _is_first_step = False  # of a match that begins with no layers
    _may_change_over = False  # to the instrument that plays layers
    _is_changed = False  # the layers, by a hand, since the match that runs was sent
    _judged: tuple[Layer, ...] = ()  # what the scores are of

    # ------------------------------------------------------------------ the match

    @property
    def matching_layers(self) -> bool:
        """Whether the match that runs, stands still or waits is one with layers."""
        if self._wanted is not None:
            return self._wanted.layers is not None
        return self._matcher.matching and self._matcher.layers is not None

    def start_layers_match(self, go_on: bool = False) -> None:
        """Match the target with layers by `layers_settings`, anew if a match runs.

        `poll` reports LayersStarted, LayersProgress and LayersEnded.

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
        if self.target is None and self._reading is None:
            raise TargetError("There is no target to match; load or record a sound first.")
        job = LayersJob(self.layers_settings)
        if go_on:
            if not self._book.notes:
                raise ArgumentError("There are no layers to go on from; match with layers first.")
            job = self._job_from_here(self.layers_settings)
        self._is_first_step = not go_on
        self._may_change_over = True
        self._want_match(Wanted(layers=job))

    def apply_layers(self) -> None:
        """Play what the last match with layers found.

        Raises
        ------
        ArgumentError
            If there was none.
        """
        if self.layers_result is None:
            raise ArgumentError("There is no match with layers; match a sound first.")
        self._is_first_step = self._may_change_over = True
        self._play_layers(self.layers_result.layers)

    def _job_from_here(self, settings: LayersSettings, done: LayersStep | None = None) -> LayersJob:
        start = self._book.layers(self.values, heard=False)
        settings = replace(settings, layers=max(settings.layers, len(start)))
        return LayersJob(settings, start, self._book.pinned, done)

    def _start_layers(self, job: LayersJob, paused: bool) -> None:
        self._is_changed = False
        super()._start_layers(job, paused)
        if job.done is None:
            self._events.append(LayersStarted())

    def _hear_layers(self, reply: matcher.LayersReply) -> None:
        match reply:
            case matcher.LayersHeard(layers, scores):
                self._judged, self.layers_scores = layers, scores
                self._events.append(LayersJudged(tuple(one.share for one in layers), scores))
            case matcher.LayersStepped(step):
                if not self._is_stale and not self._is_overtaken:
                    self._events.append(LayersProgress(step))
                    self._hear_layers_step(step)
            case matcher.LayersDone(result):
                wanted = None if self._wanted is None else self._wanted.layers
                if wanted is None or wanted.done is None:  # else it goes on at once
                    self._end_layers(None if self._is_stale or self._is_overtaken else result)
                self._start_wanted_match()

    @property
    def _is_overtaken(self) -> bool:
        """Whether what the match tells is of layers that a hand has changed, or of no use."""
        return self._is_changed or self._wanted is not None

    def _hear_layers_step(self, step: LayersStep) -> None:
        if step.loss <= self._best_loss:  # another try for one layer need not be heard
            self._best_loss = step.loss
            if self.follow:
                self._play_layers(step.layers)

    def _end_layers(self, result: LayersResult | None) -> None:
        if result is not None:
            self.layers_result = result
            if self.follow:
                self._play_layers(result.layers)
        self._events.append(LayersEnded(result))

    # ------------------------------------------------------------------ what is heard

    def _play_layers(self, layers: Sequence[Layer]) -> None:
        """Play what was found, unless somebody chose another instrument since."""
        if self.instrument != INSTRUMENT and not self._may_change_over:
            return
        before = LayerBook() if self._is_first_step else self._book
        sha256 = "" if self._matched_target is None else self._matched_target.sha256
        book = book_of(layers, before, phrase_begin(layers), sha256)
        values = {**layer_values(layers), **_AS_FOUND, **book.levels}
        if self.instrument != INSTRUMENT:
            self._change_over(values, book)
        self._is_first_step = self._may_change_over = False
        self._take_book(book)
        self.set_parameters(values, "match")

    def _change_over(self, values: dict[str, float], book: LayerBook) -> None:
        self._rack.set_instrument(INSTRUMENT)
        self.instrument = INSTRUMENT
        of_effects = {id_: value for id_, value in self.values.items() if "." in id_}
        # Before the rack is told: what enters finds its values in their place.
        self.values = self.parameters.complete({**of_effects, **values})
        self._take_book(book)
        self._push_rack()
        self._say("Layers play now, the instrument for what is found; undo goes back.")

    def _push_values(self) -> None:
        super()._push_values()
        if self.instrument == INSTRUMENT:
            self._take_book(self._book.after(self.values))
            self._matcher.draw_layers(self._book.layers(self.values, heard=True))
        else:
            self._take_book(LayerBook())

    def _take_book(self, book: LayerBook) -> None:
        if book != self._book:
            self._book = book
            self._events.append(LayersChanged())

    def _take_target(self, target: Target, path: Path | None) -> None:
        self.layers_result = self.layers_scores = None
        super()._take_target(target, path)
        if self.instrument == INSTRUMENT:
            self._matcher.draw_layers(self._book.layers(self.values, heard=True))

    @override
    def drives(self, ids: Iterable[str]) -> bool:
        if not self.matching_layers:
            return super().drives(ids)
        own = {id_.rpartition("_")[0] for id_ in ids}
        return self.follow and self.instrument == INSTRUMENT and bool(own & set(LAYER_IDS))

    # ------------------------------------------------------------------ layers by hand

    @property
    def layers(self) -> LayerBook:
        """What there is to say of each layer; empty while another instrument plays."""
        return self._book

    def mute_layer(self, place: int, muted: bool) -> None:
        """Let a layer, 0 for the first, not be heard; the match keeps it.

        Raises, as all that follow, ArgumentError if there is no such layer.
        """
        self._change_layer(place, muted=muted)

    def solo_layer(self, place: int, solo: bool) -> None:
        """Let a layer be heard alone, or with others that are solo."""
        self._change_layer(place, solo=solo)

    def pin_layer(self, place: int, pinned: bool) -> None:
        """Let matches leave a layer as it is, also the one that runs."""
        self._change_layer(place, pinned=pinned)
        self._match_from_here()

    def move_layer(self, place: int, to: int) -> None:
        """Put a layer at another place in the order."""
        self._check_place(place)
        self._check_place(to)
        book, changes = self._book.moved(place, to, self.values)
        self._take_book(book)
        self.set_parameters(changes)
        self._match_from_here()

    def remove_layer(self, place: int) -> None:
        """Take a layer out; a match that runs looks for another one in its stead."""
        self._check_place(place)
        book, changes = self._book.without(place, self.values)
        self._take_book(book)
        self.set_parameters(changes)
        self._match_from_here()

    def _change_layer(self, place: int, **changes: bool) -> None:
        self._check_place(place)
        self._take_book(self._book.noting(place, **changes))
        self.set_parameters(self._book.levels)

    def _check_place(self, place: int) -> None:
        if not 0 <= place < len(self._book.notes):
            raise ArgumentError(f"place={place} is no layer; there are {len(self._book.notes)}.")

    def _match_from_here(self) -> None:
        """Let a match that runs or stands still go on with the layers as a hand left them."""
        job = self._matcher.layers
        if not self.matching_layers or job is None or self.instrument != INSTRUMENT:
            return
        done = job.done or LayersStep((), math.inf, 0.0, 0.0, 0, 0.0, 0.0)
        job = self._job_from_here(job.settings, replace(done, loss=math.inf))
        self._best_loss = math.inf
        if self.match_paused and self._wanted is None:
            self._matcher.layers = job
        else:
            self._is_changed, self._wanted = True, Wanted(layers=job, paused=self.match_paused)
            self._matcher.stop_match()

    # ------------------------------------------------------------------ the whole sound

    @override
    def snapshot(self) -> Snapshot:
        return replace(super().snapshot(), layers=self._book)

    @override
    def recall(self, snapshot: Snapshot, source: Source = "user") -> None:
        self._take_book(snapshot.layers)  # first: what enters finds its notes in their place
        super().recall(snapshot, source)

    @override
    def play_preset(
        self, preset: Preset, path: Path | None = None, source: Source = "preset"
    ) -> None:
        if source == "preset" and preset.instrument == INSTRUMENT:
            self._take_book(_book_of_preset(preset))
        super().play_preset(preset, path, source)

    def _beat_in_target(self) -> float | None:
        target = self.target
        if self.instrument != INSTRUMENT:
            return super()._beat_in_target()
        if target is None or self._book.sha256 != target.sha256:
            return None
        return self._book.begin - target.start

    def _match_record(self) -> MatchRecord | None:
        if self.instrument != INSTRUMENT:
            return super()._match_record()
        target, scores = self.target, self.layers_scores
        layers = self._book.layers(self.values, heard=True)
        is_judged = [replace(one, share=1.0) for one in self._judged] == list(layers)
        if target is None or scores is None or not is_judged or self._book.sha256 != target.sha256:
            return None
        heard = [layer for layer in layers if layer.level > 0.0]
        if not heard:
            return None
        return MatchRecord(
            target=target.name,
            sha256=target.sha256,
            evaluations=0 if self.layers_result is None else self.layers_result.evaluations,
            onset=min(layer.onset for layer in heard),
            gain=max(layer.level for layer in heard),
            similarity=scores.as_dict(),
        )


def _book_of_preset(preset: Preset) -> LayerBook:
    """Where its phrase lies in the sound that it was matched to, and in which."""
    book = LayerBook().after(preset.values)
    if preset.match is None:
        return book
    heard = [layer for layer in book.layers(preset.values, heard=True) if layer.level > 0.0]
    first = min((layer.onset for layer in heard), default=0.0)
    return replace(book, begin=preset.match.onset - first, sha256=preset.match.sha256)
