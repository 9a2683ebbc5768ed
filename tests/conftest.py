"""Fixtures that all tests share, and which tests run alone."""

import os
import signal

import pytest

# Two torch threads on two cores that others use as well wait for each other most of the time.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A shell that starts tests behind lets them, and all programs that they start, ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)

ALONE = {"jack", "pulse", "no_card", "display", "real_time"}
"""Fixtures of tests that run one after another: sound servers, windows on a screen (these in a
process of their own), and whatever measures time or listens to sound as it is played."""


@pytest.hookimpl(tryfirst=True)  # before -m looks at the marks
def pytest_collection_modifyitems(items):
    """Mark what has such a fixture as alone, and put the windows last.

    The desk's window stays open, and its threads disturb what is measured.
    """
    for item in items:
        if ALONE & set(item.fixturenames):
            item.add_marker("alone")
        if "display" in item.fixturenames:
            item.add_marker("window")
    items.sort(key=lambda item: "display" in item.fixturenames)


@pytest.fixture
def real_time():
    """The test measures time, or hears sound as it is played."""


@pytest.fixture(scope="session", autouse=True)
def no_home(tmp_path_factory):
    """Takes, settings, and the last minutes of sessions that a test killed, stay out of the user's
    home, and out of the way of the other process that tests.
    """
    with pytest.MonkeyPatch.context() as patch:
        for variable in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
            patch.setenv(variable, str(tmp_path_factory.mktemp(variable)))
        yield
