"""A sound's fingerprint: its JTFS, averaged over time, in few enough numbers to keep thousands.

Two parts of equal weight: the spectrum (first-order coefficients in half octaves), and what moves
in it (second-order coefficients by rate, scale and spin, whatever the register). Of the energies in
each the fourth root is taken, so that quiet parts of a sound count, and each part has unit norm:
loudness does not matter.
"""

import numpy as np
import soxr
import torch
from numpy.typing import NDArray

from mesosynth.engine.rack import render
from mesosynth.presets.preset import Preset
from mesosynth.scattering import JTFS

RATE = 16384
"""Hz; birds and insects are heard."""

SAMPLES = 1 << 17
"""8 s: the period of slow sounds."""

REGISTERS = 18
"""Half octaves of the first part, from LOWEST up."""

LOWEST = 32.0  # Hz
_FASTEST = 300.0  # Hz; faster modulation is timbre, which the spectrum tells of
_RENDER_RATE, _BLOCK = 32768, 2048
_POWER = 0.25
_TOLERANCE = 1e-2


class Fingerprinter:
    """Makes fingerprints; it builds its filters once, so keep it."""

    def __init__(self) -> None:
        self._jtfs = JTFS(
            SAMPLES, J=13, Q=(8, 2), J_fr=5, Q_fr=2, T="global", F=0, boundary="periodic",
            tolerance=_TOLERANCE,
        )  # fmt: skip
        meta = self._jtfs.meta()
        self._rows = meta["row"].astype(np.int64)
        carrier, rate = (meta["xi"] * RATE).T
        order, audible = meta["order"], carrier >= LOWEST
        self._first = (order == 1) & audible
        register = np.floor(2.0 * np.log2(carrier[self._first] / LOWEST)).astype(np.int64)
        self._register = np.minimum(register, REGISTERS - 1)
        self._second = (order == 2) & audible & (rate <= _FASTEST)
        moves = np.stack([meta["n2"], meta["n_fr"]], axis=1)[self._second]
        kinds, places = np.unique(moves, axis=0, return_inverse=True)
        self._moves, self._kinds = places.reshape(-1), len(kinds)
        self._speeds = -kinds[:, 0].astype(np.int64)  # n2 runs from fast to slow

    @property
    def length(self) -> int:
        """Numbers in a fingerprint."""
        return REGISTERS + self._kinds

    def of_preset(self, preset: Preset) -> NDArray[np.float32]:
        """Play `preset` for some seconds and return its fingerprint, (length,), of unit norm.

        Raises
        ------
        ArgumentError, PluginError
            If it cannot be played here.
        """
        audio = render(
            preset.instrument, preset.values, SAMPLES / RATE, _RENDER_RATE, _BLOCK,
            effects=preset.effects,
        )  # fmt: skip
        return self.of_sound(soxr.resample(audio.mean(axis=0), _RENDER_RATE, RATE))

    def of_sound(self, audio: NDArray[np.floating]) -> NDArray[np.float32]:
        """Fingerprint, (length,), of a sound of any length at RATE; silence has zeros."""
        signal = np.zeros(SAMPLES, np.float32)
        heard = min(len(audio), SAMPLES)
        signal[:heard] = audio[:heard]
        S = self._jtfs(torch.from_numpy(signal))[self._rows, 0].double().numpy()
        energy = np.square(S)
        spectrum = np.bincount(self._register, energy[self._first], REGISTERS)
        moves = np.bincount(self._moves, energy[self._second], self._kinds)
        parts = [_unit((part**_POWER).astype(np.float64)) for part in (spectrum, moves)]
        return (np.concatenate(parts) / np.sqrt(2.0)).astype(np.float32)

    def height(self, fingerprints: NDArray[np.floating]) -> NDArray[np.float64]:
        """How high sounds are, (sounds,): the middle of their spectrum in half octaves."""
        return _middle(fingerprints[:, :REGISTERS], np.arange(REGISTERS))

    def speed(self, fingerprints: NDArray[np.floating]) -> NDArray[np.float64]:
        """How fast things happen in sounds, (sounds,): the middle of their rates, half octaves."""
        return _middle(fingerprints[:, REGISTERS:], self._speeds)


def _middle(shares: NDArray[np.floating], places: NDArray[np.int64]) -> NDArray[np.float64]:
    amplitudes: NDArray[np.float64] = shares.astype(np.float64) ** 2
    return amplitudes @ places / np.maximum(amplitudes.sum(axis=1), 1e-30)


def _unit(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return x / max(float(np.linalg.norm(x)), 1e-30)
