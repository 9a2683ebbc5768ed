"""The part of a session that takes its whole sound as one value, and goes back to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mesosynth.engine.plugin_registry import find_plugin
from mesosynth.presets.preset import EffectState
from mesosynth.session.core import Core
from mesosynth.session.events import Source
from mesosynth.session.layer_book import LayerBook


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that makes the sound: the instrument, the effects, and where each parameter stands.

    Attributes
    ----------
    instrument : str
    values : mapping
        All parameters by id, those of effects as "delay.time".
    effects : tuple of EffectState
        In order.
    uids : tuple of str
        What the rack calls each effect, so that ids mean the same after :meth:`Snapshots.recall`.
    state : mapping
        What the instrument keeps besides its parameters.
    layers : LayerBook
        What is kept of layers, where they play.
    """

    instrument: str
    values: Mapping[str, float]
    effects: tuple[EffectState, ...]
    uids: tuple[str, ...]
    state: Mapping[str, Any]
    layers: LayerBook = field(default_factory=LayerBook)

    def same_rack(self, other: "Snapshot") -> bool:
        """Whether both have the same plugins in the same order, bypassed alike."""
        return self._rack() == other._rack()

    def _rack(self) -> tuple[object, ...]:
        effects = [(e.plugin, e.bypassed, e.state) for e in self.effects]
        return self.instrument, self.uids, effects, self.state


class Snapshots(Core):
    """Remembers the sound and recalls it; what both have in common plays on untouched."""

    def snapshot(self) -> Snapshot:
        """The sound as it is now."""
        return Snapshot(
            self.instrument,
            dict(self.values),
            self._rack.states(self.values),
            tuple(effect.uid for effect in self.effects),
            self._rack.state,
        )

    def recall(self, snapshot: Snapshot, source: Source = "user") -> None:
        """Go back to a sound, with a short crossfade where its rack is another.

        Raises
        ------
        PluginError
            If its instrument is not there any more.
        """
        same_rack = snapshot.same_rack(self.snapshot())
        if snapshot.instrument != self.instrument:
            find_plugin(snapshot.instrument)  # or it says that there is none
            self._rack.set_instrument(snapshot.instrument)
            self.instrument = snapshot.instrument
        if not same_rack:
            self._rack.load(snapshot.effects, snapshot.uids)
            self._rack.state = snapshot.state
            # Before the rack is told: what enters finds its values in their place.
            self.values = self.parameters.complete(self._known(snapshot))
            self._push_rack()
        self.set_parameters(self._known(snapshot), source)

    def _known(self, snapshot: Snapshot) -> dict[str, float]:
        """Values that have a place now; those of a user's plugin have one when it is loaded."""
        return {id_: v for id_, v in snapshot.values.items() if id_ in self.parameters}
