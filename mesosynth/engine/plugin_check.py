"""Plugin check: sample rates, block sizes, parameter extremes, memory and time.

Each check is a function of a plugin; :func:`check_plugin` runs them all in a child process, as
pluginval does for VST3.
"""

import itertools
import json
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mesosynth.engine.plugin_registry import BUILT_IN, list_plugins, load_file, load_plugin
from mesosynth.engine.slot import BUDGET, EXPLODED
from mesosynth.errors import ArgumentError, PluginError
from mesosynth.plugins.plugin import CHANNELS, EVENT, NO_EVENTS, Effect, EventKind, Events, Plugin
from mesosynth.system.worker import Channel, Died, Worker, drop_output

# --------------------------------------------------------------------------------------------------
# The checks, each a function of a plugin class and a grid


@dataclass(frozen=True, slots=True)
class Grid:
    """Sizes of a check.

    Attributes
    ----------
    rates : tuple of int
        Sample rates, Hz.
    blocks : tuple of int
        Block sizes, frames.
    permutations : int
        Number of random choices of parameters at their ends.
    blocks_played : int
        Blocks while another thread moves the parameters; ten times as many for the growth of
        memory.
    """

    rates: tuple[int, ...]
    blocks: tuple[int, ...]
    permutations: int
    blocks_played: int


FULL = Grid(
    rates=(22050, 32000, 44100, 48000, 88200, 96000, 192000),
    blocks=(1, 10, 17, 64, 128, 256, 1024, 1536, 2027, 4096, 16384),
    permutations=50,
    blocks_played=1000,
)
"""The grids of clap-validator and pluginval together."""

QUICK = Grid(rates=(22050, 48000, 192000), blocks=(1, 17, 128, 2027), permutations=10,
             blocks_played=100)  # fmt: skip
"""For continuous integration."""


Verdict = tuple[bool, str]
Check = Callable[[type[Plugin], Grid], Verdict]

RATE = 48000
SAME = 1e-6  # of the larger of 1 and the peak
LENGTH = 16384  # frames compared between block sizes, fewer with small blocks
MOST_CALLS = 1024
ALLOCATION = 4096  # bytes: Python's numbers and NumPy's views, but no array of a large block
PER_PARAMETER = 48  # bytes: a number in a list, and one of its ramp
GROWTH = 20_000  # bytes
STEP = 4.0  # largest step at a block's edge, in largest steps inside blocks
_SCORE = [
    (0, EventKind.NOTE_ON, 60, 0.8),
    (700, EventKind.NOTE_ON, 67, 0.5),
    (4001, EventKind.NOTE_OFF, 60, 0.5),
    (5003, EventKind.SUSTAIN, 0, 1.0),
    (6007, EventKind.NOTE_OFF, 67, 0.5),
    (9001, EventKind.SUSTAIN, 0, 0.0),
    (12011, EventKind.ALL_OFF, 0, 0.0),
]  # and no bend, which like a parameter may ramp over the block


def table_is_sound(kind: type[Plugin], grid: Grid) -> Verdict:
    """Check that all ranges are valid and that defaults are legal values.

    Parameters
    ----------
    kind : type of Plugin
    grid : Grid

    Returns
    -------
    ok : bool
    found : str
        Result for the report. All checks have these parameters and results.
    """
    for parameter in kind.parameters.values():
        if not parameter.minimum < parameter.maximum:
            return False, f"{parameter.id} ranges from {parameter.minimum} to {parameter.maximum}"
        if parameter.clamp(parameter.default) != parameter.default:
            return False, f"{parameter.id} cannot stand at its default, {parameter.default}"
    return True, f"{len(kind.parameters)} parameters"


def finite_everywhere(kind: type[Plugin], grid: Grid) -> Verdict:
    """Check that the output is finite at every rate and block size.

    Parameters
    ----------
    kind : type of Plugin
    grid : Grid
    """
    peak = 0.0
    for rate, block in itertools.product(grid.rates, grid.blocks):
        out = _play(_prepared(kind, rate, block), _length(block), block)
        if not np.isfinite(out).all():
            return False, f"not finite at {rate} Hz in blocks of {block}"
        peak = max(peak, float(np.abs(out).max()))
    return peak < EXPLODED, f"{len(grid.rates)} rates by {len(grid.blocks)} blocks, peak {peak:.2f}"


def same_at_every_block_size(kind: type[Plugin], grid: Grid) -> Verdict:
    """Check that the output does not depend on the block size.

    Parameters
    ----------
    kind : type of Plugin
    grid : Grid
    """
    if not kind.block_size_invariant:
        return True, "does not claim to be"
    worst = 0.0
    for rate in grid.rates:
        whole = _play(_prepared(kind, rate, LENGTH), LENGTH, LENGTH)
        scale = max(1.0, float(np.abs(whole).max()))
        for block in grid.blocks:
            out = _play(_prepared(kind, rate, block), _length(block), block)
            error = float(np.abs(out[:, :LENGTH] - whole[:, : out.shape[1]]).max()) / scale
            worst = max(worst, error)
            if error > SAME:
                return False, f"differs by {error:.1e} at {rate} Hz in blocks of {block}"
    return True, f"within {worst:.1e}"


def finite_at_the_ends(kind: type[Plugin], grid: Grid) -> Verdict:
    """Check that the output is finite while parameters jump between the ends of their ranges.

    Parameters
    ----------
    kind : type of Plugin
    grid : Grid
    """
    rng = np.random.default_rng(0)
    plugin = _prepared(kind, RATE, 512)
    for number in range(grid.permutations):
        ends = {id_: (p.minimum, p.maximum)[int(rng.integers(2))]
                for id_, p in kind.parameters.items()}  # fmt: skip
        out = _play(plugin, 5 * 512, 512, ends)
        if not np.abs(out).max() < EXPLODED:
            return False, f"not finite, or beyond all measure, at {ends}"
        if number % 10 == 9:
            plugin.reset()
    return True, f"{grid.permutations} permutations by 5 blocks of 512"


def another_thread_may_write(kind: type[Plugin], grid: Grid) -> Verdict:
    """Check that the output is finite while another thread moves the values during a block.

    Parameters
    ----------
    kind : type of Plugin
    grid : Grid
    """
    plugin, rng = _prepared(kind, RATE, 128), np.random.default_rng(0)
    values = kind.parameters.vector({})
    places = [kind.parameters.vector(_anywhere(kind, rng)) for _ in range(16)]
    ended = threading.Event()

    def write() -> None:
        for place in itertools.cycle(places):
            np.copyto(values, place)
            if ended.wait(0.0002):
                return

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for begin in range(0, 128 * grid.blocks_played, 128):
            block = _input(kind, begin, 128, RATE)
            plugin.process(values, NO_EVENTS, block)
            if not np.isfinite(block).all():
                return False, "not finite"
    finally:
        ended.set()
        writer.join()
    return True, f"{grid.blocks_played} blocks"


def no_steps(kind: type[Plugin], grid: Grid) -> Verdict:
    """Check that a parameter's jump does not make a step at the block's edge.

    Parameters
    ----------
    kind : type of Plugin
    grid : Grid
    """
    block, worst, whose = 128, 0.0, "nothing"
    for id_, parameter in kind.parameters.items():
        if parameter.choices:
            continue
        plugin, parts = _prepared(kind, RATE, block), list[NDArray[np.float32]]()
        for number in range(96):
            end = parameter.maximum if number // 16 % 2 else parameter.minimum
            part = _input(kind, number * block, block, RATE, smooth=True)
            plugin.process(kind.parameters.vector({id_: end}), NO_EVENTS, part)
            parts.append(part)
        steps = np.abs(np.diff(np.concatenate(parts, axis=1).astype(np.float64)))
        at_edges = steps[:, block - 1 :: block]
        inside = np.delete(steps, np.s_[block - 1 :: block], axis=1)
        ratio = float(at_edges.max()) / (float(inside.max()) + 1e-3)
        if ratio > worst:
            worst, whose = ratio, id_
    return worst < STEP, f"{whose}: the step at an edge is {worst:.1f} times the others"


def nothing_is_allocated(kind: type[Plugin], grid: Grid) -> Verdict:
    """Check that `process` allocates no array.

    Parameters
    ----------
    kind : type of Plugin
    grid : Grid
    """
    plugin, rng = _prepared(kind, RATE, 4096), np.random.default_rng(0)
    places = [kind.parameters.vector(_anywhere(kind, rng)) for _ in range(4)]
    block = _input(kind, 0, 4096, RATE)
    most = 0
    for frames in (128, 4096):
        peaks: list[int] = []
        tracemalloc.start()
        try:
            for number in range(32):
                tracemalloc.reset_peak()
                before = tracemalloc.get_traced_memory()[0]
                plugin.process(places[number // 4 % 4], NO_EVENTS, block[:, :frames])
                peaks.append(tracemalloc.get_traced_memory()[1] - before)
        finally:
            tracemalloc.stop()
        # `process` allocates the same each time; the minimum is free of allocations of a first
        # time, such as a voice that begins late or a cache of the interpreter.
        most = max(most, *(min(twice) for twice in zip(peaks[:16], peaks[16:], strict=True)))
    legal = ALLOCATION + PER_PARAMETER * len(kind.parameters)
    return most <= legal, f"at most {most} bytes at once"


def memory_does_not_grow(kind: type[Plugin], grid: Grid) -> Verdict:
    """Check that memory does not grow from block to block.

    Parameters
    ----------
    kind : type of Plugin
    grid : Grid
    """
    plugin, values = _prepared(kind, RATE, 64), kind.parameters.vector({})
    block, count = _input(kind, 0, 64, RATE), 10 * grid.blocks_played
    for _ in range(200):
        plugin.process(values, NO_EVENTS, block)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(count):
            plugin.process(values, NO_EVENTS, block)
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    return grown < GROWTH, f"{grown} bytes in {count} blocks"


def in_time(kind: type[Plugin], grid: Grid) -> Verdict:
    """Check that the median time of a block is below half of its length.

    Parameters
    ----------
    kind : type of Plugin
    grid : Grid
    """
    plugin, values = _prepared(kind, RATE, 128), kind.parameters.vector({})
    seconds: list[float] = []
    for begin in range(0, 128 * 500, 128):
        block = _input(kind, begin, 128, RATE)
        start = time.perf_counter()
        plugin.process(values, NO_EVENTS, block)
        seconds.append(time.perf_counter() - start)
    load = float(np.median(seconds)) / (128 / RATE)
    return load < BUDGET, f"{100 * load:.1f}% of a block of 128 at 48 kHz"


def reset_forgets(kind: type[Plugin], grid: Grid) -> Verdict:
    """Check that after reset it plays as after prepare.

    Parameters
    ----------
    kind : type of Plugin
    grid : Grid
    """
    plugin = _prepared(kind, RATE, 512)
    first = _play(plugin, LENGTH, 512)
    plugin.reset()
    error = float(np.abs(_play(plugin, LENGTH, 512) - first).max())
    return error == 0.0, "plays the same again" if error == 0.0 else f"differs by {error:.1e}"


def state_comes_back(kind: type[Plugin], grid: Grid) -> Verdict:
    """Check that its state can be written to a preset and read again.

    Parameters
    ----------
    kind : type of Plugin
    grid : Grid
    """
    plugin = _prepared(kind, RATE, 512)
    state: Mapping[str, object] = plugin.state()
    text = json.dumps(state, allow_nan=False)
    other = _prepared(kind, RATE, 512)
    other.restore(json.loads(text))
    again = json.dumps(other.state(), allow_nan=False)
    return again == text, f"{len(text)} characters" if again == text else "another one came back"


def silence_is_silent(kind: type[Plugin], grid: Grid) -> Verdict:
    """Check that an effect makes no subnormal numbers, which are slow, long after the last sound.

    Parameters
    ----------
    kind : type of Plugin
    grid : Grid
    """
    if not issubclass(kind, Effect):
        return True, "is an instrument"
    plugin, values = _prepared(kind, 8000, 1024), kind.parameters.vector({})
    plugin.process(values, NO_EVENTS, _input(kind, 0, 1024, 8000))
    block = np.zeros((CHANNELS, 1024), np.float32)
    for _ in range(8 * 60):
        block.fill(0.0)
        plugin.process(values, NO_EVENTS, block)
    magnitude = np.abs(block[block != 0.0])
    ok = len(magnitude) == 0 or bool(float(magnitude.min()) >= np.finfo(np.float32).tiny)
    return ok, "after a minute" if ok else f"still {float(magnitude.min()):.0e} after a minute"


CHECKS: list[tuple[str, Check]] = [
    ("its table is sound", table_is_sound),
    ("finite at every rate and block size", finite_everywhere),
    ("the same at every block size", same_at_every_block_size),
    ("finite at the ends of all ranges", finite_at_the_ends),
    ("another thread may move its values", another_thread_may_write),
    ("no steps when a parameter jumps", no_steps),
    ("no array is allocated while it plays", nothing_is_allocated),
    ("memory does not grow", memory_does_not_grow),
    ("in time", in_time),
    ("reset forgets everything", reset_forgets),
    ("its state comes back", state_comes_back),
    ("silence is silent", silence_is_silent),
]
"""Title in the report, and the function."""


def _prepared(kind: type[Plugin], rate: int, block: int) -> Plugin:
    plugin = kind()
    plugin.prepare(float(rate), block)
    return plugin


def _length(block: int) -> int:
    return max(block, min(LENGTH, block * MOST_CALLS))


def _play(
    plugin: Plugin, frames: int, block: int, values: Mapping[str, float] | None = None
) -> NDArray[np.float32]:
    """Output for the same input and the same notes, (2, frames)."""
    vector = plugin.parameters.vector(values or {})
    out = _input(type(plugin), 0, frames, RATE)
    for begin in range(0, frames, block):
        part = out[:, begin : begin + block]
        plugin.process(vector, _events(begin, part.shape[1]), part)
    return out


def _events(begin: int, frames: int) -> Events:
    here = [(frame - begin, kind, 0, note, value) for frame, kind, note, value in _SCORE
            if begin <= frame < begin + frames]  # fmt: skip
    return np.array(here, EVENT) if here else NO_EVENTS


def _input(
    kind: type[Plugin], begin: int, frames: int, rate: int, smooth: bool = False
) -> NDArray[np.float32]:
    """NaN for an instrument, which overwrites it; for an effect a tone, and noise with it."""
    t = np.arange(begin, begin + frames) / rate
    out = 0.25 * np.sin(2.0 * np.pi * np.array([[100.0], [100.0 if smooth else 151.0]]) * t)
    if not smooth:
        # Noise that depends only on the time, for all block sizes.
        out += 0.5 * (np.sin(np.arange(begin, begin + frames) * 12.9898) * 43758.5453 % 1.0) - 0.25
    if not issubclass(kind, Effect):
        out.fill(np.nan)
    return out.astype(np.float32)


def _anywhere(kind: type[Plugin], rng: np.random.Generator) -> Mapping[str, float]:
    def values() -> Iterator[tuple[str, float]]:
        for id_, parameter in kind.parameters.items():
            yield id_, parameter.from_unit(float(rng.random()))

    return dict(values())


# --------------------------------------------------------------------------------------------------
# The child process of the checks: a plugin may hang or crash; each check reports one line


PATIENCE = 120.0  # s for one check
_LOADED = "it is loaded"


@dataclass(frozen=True, slots=True)
class Finding:
    """Result of one check."""

    check: str
    ok: bool
    found: str


def check_plugin(name: str, grid: Grid = FULL) -> Iterator[Finding]:
    """Check a plugin in a child process, one finding after the other.

    Parameters
    ----------
    name : str
        A file, or a plugin's name in the rack.
    grid : Grid

    Yields
    ------
    Finding

    Raises
    ------
    ArgumentError
        If there is no such file or plugin.
    """
    if not Path(name).is_file() and name not in {info.name for info in list_plugins()}:
        raise ArgumentError(f"{name} is neither a file nor a plugin; see mesosynth plugin list.")
    worker = Worker(_run_checks, name, grid, name="plugin check", threads=1, heartbeat=PATIENCE)
    left = [_LOADED, *(title for title, _ in CHECKS)]
    try:
        worker.start()
        while True:
            for event in worker.poll(1.0):
                match event:
                    case Finding(check, ok):
                        left = left[1:] if ok or check != _LOADED else []
                        yield event
                    case Died(error=error):
                        if left:
                            yield Finding(left[0], False, error or "it hangs or crashes")
                        return
                    case _:
                        pass
    finally:
        worker.stop()


def _run_checks(channel: Channel, name: str, grid: Grid) -> None:
    """[child] Load a plugin, check it, and send each finding."""
    drop_output()
    try:
        kind = _load(name)
    except PluginError as error:
        channel.send(Finding(_LOADED, False, str(error)))
        return
    channel.send(Finding(_LOADED, True, f"{kind.name}, {len(kind.parameters)} parameters"))
    for title, check in CHECKS:
        try:
            ok, found = check(kind, grid)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything
            ok, found = False, f"{type(error).__name__}: {error}"
        channel.send(Finding(title, ok, found))


def _load(name: str) -> type[Plugin]:
    return load_plugin(name) if name in BUILT_IN or not Path(name).is_file() else (
        load_file(Path(name))
    )  # fmt: skip
