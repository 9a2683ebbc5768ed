"""Share of a block's time that the sound takes, and memory that the callback allocates.

``python -m benchmarks.audio``. Everything runs as in the audio callback, from the parameter block
to the ring that the device is fed from, but as fast as it can, on one core. A share is the
processor's time that a block takes, over the time that it lasts; how often others interrupt it,
:mod:`benchmarks.soak` tells.

With --json, one object::

    schema      4; grows with any change that a reader of an older one would notice
    machine     see :meth:`benchmarks.harness.Environment.record`
    sample_rate, block
                Hz and frames
    seconds     of sound in each measurement
    one_voice, sixteen_voices_all_effects, drum, eight_layers
                median share of a block, limiter and meters included, of the scenes of that name
    scenes      a list of {name, share, own_work}: what a player hears
    plugins     a list of {name, share}: each plugin alone, and the limiter at rest and at work
                share: see :func:`benchmarks.harness.spread`; 1.0 is all of a block's time
                own_work: median of what blocks take by themselves, see :mod:`benchmarks.stage`
    memory      {blocks, growth_bytes, blocks_with_arrays}: of the largest scene, bytes that Python
                and NumPy hold more after that many blocks, and how many of thirty blocks, so
                large that arrays stand out from other objects, allocated one
"""

import argparse
import functools
import gc
import sys
import time
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import (
    Answer,
    Environment,
    Narration,
    console,
    program,
    show_machine,
    spread,
    table,
)
from benchmarks.stage import Stage, own_work
from mesosynth.effects import EFFECTS
from mesosynth.engine.limiter import Limiter
from mesosynth.errors import ArgumentError
from mesosynth.instruments import INSTRUMENTS
from mesosynth.plugins.plugin import CHANNELS, NO_EVENTS

SCHEMA = 4
WARM_UP = 1.0  # s of sound
LARGE = 8192  # frames of the blocks in which arrays are looked for
_ALL_SOUND = 2.0  # s of sound until all voices do
_OWN_SECONDS = 2.0  # of sound that is played again and again

ONE_VOICE = {"gamma": 0.8, "w": 2.0, "period": 2.0}
"""Arpeggios of two seconds, one after the other."""

SIXTEEN_VOICES = {"f_c": 300.0, "gamma": 0.5, "w": 2.0, "period": 0.1}
"""Arpeggios of more than three seconds, ten a second: as many as there are voices."""

EIGHT_LAYERS = {
    f"{id_}_{k}": value
    for k in range(1, 9)
    for id_, value in {
        "f_c": 150.0 * k, "gamma": 0.8, "w": 2.0, "period": 2.0, "level": -18.0,
    }.items()
}  # fmt: skip
"""Eight layers at once, each a sound after the other."""

EIGHT_KINDS = {
    "layers": {
        str(2 * k + 2): {"instrument": kind, "parameters": {}}
        for k, kind in enumerate(("drum", "strike", "ripple", "grains"))
        if kind in INSTRUMENTS
    }
}
"""Their instruments: every other one is an arpeggio."""


class Scene(NamedTuple):
    """Instrument with values and effects, and the name of its share in the answer, if any."""

    values: Mapping[str, float]
    effects: Sequence[str] = ()
    instrument: str = "chirplet"
    key: str = ""
    state: Mapping[str, Any] | None = None


SCENES = {
    name: scene
    for name, scene in {
        "1 voice": Scene(ONE_VOICE, key="one_voice"),
        "16 voices": Scene(SIXTEEN_VOICES),
        "16 voices with harmonics": Scene({**SIXTEEN_VOICES, "brightness": -6.0}),
        "16 voices, all effects": Scene(
            SIXTEEN_VOICES, tuple(EFFECTS), key="sixteen_voices_all_effects"
        ),
        "drum": Scene({}, instrument="drum", key="drum"),
        "8 mixed layers": Scene(
            EIGHT_LAYERS, instrument="layers", key="eight_layers", state=EIGHT_KINDS
        ),
    }.items()
    if scene.instrument in INSTRUMENTS
}
_LARGEST = "16 voices, all effects"


def stage(name: str, sample_rate: int, block: int) -> Stage:
    """Stage of the scene `name`.

    Parameters
    ----------
    name : str
        Of :data:`SCENES`.
    sample_rate, block : int
        Hz and frames.
    """
    values, effects, instrument, _, state = SCENES[name]
    return Stage(values, effects, sample_rate, block, instrument, state)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options to `parser`."""
    parser.add_argument("--rate", metavar="HZ", type=int, default=48000)
    parser.add_argument("--block", metavar="N", type=int, default=128, help="frames")
    parser.add_argument(
        "--seconds", metavar="S", type=float, default=10.0, help="of sound in each measurement"
    )
    parser.add_argument(
        "--memory-blocks", metavar="N", type=int, default=10_000,
        help="after which memory is looked at (default: %(default)s)",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> Answer:
    """Measure; return the object that --json prints."""
    rate, block, seconds = arguments.rate, arguments.block, arguments.seconds
    if not (8000 <= rate <= 384000 and 1 <= block <= LARGE and 0.1 <= seconds <= 3600.0):
        raise ArgumentError(
            f"--rate {rate} must be 8000 to 384000, --block {block} 1 to {LARGE}, and "
            f"--seconds {seconds:g} 0.1 to 3600."
        )
    environment, scenes, plugins = Environment(), list[Answer](), list[Answer]()
    gc.collect()
    gc.freeze()
    with Narration() as say:
        for name in SCENES:
            say(name)
            make = functools.partial(stage, name, rate, block)
            with make() as played:
                played.play(_ALL_SOUND)
                share = _shares(played.render, rate, block, seconds)
            own = own_work(make, _ALL_SOUND, _OWN_SECONDS)["median"]
            scenes.append({"name": name, "share": share, "own_work": own})
        say("each plugin")
        for name, process in _alone(rate, block).items():
            plugins.append({"name": name, "share": _shares(process, rate, block, seconds)})
        say("memory")
        memory = measure_memory(arguments.memory_blocks, rate, block)
    named = {SCENES[row["name"]].key: row["share"]["median"] for row in scenes}
    named.pop("", None)
    return {
        "schema": SCHEMA, "machine": environment.record(), "sample_rate": rate, "block": block,
        "seconds": seconds, **named, "scenes": scenes, "plugins": plugins, "memory": memory,
    }  # fmt: skip


def measure_memory(blocks: int, sample_rate: int, block: int) -> dict[str, int]:
    """The entry "memory" of the answer.

    Parameters
    ----------
    blocks : int
        Before and after which it is measured.
    sample_rate, block : int
        Hz and frames.
    """
    with stage(_LARGEST, sample_rate, block) as played:
        played.play(WARM_UP)
        tracemalloc.start()
        try:
            played.play(WARM_UP)
            before = _traced_bytes()
            for _ in range(blocks):
                played.render()
            growth = _traced_bytes() - before
        finally:
            tracemalloc.stop()
    return {
        "blocks": blocks,
        "growth_bytes": growth,
        "blocks_with_arrays": _blocks_with_arrays(sample_rate),
    }


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
        limiter, loud = Limiter(sample_rate), np.float32(gain) * noise

        def limit(limiter: Limiter = limiter, loud: NDArray[np.float32] = loud) -> None:
            np.copyto(out, loud)
            limiter.process(out)

        processes[name] = limit
    return processes


def _shares(
    process: Callable[[], None], sample_rate: int, block: int, seconds: float
) -> dict[str, float]:
    """Shares of a block's time that `process` takes on the processor's clock."""
    for _ in range(round(WARM_UP * sample_rate / block)):
        process()
    took: list[float] = []
    for _ in range(max(1, round(seconds * sample_rate / block))):
        began = time.thread_time()
        process()
        took.append((time.thread_time() - began) * sample_rate / block)
    return spread(took)


def _blocks_with_arrays(sample_rate: int, blocks: int = 30) -> int:
    """In how many blocks, so large that an array stands out from other objects, one is made."""
    found = 0
    with stage(_LARGEST, sample_rate, LARGE) as played:
        played.play(_ALL_SOUND)
        tracemalloc.start()
        try:
            played.render()
            for _ in range(blocks):
                tracemalloc.reset_peak()
                before = tracemalloc.get_traced_memory()[0]
                played.render()
                found += tracemalloc.get_traced_memory()[1] - before > LARGE
        finally:
            tracemalloc.stop()
    return found


def _traced_bytes() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def show(answer: Answer) -> None:
    """Print the figures as tables."""
    milliseconds = 1000.0 * answer["block"] / answer["sample_rate"]
    show_machine(
        answer["machine"],
        f"; {answer['sample_rate']} Hz, blocks of {answer['block']} frames, "
        f"{milliseconds:.2f} ms each",
    )
    _show_shares("What a player hears, limiter and meters included", answer["scenes"])
    _show_shares("Each alone", answer["plugins"])
    memory = answer["memory"]
    console().print(
        f"Arrays after {memory['blocks']} blocks: {memory['growth_bytes']:+d} bytes; "
        f"blocks in which one was allocated: {memory['blocks_with_arrays']}"
    )


def _show_shares(title: str, rows: list[Answer]) -> None:
    own = ["by itself"] if "own_work" in rows[0] else []
    cells: list[list[str]] = []
    for row in rows:
        shares = [row["share"][key] for key in ("median", "p99", "longest")]
        shares += [row["own_work"]] if own else []
        cells.append([row["name"], *(f"{100.0 * share:.1f}%" for share in shares)])
    table(title, ["share of a block on one core"], ["median", "99%", "longest", *own], cells)


if __name__ == "__main__":
    sys.exit(program("audio", __doc__, add_options, run, show))
