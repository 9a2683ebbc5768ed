"""Command line, environment record, statistics, tables and narration of all benchmarks.

A benchmark is a module with ``add_options(parser)``; ``run(arguments)``, which returns one JSON
object; and ``show(answer)``, which prints it for people. :func:`program` makes a command of them.
"""

import argparse
import contextlib
import json
import os
import platform
import statistics
import sys
import textwrap
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from mesosynth.errors import ArgumentError, MesosynthError
from mesosynth.system.cpu import cores

if TYPE_CHECKING:
    from rich.status import Status

USAGE_ERROR = 2
INTERRUPTED = 130
BUSY = 0.2
"""Cores that other programs may take before figures are not to be trusted."""

NOTHING = "–"
"""In a table, where there is no number."""

_GIGABYTE = 1e9
_WIDTH = 78  # characters

Answer = dict[str, Any]

# ---------------------------------------------------------------------- command line


class _Parser(argparse.ArgumentParser):
    """Mistakes on the command line are errors like all others."""

    def error(self, message: str) -> NoReturn:
        raise ArgumentError(f"{message}; see python -m {self.prog} --help.")


def program(
    name: str,
    about: str | None,
    add_options: Callable[[argparse.ArgumentParser], None],
    run: Callable[[argparse.Namespace], Answer],
    show: Callable[[Answer], None],
    argv: Sequence[str] | None = None,
) -> int:
    """Run a benchmark as a program.

    Parameters
    ----------
    name : str
        Of its module in this package.
    about : str or None
        What --help says.
    add_options : callable
        Takes the parser.
    run : callable
        Takes the parsed arguments; returns what --json prints.
    show : callable
        Prints that for people.
    argv : sequence of str, optional
        Words of the command line; None is this process's own.

    Returns
    -------
    int
        Exit status: 0, 2 for an error, 130 for Ctrl-C.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    parser = _Parser(
        prog=f"benchmarks.{name}", description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    add_options(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    try:
        answer = run(parser.parse_args(words))
        if "--json" in words:
            print(json.dumps(answer, allow_nan=False))
        else:
            show(answer)
        sys.stdout.flush()
    except MesosynthError as error:
        print(f"{name}: {error}", file=sys.stderr)
        if "--json" in words:
            print(json.dumps({"error": str(error)}))
        return USAGE_ERROR
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader, `head` say, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def at_least(least: int) -> Callable[[str], int]:
    """Type of an option: a whole number that is not smaller than `least`."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text} is no whole number") from None
        if value < least:
            raise argparse.ArgumentTypeError(f"{text} must be at least {least}")
        return value

    return parse


# ---------------------------------------------------------------------- environment


class Environment:
    """Facts about this machine, and how busy others keep it while a benchmark runs.

    Two threads that wait for each other take many times as long when a third program needs a core:
    figures from a busy machine say little.

    Parameters
    ----------
    threads : int
        That the benchmark uses.
    """

    def __init__(self, threads: int = 1) -> None:
        self._threads = threads
        self._began = _seconds_of_others()

    def record(self, ours: float = 0.0) -> Answer:
        """The entry "machine" of an answer.

        Parameters
        ----------
        ours : float
            Cores that processes of the benchmark used which still run.

        Returns
        -------
        dict
            cpu (name), cores (that this process may use), threads, memory_gb, memory_available_gb,
            system, python, torch, mesosynth; neighbours: cores that other programs took on average
            since this object was made, None where the system does not tell.
        """
        total, available = memory_bytes()
        neighbours = self.neighbours()
        return {
            "cpu": _cpu_name(),
            "cores": cores(),
            "threads": self._threads,
            "memory_gb": _in_gigabytes(total),
            "memory_available_gb": _in_gigabytes(available),
            "system": platform.platform(),
            "python": platform.python_version(),
            "torch": _version("torch"),
            "mesosynth": _version("mesosynth"),
            "neighbours": None if neighbours is None else max(0.0, neighbours - ours),
        }

    def neighbours(self) -> float | None:
        """Cores in use by others on average; children count as ours once they have ended."""
        now = _seconds_of_others()
        if now is None or self._began is None or now[1] == self._began[1]:
            return None
        return max(0.0, (now[0] - self._began[0]) / (now[1] - self._began[1]))


def _seconds_of_others() -> tuple[float, float] | None:
    """Seconds that all cores spent on others, and the time, in seconds since some moment."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
        user, nice, system, _idle, _wait, irq, soft_irq, steal = map(int, fields)
        busy = (user + nice + system + irq + soft_irq + steal) / os.sysconf("SC_CLK_TCK")
        own = os.times()
        ours = own.user + own.system + own.children_user + own.children_system
        return busy - ours, own.elapsed
    return None


def memory_bytes() -> tuple[int | None, int | None]:
    """Memory of this machine and how much of it a new process could have; None where unknown."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        lines = Path("/proc/meminfo").read_text().splitlines()
        fields = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines}
        return fields["MemTotal"], fields["MemAvailable"]
    with contextlib.suppress(AttributeError, OSError, ValueError):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), None
    return None, None


def cpu_seconds(pid: int | None) -> float:
    """Processor time of another process so far, s; 0 where the system does not tell."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def _cpu_name() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def _in_gigabytes(amount: int | None) -> float | None:
    return None if amount is None else round(amount / _GIGABYTE, 2)


# ---------------------------------------------------------------------- statistics


def spread(values: Iterable[float]) -> dict[str, float]:
    """Figures that stand for many measurements of the same.

    Parameters
    ----------
    values : iterable of float
        One or more.

    Returns
    -------
    dict
        median; low and high, the quartiles; least and longest; p99, the value that one in a
        hundred exceeds.
    """
    ordered = sorted(values)
    low, median, high = (
        statistics.quantiles(ordered, n=4, method="inclusive")
        if len(ordered) > 1
        else [ordered[0]] * 3
    )
    p99 = statistics.quantiles(ordered, n=100, method="inclusive")[98] if len(ordered) > 1 else low
    return {
        "median": median, "low": low, "high": high, "least": ordered[0], "longest": ordered[-1],
        "p99": p99,
    }  # fmt: skip


# ---------------------------------------------------------------------- for people


def console() -> Console:
    """Standard output, as tables need it."""
    return Console(highlight=False, soft_wrap=True, markup=False)


def table(
    title: str, names: Sequence[str], numbers: Sequence[str], rows: Iterable[Sequence[str]]
) -> None:
    """Print a table that fits a terminal of eighty columns.

    Parameters
    ----------
    title : str
    names : sequence of str
        Heads of the first columns, whose entries stand on the left and may break.
    numbers : sequence of str
        Heads of the others, whose entries stand on the right.
    rows : iterable of sequence of str
    """
    printed = Table(
        title=textwrap.fill(title, _WIDTH), title_justify="left", title_style="", box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0), show_edge=False,
    )  # fmt: skip
    for name in names:
        printed.add_column(name)
    for name in numbers:
        printed.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        printed.add_row(*row)
    console().print(printed)


def show_machine(machine: Answer, more: str = "") -> None:
    """Print a line of facts, and a warning where others were busy.

    Parameters
    ----------
    machine : dict
        From :meth:`Environment.record`.
    more : str
        What follows processor and cores.
    """
    console().print(f"{machine['cpu']}, {machine['cores']} cores{more}")
    if (machine["neighbours"] or 0.0) > BUSY:
        console().print(
            f"Other programs used {machine['neighbours']:.1f} cores meanwhile: "
            f"do not trust these figures."
        )


def number(value: float | None, form: str) -> str:
    """`value` in a format, or :data:`NOTHING`.

    Parameters
    ----------
    value : float or None
    form : str
        As :func:`format` takes it: ".2f".
    """
    return NOTHING if value is None else format(value, form)


class Narration:
    """Progress on standard error: one line that changes on a terminal, else one line a step.

    A context manager; call it with the name of the next step.
    """

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, markup=False)
        self._status: Status | None = None

    def __call__(self, text: str) -> None:
        """Print `text`; on a terminal in place of the last one."""
        if self._status is None:
            self._console.print(text, soft_wrap=True)
        else:
            self._status.update(text.replace("[", "\\["))

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._status = self._console.status("starting")
            self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._status is not None:
            self._status.stop()
