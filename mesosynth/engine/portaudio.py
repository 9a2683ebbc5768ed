"""PortAudio, brought in only when a card is asked for.

Its library may be missing, its list of devices is frozen from the first import on, and what drivers
write to standard error is not for users.
"""

import contextlib
import os
import sys
from collections.abc import Generator
from typing import Any

from mesosynth.errors import DeviceError


def import_sounddevice() -> Any:  # noqa: ANN401 - the untyped module
    """Import and return sounddevice; PortAudio looks for devices only the first time.

    Raises
    ------
    DeviceError
        If the PortAudio library is not installed.
    """
    # A JACK server that nobody started would be started by the mere question for devices.
    os.environ.setdefault("JACK_NO_START_SERVER", "1")
    try:
        import sounddevice
    except OSError as error:
        raise DeviceError(
            "the PortAudio library is missing; install it (Debian: apt-get install libportaudio2)."
        ) from error
    return sounddevice


@contextlib.contextmanager
def quiet_drivers() -> Generator[None]:
    """Keep what ALSA, JACK and PortAudio write to standard error off the user's terminal.

    What went wrong is raised as well; their own lines only bury the sentence that says so.
    """
    sys.stderr.flush()
    terminal = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(nowhere)
        os.close(terminal)
