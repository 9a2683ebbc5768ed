"""The figures of `python -m benchmarks.jtfs` as tables in a terminal of eighty columns."""

import textwrap
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

_BUSY = 0.2  # cores


def show(answer: dict[str, Any]) -> None:
    """Print what --json would show."""
    console = Console(highlight=False, soft_wrap=True)
    machine = answer["machine"]
    console.print(
        f"{machine['cpu']}, {machine['cores']} cores, {machine['threads']} threads, "
        f"torch {machine['torch']}"
    )
    if (machine["neighbours"] or 0.0) > _BUSY:
        console.print(
            f"Other programs used {machine['neighbours']:.1f} cores meanwhile: "
            f"do not trust these figures."
        )
    for device, rates in answer["rates"].items():
        console.print(
            f"{device}: matrix products {rates['matmul_gflops']:.0f} GFLOP/s, "
            f"FFTs {rates['fft_gflops']:.0f} GFLOP/s, "
            f"copies {rates['copy_gb_s']:.0f} GB/s, in cache {rates['cached_copy_gb_s']:.0f} GB/s"
        )
    console.print(_cases(answer["cases"]))
    if "lengths" in answer:
        console.print(_lengths(answer["lengths"]))
    if "peers" in answer:
        console.print(_theirs(answer["peers"]))
        console.print(_ratios(answer["peers"]))


def _cases(cases: list[dict[str, Any]]) -> Table:
    table = _table(
        "One evaluation; shares of this machine's best rates, where reading from a cache may pass "
        "100% of what memory gives",
        "case", "ms", "±", "MB", "GFLOP", "GFLOP/s", "matmul", "FFT", "copy",
    )  # fmt: skip
    for case in cases:
        seconds, share = case["seconds"], case["share"]
        table.add_row(
            case["name"],
            f"{1e3 * seconds['median']:.1f}",
            f"{1e3 * _half_range(seconds):.1f}",
            _number(case["peak_mb"], ".0f"),
            f"{sum(case['gflop'].values()):.2f}",
            f"{case['gflops']:.0f}",
            *(f"{share[kind]:.0%}" for kind in ("matmul", "fft", "memory")),
        )
    return table


def _lengths(rows: list[dict[str, Any]]) -> Table:
    table = _table(
        "Cost of frames/jvp4 against the length: seconds over n log n, of the signal (n) and of "
        "the padded signal (N); 1.00 is four seconds at 8192 Hz",
        "mode", "s", "Hz", "n", "N", "seconds", "n log n", "N log N", "MB",
    )  # fmt: skip
    for row in rows:
        rate = row["case"]["sample_rate"]
        table.add_row(
            row["case"]["mode"],
            f"{row['samples'] / rate:g}",
            f"{rate}",
            f"{row['samples']}",
            f"{row['padded']}",
            f"{row['seconds']['median']:.3f}",
            f"{row['per_n_log_n']:.2f}",
            f"{row['per_N_log_N']:.2f}",
            _number(row["peak_mb"], ".0f"),
        )
    return table


def _theirs(peers: dict[str, Any]) -> Table:
    table = _table("Peers, one evaluation", "case", "seconds", "±", "MB")
    for row in peers["theirs"]:
        seconds = row["seconds"]
        table.add_row(
            row["name"],
            f"{seconds['median']:.3f}",
            f"{_half_range(seconds):.3f}",
            _number(row["peak_mb"], ".0f"),
        )
    return table


def _ratios(peers: dict[str, Any]) -> Table:
    table = _table(
        "How many times faster, in the same rounds; error of the numbers themselves",
        "ours", "theirs", "times", "±", "rounds", "error",
    )  # fmt: skip
    for row in peers["ratios"]:
        ratio = row["ratio"]
        table.add_row(
            row["ours"],
            row["theirs"],
            _three_digits(ratio["median"]),
            _three_digits(_half_range(ratio)),
            f"{row['rounds']}",
            _number(row["error"], ".1e"),
        )
    return table


def _table(title: str, first: str, *others: str) -> Table:
    title = textwrap.fill(title, 78)
    table = Table(
        title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False
    )
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, justify="left" if name == "theirs" else "right", no_wrap=True)
    return table


def _half_range(values: dict[str, float]) -> float:
    """Half of what lies between the quartiles."""
    return (values["high"] - values["low"]) / 2.0


def _three_digits(value: float) -> str:
    """At least three, and no exponent."""
    return f"{value:.0f}" if value >= 100.0 else f"{value:.3g}"


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
