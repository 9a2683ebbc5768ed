"""Fears: Ctrl-C aborts a library that loads, is lost, or goes on after its time."""

import contextlib
import importlib
import os
import signal
import sys
import time

import pytest

from mesosynth.system.signals import Interrupted, exit_code, raised_signals

MODULE = """
import os, signal, time

os.kill(os.getpid(), signal.{name})
time.sleep(0.05)
loaded = True
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_waits_for_the_end_of_an_import(name, tmp_path, monkeypatch):
    module = f"interrupted_by_{name}"
    (tmp_path / f"{module}.py").write_text(MODULE.format(name=name))
    monkeypatch.syspath_prepend(tmp_path)

    def run():
        with raised_signals():
            importlib.import_module(module)
            time.sleep(10.0)

    with pytest.raises(Interrupted) as raised:
        run()
    assert sys.modules.pop(module).loaded
    assert exit_code(raised.value) == 128 + getattr(signal, name)


def test_outside_an_import_it_is_raised_at_once():
    went_on = False
    with contextlib.suppress(Interrupted), raised_signals():
        os.kill(os.getpid(), signal.SIGINT)
        went_on = True
    assert not went_on


def test_one_that_python_drops_is_raised_again(capfd):
    class Interrupting:
        def __del__(self):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.05)

    def run():
        with raised_signals():
            Interrupting()
            time.sleep(10.0)

    with pytest.raises(Interrupted):
        run()
    assert capfd.readouterr().err == ""


def test_one_that_still_waits_at_the_end_kills_nothing(tmp_path, monkeypatch):
    (tmp_path / "interrupted_at_the_end.py").write_text(MODULE.format(name="SIGINT"))
    monkeypatch.syspath_prepend(tmp_path)
    before = signal.getsignal(signal.SIGALRM)
    with raised_signals():
        monkeypatch.setattr("mesosynth.system.signals._LATER_SECONDS", 100.0)
        importlib.import_module("interrupted_at_the_end")
        assert 0.0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 100.0
    assert signal.getsignal(signal.SIGALRM) == before
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0.0


def test_an_alarm_of_somebody_else_is_left_alone():
    def ring(*_): ...

    before = signal.signal(signal.SIGALRM, ring)
    left, _ = signal.setitimer(signal.ITIMER_REAL, 100.0)
    try:
        with raised_signals():
            pass
        assert signal.getsignal(signal.SIGALRM) is ring
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 0.0
    finally:
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, left)  # pytest's own
