"""Cost of an evaluation on a GPU: operations, bytes, kernels, bounds, and a card's own times.

The table comes from a rehearsal (:mod:`benchmarks.rehearsal`) and needs no GPU. For each work on
the paper's transform, averaged over all time of a periodic signal of 32,768 samples, it has the
floating-point operations, the bytes that its kernels read and write, the kernels, and how often the
program waits to read from the GPU. From these follows the least time on two cards::

    seconds >= bytes / bandwidth + kernels * gap

with the bandwidths of their data sheets, and the gap between two kernels that NVIDIA publishes:
0.9 µs launched one by one, 0.5 µs in a CUDA graph (Gray, "Getting Started with CUDA Graphs", 2019:
3.8 and 3.4 µs for kernels that run for 2.9 µs). Bytes that stay in a cache make it shorter, the
Python around each launch makes it longer.

Where there is a GPU, each work is measured on it, tangents with CUDA graphs too, and a match. This
takes less than five minutes.

With --json, one object::

    schema      1; grows with any change that a reader of an older one would notice
    machine     see :meth:`benchmarks.harness.Environment.record`
    work        a list of
        name
        gflop, gbyte, kernels, reads, uploads
        bounds  {card: {stream, graph}}, s
    device      name of the GPU; null where there is none, and then nothing was measured
    measured    a list of {name, how, seconds}: how is "stream", "graph" or "match", seconds as
                :func:`benchmarks.harness.spread` gives them
    graph_error largest difference of a graph's results to those without it, relative; or null
"""

import argparse
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from benchmarks.harness import (
    Answer,
    Environment,
    Narration,
    at_least,
    console,
    number,
    program,
    show_machine,
    spread,
    table,
)
from mesosynth.audio.target import ANALYSIS_SAMPLES

if TYPE_CHECKING:
    import torch

SCHEMA = 1

BANDWIDTH = {"RTX A5000": 768e9, "H200": 4.8e12}
"""Bytes a second by card, of NVIDIA's data sheets; the first is the card of SCRAPL's authors."""

GAP = {"stream": 0.9e-6, "graph": 0.5e-6}
"""Least time between two kernels, s."""

_BATCH = 16
_TANGENTS = "four tangents"
_SECONDS = 8.0  # for each measurement


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options to `parser`."""
    parser.add_argument("--repeats", metavar="N", type=at_least(1), default=20)


def run(arguments: argparse.Namespace) -> Answer:
    """Count, measure where there is a GPU, and return what --json shows."""
    import torch

    environment = Environment(torch.get_num_threads())
    with Narration() as say:
        say("rehearsing")
        answer: Answer = {"schema": SCHEMA, "work": rehearse()}
        answer |= {"device": None, "measured": [], "graph_error": None}
        if torch.cuda.is_available():
            answer |= measure(arguments.repeats, say)
    return {**answer, "machine": environment.record()}


def works(device: "torch.device") -> dict[str, Callable[[], object]]:
    """Works by name, each a function that does it once; tangents without a graph."""
    import torch

    from mesosynth.matching.model import CHIRPLET
    from mesosynth.matching.operator import Operator

    state = CHIRPLET.state_of({})
    lean, exact = Operator(device=device), Operator(tolerance=0.0, device=device)
    x = torch.from_numpy(lean.synthesize(state[: CHIRPLET.onset]))
    S = lean.coefficients(x.to(device)).cpu().numpy()
    signals, dx = x.to(device), torch.randn(4, ANALYSIS_SAMPLES).to(device)

    def gradient() -> object:
        y = signals.clone().requires_grad_(True)
        return torch.autograd.grad(lean.coefficients(y).sum(), y)

    return {
        "value": lambda: lean.jtfs(signals),
        _TANGENTS: lambda: lean.jtfs.jvp(signals, dx),
        f"{_TANGENTS}, exact": lambda: exact.jtfs.jvp(signals, dx),
        "gradient": gradient,
        f"values of {_BATCH} signals": lambda: lean.jtfs(signals.expand(_BATCH, -1)),
        "step of Levenberg-Marquardt": lambda: lean.linearize(state).towards(S),
    }


def rehearse() -> list[Answer]:
    """Operations, bytes, kernels and copies of each work, and the least time on each card."""
    from benchmarks.rehearsal import GPU, Rehearsal

    rows: list[Answer] = []
    with Rehearsal() as rehearsal:
        for name, work in works(GPU).items():
            work()  # which makes the filters
            rehearsal.reset()
            work()
            done = rehearsal.operations
            bounds = {
                card: {how: done.bytes / rate + done.kernels * gap for how, gap in GAP.items()}
                for card, rate in BANDWIDTH.items()
            }
            rows.append(
                {
                    "name": name, "gflop": done.total / 1e9, "gbyte": done.bytes / 1e9,
                    "kernels": done.kernels, "reads": rehearsal.reads,
                    "uploads": rehearsal.uploads, "bounds": bounds,
                }
            )  # fmt: skip
    return rows


def measure(repeats: int, say: Callable[[str], None]) -> Answer:
    """Seconds of each work on the GPU that is there.

    Parameters
    ----------
    repeats : int
        Most runs of each.
    say : callable
        Takes the name of what comes next.
    """
    import torch

    from benchmarks.match_targets import families
    from mesosynth.matching.match import Matcher
    from mesosynth.scattering import JTFS
    from mesosynth.scattering.cuda_graph import GraphedFunction

    device = torch.device("cuda", torch.cuda.current_device())
    measured: list[Answer] = []

    def note(name: str, how: str, work: Callable[[], object]) -> None:
        say(f"{name}, {how}")
        measured.append({"name": name, "how": how, "seconds": spread(_seconds(work, repeats))})

    for name, work in works(device).items():
        note(name, "stream", work)
    jtfs = JTFS(
        J=12, J_fr=5, Q=(8, 2), Q_fr=2, shape=ANALYSIS_SAMPLES, F=0, T="global",
        boundary="periodic", tolerance=1e-3,
    )  # fmt: skip
    signals = torch.randn(5, ANALYSIS_SAMPLES, device=device)
    graphed = GraphedFunction(jtfs.jvp)
    note(_TANGENTS, "graph", lambda: graphed(signals[0], signals[1:]))
    pairs = zip(graphed(signals[0], signals[1:]), jtfs.jvp(signals[0], signals[1:]), strict=True)
    error = max(float((a - b).norm() / b.norm()) for a, b in pairs)
    sound = families()["A"].make(0, 0, 0)
    note("match", "match", lambda: Matcher().fit(sound.audio, sound.sample_rate))
    return {
        "device": torch.cuda.get_device_name(device), "measured": measured, "graph_error": error
    }  # fmt: skip


def _seconds(work: Callable[[], object], repeats: int) -> list[float]:
    """Times of some runs, s, after one that makes filters and plans."""
    import torch

    def timed() -> float:
        torch.cuda.synchronize()
        began = time.perf_counter()
        work()
        torch.cuda.synchronize()
        return time.perf_counter() - began

    timed()
    seconds: list[float] = []
    while len(seconds) < repeats and sum(seconds) < _SECONDS:
        seconds.append(timed())
    return seconds


def show(answer: Answer) -> None:
    """Print what --json would show."""
    show_machine(answer["machine"])
    table(
        "Of one work on a GPU: 1e9 operations, 1e9 bytes, kernels, and times that the program "
        "waits for it",
        ["work"], ["Gflop", "GB", "kernels", "waits"],
        [
            [row["name"], number(row["gflop"], ".2f"), number(row["gbyte"], ".2f"),
             f"{row['kernels']}", f"{row['reads']}"]
            for row in answer["work"]
        ],
    )  # fmt: skip
    table(
        "Least milliseconds by published bandwidth and launch cost, launched one by one and in a "
        "CUDA graph",
        ["work"], [f"{card}, {how}" for card in BANDWIDTH for how in GAP],
        [
            [row["name"], *(number(1e3 * row["bounds"][card][how], ".2f")
                            for card in BANDWIDTH for how in GAP)]
            for row in answer["work"]
        ],
    )  # fmt: skip
    if answer["device"] is None:
        console().print("There is no GPU here: nothing was measured.")
        return
    table(
        f"Milliseconds on {answer['device']}",
        ["work", "how"], ["median", "least"],
        [
            [row["name"], row["how"],
             *(number(1e3 * row["seconds"][key], ".2f") for key in ("median", "least"))]
            for row in answer["measured"]
        ],
    )  # fmt: skip
    console().print(f"Graphs differ by {answer['graph_error']:.1e} from single launches.")


if __name__ == "__main__":
    sys.exit(program("gpu", __doc__, add_options, run, show))
