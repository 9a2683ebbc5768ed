"""A match as a progress bar on standard error."""

import sys
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from mesosynth.matching.results import LayersStep, MatchStep, table_of


class _Bar:
    """A bar and what is said beside it; a context manager.

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

    def move(self, progress: float, state: str) -> None:
        """Move the bar, and say how things stand."""
        self._bar.update(self._task, completed=progress, state=state)

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


class MatchBar(_Bar):
    """Shows loss and theta while a match runs."""

    def show(self, step: MatchStep) -> None:
        """Move the bar to `step`."""
        table = table_of(step.theta)
        theta = "  ".join(
            f"{id_} {table[id_].text(step.theta[id_])}" for id_ in table.matchable[:4]
        )
        self.move(step.progress, f"loss {step.loss:.2e}  {theta}")


class LayersBar(_Bar):
    """Shows how many layers there are, and how alike, while a match with layers runs."""

    def show(self, step: LayersStep) -> None:
        """Move the bar to `step`."""
        count = len(step.layers)
        self.move(
            step.progress,
            f"{count} layer{'s' if count > 1 else ''}  JTFS {step.jtfs:.3f}  "
            f"log-mel {step.log_mel:.3f}",
        )
