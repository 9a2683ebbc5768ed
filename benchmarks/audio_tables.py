"""The figures of `python -m benchmarks.audio` as tables in a terminal."""

from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

_BUSY = 0.2  # cores


def show(answer: dict[str, Any]) -> None:
    """Print what --json would show."""
    console = Console(highlight=False, soft_wrap=True)
    machine, memory = answer["machine"], answer["memory"]
    milliseconds = 1000.0 * answer["block"] / answer["sample_rate"]
    console.print(
        f"{machine['cpu']}; {answer['sample_rate']} Hz, blocks of {answer['block']} frames, "
        f"{milliseconds:.2f} ms each"
    )
    if (machine["neighbours"] or 0.0) > _BUSY:
        console.print(
            f"Other programs used {machine['neighbours']:.1f} cores meanwhile: "
            f"do not trust these figures."
        )
    console.print(_table("What a player hears, limiter and meters included", answer["scenes"]))
    console.print(_table("Each alone", answer["plugins"]))
    console.print(
        f"Arrays after {memory['blocks']} blocks: {memory['growth_bytes']:+d} bytes; "
        f"blocks in which one was allocated: {memory['blocks_with_arrays']}"
    )


def _table(title: str, rows: list[dict[str, Any]]) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, title_style="")
    table.add_column("share of a block on one core")
    scenes = "own_work" in rows[0]
    for name in ("median", "99%", "longest", *(("by itself",) if scenes else ())):
        table.add_column(name, justify="right")
    for row in rows:
        shares = [row["share"][key] for key in ("median", "p99", "longest")]
        shares += [row["own_work"]] if scenes else []
        table.add_row(row["name"], *(f"{100.0 * share:.1f}%" for share in shares))
    return table
