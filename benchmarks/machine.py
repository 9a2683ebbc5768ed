"""Facts about this machine that a figure is worth little without."""

import contextlib
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from mesosynth.system.cpu import cores

_GIGABYTE = 1e9


def machine_facts(threads: int) -> dict[str, Any]:
    """Processor, memory and versions.

    Returns
    -------
    dict
        cpu (name), cores (that this process may use), threads (that the benchmark uses),
        memory_gb, memory_available_gb, system, python, torch, mesosynth.
    """
    total, available = memory_bytes()
    return {
        "cpu": _cpu_name(),
        "cores": cores(),
        "threads": threads,
        "memory_gb": _in_gigabytes(total),
        "memory_available_gb": _in_gigabytes(available),
        "system": platform.platform(),
        "python": platform.python_version(),
        "torch": _version("torch"),
        "mesosynth": _version("mesosynth"),
    }


class Neighbours:
    """How much of the processors other programs take while a benchmark runs, where Linux tells.

    Two threads that wait for each other take many times as long when a third program needs a core:
    figures from a busy machine say little.
    """

    def __init__(self) -> None:
        self._began = self._others()

    def cores(self) -> float | None:
        """Average number of cores in use by others since this object was made.

        Children count as ours once they have ended.
        """
        now = self._others()
        if now is None or self._began is None or now[1] == self._began[1]:
            return None
        return max(0.0, (now[0] - self._began[0]) / (now[1] - self._began[1]))

    def _others(self) -> tuple[float, float] | None:
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
