"""Ripple, live: a sum of partials modulated along time and log-frequency."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesosynth import units
from mesosynth.plugins.parameters import Parameter, ParameterTable
from mesosynth.plugins.plugin import EventKind, Events, Instrument
from mesosynth.plugins.tuning import MIDDLE_C_HERTZ, KeyTuning

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

P_GAMMA = PARAMETERS.index("gamma")


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


class Ripple(Instrument):
    """Partials under a moving ripple; a held note sets the lowest partial.

    Attributes
    ----------
    relative : bool
        Whether keys transpose the parameter f_0 by their distance from middle C.
    """

    name = "Ripple"
    pitch = "f_0"
    parameters = PARAMETERS

    def __init__(self) -> None:
        self.tuning = KeyTuning()
        self.relative = False

    def prepare(self, sample_rate: float, max_block: int) -> None:
        """[control] Allocate everything for blocks of up to `max_block` frames, then reset."""
        from mesosynth.instruments import ripple_kernel

        self._k = ripple_kernel
        self._sample_rate = float(sample_rate)
        self._partials = np.zeros((PARTIALS, self._k.COLUMNS))
        self._ripple = np.zeros(self._k.RIPPLE)
        self._lines = np.zeros((4, max_block))
        self.reset()

    def reset(self) -> None:
        """[control] Forget all sound, as if `prepare` had just returned."""
        self._partials[:, self._k.PHASE] = first_phases()
        self._ripple.fill(0.0)
        self._knobs: list[float] = []
        self._notes: list[int] = []
        self._bend = 0.0  # semitones

    def state(self) -> dict[str, Any]:
        """[control] Scale of the keys, if it is not the equal temperament."""
        return self.tuning.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        """[control] Tune the keys, as :meth:`mesosynth.plugins.tuning.KeyTuning.restore`.

        Raises
        ------
        ArgumentError
            If it is not a scale; the keys stay as they were.
        """
        self.tuning.restore(state)

    def process(
        self, values: NDArray[np.float64], events: Events, block: NDArray[np.float32]
    ) -> None:
        """[audio] Overwrite `block`, (2, frames) float32; `values` are in the table's order."""
        frames, begin, jumps = block.shape[1], 0, not self._knobs
        knobs: list[float] = values.tolist()
        before = self._knobs or knobs
        for frame, kind, _, note, value in events.tolist() if len(events) else ():
            if frame > begin:
                share = frame / frames
                between = [a + (b - a) * share for a, b in zip(before, knobs, strict=True)]
                if knobs[P_GAMMA] * before[P_GAMMA] < 0.0:
                    between[P_GAMMA] = knobs[P_GAMMA]  # 0 oct/s is not legal, so the sign jumps
                self._play(between, jumps, block[:, begin:frame])
                begin, jumps = frame, False
            jumps = self._hear(kind, note, value) or jumps  # a note begins at once, not by a glide
        self._play(knobs, jumps, block[:, begin:])

    def _hear(self, kind: int, note: int, value: float) -> bool:
        """Apply an event; return whether the pitch jumps."""
        notes = self._notes
        match kind:
            case EventKind.NOTE_ON:
                notes.append(note)
            case EventKind.NOTE_OFF if note in notes:
                notes.remove(note)
            case EventKind.ALL_OFF:
                notes.clear()
                self._bend = 0.0
            case EventKind.PITCH_BEND:
                self._bend = value
            case _:
                return False
        return True

    def _play(self, knobs: list[float], jumps: bool, part: NDArray[np.float32]) -> None:
        """Render a part of a block to whose end the knobs ramp, or jump."""
        k, ripple, partials = self._k, self._ripple, self._partials
        if jumps or knobs != self._knobs:
            f_0, f_m, gamma, w, depth, spread, gain = knobs
            if self._notes:
                hertz = float(self.tuning.hertz[self._notes[-1]])
                f_0 = f_0 * hertz / MIDDLE_C_HERTZ if self.relative else hertz
            step = f_0 * 2.0 ** (self._bend / 12.0) / self._sample_rate
            k.aim(partials, step, f_m, gamma, w, spread)
            ripple[k.TURN_STEP + 3], ripple[k.DEPTH + 3] = f_m / self._sample_rate, depth
            ripple[k.LEVEL + 3] = LEVEL * units.db_to_amplitude(gain)
            if jumps:
                partials[:, k.STEP : k.STEP + k.NEXT] = partials[:, k.STEP + k.NEXT :]
                ripple[k.TURN_STEP] = ripple[k.TURN_STEP + 3]
            if not self._knobs:
                ripple[k.DEPTH : k.LEVEL + 1] = ripple[k.DEPTH + 3 :]
            self._knobs = knobs
        k.render(partials, ripple, self._lines, part)
