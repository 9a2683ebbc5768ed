"""Progress bar of all commands, on standard error."""

import sys
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


class ProgressBar:
    """Name, bar, time and state of one piece of work; a context manager.

    Parameters
    ----------
    name : str
        Stands before the bar.
    total : float, optional
        The work; None as long as it is not known.
    state : str
        Stands behind the bar.
    counts : bool
        Show "3/57" behind the bar.
    remaining : bool
        Show an estimate of the time left.
    """

    def __init__(
        self,
        name: str,
        total: float | None = 1.0,
        state: str = "",
        *,
        counts: bool = False,
        remaining: bool = False,
    ) -> None:
        # Names may hold what rich takes for markup.
        columns: list[ProgressColumn] = [
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=30),
        ]
        if counts:
            columns.append(MofNCompleteColumn())
        columns.append(TimeElapsedColumn())
        if remaining:
            columns += [TextColumn("left"), TimeRemainingColumn()]
        columns.append(TextColumn("{task.fields[state]}", markup=False))
        console = Console(file=sys.stderr, highlight=False)
        self._progress = Progress(*columns, console=console)
        self._task = self._progress.add_task(name, total=total, state=state)

    def move(self, completed: float, state: str = "") -> None:
        """Show progress.

        Parameters
        ----------
        completed : float
            Work done so far.
        state : str
            Stands behind the bar.
        """
        self._progress.update(self._task, completed=completed, state=state)

    def advance(self) -> None:
        """Add 1 to the work done so far."""
        self._progress.advance(self._task)

    def restart(self, name: str, total: float, completed: float = 0.0) -> None:
        """Start the bar anew.

        Parameters
        ----------
        name : str
            Stands before the bar.
        total : float
            The work.
        completed : float
            Done by an earlier run, which says nothing about the speed of this one.
        """
        self._progress.reset(self._task, total=total, completed=int(completed), description=name)

    def say(self, text: str) -> None:
        """Print a sentence above the bar."""
        self._progress.console.print(text, markup=False)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            task = self._progress.tasks[0]
            self._progress.update(self._task, completed=task.total or task.completed)
        self._progress.stop()
