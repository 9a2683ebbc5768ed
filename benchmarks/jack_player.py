"""Somebody else who plays on the same JACK server, and whose sound can be a session's input."""

import contextlib
import subprocess
from collections.abc import Generator, Mapping
from itertools import pairwise
from typing import Literal

from mesosynth.engine.process import AudioProcess
from mesosynth.errors import DeviceError, WorkerError
from mesosynth.instruments.chirplet_parameters import PARAMETERS

_START_SECONDS = 30.0


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
        self._sound.set_values(PARAMETERS.vector(dict(values)))
        self._sound.set_playing(True)

    def plug_in(self) -> None:
        """Become the input of whoever opened one since the player started.

        Raises
        ------
        DeviceError
            If nobody did.
        """
        inputs = _ports("input") - self._others
        pairs = list(zip(sorted(self._outputs), sorted(inputs), strict=False))
        if not pairs:
            raise DeviceError("JACK lists no input that was opened; is it PortAudio's?")
        for output, heard in pairs:
            subprocess.run(["jack_connect", output, heard], capture_output=True, check=False)


@contextlib.contextmanager
def jack_player(sample_rate: int, block: int) -> Generator[JackPlayer]:
    """Start one on the server that runs (:func:`benchmarks.jack_dummy.jack_dummy`).

    Raises
    ------
    WorkerError
        If its sound does not start.
    """
    before = _ports("output")
    with AudioProcess("chirplet", "system", sample_rate, block) as sound:
        if not sound.wait_ready(_START_SECONDS):
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
