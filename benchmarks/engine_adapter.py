"""The audio engine of this checkout or an earlier one, offline and block by block.

Modules and classes have moved and were renamed since commit 985e2db. What benchmarks need of the
engine is reached through :class:`Player` and :func:`render_preset` only: each name is looked up at
its present place first, then at its places before. Whoever moves or renames one of these appends
the new place to the front of the list.
"""

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_PLACES: dict[str, tuple[str, ...]] = {
    "Rack": ("engine.rack.Rack", "host.rack.Rack"),
    "render": ("engine.rack.render", "host.rack.render"),
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
"""Where each name is, newest place first, below `mesosynth`."""


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
    """What a preset plays with its effects, (2, frames) float32.

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
        """Set a parameter of the plugin at `place`, in the table's unit."""
        self.vector[place * self._size + self.tables[place].index(id_)] = value

    def bypass(self, place: int, bypassed: bool) -> None:
        """Fade the effect at `place` out or in."""
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

    @property
    def faults(self) -> int:
        """Blocks that a plugin spoiled."""
        return self.rack.faults
