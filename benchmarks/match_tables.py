"""The figures of `python -m benchmarks.match` as tables in a terminal of eighty columns."""

import textwrap
from collections.abc import Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks.targets import UNKNOWNS

_BUSY = 0.2  # cores
_MOST_MISSES = 20
_NOTHING = "–"


def show(answer: dict[str, Any]) -> None:
    """Print what --json would show."""
    console = Console(highlight=False, soft_wrap=True, markup=False)
    machine = answer["machine"]
    console.print(
        f"{machine['cpu']}, {machine['cores']} cores, {answer['jobs']} jobs of "
        f"{machine['threads']} threads, {answer['device']}; seed {answer['seed']}"
    )
    if (machine["neighbours"] or 0.0) > _BUSY:
        console.print(
            f"Other programs used {machine['neighbours']:.1f} cores meanwhile: "
            f"do not trust the seconds."
        )
    if not answer["complete"]:
        console.print("Ended early: this is a part.")
    console.print(_families(answer["families"]))
    if answer["coverage"]:
        console.print(_coverage(answer["coverage"]))
    if answer["misses"]:
        console.print(_misses(answer["misses"][:_MOST_MISSES]))
    if len(answer["misses"]) > _MOST_MISSES:
        console.print(f"and {len(answer['misses']) - _MOST_MISSES} more; --json has all.")
    if answer.get("baselines"):
        console.print(_baselines(answer["baselines"]))


def _families(rows: list[dict[str, Any]]) -> Table:
    table = _table(
        "Share of targets whose worst of f_c, f_m, gamma and w is within so much; median and 95th "
        "percentile of that error, of evaluations of the JTFS and of seconds",
        ("targets",),
        ("n", "1%", "2%", "5%", "10%", "error", "95%", "ev.", "95%", "s", "95%"),
    )
    for row in rows:
        success = row["success"] or {}
        table.add_row(
            f"{row['family']} {row['level']}",
            f"{row['targets']}",
            *(_percent(success.get(f"{p}%")) for p in (1, 2, 5, 10)),
            *(_error((row["error"] or {}).get(key)) for key in ("median", "p95")),
            *_both(row["evaluations"], ".0f"),
            *_both(row["seconds"], ".2f"),
        )
    return table


def _coverage(rows: list[dict[str, Any]]) -> Table:
    table = _table(
        "In noise: share of targets within the stated 95% interval (should be 90% to 99%), and the "
        "root mean square of error over stated deviation (should be 1)",
        ("level",),
        ("n", *(heading for id_ in UNKNOWNS for heading in (id_, "rms"))),
    )
    for level in dict.fromkeys(row["level"] for row in rows):
        of_level = [row for row in rows if row["level"] == level]
        cells = [
            cell
            for row in of_level
            for cell in (_percent(row["share"]), _number(row["rms_z"], ".2f"))
        ]
        table.add_row(level, f"{of_level[0]['targets']}", *cells)
    return table


def _misses(rows: list[dict[str, Any]]) -> Table:
    table = _table(
        "Not found, worst first: the truth, and what came instead",
        ("target",),
        ("error", *UNKNOWNS),
    )
    for row in rows:
        name = " ".join(filter(None, (row["family"], row["level"], f"{row['index']}")))
        truth = [_number(row["truth"][id_], ".4g") for id_ in row["truth"]]
        if row["failure"]:
            table.add_row(name, "failed", *truth)
            continue
        theta = [_number(row["theta"][id_], ".4g") for id_ in row["truth"]]
        pairs = [f"{true}→{found}" for true, found in zip(truth, theta, strict=True)]
        table.add_row(name, _error(row["error"]), *pairs)
    return table


def _baselines(rows: list[dict[str, Any]]) -> Table:
    table = _table(
        "Ours (mesosynth) and others on the same targets: found, and median error, with as many "
        "evaluations as ours, as many seconds, and in four times these seconds; median seconds "
        "until found",
        ("targets", "method and start"),
        ("ev.", "error", "s", "error", "4 s", "error", "s"),
    )
    for row in rows:
        ends = [row[name] for name in ("equal_evaluations", "equal_seconds", "at_last")]
        cells = [cell for end in ends for cell in (_percent(end["success"]), _error(end["error"]))]
        table.add_row(
            row["targets"], f"{row['method']}, {row['start']}", *cells,
            _number(row["seconds_to_find"], ".2f"),
        )  # fmt: skip
    return table


def _table(title: str, names: Sequence[str], numbers: Sequence[str]) -> Table:
    table = Table(
        title=textwrap.fill(title, 78), title_justify="left", title_style="", box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0), show_edge=False,
    )  # fmt: skip
    for name in names:
        table.add_column(name)  # long names break, numbers do not
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _both(values: dict[str, float | None] | None, form: str) -> tuple[str, str]:
    if values is None:
        return _NOTHING, _NOTHING
    return _number(values["median"], form), _number(values["p95"], form)


def _percent(share: float | None) -> str:
    """A share without a decimal, unless that makes almost all look like all."""
    if share is None:
        return _NOTHING
    return f"{share:.1%}" if 0.98 < share < 1.0 else f"{share:.0%}"


def _error(value: float | None) -> str:
    """Two digits or three."""
    if value is None:
        return _NOTHING
    return f"{value:.2%}" if value < 0.01 else f"{value:.1%}" if value < 0.1 else f"{value:.0%}"


def _number(value: float | None, form: str) -> str:
    return _NOTHING if value is None else format(value, form)
