"""What all tests share."""

import os

import pytest

# Two torch threads on two cores that others use as well wait for each other most of the time.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session", autouse=True)
def no_home(tmp_path_factory):
    """Takes, and the last minutes of sessions that a test killed, stay out of the user's home."""
    with pytest.MonkeyPatch.context() as patch:
        for variable in ("XDG_DATA_HOME", "XDG_CACHE_HOME"):
            patch.setenv(variable, str(tmp_path_factory.mktemp(variable)))
        yield
