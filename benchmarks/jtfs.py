"""Cost of the transform beside this machine's limits and beside its peers.

Each case runs in a process of its own, with `--threads` threads: built, run twice to warm up, run
`--repeats` times, and once more under :mod:`benchmarks.counting`. Seconds are those of one
evaluation; memory is the highest resident set during the repeats above the one of the interpreter
with torch (see :class:`benchmarks.children.serving.Memory`).

With --json, one object::

    schema      1; grows with any change that a reader of an older one would notice
    machine     facts, see :func:`benchmarks.machine.machine_facts`; and neighbours, how many
                cores other programs took on average meanwhile, or null: above some 0.2, do not
                trust the figures
    rates       {device: rates}, see :func:`benchmarks.rates.measure_rates`; the best of a
                measurement before and one after the cases
    cases       a list of
        case            arguments of :class:`benchmarks.cases.Case`
        name            form/work/mode
        samples, padded length of the signal, and with its padding
        build_seconds   to build the transform
        seconds         {median, low, high, least}: quartiles and the best of the repeats
        repeats
        peak_mb         or null where the system does not tell
        device_mb       peak memory of the GPU, or null
        gflop           {matmul, fft, elementwise}: 1e9 operations in one evaluation
        gbyte           1e9 bytes read and written by its operations, in cache or not
        gflops          1e9 operations a second, all together
        share           {matmul, fft, memory}: what it does of each in a second, of the machine's
                        best rate; memory may pass 1, as caches are faster than memory
    lengths     with --lengths, such cases, and
        per_n_log_n     seconds / (n log2 n) over the same of four seconds at 8192 Hz
        per_N_log_N     the same with the padded length
    peers       with --peers, see :mod:`benchmarks.peers`
"""

import argparse
import math
import sys
from typing import Any

from benchmarks.cases import SAMPLE_RATE, SAMPLES, Case, length_cases, paper_cases
from benchmarks.child import Child
from benchmarks.harness import program
from benchmarks.machine import Neighbours, machine_facts
from benchmarks.narration import Narration
from benchmarks.spread import spread
from mesosynth.errors import ArgumentError
from mesosynth.system.cpu import worker_threads

SCHEMA = 1
_WARM_UP = 2
_LENGTH_REPEATS = 3


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `python -m benchmarks.jtfs`."""
    parser.add_argument("--lengths", action="store_true", help="also the cost against the length")
    parser.add_argument(
        "--peers",
        action="store_true",
        help="also Kymatio 0.4 and SCRAPL, in an environment of theirs",
    )
    parser.add_argument(
        "--threads", metavar="N", type=_positive, default=worker_threads(),
        help="threads of torch (default: as many as the matcher takes, %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--device", metavar="D", choices=("cpu", "cuda"), help="one device alone (default: all)"
    )
    parser.add_argument(
        "--only", metavar="WORD", default="", help="cases whose name form/work/mode holds WORD"
    )
    parser.add_argument(
        "--sound", choices=("arpeggio", "noise"), default="arpeggio",
        help="the paper's target, or white noise, of which nothing can be left out",
    )  # fmt: skip
    parser.add_argument("--repeats", metavar="N", type=_positive, default=9)
    parser.add_argument(
        "--rounds", metavar="N", type=_positive, default=3, help="of ours and the peers in turn"
    )
    parser.add_argument(
        "--gradients", metavar="N", type=int, default=2,
        help="rounds with Kymatio's gradient: a minute and 15 GB (default: %(default)s)",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure, print tables unless JSON is wanted, and return what --json shows."""
    from benchmarks.environment import peers_python
    from benchmarks.peers import check_memory, measure_peers

    cases = [case for case in _all_cases(arguments) if arguments.only in case.name]
    if not cases:
        raise ArgumentError(f"--only {arguments.only} fits no case; names are form/work/mode.")
    if arguments.peers and arguments.gradients > 0:
        check_memory()
    threads: int = arguments.threads
    answer: dict[str, Any] = {"schema": SCHEMA, "machine": machine_facts(threads)}
    neighbours = Neighbours()
    with Narration() as say:
        # What may fail comes before what takes minutes.
        python = peers_python(say) if arguments.peers else None
        devices = sorted({case.device for case in cases})
        before = {device: _rates(device, threads, say) for device in devices}
        answer["cases"] = [measure(case, threads, arguments.repeats, say) for case in cases]
        if arguments.lengths:
            answer["lengths"] = _lengths(devices[0], arguments.only, threads, say)
        if python is not None:
            answer["peers"] = measure_peers(
                python, cases, threads, arguments.rounds, arguments.gradients, say
            )
        answer["rates"] = {
            device: _best(before[device], _rates(device, threads, say)) for device in devices
        }
    for row in (*answer["cases"], *answer.get("lengths", [])):
        row["share"] = _share(row, answer["rates"][row["case"]["device"]])
    answer["machine"]["neighbours"] = neighbours.cores()
    if not arguments.json:
        from benchmarks.tables import show

        show(answer)
    return answer


def measure(case: Case, threads: int, repeats: int, say: Narration) -> dict[str, Any]:
    """One entry of "cases", without the share."""
    say(f"{case.name}, {case.samples} samples")
    with Child.of_mesosynth(threads) as child:
        build = child.prepare("case", {"run": case.as_json()})
        child.run("case", _WARM_UP)
        measured = child.run("case", repeats)
        child.prepare("count", {"count": case.as_json()})
        counted = child.report("count")
    seconds = spread(measured.seconds)
    kinds = ("matmul", "fft", "elementwise")
    return {
        "case": case.as_json(),
        "name": case.name,
        "samples": case.samples,
        "padded": counted["padded"],
        "build_seconds": build,
        "seconds": seconds,
        "repeats": repeats,
        "peak_mb": measured.megabytes,
        "device_mb": counted["device_megabytes"],
        "gflop": {kind: counted[kind] / 1e9 for kind in kinds},
        "gbyte": counted["bytes"] / 1e9,
        "gflops": sum(counted[kind] for kind in kinds) / 1e9 / seconds["median"],
    }


def _share(row: dict[str, Any], rates: dict[str, float]) -> dict[str, float]:
    """What a case does of each kind in a second, of what the machine can do."""
    seconds = row["seconds"]["median"]
    return {
        "matmul": row["gflop"]["matmul"] / seconds / rates["matmul_gflops"],
        "fft": row["gflop"]["fft"] / seconds / rates["fft_gflops"],
        "memory": row["gbyte"] / seconds / rates["copy_gb_s"],
    }


def _all_cases(arguments: argparse.Namespace) -> list[Case]:
    devices = ["cpu"]
    if arguments.device != "cpu":
        import torch  # takes seconds

        if torch.cuda.is_available():
            devices.append("cuda")
        elif arguments.device == "cuda":
            raise ArgumentError("--device cuda: torch finds no such device here; use cpu.")
    if arguments.device is not None:
        devices = [arguments.device]
    return paper_cases(devices, arguments.sound)


def _rates(device: str, threads: int, say: Narration) -> dict[str, float]:
    say(f"what this machine can do on {device}")
    with Child.of_mesosynth(threads) as child:
        child.prepare("rates", {"rates": device})
        return _best(child.report("rates"), child.report("rates"))


def _best(one: dict[str, float], other: dict[str, float]) -> dict[str, float]:
    """The higher of two measurements of each rate: others on the machine only lower them."""
    return {name: max(rate, other[name]) for name, rate in one.items()}


def _lengths(device: str, only: str, threads: int, say: Narration) -> list[dict[str, Any]]:
    """The entries of "lengths"."""
    rows = [
        measure(case, threads, _LENGTH_REPEATS, say)
        for case in length_cases(device)
        if only in case.name
    ]
    _relative_cost(rows)
    return rows


def _relative_cost(rows: list[dict[str, Any]]) -> None:
    """Add per_n_log_n and per_N_log_N, relative to the paper's length in the same mode."""
    paper = {
        row["case"]["mode"]: row
        for row in rows
        if (row["samples"], row["case"]["sample_rate"]) == (SAMPLES, SAMPLE_RATE)
    }
    for row in rows:
        reference = paper[row["case"]["mode"]]
        for key, length in (("per_n_log_n", "samples"), ("per_N_log_N", "padded")):
            row[key] = _per_n_log_n(row, length) / _per_n_log_n(reference, length)


def _per_n_log_n(row: dict[str, Any], length: str) -> float:
    return row["seconds"]["median"] / (row[length] * math.log2(row[length]))


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} must be at least 1")
    return value


if __name__ == "__main__":
    sys.exit(program("jtfs", __doc__, add_options, run))
