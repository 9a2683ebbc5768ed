"""The figures of `mesosynth bench jtfs` as tables in a terminal."""

from typing import Any

from rich.console import Console
from rich.table import Table


def show(answer: dict[str, Any]) -> None:
    """Print what --json would show."""
    console = Console(highlight=False)
    machine = answer["machine"]
    console.print(
        f"{machine['cpu']}, {machine['cores']} cores, {machine['threads']} threads, "
        f"torch {machine['torch']}"
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
        "One evaluation", "case", "ms", "quartiles", "a second", "MB", "GFLOP", "GFLOP/s",
        "of matmul", "of FFT", "of copy",
    )  # fmt: skip
    for case in cases:
        seconds, share = case["seconds"], case["share"]
        table.add_row(
            case["name"],
            f"{1e3 * seconds['median']:.1f}",
            f"{1e3 * seconds['low']:.1f}-{1e3 * seconds['high']:.1f}",
            f"{1.0 / seconds['median']:.1f}",
            _number(case["peak_mb"], ".0f"),
            f"{sum(case['gflop'].values()):.2f}",
            f"{case['gflops']:.0f}",
            *(f"{share[kind]:.0%}" for kind in ("matmul", "fft", "memory")),
        )
    return table


def _lengths(rows: list[dict[str, Any]]) -> Table:
    table = _table(
        "Cost against length; 1 is four seconds at 8192 Hz", "case", "s", "Hz", "samples",
        "padded", "seconds", "per n log n", "per N log N, padded", "MB",
    )  # fmt: skip
    for row in rows:
        rate = row["case"]["sample_rate"]
        table.add_row(
            row["name"],
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
    table = _table("Peers", "case", "seconds", "quartiles", "MB")
    for row in peers["theirs"]:
        seconds = row["seconds"]
        table.add_row(
            row["name"],
            f"{seconds['median']:.3f}",
            f"{seconds['low']:.3f}-{seconds['high']:.3f}",
            _number(row["peak_mb"], ".0f"),
        )
    return table


def _ratios(peers: dict[str, Any]) -> Table:
    table = _table(
        "How many times faster, in the same rounds", "ours", "theirs", "times faster",
        "quartiles", "rounds", "difference",
    )  # fmt: skip
    for row in peers["ratios"]:
        ratio = row["ratio"]
        table.add_row(
            row["ours"],
            row["theirs"],
            f"{ratio['median']:.3g}",
            f"{ratio['low']:.3g}-{ratio['high']:.3g}",
            f"{row['rounds']}",
            _number(row["error"], ".1e"),
        )
    return table


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column(first)
    for name in others:
        table.add_column(name, justify="left" if name == "theirs" else "right")
    return table


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
