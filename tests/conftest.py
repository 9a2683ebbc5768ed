"""What all tests share."""

import os
from pathlib import Path

import pytest

# Two torch threads on two cores that others use as well wait for each other most of the time.
os.environ.setdefault("OMP_NUM_THREADS", "1")


HERE = Path(__file__).parent
DESK, HOST = HERE / "window", HERE / "process"


@pytest.hookimpl(tryfirst=True)  # before -m looks at the marks
def pytest_collection_modifyitems(items):
    """What has a window or sounds in real time is alone, and the desk comes last of all.

    Its window stays open, and its threads disturb what is measured. A file of these folders that
    only computes says so with the mark `beside`; elsewhere one that listens or measures says that
    it must be `alone`.
    """
    for item in items:
        if {DESK, HOST} & set(item.path.parents) and not item.get_closest_marker("beside"):
            item.add_marker("alone")
    items.sort(key=lambda item: DESK in item.path.parents)


@pytest.fixture(scope="session", autouse=True)
def no_home(tmp_path_factory):
    """Takes, settings, and the last minutes of sessions that a test killed, stay out of the user's
    home, and out of the way of the other process that tests.
    """
    with pytest.MonkeyPatch.context() as patch:
        for variable in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
            patch.setenv(variable, str(tmp_path_factory.mktemp(variable)))
        yield
