"""What all tests share."""

import os
from pathlib import Path

import pytest

# Two torch threads on two cores that others use as well wait for each other most of the time.
os.environ.setdefault("OMP_NUM_THREADS", "1")


DESK = Path(__file__).parent / "gui"


def pytest_collection_modifyitems(items):
    """The desk comes last: its window stays open, and its threads disturb what is measured."""
    items.sort(key=lambda item: DESK in item.path.parents)


@pytest.fixture(scope="session", autouse=True)
def no_home(tmp_path_factory):
    """Takes, and the last minutes of sessions that a test killed, stay out of the user's home."""
    with pytest.MonkeyPatch.context() as patch:
        for variable in ("XDG_DATA_HOME", "XDG_CACHE_HOME"):
            patch.setenv(variable, str(tmp_path_factory.mktemp(variable)))
        yield
