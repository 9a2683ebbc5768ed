"""Python in a process of its own, that may hang or crash without harm to who asks.

The audio process asks while it plays, and what a process starts inherits its real-time priority.
A new interpreter with that priority, on the core that plays, holds up the callback until it has
loaded: so it is born on the other cores, and gives up the priority before anything else.
"""

import os
import subprocess
import sys

from mesosynth.system.cpu import computing_apart

_GIVE_WAY = """
import os
if hasattr(os, "sched_setscheduler"):
    try:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    except OSError:
        pass
"""


def run_throwaway(code: str, *arguments: str, seconds: float) -> subprocess.CompletedProcess[str]:
    """Run `code` with `arguments` in sys.argv[1:] and our sys.path, and return what came of it.

    Raises
    ------
    subprocess.TimeoutExpired
        If it takes longer than `seconds`; it is killed.
    OSError
        If there can be no process.
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    with computing_apart():
        return subprocess.run(
            [sys.executable, "-c", _GIVE_WAY + code, *arguments], stdin=subprocess.DEVNULL,
            capture_output=True, timeout=seconds, env=environment, check=False, text=True,
        )  # fmt: skip
