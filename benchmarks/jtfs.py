"""Cost of the transform beside this machine's limits and beside its peers.

Each case runs in a process of its own, with `--threads` threads: built, run twice to warm up, run
`--repeats` times, and once more under :mod:`benchmarks.operations`. Seconds are those of one
evaluation; memory is the highest resident set during the repeats above the one of the interpreter
with torch (see :class:`benchmarks.children.serving.Memory`).

With --json, one object::

    schema      2; grows with any change that a reader of an older one would notice
    machine     see :meth:`benchmarks.harness.Environment.record`
    rates       {device: rates}, see :func:`benchmarks.operations.measure_rates`; the best of a
                measurement before and one after the cases
    cases       a list of
        case            arguments of :class:`benchmarks.jtfs_case.Case`
        name            form/work/mode
        samples, padded length of the signal, and with its padding
        build_seconds   to build the transform
        seconds         of the repeats, see :func:`benchmarks.harness.spread`
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

from benchmarks.child import Child
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
from benchmarks.jtfs_case import SAMPLE_RATE, SAMPLES, Case, length_cases, paper_cases
from mesosynth.errors import ArgumentError
from mesosynth.system.cpu import worker_threads

SCHEMA = 2
_WARM_UP = 2
_LENGTH_REPEATS = 3


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options to `parser`."""
    parser.add_argument("--lengths", action="store_true", help="also the cost against the length")
    parser.add_argument(
        "--peers",
        action="store_true",
        help="also Kymatio 0.4 and SCRAPL, in an environment of theirs",
    )
    parser.add_argument(
        "--threads", metavar="N", type=at_least(1), default=worker_threads(),
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
    parser.add_argument("--repeats", metavar="N", type=at_least(1), default=9)
    parser.add_argument(
        "--rounds", metavar="N", type=at_least(1), default=3, help="of ours and the peers in turn"
    )
    parser.add_argument(
        "--gradients", metavar="N", type=int, default=2,
        help="rounds with Kymatio's gradient: a minute and 15 GB (default: %(default)s)",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> Answer:
    """Measure, and return what --json shows."""
    from benchmarks.peers import check_memory, measure_peers, peers_python

    cases = [case for case in _all_cases(arguments) if arguments.only in case.name]
    if not cases:
        raise ArgumentError(f"--only {arguments.only} fits no case; names are form/work/mode.")
    if arguments.peers and arguments.gradients > 0:
        check_memory()
    threads: int = arguments.threads
    answer: Answer = {"schema": SCHEMA}
    environment = Environment(threads)
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
    answer["machine"] = environment.record()
    return answer


def measure(case: Case, threads: int, repeats: int, say: Narration) -> Answer:
    """One entry of "cases", without the share.

    Parameters
    ----------
    case : Case
    threads : int
        Of torch.
    repeats : int
    say : Narration
    """
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


def _share(row: Answer, rates: dict[str, float]) -> dict[str, float]:
    """Operations a second of each kind, over the machine's best rate."""
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


def _lengths(device: str, only: str, threads: int, say: Narration) -> list[Answer]:
    """The entries of "lengths"."""
    rows = [
        measure(case, threads, _LENGTH_REPEATS, say)
        for case in length_cases(device)
        if only in case.name
    ]
    _relative_cost(rows)
    return rows


def _relative_cost(rows: list[Answer]) -> None:
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


def _per_n_log_n(row: Answer, length: str) -> float:
    return row["seconds"]["median"] / (row[length] * math.log2(row[length]))


# ---------------------------------------------------------------------- tables


def show(answer: Answer) -> None:
    """Print what --json would show."""
    machine = answer["machine"]
    show_machine(machine, f", {machine['threads']} threads, torch {machine['torch']}")
    for device, rates in answer["rates"].items():
        console().print(
            f"{device}: matrix products {rates['matmul_gflops']:.0f} GFLOP/s, "
            f"FFTs {rates['fft_gflops']:.0f} GFLOP/s, copies {rates['copy_gb_s']:.0f} GB/s, "
            f"in cache {rates['cached_copy_gb_s']:.0f} GB/s"
        )
    table(
        "One evaluation; shares of this machine's best rates, where reading from a cache may pass "
        "100% of what memory gives",
        ["case"], ["ms", "±", "MB", "GFLOP", "GFLOP/s", "matmul", "FFT", "copy"],
        map(_case_row, answer["cases"]),
    )  # fmt: skip
    if "lengths" in answer:
        table(
            "Cost of frames/jvp4 against the length: seconds over n log n, of the signal (n) and "
            "of the padded signal (N); 1.00 is four seconds at 8192 Hz",
            ["mode"], ["s", "Hz", "n", "N", "seconds", "n log n", "N log N", "MB"],
            map(_length_row, answer["lengths"]),
        )  # fmt: skip
    if "peers" not in answer:
        return
    table(
        "Peers, one evaluation", ["case"], ["seconds", "±", "MB"],
        (
            [row["name"], f"{row['seconds']['median']:.3f}", f"{_half_range(row['seconds']):.3f}",
             number(row["peak_mb"], ".0f")]
            for row in answer["peers"]["theirs"]
        ),
    )  # fmt: skip
    table(
        "How many times faster, in the same rounds; error of the numbers themselves",
        ["ours", "theirs"], ["times", "±", "rounds", "error"],
        (
            [row["ours"], row["theirs"], _three_digits(row["ratio"]["median"]),
             _three_digits(_half_range(row["ratio"])), f"{row['rounds']}",
             number(row["error"], ".1e")]
            for row in answer["peers"]["ratios"]
        ),
    )  # fmt: skip


def _case_row(case: Answer) -> list[str]:
    seconds, share = case["seconds"], case["share"]
    return [
        case["name"],
        f"{1e3 * seconds['median']:.1f}",
        f"{1e3 * _half_range(seconds):.1f}",
        number(case["peak_mb"], ".0f"),
        f"{sum(case['gflop'].values()):.2f}",
        f"{case['gflops']:.0f}",
        *(f"{share[kind]:.0%}" for kind in ("matmul", "fft", "memory")),
    ]


def _length_row(row: Answer) -> list[str]:
    rate = row["case"]["sample_rate"]
    return [
        row["case"]["mode"],
        f"{row['samples'] / rate:g}",
        f"{rate}",
        f"{row['samples']}",
        f"{row['padded']}",
        f"{row['seconds']['median']:.3f}",
        f"{row['per_n_log_n']:.2f}",
        f"{row['per_N_log_N']:.2f}",
        number(row["peak_mb"], ".0f"),
    ]


def _half_range(values: dict[str, float]) -> float:
    """Half of what lies between the quartiles."""
    return (values["high"] - values["low"]) / 2.0


def _three_digits(value: float) -> str:
    """At least three, and no exponent."""
    return f"{value:.0f}" if value >= 100.0 else f"{value:.3g}"


if __name__ == "__main__":
    sys.exit(program("jtfs", __doc__, add_options, run, show))
