"""Cost of the transform beside this machine's limits and beside its peers.

Each case runs in a process of its own, with `--threads` threads: built, run twice to warm up, run
`--repeats` times, and once more under :mod:`benchmarks.operations`. Seconds are those of one
evaluation, of the clock on the wall or with ``--clock cpu`` of the processor; memory is the highest
resident set during the repeats above the one of the interpreter with torch (see
:class:`benchmarks.children.serving.Memory`). ``--peers`` measures all that the transform is meant
to reach, in one run.

With --json, one object::

    schema      3; grows with any change that a reader of an older one would notice
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
    clock       "wall", or "cpu": what all seconds are
    peers       with --peers, see :mod:`benchmarks.peers`
    numbers     with --peers, see :func:`benchmarks.kymatio_numbers.compare`
    batches     with --peers, a list of {work, ratio (spread)}: seconds of a lean batch of 16 over
                those of 16 single calls, in the same rounds
    lines       with --peers, a list of {line, figure, bar, holds}: what the transform is meant to
                reach; figure is null for what was not measured
"""

import argparse
import math
import sys
from pathlib import Path

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
from benchmarks.jtfs_case import (
    BATCH,
    SAMPLE_RATE,
    SAMPLES,
    SCRAPL_BATCH,
    Case,
    batch_cases,
    length_cases,
    paper_cases,
    scrapl_cases,
)
from mesosynth.errors import ArgumentError
from mesosynth.system.cpu import worker_threads

SCHEMA = 3
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
        "--peers-python", metavar="FILE", type=Path,
        help="interpreter of an environment that holds the peers (default: one is made)",
    )  # fmt: skip
    parser.add_argument(
        "--clock", choices=("wall", "cpu"), default="wall",
        help="cpu: processor seconds, for a machine that others use; take one thread then",
    )  # fmt: skip
    parser.add_argument(
        "--threads", metavar="N", type=at_least(1), default=worker_threads(),
        help="threads of torch (default: as many as the matcher takes, %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--device", metavar="D", choices=("cpu", "cuda"), help="one device alone (default: all)"
    )
    parser.add_argument(
        "--only",
        metavar="WORD,...",
        default="",
        help="cases whose name form/work/mode holds one of these words",
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
    from benchmarks.kymatio_numbers import compare
    from benchmarks.peers import check_memory, measure_peers, peers_python

    cases = [case for case in _all_cases(arguments) if _is_wanted(case, arguments.only)]
    if not cases:
        raise ArgumentError(f"--only {arguments.only} fits no case; names are form/work/mode.")
    if arguments.peers and arguments.gradients > 0:
        check_memory()
    threads: int = arguments.threads
    answer: Answer = {"schema": SCHEMA}
    environment = Environment(threads)
    with Narration() as say:
        # What may fail comes before what takes minutes.
        python = peers_python(say, arguments.peers_python) if arguments.peers else None
        devices = sorted({case.device for case in cases})
        before = {device: _rates(device, threads, say) for device in devices}
        answer["clock"] = arguments.clock
        answer["cases"] = [
            measure(case, threads, arguments.repeats, say, arguments.clock) for case in cases
        ]
        if arguments.lengths:
            answer["lengths"] = _lengths(devices[0], arguments.only, threads, say)
        if python is not None:
            answer["peers"] = measure_peers(
                python, cases, threads, arguments.rounds, arguments.gradients, say,
                arguments.clock,
            )  # fmt: skip
            answer["numbers"] = compare(python, threads, say)
            answer["batches"] = _batches(arguments, say)
        answer["rates"] = {
            device: _best(before[device], _rates(device, threads, say)) for device in devices
        }
    for row in (*answer["cases"], *answer.get("lengths", [])):
        row["share"] = _share(row, answer["rates"][row["case"]["device"]])
    if python is not None:
        answer["lines"] = _lines(answer)
    answer["machine"] = environment.record()
    return answer


def _is_wanted(case: Case, words: str) -> bool:
    """Whether the case's name holds one of some words, which commas separate."""
    return any(word in case.name for word in words.split(","))


def measure(case: Case, threads: int, repeats: int, say: Narration, clock: str = "wall") -> Answer:
    """One entry of "cases", without the share.

    Parameters
    ----------
    case : Case
    threads : int
        Of torch.
    repeats : int
    say : Narration
    clock : {"wall", "cpu"}
        What the seconds are.
    """
    say(f"{case.name}, {case.samples} samples")
    with Child.of_mesosynth(threads, clock) as child:
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
    cases = paper_cases(devices, arguments.sound)
    return [*cases, *scrapl_cases(arguments.sound)] if "cpu" in devices else cases


def _batches(arguments: argparse.Namespace, say: Narration) -> list[Answer]:
    """The entries of "batches"."""
    rows: list[Answer] = []
    with Child.of_mesosynth(arguments.threads, arguments.clock) as child:
        for together, apart in batch_cases(arguments.sound):
            say(together.name)
            for case in (together, apart):
                child.prepare(case.name, {"run": case.as_json()})
                child.run(case.name, 1)
            rounds = [
                child.run(together.name, 1).seconds[0] / child.run(apart.name, 1).seconds[0]
                for _ in range(arguments.repeats)
            ]
            rows.append({"work": together.work, "ratio": spread(rounds)})
    return rows


def _lines(answer: Answer) -> list[Answer]:
    """The entries of "lines"."""
    ratios = {
        (row["ours"], row["theirs"]): row["ratio"]["median"] for row in answer["peers"]["ratios"]
    }
    batch = f"batch of {SCRAPL_BATCH}"
    memory = {row["name"]: row["peak_mb"] for row in answer["cases"]}
    numbers = answer["numbers"]
    ours = [
        ("global/jvp4/lean", "kymatio/global/gradient", 1000.0),
        ("frames/jvp4/exact", "kymatio/frames/gradient", 250.0),
        ("frames/value/exact", "kymatio/frames/value", 250.0),
        (f"scrapl/reverse/exact/{batch}", "scrapl/scrapl/gradient", 1.0),
        (f"scrapl/reverse/lean/{batch}", "scrapl/scrapl/gradient", 1.0),
    ]
    least = [(f"{a}, times faster than {b}", ratios.get((a, b)), bar) for a, b, bar in ours]
    most: list[tuple[str, float | None, float]] = [
        (f"error of {numbers['count']} transforms, float32", numbers["float32"], 1e-5),
        (f"error of {numbers['count']} transforms, float64", numbers["float64"], 1e-10),
        (f"meta of {numbers['count']} transforms, different", numbers["meta"], 0),
        (f"scrapl/reverse/exact/{batch}, MB", memory.get(ours[3][0]), 1000.0),
        *((f"{row['work']}/lean, batch of {BATCH} over singles", row["ratio"]["median"], 0.8)
          for row in answer["batches"]),
    ]  # fmt: skip
    return [
        {"line": line, "figure": figure, "bar": bar,
         "holds": None if figure is None else (figure >= bar if is_least else figure <= bar)}
        for is_least, rows in ((True, least), (False, most))
        for line, figure, bar in rows
    ]  # fmt: skip


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
        if _is_wanted(case, only)
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
    table(
        "What the transform is meant to reach",
        ["line"], ["measured", "bar", "holds"],
        (
            [row["line"], number(row["figure"], ".3g"), f"{row['bar']:g}",
             {True: "yes", False: "no", None: "-"}[row["holds"]]]
            for row in answer["lines"]
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
