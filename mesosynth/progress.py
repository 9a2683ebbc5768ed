"""A match as a progress bar on standard error."""

import sys
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from mesosynth.matching.messages import MatchStep, table_of


class MatchBar:
    """Shows loss and theta while a match runs; a context manager.

    Parameters
    ----------
    name : str
        What is matched.
    """

    def __init__(self, name: str) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            TimeElapsedColumn(),
            TextColumn("{task.fields[state]}"),
            console=Console(file=sys.stderr, highlight=False),
        )
        # Names may hold what rich takes for markup.
        self._task = self._bar.add_task(name.replace("[", "\\["), total=1.0, state="listening …")

    def show(self, step: MatchStep) -> None:
        """Move the bar to `step`."""
        table = table_of(step.theta)
        ids = table.matchable[:4]
        theta = "  ".join(f"{id_} {table[id_].text(step.theta[id_])}" for id_ in ids)
        self._bar.update(
            self._task, completed=step.progress, state=f"loss {step.loss:.2e}  {theta}"
        )

    def say(self, text: str) -> None:
        """Print a sentence above the bar."""
        self._bar.console.print(text, markup=False)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self._bar.update(self._task, completed=1.0)
        self._bar.stop()
