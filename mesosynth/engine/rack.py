"""The rack: instrument, effects and limiter, which render one block of output."""

import contextlib
from collections.abc import Generator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mesosynth.effects.modulation import NAME as MODULATION
from mesosynth.effects.modulation import Gestures, targets_of
from mesosynth.engine.audition import Audition
from mesosynth.engine.fades import fade
from mesosynth.engine.limiter import Limiter
from mesosynth.engine.modulation import RackModulation
from mesosynth.engine.plugin_registry import failure, load_plugin
from mesosynth.engine.plugin_sandbox import fault_story
from mesosynth.engine.slot import (
    PLACE,
    VECTOR,
    ActivePlugin,
    LoadedPlugin,
    ParameterSmoother,
    RackSlot,
)
from mesosynth.errors import ArgumentError, MesosynthError, PluginError
from mesosynth.instruments import instrument_class
from mesosynth.plugins.plugin import CHANNELS, NO_EVENTS, Events, Plugin
from mesosynth.presets.preset import EffectState, default_uids
from mesosynth.system.kernels import compile_loops

_LONGEST = 86400.0  # s that are rendered at once
_FASTEST = 1_000_000  # Hz

FADE_SECONDS = 0.01


class HasPeak(Protocol):
    """An input whose `peak`, 0 to 1, is the largest magnitude of its last block."""

    peak: float


class Rack:
    """An instrument, its effects, the transport's fade, and the limiter.

    Samples that are not finite never leave: the plugin that made them is reset, the block is silent
    (dry for an effect), and `faults` counts it. The same goes for a plugin that raises, or whose
    output explodes. Nothing bypasses the limiter at the end.

    Parameters
    ----------
    instrument : Plugin
        Not prepared yet; the rack prepares it.
    active : ActivePlugin, optional
        Record of the user plugin that runs, for the watchdog.
    audition : Audition, optional
        Sound to compare the instrument with, mixed in before the limiter.

    Attributes
    ----------
    slots : tuple of RackSlot
        The instrument's and the effects', in order. [control] To change it, assign another one.
    peak : float
        Largest magnitude so far; 1.0 is full scale.
    active : ActivePlugin
        As given, or its own.
    audition : Audition or None
        As given.
    gestures : Gestures
        Keys and gestures, for a modulation.
    modulation : RackModulation
        [control] To change what it moves, assign another one.
    input : HasPeak or None
        [control] The input, while it is open.
    """

    def __init__(
        self,
        instrument: Plugin,
        active: ActivePlugin | None = None,
        audition: Audition | None = None,
    ) -> None:
        self.slots: tuple[RackSlot, ...] = (
            RackSlot("", LoadedPlugin(instrument, ParameterSmoother(instrument.parameters))),
        )
        self.peak = 0.0
        self.active = ActivePlugin() if active is None else active
        self.audition = audition
        self.gestures = Gestures()
        self.modulation = RackModulation(gestures=self.gestures)
        self.input: HasPeak | None = None
        self._silence = False
        self._revision = 0  # of the values

    @property
    def instrument(self) -> Plugin:
        """The plugin that makes the sound."""
        return self.slots[0].loaded.plugin

    @property
    def faults(self) -> int:
        """Number of blocks that were silenced, or left dry, because a plugin failed."""
        return sum(slot.faults for slot in self.slots)

    @property
    def latency(self) -> int:
        """Delay of the output after the parameters, samples."""
        heard = (slot.loaded.plugin for slot in self.slots if slot.wanted)
        return self._limiter.latency + sum(plugin.latency for plugin in heard)

    @property
    def true_peak(self) -> float:
        """True peak of the last block, estimated by the limiter."""
        return self._limiter.true_peak

    def prepare(self, sample_rate: float, max_block: int) -> None:
        """[control] Allocate all buffers.

        Parameters
        ----------
        sample_rate : float
            Hz.
        max_block : int
            Frames in the largest block.
        """
        self.gestures.reset()
        for slot in self.slots:
            slot.prepare(sample_rate, max_block, self.active)
        if self.audition is not None:
            self.audition.prepare(sample_rate, max_block)
        compile_loops(__name__)
        self._limiter = Limiter(sample_rate)
        self._slope = 1.0 / (FADE_SECONDS * sample_rate)
        self._level = 0.0
        self._seen = np.zeros(0)
        self._differs = np.zeros(0, np.bool_)

    def silence(self) -> None:
        """[control] Reset all plugins with the next block."""
        self._silence = True

    def process(
        self,
        values: NDArray[np.float64],
        events: Events,
        playing: bool,
        block: NDArray[np.float32],
        moved: bool | None = None,
    ) -> None:
        """[audio] Overwrite `block` with the next samples.

        Parameters
        ----------
        values : (VECTOR,) float64
            Parameters of all plugins at the end of the block, each plugin's at its own place; a
            rack without effects needs only the instrument's place.
        events : (k,) EVENT
        playing : bool
            Starting from silence, the instrument is reset at the block's first sample; stopping
            fades it, and effects go on sounding.
        block : (2, frames) float32
        moved : bool, optional
            Whether `values` may differ from the last ones; None compares them.
        """
        if self._moved(values) if moved is None else moved:
            self._revision += 1
        with np.errstate(all="ignore"):  # samples that are not finite are handled
            self._play(values, events, playing, block)
            if self.audition is not None:
                self.audition.mix(block)
        self.peak = max(self.peak, self._limiter.process(block))

    def _play(
        self,
        values: NDArray[np.float64],
        events: Events,
        playing: bool,
        block: NDArray[np.float32],
    ) -> None:
        slots = self.slots  # once: another tuple may be assigned meanwhile
        if self._silence:
            self._silence = False
            self.gestures.reset()
            for slot in slots:
                slot.reset(self.active)
        instrument, active = slots[0], self.active
        level = 0.0 if self.input is None else self.input.peak
        self.modulation.begin_block(values, self._revision, events, block.shape[1], level)
        if self._level > 0.0 or playing:
            if self._level <= 0.0:
                instrument.reset(active)
            instrument.process(values, self._revision, events, block, active)
            self._fade(playing, block)
        else:
            block.fill(0.0)
        for slot in slots[1:]:
            slot.process(values, self._revision, events, block, active)

    def _moved(self, values: NDArray[np.float64]) -> bool:
        """Whether `values` differ from the last ones."""
        if len(self._seen) != len(values):  # the first block
            self._seen, self._differs = values.copy(), np.zeros(len(values), np.bool_)
            return True
        if not np.count_nonzero(np.not_equal(values, self._seen, out=self._differs)):
            return False
        np.copyto(self._seen, values)
        return True

    def _fade(self, playing: bool, block: NDArray[np.float32]) -> None:
        if playing and self._level >= 1.0:
            return
        slope = self._slope if playing else -self._slope
        self._level = fade(block, self._level, slope)


def render(
    instrument: str,
    values: Mapping[str, float],
    seconds: float,
    sample_rate: int = 48000,
    block: int = 512,
    effects: Sequence[EffectState] = (),
    state: Mapping[str, Any] | None = None,
    faults: list[str] | None = None,
) -> NDArray[np.float32]:
    """Sound of an instrument through effects, as the audio process plays it from its first sample.

    Parameters
    ----------
    instrument : str
        Name in :data:`mesosynth.instruments.INSTRUMENTS`.
    values : mapping of str to float
        Parameters by id; the others stand at their defaults.
    seconds : float
        More than 0.
    sample_rate : int
        Hz, 1000 or more.
    block : int
        Frames computed at once, 1 or more.
    effects : sequence of EffectState, optional
        Effects in order; their tails end with the last frame.
    state : mapping, optional
        What the instrument keeps beside its parameters: a scale, the kinds of layers.
    faults : list, optional
        Takes a sentence about each plugin that failed; its sound is left out of the blocks in
        which it did.

    Returns
    -------
    (2, frames) float32
        ``round(seconds * sample_rate)`` frames, left and right.

    Raises
    ------
    ArgumentError
        If the instrument, a parameter, or a number is impossible.
    PluginError
        If an effect is missing, cannot be loaded, or fails while `faults` is None.
    """
    for name, value in (("seconds", seconds), ("sample_rate", sample_rate)):
        if not isinstance(value, (int, float, np.integer, np.floating)):  # pyright: ignore[reportUnnecessaryIsInstance] - callers are not all typed
            raise ArgumentError(f"{name}={value!r} must be a number.")
    if np.isfinite(seconds) and seconds > _LONGEST:
        raise ArgumentError(f"seconds={seconds:g} must be at most {_LONGEST:g}.")
    frames = round(seconds * sample_rate) if np.isfinite(seconds) else 0
    if frames < 1:
        raise ArgumentError(f"seconds={seconds} must be more than 0.")
    if not 1000 <= sample_rate <= _FASTEST or block < 1:
        raise ArgumentError(
            f"sample_rate={sample_rate} must be 1000 to {_FASTEST} and block={block} at least 1."
        )
    plays = instrument_class(instrument)
    rack = Rack(plays())
    if state:
        rack.instrument.restore(state)
    vector = np.zeros(VECTOR)
    vector[: len(plays.parameters)] = plays.parameters.vector(values)
    targets: Sequence[str] = ()
    for place, (uid, effect) in enumerate(zip(default_uids(effects), effects, strict=True), 1):
        if effect.plugin == MODULATION:
            targets = targets_of(effect.state)
        kind = load_plugin(effect.plugin)
        with _failures_of(effect.plugin):
            plugin = kind()
            if effect.state:
                plugin.restore(effect.state)
        table = plugin.parameters
        vector[place * PLACE :][: len(table)] = table.vector(effect.parameters)
        slot = RackSlot(
            uid,
            LoadedPlugin(plugin, ParameterSmoother(table, place)),
            not effect.bypassed,
        )
        rack.slots = (*rack.slots, slot)
    with _failures_of(" or ".join(effect.plugin for effect in effects)):
        rack.prepare(sample_rate, block)
    if problem := rack.instrument.problem:
        if faults is None:
            raise PluginError(problem)
        faults.append(problem)
    rack.modulation = RackModulation(rack.slots, targets, rack.gestures)
    late = rack.latency
    out = np.zeros((CHANNELS, late + frames), np.float32)
    for begin in range(0, late + frames, block):
        rack.process(vector, NO_EVENTS, True, out[:, begin : begin + block])
    for slot, name in zip(rack.slots, (instrument, *(e.plugin for e in effects)), strict=True):
        if slot.fault is None:
            continue
        story = fault_story(slot.fault, name)
        many = f"in {slot.faults} of {-(-(late + frames) // block)} blocks"
        told = f"{str(story).rpartition(';')[0]}; its sound is missing {many}."
        if faults is None:
            raise PluginError(told, story.traceback)
        faults.append(told)
    return out[:, late:]


@contextlib.contextmanager
def _failures_of(plugin: str) -> Generator[None]:
    """Turn what a plugin raises into an error that names it."""
    try:
        yield
    except MesosynthError:
        raise
    except (Exception, SystemExit) as error:
        raise failure(f"{plugin}.py", error) from error
