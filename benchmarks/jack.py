"""JACK for benchmarks: a server on its dummy driver, and another player on it.

The dummy driver is a sound card that keeps time, on a machine that has none. The player is a second
client of the same server, and its sound can be a session's input.
"""

import contextlib
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import IO, Literal

from mesosynth.engine.process import AudioProcess
from mesosynth.errors import DeviceError, WorkerError
from mesosynth.instruments.chirplet import PARAMETERS

NAME = "mesosoak"
_START_SECONDS = 10.0
_PLAYER_SECONDS = 30.0


@dataclass(slots=True)
class JackDummy:
    """A server that runs.

    Attributes
    ----------
    late : list of float
        When (monotonic, s) it said that it had itself woken a block or more too late. It waits for
        no client, so that is not the doing of any.
    """

    late: list[float] = field(default_factory=list[float])

    def listen(self, words: IO[str]) -> None:
        """Collect the server's error messages until it ends."""
        with words:
            for line in words:
                if line.startswith("JackTimedDriver") and "XRun" in line:
                    self.late.append(time.monotonic())


@contextlib.contextmanager
def jack_dummy(sample_rate: int, block: int) -> Generator[JackDummy]:
    """Run the server, and let every process that is started meanwhile find it.

    Parameters
    ----------
    sample_rate, block : int
        Hz and frames.

    Raises
    ------
    DeviceError
        If JACK is not installed, or does not start.
    """
    jackd, jack_lsp = shutil.which("jackd"), shutil.which("jack_lsp")
    if jackd is None or jack_lsp is None:
        raise DeviceError(
            "JACK is missing, whose dummy driver keeps the time of a sound card; install it "
            "(Debian: apt-get install jackd2), or name a device by --device."
        )
    before = dict(os.environ)
    os.environ |= {
        "JACK_DEFAULT_SERVER": NAME, "JACK_NO_START_SERVER": "1", "JACK_NO_AUDIO_RESERVATION": "1",
    }  # fmt: skip
    server = subprocess.Popen(
        [jackd, "-R", "-P", "70", "-n", NAME, "-d", "dummy", "-r", str(sample_rate),
         "-p", str(block), "-C", "2", "-P", "2"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    seen = JackDummy()
    listener = threading.Thread(target=seen.listen, args=(server.stderr,), daemon=True)
    listener.start()
    try:
        _wait_for([jack_lsp, "-s", NAME], server)
        yield seen
    finally:
        server.terminate()
        try:
            server.wait(5.0)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        listener.join()
        os.environ.clear()
        os.environ.update(before)


def _wait_for(question: list[str], server: "subprocess.Popen[str]") -> None:
    end = time.monotonic() + _START_SECONDS
    while subprocess.run(question, capture_output=True, check=False).returncode:
        if server.poll() is not None or time.monotonic() > end:
            raise DeviceError(f"the JACK server {NAME!r} does not start; end others of that name.")
        time.sleep(0.05)


class JackPlayer:
    """A chirplet of its own; :func:`jack_player` starts one.

    Parameters
    ----------
    sound : AudioProcess
    outputs : set of str
        Its ports.
    """

    def __init__(self, sound: AudioProcess, outputs: set[str]) -> None:
        self._sound, self._outputs = sound, outputs
        self._others = _ports("input")

    def play(self, values: Mapping[str, float]) -> None:
        """Play with these parameters, the others at their defaults, from the next block on."""
        self._sound.parameters.set_values(PARAMETERS.vector(dict(values)))
        self._sound.parameters.set_playing(True)

    def plug_in(self) -> None:
        """Connect the player to the inputs that were opened since it started.

        Raises
        ------
        DeviceError
            If no input was opened.
        """
        inputs = _ports("input") - self._others
        pairs = list(zip(sorted(self._outputs), sorted(inputs), strict=False))
        if not pairs:
            raise DeviceError("JACK lists no input that was opened; is it PortAudio's?")
        for output, heard in pairs:
            subprocess.run(["jack_connect", output, heard], capture_output=True, check=False)


@contextlib.contextmanager
def jack_player(sample_rate: int, block: int) -> Generator[JackPlayer]:
    """Start one on the server that runs.

    Parameters
    ----------
    sample_rate, block : int
        Hz and frames.

    Raises
    ------
    WorkerError
        If its sound does not start.
    """
    before = _ports("output")
    with AudioProcess("chirplet", "system", sample_rate, block) as sound:
        if not sound.wait_ready(_PLAYER_SECONDS):
            raise WorkerError("another player does not start on JACK; look at `mesosynth doctor`.")
        yield JackPlayer(sound, _ports("output") - before)


def _ports(way: Literal["input", "output"]) -> set[str]:
    """All that are no sound card's."""
    listed = subprocess.run(["jack_lsp", "-p"], capture_output=True, check=False, text=True)
    lines = listed.stdout.splitlines()
    return {
        port for port, properties in pairwise(lines)
        if properties.startswith("\t") and way in properties and "physical" not in properties
    }  # fmt: skip
