"""The fear: the first start after an installation compiles for a long time, and says nothing."""

# pyright: basic

import time

from mesosynth.engine.process import COMPILING, AudioProcess


def test_the_first_start_says_that_it_compiles_and_the_second_does_not(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    for first in (True, False):
        said, end = set(), time.monotonic() + 120.0
        with AudioProcess("chirplet", "silent") as process:
            while not process.wait_ready(0.0) and time.monotonic() < end:
                said.add(process.status().message)
                time.sleep(0.01)
            assert process.wait_ready(0.0)
            assert process.status().message == ""
        assert (COMPILING in said) == first
    assert [*tmp_path.rglob("*.nbc")]
