"""Sound servers and scripts for the tests of the host."""

import os
import subprocess
import sys
import time

import pytest
from servers import jack_server, pulse_server, silence


@pytest.fixture
def jack():
    with jack_server() as server:
        yield server


@pytest.fixture
def pulse():
    with pulse_server() as server:
        yield server


@pytest.fixture
def no_card(tmp_path):
    with silence(str(tmp_path)):
        yield


@pytest.fixture
def until():
    """Wait until something is so, or fail."""

    def wait(condition, seconds, what):
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
            time.sleep(0.01)

    return wait


@pytest.fixture
def script(tmp_path):
    """Start Python on a file of that text, with every warning an error."""
    started = []

    def start(text):
        file = tmp_path / "script.py"
        file.write_text(text)
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        process = subprocess.Popen(
            [sys.executable, "-W", "error", str(file)], env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
