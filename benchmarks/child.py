"""Child process that runs cases of a benchmark, as its parent sees it."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mesosynth.errors import WorkerError


@dataclass(frozen=True)
class Measured:
    """Seconds of each run, and their peak memory above the interpreter with torch, megabytes."""

    seconds: list[float]
    megabytes: float | None


class Child:
    """A process that prepares cases and runs them, see :mod:`benchmarks.children.serving`.

    A context manager: leaving it ends the process.

    Parameters
    ----------
    name : str
        What it is called in messages.
    command : sequence of str
    threads : int
        How many the numerical libraries may use.
    """

    def __init__(self, name: str, command: Sequence[str], threads: int) -> None:
        self._name = name
        self._said = tempfile.TemporaryFile("w+")  # noqa: SIM115 - as long as the process lives
        count = str(threads)
        limits: Mapping[str, str] = {"OMP_NUM_THREADS": count, "MKL_NUM_THREADS": count}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said, text=True,
            env={**os.environ, **limits},
        )  # fmt: skip

    @classmethod
    def of_mesosynth(cls, threads: int, clock: str = "wall") -> Self:
        """The child that measures this program.

        Parameters
        ----------
        threads : int
        clock : {"wall", "cpu"}
            What its seconds are.
        """
        module = "benchmarks.children.jtfs_cases"
        return cls("mesosynth", [sys.executable, "-m", module, str(threads), clock], threads)

    def prepare(self, name: str, case: dict[str, Any]) -> float:
        """Build a case and call it `name`; seconds.

        Parameters
        ----------
        name : str
        case : dict
            As the child understands it.
        """
        return self._ask({"prepare": name, "case": case})["seconds"]

    def run(self, name: str, repeats: int) -> Measured:
        """Seconds and memory of some runs.

        Parameters
        ----------
        name : str
            Of a case that was prepared.
        repeats : int
        """
        return Measured(**self._ask({"run": name, "repeats": repeats}))

    def report(self, name: str) -> dict[str, Any]:
        """Run a case once and return its result."""
        return self._ask({"report": name})

    def save(self, name: str, path: str) -> None:
        """Store the result of the last run in an .npz file.

        Parameters
        ----------
        name : str
            Of a case that was run.
        path : str
        """
        self._ask({"save": name, "path": path})

    def resident(self) -> int:
        """Bytes of memory that the process holds now; 0 where the system does not tell."""
        with contextlib.suppress(OSError, ValueError, AttributeError):
            pages = Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]
            return int(pages) * os.sysconf("SC_PAGE_SIZE")
        return 0

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise WorkerError(self._obituary(request))
        answer = json.loads(line)
        if "error" in answer:
            what = next(iter(request.values()))
            raise WorkerError(f"{self._name}, {what}: {answer['kind']}: {answer['error']}")
        return answer

    def _obituary(self, request: dict[str, Any]) -> str:
        code = self._process.wait()
        self._said.seek(0)
        words = self._said.read().strip().splitlines() or ["it said nothing"]
        return (
            f"The process that measures {self._name} ended with code {code} in {request}; "
            f"free some memory if it was killed. Its last words: {words[-1]}"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        if kind is not None:
            self._process.kill()  # it may be in the middle of a minute's work
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._said.close()
