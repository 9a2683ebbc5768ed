"""What one call allocates at most, as tracemalloc sees it.

tracemalloc counts the whole process: neither another thread nor the collector shall come in
between, so that neither gets a turn while the call runs.
"""

import gc
import sys
import tracemalloc
from contextlib import contextmanager


@contextmanager
def tracing():
    """Gives a function that makes a call and returns the most bytes held meanwhile."""
    interval = sys.getswitchinterval()
    gc.disable()
    sys.setswitchinterval(10.0)
    tracemalloc.start()
    try:
        yield _peak_of
    finally:
        tracemalloc.stop()
        sys.setswitchinterval(interval)
        gc.enable()


def _peak_of(call, *arguments):
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    call(*arguments)
    return tracemalloc.get_traced_memory()[1] - before
