"""Requests and answers of a child process, one JSON object a line.

    {"prepare": name, "case": {...}}   builds; {"seconds"}
    {"run": name, "repeats": k}        runs it k times; {"seconds": [...], "megabytes": peak}
    {"save": name, "path": file}       stores the tensors that it last returned, as .npz; {}
    {"report": name}                   runs it once; what it returned

An exception is answered with {"error": one line, "kind": its class}, and the child lives on.
"""

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

Run = Callable[[], dict[str, Any]]
"""One evaluation, done when it returns: a dict of tensors, or of what JSON can say for "report"."""

_MEGABYTE = 1e6


class Memory:
    """Resident memory of this process above that at the construction of this object.

    On Linux the kernel's high-water mark (VmHWM), set back before each measurement through
    ``/proc/self/clear_refs``; elsewhere the mark since the process began (``ru_maxrss``), which can
    only grow; None where there is neither.
    """

    def __init__(self) -> None:
        self.reset()
        self.baseline = self._mark()

    def reset(self) -> None:
        """Forget earlier peaks, where the kernel can."""
        with contextlib.suppress(OSError), open("/proc/self/clear_refs", "w") as control:
            control.write("5")

    def peak(self) -> float | None:
        """Highest memory since :meth:`reset` above the baseline, megabytes (1e6 bytes)."""
        mark = self._mark()
        return None if mark is None or self.baseline is None else (mark - self.baseline) / _MEGABYTE

    def _mark(self) -> int | None:
        with contextlib.suppress(OSError), open("/proc/self/status") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        try:
            import resource
        except ImportError:  # Windows
            return None
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
"""Clocks by name; "cpu" counts all threads of this process, and no other process."""


def serve(prepare: Callable[[dict[str, Any]], Run], memory: Memory, clock: str = "wall") -> None:
    """Answer requests from standard input until it ends.

    Parameters
    ----------
    prepare : callable
        Turns a case, as the parent names it, into what runs it once.
    memory : Memory
        Made as soon as the interpreter holds what the measurements leave out.
    clock : {"wall", "cpu"}
        What the seconds of each run are.
    """
    server = _Server(prepare, memory, CLOCKS[clock])
    answers = _take_standard_output()
    for line in sys.stdin:
        try:
            answer = server.answer(json.loads(line))
        except KeyboardInterrupt:
            return
        except Exception as error:  # noqa: BLE001 - the parent says it, whatever it is
            text = str(error) or type(error).__name__
            answer = {"error": text.splitlines()[0], "kind": type(error).__name__}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


class _Server:
    """The prepared cases and their last results."""

    def __init__(
        self,
        prepare: Callable[[dict[str, Any]], Run],
        memory: Memory,
        clock: Callable[[], float],
    ) -> None:
        self._prepare, self._memory, self._clock = prepare, memory, clock
        self._runs: dict[str, Run] = {}
        self._results: dict[str, dict[str, Any]] = {}

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        if "prepare" in request:
            began = time.perf_counter()
            self._runs[request["prepare"]] = self._prepare(request["case"])
            return {"seconds": time.perf_counter() - began}
        if "run" in request:
            return self._run(request["run"], request["repeats"])
        if "report" in request:
            return self._runs[request["report"]]()
        return self._save(request["save"], request["path"])

    def _run(self, name: str, repeats: int) -> dict[str, Any]:
        seconds: list[float] = []
        self._memory.reset()
        for _ in range(repeats):
            began = self._clock()
            self._results[name] = self._runs[name]()
            seconds.append(self._clock() - began)
        return {"seconds": seconds, "megabytes": self._memory.peak()}

    def _save(self, name: str, path: str) -> dict[str, Any]:
        import numpy as np

        results = self._results[name]
        np.savez(path, **{key: value.detach().cpu().numpy() for key, value in results.items()})
        return {}


def _take_standard_output() -> Any:  # noqa: ANN401 - a text file
    """Keep standard output for answers; prints of libraries go to standard error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return answers
