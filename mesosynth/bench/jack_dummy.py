"""A JACK server on its dummy driver: a sound card that keeps time, on a machine that has none."""

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Generator

from mesosynth.errors import DeviceError

NAME = "mesosoak"
_START_SECONDS = 10.0


@contextlib.contextmanager
def jack_dummy(sample_rate: int, block: int) -> Generator[None]:
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
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait_for([jack_lsp, "-s", NAME], server)
        yield
    finally:
        server.terminate()
        try:
            server.wait(5.0)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        os.environ.clear()
        os.environ.update(before)


def _wait_for(question: list[str], server: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + _START_SECONDS
    while subprocess.run(question, capture_output=True, check=False).returncode:
        if server.poll() is not None or time.monotonic() > end:
            raise DeviceError(f"the JACK server {NAME!r} does not start; end others of that name.")
        time.sleep(0.05)
