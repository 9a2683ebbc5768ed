"""Ripple, live: a sum of partials modulated along time and log-frequency."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesosynth import units
from mesosynth.plugins.parameters import Parameter, ParameterTable
from mesosynth.plugins.plugin import CHANNELS, EventKind, Events, Instrument
from mesosynth.plugins.ramps import Ramps
from mesosynth.plugins.tuning import KeyTuning

# --------------------------------------------------------------------------------------------------
# Parameter table and partials, for the live and the offline form


PARTIALS = 64

FADE_FROM, FADE_TO = 0.45, 0.5
"""Of the sample rate: above the first a partial fades, and is silent from the second on."""

LEVEL = 0.3
"""RMS of the partials without a ripple, in each channel, at 0 dB."""

PARAMETERS = ParameterTable(
    [
        Parameter(
            "f_0", "Lowest", "Hz", 20.0, 4000.0, 256.0,
            "Frequency of the lowest partial; a held note takes its place.",
            curve="log", matchable=True,
        ),
        Parameter(
            "f_m", "Ripple rate", "Hz", 0.25, 32.0, 4.0,
            "How often a crest of the ripple passes each partial.", curve="log", matchable=True,
        ),
        Parameter(
            "gamma", "Ripple speed", "oct/s", -16.0, 16.0, 2.0,
            "How fast the crests climb through the partials; negative descends.",
            curve="signed_log", smallest=0.125, matchable=True,
        ),
        Parameter(
            "w", "Bandwidth", "oct", 1.0, 8.0, 4.0,
            "Octaves from the lowest partial to the highest.", curve="log", matchable=True,
        ),
        Parameter(
            "depth", "Depth", "", 0.0, 1.0, 1.0, "From steady partials (0) to a full ripple (1).",
            matchable=True,
        ),
        Parameter(
            "spread", "Spread", "", 0.0, 1.0, 0.5,
            "How far every other partial goes to the left and to the right.",
        ),
        Parameter("gain", "Gain", "dB", -60.0, 6.0, -9.0, "Level of the output."),
    ]
)  # fmt: skip


def places() -> NDArray[np.float64]:
    """Position of each partial, (PARTIALS,): 0 for the lowest to 1 for the highest."""
    return np.linspace(0.0, 1.0, PARTIALS)


def first_phases() -> NDArray[np.float64]:
    """Phase of each partial at time 0, (PARTIALS,), cycles.

    The authors' partials all start at 0, which makes a loud click at the start; steps of the golden
    ratio times the square spread the energy about as evenly as random phases, and are always the
    same.
    """
    return np.arange(PARTIALS) ** 2 * (np.sqrt(5.0) - 1.0) / 2.0 % 1.0


# --------------------------------------------------------------------------------------------------
# The instrument
#
# The second synthesizer of Vahidi et al. (JAES 2023), after the stimuli of hearing research, with
# crests that climb by `gamma` octaves a second and pass each partial `f_m` times a second::
#
#     x(t) = sum_i g_i (1 + depth sin(2 pi f_m (t - x_i / gamma))) sin(2 pi f_i t + phi_i)
#
# where partial i lies ``x_i = w i / (PARTIALS - 1)`` octaves above f_0 and g_i falls with the
# square root of its frequency. The sine of a difference is a sum of sines and cosines of time
# alone and of x_i alone, so three weighted sums over the partials are enough: matrix products.


STRIDE = 256  # samples at once: the partials of a stride stay in the cache

_DEPTH, _LEVEL = range(2)
_SUMS = 3  # plain, and times cosine and sine of a partial's phase in the ripple


class Ripple(Instrument):
    """Partials under a moving ripple; a held note sets the lowest partial."""

    name = "Ripple"
    parameters = PARAMETERS

    def __init__(self) -> None:
        self._tuning = KeyTuning()

    def prepare(self, sample_rate: float, max_block: int) -> None:
        """[control] Allocate everything for blocks of up to `max_block` frames, then reset."""
        self._sample_rate = float(sample_rate)
        self._places = places()
        self._sides = np.where(np.arange(PARTIALS) % 2, 1.0, -1.0)
        self._octaves, self._gains, self._turn = np.zeros((3, PARTIALS))
        # Of each partial, and last of the ripple: phase, cycles per sample, and their change.
        self._motion = np.zeros((PARTIALS + 1, 3))
        self._steps = np.zeros(PARTIALS + 1)
        self._weights, self._last_weights = np.zeros((2, CHANNELS * _SUMS, PARTIALS))
        self._unlike = np.zeros(self._weights.shape, np.bool_)
        self._values, self._last_values = np.zeros((2, len(PARAMETERS)))
        self._ramps = Ramps(2, max_block)
        self._targets = np.zeros(2)
        stride = min(STRIDE, max_block)
        self._count = np.arange(float(max_block + 1))
        self._basis = np.ones((3, stride))
        self._phases = np.zeros((PARTIALS + 1) * stride)
        self._sums, self._more = np.zeros((2, CHANNELS * _SUMS, stride))
        self._fraction, self._sine, self._cosine = np.zeros((3, stride))
        self.reset()

    def reset(self) -> None:
        """[control] Forget all sound, as if `prepare` had just returned."""
        self._ramps.reset()
        self._motion.fill(0.0)
        self._motion[:PARTIALS, 0] = first_phases()
        self._fresh = True
        self._notes: list[int] = []
        self._bend = 0.0  # semitones

    def state(self) -> dict[str, Any]:
        """[control] Scale of the keys, if it is not the equal temperament."""
        return self._tuning.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        """[control] Tune the keys, as :meth:`mesosynth.plugins.tuning.KeyTuning.restore`.

        Raises
        ------
        ArgumentError
            If it is not a scale; the keys stay as they were.
        """
        self._tuning.restore(state)

    def process(
        self, values: NDArray[np.float64], events: Events, block: NDArray[np.float32]
    ) -> None:
        """[audio] Overwrite `block`, (2, frames) float32; `values` are in the table's order."""
        frames = block.shape[1]
        if self._fresh:
            np.copyto(self._last_values, values)
        begin = 0
        for event in events:
            frame = int(event["frame"])
            if frame > begin:
                self._play_to(values, frame / frames, block[:, begin:frame])
                begin = frame
            if self._hear(event):
                self._fresh = True  # a note begins at once, not by a glide
        self._play_to(values, 1.0, block[:, begin:])
        np.copyto(self._last_values, values)

    def _hear(self, event: np.void) -> bool:
        """Apply an event; return whether the pitch jumps."""
        note, notes = int(event["note"]), self._notes
        match int(event["kind"]):
            case EventKind.NOTE_ON:
                notes.append(note)
            case EventKind.NOTE_OFF if note in notes:
                notes.remove(note)
            case EventKind.ALL_OFF:
                notes.clear()
                self._bend = 0.0
            case EventKind.PITCH_BEND:
                self._bend = float(event["value"])
            case _:
                return False
        return True

    def _play_to(
        self, values: NDArray[np.float64], share: float, part: NDArray[np.float32]
    ) -> None:
        """Render the part of a block that ends at `share` of its length."""
        between = self._values
        np.subtract(values, self._last_values, out=between)
        np.multiply(between, share, out=between)
        np.add(between, self._last_values, out=between)
        if values[2] * self._last_values[2] < 0.0:
            between[2] = values[2]  # 0 oct/s is not legal, so the sign jumps
        frames = part.shape[1]
        self._aim(between)
        if self._fresh:
            np.copyto(self._motion[:, 1], self._steps)
            np.copyto(self._last_weights, self._weights)
            self._fresh = False
        np.subtract(self._steps, self._motion[:, 1], out=self._motion[:, 2])
        lines = self._ramps.move(self._targets, frames)
        np.not_equal(self._weights, self._last_weights, out=self._unlike)
        moving = bool(self._unlike.any())
        for begin in range(0, frames, STRIDE):
            end = min(begin + STRIDE, frames)
            self._render(begin, end, frames, moving, lines[:, begin:end], part[:, begin:end])
        # The next part begins with the values at the end.
        change, step, phase = self._motion[:, 2], self._motion[:, 1], self._motion[:, 0]
        np.multiply(step, float(frames), out=step)
        np.add(phase, step, out=phase)
        np.multiply(change, 0.5 * (frames + 1), out=change)
        np.add(phase, change, out=phase)
        np.remainder(phase, 1.0, out=phase)
        np.copyto(step, self._steps)
        np.copyto(self._last_weights, self._weights)

    def _aim(self, values: NDArray[np.float64]) -> None:
        """Compute the frequencies (cycles per sample) and weights for `values`."""
        f_0, f_m, gamma, w = (float(value) for value in values[:4])
        if self._notes:
            f_0 = float(self._tuning.hertz[self._notes[-1]])
        f_0 *= 2.0 ** (self._bend / 12.0)
        steps, octaves, gains, turn = self._steps, self._octaves, self._gains, self._turn
        np.multiply(self._places, w, out=octaves)
        partials = steps[:PARTIALS]
        np.exp2(octaves, out=partials)
        np.multiply(partials, f_0 / self._sample_rate, out=partials)
        np.exp2(np.multiply(octaves, -0.5, out=gains), out=gains)
        np.multiply(gains, LEVEL * math.sqrt(2.0 / float(np.dot(gains, gains))), out=gains)
        _fade(partials, gains, turn)
        np.minimum(partials, FADE_TO, out=partials)  # silent there; keeps phases small
        steps[PARTIALS] = f_m / self._sample_rate
        self._targets[_DEPTH] = values[4]
        self._targets[_LEVEL] = units.db_to_amplitude(float(values[6]))
        weights = self._weights.reshape(CHANNELS, _SUMS, PARTIALS)
        np.multiply(octaves, 2.0 * math.pi * f_m / gamma, out=octaves)
        for channel, side in enumerate((-float(values[5]), float(values[5]))):
            np.multiply(self._sides, side, out=turn)
            np.add(turn, 1.0, out=turn)
            np.multiply(turn, gains, out=weights[channel, 0])
        for sums in weights:
            np.multiply(np.cos(octaves, out=turn), sums[0], out=sums[1])
            np.multiply(np.sin(octaves, out=turn), sums[0], out=sums[2])

    def _render(
        self,
        begin: int,
        end: int,
        frames: int,
        moving: bool,
        lines: NDArray[np.float64],
        out: NDArray[np.float32],
    ) -> None:
        """Write samples `begin` to `end` of a part of `frames` samples to `out`."""
        n = end - begin
        basis = self._basis[:, :n]
        phases = self._phases[: (PARTIALS + 1) * n].reshape(PARTIALS + 1, n)
        np.copyto(basis[1], self._count[begin:end])
        np.multiply(self._count[begin:end], self._count[begin + 1 : end + 1], out=basis[2])
        np.multiply(basis[2], 0.5 / frames, out=basis[2])  # the sum of a frequency that ramps
        np.matmul(self._motion, basis, out=phases)
        np.multiply(phases, 2.0 * math.pi, out=phases)
        sine = np.sin(phases[PARTIALS], out=self._sine[:n])
        cosine = np.cos(phases[PARTIALS], out=self._cosine[:n])
        np.sin(phases, out=phases)
        sums = np.matmul(self._last_weights, phases[:PARTIALS], out=self._sums[:, :n])
        if moving:
            more = np.matmul(self._weights, phases[:PARTIALS], out=self._more[:, :n])
            fraction = np.multiply(self._count[begin + 1 : end + 1], 1.0 / frames,
                                   out=self._fraction[:n])  # fmt: skip
            for row, other in zip(sums, more, strict=True):
                np.subtract(other, row, out=other)
                np.multiply(other, fraction, out=other)
                np.add(row, other, out=row)
        np.multiply(sine, lines[_DEPTH], out=sine)
        np.multiply(cosine, lines[_DEPTH], out=cosine)
        for row, channel in zip(out, range(0, CHANNELS * _SUMS, _SUMS), strict=True):
            plain, up, across = sums[channel], sums[channel + 1], sums[channel + 2]
            np.multiply(up, sine, out=up)
            np.multiply(across, cosine, out=across)
            np.add(plain, up, out=plain)
            np.subtract(plain, across, out=plain)
            np.multiply(plain, lines[_LEVEL], out=plain)
            np.copyto(row, plain, casting="same_kind")


def _fade(
    steps: NDArray[np.float64], gains: NDArray[np.float64], turn: NDArray[np.float64]
) -> None:
    """Fade `gains` to 0 (by 3 x^2 - 2 x^3) where `steps`, cycles per sample, near Nyquist's."""
    if steps[-1] <= FADE_FROM:  # the highest
        return
    np.subtract(FADE_TO, steps, out=turn)
    np.multiply(turn, 1.0 / (FADE_TO - FADE_FROM), out=turn)
    np.maximum(turn, 0.0, out=turn)
    np.minimum(turn, 1.0, out=turn)
    np.multiply(gains, turn, out=gains)
    np.multiply(gains, turn, out=gains)
    np.multiply(turn, -2.0, out=turn)
    np.add(turn, 3.0, out=turn)
    np.multiply(gains, turn, out=gains)
