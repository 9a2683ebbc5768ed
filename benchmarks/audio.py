"""Share of a block's time that the sound takes, and memory that the callback allocates.

Everything runs as in the audio callback, from the parameter block to the ring that the device is
fed from, but as fast as it can, on one core. A share is the processor's time that a block takes,
over the time that it lasts; how often others interrupt it, `benchmarks.soak` tells.

With --json, one object::

    schema      2; grows with any change that a reader of an older one would notice
    machine     facts, see :func:`benchmarks.machine.machine_facts`; and neighbours, how many
                cores other programs took on average meanwhile, or null
    sample_rate, block
                Hz and frames
    seconds     of sound in each measurement
    scenes      a list of {name, share, own_work}: what a player hears
    plugins     a list of {name, share}: each plugin alone, and the limiter at rest and at work
                share: {median, p99, longest}, 1.0 is all of a block's time
                own_work: median of what the blocks take by themselves, see
                :mod:`benchmarks.own_work`: a core that is slow now and then leaves it alone
    memory      {blocks, growth_bytes, blocks_with_arrays}: of the largest scene, bytes that Python
                and NumPy hold more after that many blocks, and how many of thirty blocks, so
                large that arrays stand out from other objects, allocated one
"""

import argparse
import gc
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import program
from benchmarks.machine import Neighbours, machine_facts
from benchmarks.narration import Narration
from benchmarks.own_work import REPLAYS
from mesosynth.effects import EFFECTS
from mesosynth.engine.callback import Engine
from mesosynth.engine.limiter import Limiter
from mesosynth.engine.rack import Rack
from mesosynth.engine.shared import ParameterBlock, SoundRing
from mesosynth.engine.slot import VECTOR, LoadedPlugin, ParameterSmoother, RackSlot
from mesosynth.errors import ArgumentError
from mesosynth.instruments import INSTRUMENTS, instrument_class
from mesosynth.plugins.plugin import CHANNELS, NO_EVENTS

SCHEMA = 2
WARM_UP = 1.0  # s of sound
_ALL_SOUND = 2.0  # s of sound until all voices do
_OWN_SECONDS = 2.0  # of sound that is played again and again
LARGE = 8192  # frames of the blocks in which arrays are looked for

ONE_VOICE = {"gamma": 0.8, "w": 2.0, "period": 2.0}
"""Arpeggios of two seconds, one after the other."""

SIXTEEN_VOICES = {"f_c": 300.0, "gamma": 0.5, "w": 2.0, "period": 0.1}
"""Arpeggios of more than three seconds, ten a second: as many as there are voices."""

SCENES: dict[str, tuple[dict[str, float], Sequence[str]]] = {
    "1 voice": (ONE_VOICE, ()),
    "16 voices": (SIXTEEN_VOICES, ()),
    "16 voices with harmonics": ({**SIXTEEN_VOICES, "brightness": -6.0}, ()),
    "16 voices, all effects": (SIXTEEN_VOICES, tuple(EFFECTS)),
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `python -m benchmarks.audio`."""
    parser.add_argument("--rate", metavar="HZ", type=int, default=48000)
    parser.add_argument("--block", metavar="N", type=int, default=128, help="frames")
    parser.add_argument(
        "--seconds", metavar="S", type=float, default=10.0, help="of sound in each measurement"
    )
    parser.add_argument(
        "--memory-blocks", metavar="N", type=int, default=10_000,
        help="after which memory is looked at (default: %(default)s)",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure, print tables unless JSON is wanted, and return what --json shows."""
    rate, block, seconds = arguments.rate, arguments.block, arguments.seconds
    if not (8000 <= rate <= 384000 and 1 <= block <= LARGE and 0.1 <= seconds <= 3600.0):
        raise ArgumentError(
            f"--rate {rate} must be 8000 to 384000, --block {block} 1 to {LARGE}, and "
            f"--seconds {seconds:g} 0.1 to 3600."
        )
    neighbours = Neighbours()
    answer: dict[str, Any] = {
        "schema": SCHEMA, "machine": machine_facts(1), "sample_rate": rate, "block": block,
        "seconds": seconds,
    }  # fmt: skip
    gc.collect()
    gc.freeze()
    with Narration() as say:
        answer["scenes"] = []
        for name, (values, effects) in SCENES.items():
            say(name)
            share = _scene(values, effects, rate, block, seconds)
            work = _scene_by_itself(values, effects, rate, block)
            answer["scenes"].append({"name": name, "share": share, "own_work": work})
        say("each plugin")
        answer["plugins"] = [
            {"name": name, "share": _shares(process, rate, block, seconds)}
            for name, process in _alone(rate, block).items()
        ]
        say("memory")
        answer["memory"] = measure_memory(arguments.memory_blocks, rate, block)
    answer["machine"]["neighbours"] = neighbours.cores()
    if not arguments.json:
        from benchmarks.audio_tables import show

        show(answer)
    return answer


def measure_memory(blocks: int, sample_rate: int, block: int) -> dict[str, int]:
    """What the largest scene holds more after `blocks`; see "memory" above."""
    values, effects = SCENES["16 voices, all effects"]
    with Scene(values, effects, sample_rate, block) as scene:
        scene.play(WARM_UP)
        tracemalloc.start()
        try:
            scene.play(WARM_UP)
            before = _traced_bytes()
            for _ in range(blocks):
                scene.render()
            growth = _traced_bytes() - before
        finally:
            tracemalloc.stop()
    return {
        "blocks": blocks,
        "growth_bytes": growth,
        "blocks_with_arrays": _blocks_with_arrays(sample_rate),
    }


class Scene:
    """An engine with a rack, that nobody but us calls."""

    def __init__(
        self, values: dict[str, float], effects: Sequence[str], sample_rate: int, block: int
    ) -> None:
        plays = instrument_class("chirplet")
        self._rack = Rack(plays())
        self._parameters = ParameterBlock(VECTOR)
        vector = np.zeros(VECTOR)
        vector[: len(plays.parameters)] = plays.parameters.vector(values)
        for number, name in enumerate(effects, 1):
            effect = EFFECTS[name]()
            # No places in the vector: each parameter stands at its default.
            loaded = LoadedPlugin(effect, ParameterSmoother(effect.parameters, number, ()))
            self._rack.slots = (*self._rack.slots, RackSlot(name, loaded))
        self._parameters.write(vector, playing=True)
        self._output = SoundRing()
        self._heard = ParameterBlock(VECTOR, self._parameters.name)  # as another process does
        self._engine = Engine(self._rack, self._heard, self._output)
        self._engine.prepare(sample_rate, block)
        self._sample_rate = sample_rate
        self._block = np.zeros((CHANNELS, block), np.float32)

    def render(self) -> None:
        """Compute one block."""
        self._engine.render(self._block, underflow=False)

    def play(self, seconds: float) -> None:
        """Compute that much sound."""
        for _ in range(round(seconds * self._sample_rate / self._block.shape[1])):
            self.render()

    def __enter__(self) -> "Scene":
        return self

    def __exit__(self, *_: object) -> None:
        for memory in (self._heard, self._parameters, self._output):
            memory.close()


def _scene(
    values: dict[str, float], effects: Sequence[str], sample_rate: int, block: int, seconds: float
) -> dict[str, float]:
    with Scene(values, effects, sample_rate, block) as scene:
        scene.play(_ALL_SOUND)
        return _shares(scene.render, sample_rate, block, seconds)


def _scene_by_itself(
    values: dict[str, float], effects: Sequence[str], sample_rate: int, block: int
) -> float:
    """Median share of the blocks' own work: of each block the least of some replays."""
    replays: list[NDArray[np.float64]] = []
    for _ in range(REPLAYS):
        with Scene(values, effects, sample_rate, block) as scene:
            scene.play(_ALL_SOUND)
            replays.append(_times(scene.render, round(_OWN_SECONDS * sample_rate / block)))
    return float(np.median(np.min(replays, axis=0))) * sample_rate / block


def _alone(sample_rate: int, block: int) -> dict[str, Callable[[], None]]:
    """Every plugin by its name: a function that computes one block of it."""
    noise = np.random.default_rng(0).uniform(-0.2, 0.2, (CHANNELS, block)).astype(np.float32)
    out = np.zeros_like(noise)
    processes: dict[str, Callable[[], None]] = {}
    for name, plays in {**INSTRUMENTS, **EFFECTS}.items():
        plugin = plays()
        plugin.prepare(sample_rate, block)
        values = plays.parameters.vector({})

        def play(plugin: Any = plugin, values: NDArray[np.float64] = values) -> None:  # noqa: ANN401 - a Plugin
            np.copyto(out, noise)
            plugin.process(values, NO_EVENTS, out)

        processes[name] = play
    for name, gain in (("limiter at rest", 1.0), ("limiter at work", 20.0)):
        limiter, loud = Limiter(sample_rate, block), np.float32(gain) * noise

        def limit(limiter: Limiter = limiter, loud: NDArray[np.float32] = loud) -> None:
            np.copyto(out, loud)
            limiter.process(out)

        processes[name] = limit
    return processes


def _shares(
    process: Callable[[], None], sample_rate: int, block: int, seconds: float
) -> dict[str, float]:
    """Shares of a block's time that `process` takes: {"median", "p99", "longest"}."""
    for _ in range(round(WARM_UP * sample_rate / block)):
        process()
    took = _times(process, round(seconds * sample_rate / block))
    shares = took * sample_rate / block
    return {
        "median": float(np.median(shares)),
        "p99": float(np.quantile(shares, 0.99)),
        "longest": float(shares.max()),
    }


def _times(process: Callable[[], None], blocks: int) -> NDArray[np.float64]:
    """Processor's time of each of so many blocks, s."""
    took = np.zeros(max(1, blocks))
    for i in range(len(took)):
        began = time.thread_time()
        process()
        took[i] = time.thread_time() - began
    return took


def _blocks_with_arrays(sample_rate: int, blocks: int = 30) -> int:
    """In how many blocks, so large that an array stands out from other objects, one is made."""
    values, effects = SCENES["16 voices, all effects"]
    found = 0
    with Scene(values, effects, sample_rate, LARGE) as scene:
        scene.play(_ALL_SOUND)
        tracemalloc.start()
        try:
            scene.render()
            for _ in range(blocks):
                tracemalloc.reset_peak()
                before = tracemalloc.get_traced_memory()[0]
                scene.render()
                found += tracemalloc.get_traced_memory()[1] - before > LARGE
        finally:
            tracemalloc.stop()
    return found


def _traced_bytes() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


if __name__ == "__main__":
    sys.exit(program("audio", __doc__, add_options, run))
