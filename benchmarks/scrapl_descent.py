"""SCRAPL as a way down: Adam on the loss of one path of the JTFS at a time, drawn at random.

SCRAPL itself (its own transform and its own reverse pass to the waveform) runs in the peers'
environment, see :mod:`benchmarks.environment`; the arpeggio and its tangents are ours, so that
the two differ in nothing but the loss. Both sounds go in with unit norm. A step costs one path's
gradient and counts as one evaluation, although a path is a small part of the transform: it is
judged fairly by its seconds, and by the last theta, because the loss of one path says little.
"""

import atexit
import functools
import tempfile
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.cases import PAPER
from benchmarks.child import Child
from benchmarks.environment import peers_python
from mesosynth.audio.target import ANALYSIS_RATE, ANALYSIS_SAMPLES
from mesosynth.instruments.chirplet_torch import ONSET, chirplet_and_tangents
from mesosynth.matching.descent import NormalEquations
from mesosynth.matching.model import State

_SCRIPT = Path(__file__).parent / "children" / "peers.py"


class ScraplLoss:
    """The loss of a random path between an arpeggio and a target.

    Parameters
    ----------
    target : (ANALYSIS_SAMPLES,) array
    free : tuple of int
        Places in a state of the directions to differentiate along.
    seed : int
        Of the paths.
    """

    def __init__(self, target: NDArray[np.floating], free: tuple[int, ...], seed: int) -> None:
        self._target = _unit(torch.from_numpy(np.asarray(target, np.float64)))
        self._free = free
        self._paths = np.random.default_rng(seed)

    def __call__(self, state: State) -> NormalEquations:
        """Loss and gradient of the next path; nothing is known of the loss's shape."""
        theta = torch.from_numpy(state[:ONSET])
        x, dx = chirplet_and_tangents(
            theta, ANALYSIS_SAMPLES, ANALYSIS_RATE, float(state[ONSET]), self._free
        )
        norm = x.norm()
        x, dx = x / norm, dx / norm
        dx = dx - (dx @ x)[:, None] * x
        child, folder = _scrapl()
        sound = folder / "sound.npz"
        np.savez(
            sound, x=x.float().numpy(), dx=dx.float().numpy(), target=self._target.float().numpy()
        )
        case = {
            "program": "scrapl", "work": "distance", "shape": ANALYSIS_SAMPLES, **PAPER,
            "T": None, "F": None, "sound": str(sound), "path": float(self._paths.uniform()),
        }  # fmt: skip
        child.prepare("distance", case)
        answer = child.report("distance")
        size = len(self._free)
        return NormalEquations(answer["loss"], np.array(answer["gradient"]), np.eye(size), 0.0)


@functools.cache
def warm_up() -> None:
    """Start SCRAPL and let it build its filters, which no run is to be charged with."""
    theta = np.array([512.0, 8.0, 1.5, 2.0, 0.0, 1.0, -60.0, 0.0, 1.0])
    noise = np.random.default_rng(0).standard_normal(ANALYSIS_SAMPLES)
    ScraplLoss(noise, (0,), seed=0)(theta)


@functools.cache
def _scrapl() -> tuple[Child, Path]:
    """The process of this one that holds SCRAPL, and a folder to hand sounds over."""
    folder = tempfile.TemporaryDirectory(prefix="mesosynth-scrapl-")
    threads = torch.get_num_threads()
    python = peers_python(lambda _line: None)
    child = Child("SCRAPL", [str(python), "-E", "-s", str(_SCRIPT), str(threads)], threads)
    atexit.register(folder.cleanup)
    atexit.register(child.__exit__, None, None, None)
    return child, Path(folder.name)


def _unit(x: torch.Tensor) -> torch.Tensor:
    return x / x.norm()
