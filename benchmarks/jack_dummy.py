"""A JACK server on its dummy driver: a sound card that keeps time, on a machine that has none."""

import contextlib
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import IO

from mesosynth.errors import DeviceError

NAME = "mesosoak"
_START_SECONDS = 10.0


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
        """Note what the server complains of, until it ends."""
        with words:
            for line in words:
                if line.startswith("JackTimedDriver") and "XRun" in line:
                    self.late.append(time.monotonic())


@contextlib.contextmanager
def jack_dummy(sample_rate: int, block: int) -> Generator[JackDummy]:
    """Run the server, and let every process that is started meanwhile find it.

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
