"""The audio engine of this checkout or an earlier one, offline and block by block.

Modules and classes have moved and were renamed since commit 985e2db. What benchmarks need of the
engine is reached through :class:`Player`, :class:`EnginePlayer` and
:func:`render_preset` only: each name is looked up at
its present place first, then at its places before. Whoever moves or renames one of these appends
the new place to the front of the list.
"""

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

_PLACES: dict[str, tuple[str, ...]] = {
    "Rack": ("engine.rack.Rack", "host.rack.Rack"),
    "render": ("engine.rack.render", "host.rack.render"),
    "Engine": ("engine.callback.Engine", "host.engine.Engine"),
    "EventInbox": ("engine.callback.EventInbox", "host.event_inbox.EventInbox"),
    "EventQueue": ("engine.shared.EventQueue", "host.event_queue.EventQueue"),
    "MOVED": ("engine.shared.MOVED", "host.event_queue.MOVED"),
    "ParameterBlock": ("engine.shared.ParameterBlock", "host.shared_memory.ParameterBlock"),
    "SoundRing": ("engine.shared.SoundRing", "host.sound_ring.SoundRing"),
    "Slot": ("engine.slot.RackSlot", "engine.slot.Node", "host.node.Node"),
    "LoadedPlugin": ("engine.slot.LoadedPlugin", "engine.slot.Occupant", "host.node.Occupant"),
    "Smoother": ("engine.slot.ParameterSmoother", "engine.slot.Reach", "host.reach.Reach"),
    "VECTOR": ("engine.slot.VECTOR", "host.slots.VECTOR"),
    "PLACE": ("engine.slot.PLACE", "host.slots.PLACE"),
    "load_plugin": ("engine.plugin_registry.load_plugin", "host.registry.load_plugin"),
    "EVENT": ("plugins.plugin.EVENT", "plugin.EVENT"),
    "EventKind": ("plugins.plugin.EventKind", "plugin.EventKind"),
    "load_preset": (
        "presets.preset.load_preset",
        "presets.file.load_preset",
        "presets.load_preset",
    ),
    "INSTRUMENTS": ("instruments.INSTRUMENTS",),
    "EFFECTS": ("effects.EFFECTS",),
}
"""Modules of each name below `mesosynth`, newest first."""


def engine(name: str) -> Any:  # noqa: ANN401 - classes of another commit
    """Look up one of the engine's names.

    Raises
    ------
    ImportError
        If it is at none of its known places.
    """
    for place in _PLACES[name]:
        module, _, attribute = f"mesosynth.{place}".rpartition(".")
        try:
            return getattr(import_module(module), attribute)
        except AttributeError:
            continue
        except ModuleNotFoundError as error:
            if error.name is None or not module.startswith(error.name):
                raise  # the module is there, and one that it needs is missing
    places = ", ".join(_PLACES[name])
    raise ImportError(f"{name} is at none of {places}; add its place to {Path(__file__).name}.")


def tables() -> dict[str, dict[str, Any]]:
    """Parameter table of each built-in instrument and effect, by name."""
    return {
        name: plugin.parameters
        for group in ("INSTRUMENTS", "EFFECTS")
        for name, plugin in engine(group).items()
    }


def render_preset(path: Path, seconds: float, sample_rate: int) -> NDArray[np.float32]:
    """Sound of a preset with its effects, (2, frames) float32.

    Parameters
    ----------
    path : Path
        A preset's file.
    seconds : float
    sample_rate : int
        Hz.
    """
    preset = engine("load_preset")(path)
    return engine("render")(
        preset.instrument, preset.values, seconds, sample_rate, effects=preset.effects
    )


class Player:
    """A rack that is played block by block.

    Parameters
    ----------
    instrument : str
    effects : sequence of str
        In order; place k + 1 is that of effect k, place 0 the instrument's.
    sample_rate : float
        Hz.
    max_block : int
        Frames in the largest block.
    state : mapping, optional
        What the instrument restores before it is prepared, for example its tuning.
    """

    def __init__(
        self,
        instrument: str,
        effects: Sequence[str],
        sample_rate: float,
        max_block: int,
        state: Mapping[str, Any] | None = None,
    ) -> None:
        plugin = engine("INSTRUMENTS")[instrument]()
        if state:
            plugin.restore(state)
        self.rack = engine("Rack")(plugin)
        self._slots = "slots" if hasattr(self.rack, "slots") else "nodes"
        self._size = engine("PLACE")
        self.vector = np.zeros(engine("VECTOR"))
        self.tables = [plugin.parameters]
        for place, name in enumerate(effects, 1):
            effect = engine("load_plugin")(name)()
            table = effect.parameters
            self.tables.append(table)
            loaded = engine("LoadedPlugin")(effect, engine("Smoother")(table, place))
            slots = (*getattr(self.rack, self._slots), engine("Slot")(name, loaded, True))
            setattr(self.rack, self._slots, slots)
        for place, table in enumerate(self.tables):
            self.vector[place * self._size :][: len(table)] = table.vector({})
        self.rack.prepare(sample_rate, max_block)
        self._event, self._kinds = engine("EVENT"), engine("EventKind")

    def move(self, place: int, id_: str, value: float) -> None:
        """Set a parameter of the plugin at `place`, in the table's unit.

        Parameters
        ----------
        place : int
            0 is the instrument's, k + 1 that of effect k.
        id_ : str
        value : float
        """
        self.vector[place * self._size + self.tables[place].index(id_)] = value

    def bypass(self, place: int, bypassed: bool) -> None:
        """Fade the effect at `place` out or in.

        Parameters
        ----------
        place : int
        bypassed : bool
        """
        getattr(self.rack, self._slots)[place].wanted = not bypassed

    def panic(self) -> None:
        """Reset all plugins with the next block."""
        self.rack.silence()

    def events(self, events: Sequence[Sequence[Any]]) -> NDArray[np.void]:
        """The array of events that :meth:`play` takes.

        Parameters
        ----------
        events : sequence of (frame, kind's name, channel, note, value)
        """
        array: NDArray[np.void] = np.zeros(len(events), self._event)
        for i, (frame, kind, channel, note, value) in enumerate(events):
            array[i] = (frame, self._kinds[kind], channel, note, value)
        return array

    def play(
        self, block: NDArray[np.float32], events: NDArray[np.void], playing: bool = True
    ) -> None:
        """Overwrite `block`, (2, frames) float32, with the next samples.

        Parameters
        ----------
        block : (2, frames) float32
        events : (k,) EVENT
            From :meth:`events`.
        playing : bool
            The transport.
        """
        self.rack.process(self.vector, events, playing, block)

    def close(self) -> None:
        """Release memory that is shared with other processes."""

    @property
    def faults(self) -> int:
        """Blocks that a plugin spoiled."""
        return self.rack.faults


class EnginePlayer(Player):
    """A rack in its engine: shared parameters, event queue and inbox, master fade.

    Parameters
    ----------
    instrument, effects, sample_rate, max_block, state
        As :class:`Player`.
    """

    def __init__(
        self,
        instrument: str,
        effects: Sequence[str],
        sample_rate: float,
        max_block: int,
        state: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(instrument, effects, sample_rate, max_block, state)
        self._rate, self._now = sample_rate, 0.0
        self._said = engine("ParameterBlock")(len(self.vector))
        self._heard = engine("ParameterBlock")(len(self.vector), self._said.name)
        self._queue, self._output = engine("EventQueue")(), engine("SoundRing")()
        inbox = engine("EventInbox")((self._queue,), clock=lambda: self._now)
        self._engine = engine("Engine")(self.rack, self._heard, self._output, inbox)
        self._engine.prepare(sample_rate, max_block)

    def control(self, place: int, id_: str, value: float) -> None:
        """Move a parameter as a controller does, by an event.

        Parameters
        ----------
        place : int
            0 is the instrument's, k + 1 that of effect k.
        id_ : str
        value : float
        """
        at = place * self._size + self.tables[place].index(id_)
        self._queue.push(engine("MOVED"), at >> 8, at & 0xFF, value, self._now)

    def fade(self, opened: bool) -> None:
        """Fade the output in or out."""
        self._engine.fade.open = opened

    @override
    def panic(self) -> None:
        self._engine.panic()

    @override
    def play(
        self, block: NDArray[np.float32], events: NDArray[np.void], playing: bool = True
    ) -> None:
        for frame, kind, channel, note, value in events.tolist():
            stamp = self._now + frame / self._rate
            self._queue.push(kind, channel, note, value, stamp)
        self._now += block.shape[1] / self._rate
        self._said.write(self.vector, playing)
        self._engine.render(block, underflow=False)

    @override
    def close(self) -> None:
        for memory in (self._heard, self._said, self._queue, self._output):
            memory.close()
