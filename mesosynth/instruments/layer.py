"""One layer of several: a chirplet that comes late, is tuned around its own pitch, and can rest."""

import math

import numpy as np
from numpy.typing import NDArray

from mesosynth.instruments.chirplet import MIDI_KEYS, Chirplet
from mesosynth.instruments.chirplet_keys import MIDI_CHANNELS
from mesosynth.instruments.chirplet_parameters import P_F_C, P_GAIN
from mesosynth.instruments.chirplet_parameters import PARAMETERS as CHIRPLET
from mesosynth.instruments.chirplet_waves import Motion
from mesosynth.instruments.key_tuning import KeyTuning
from mesosynth.plugins.plugin import Events
from mesosynth.plugins.tempo import Pulse

MIDDLE_C = 440.0 * 2.0 ** (-9 / 12)
"""Hz: the key that plays layers as they are."""


class Layer(Chirplet):
    """A chirplet among others.

    Parameters
    ----------
    tuning : KeyTuning
        Of all layers' keys.
    motion : Motion
        Lent while it plays; layers play one after the other, so that one serves all.

    Attributes
    ----------
    values : (parameters,) float64
        Where the chirplet's parameters should be at the block's end; its gain may be -inf.
    """

    def __init__(self, tuning: KeyTuning, motion: Motion) -> None:
        super().__init__()
        self._tuning, self._lent = tuning, motion
        self.values: NDArray[np.float64] = CHIRPLET.vector({})

    def prepare(self, sample_rate: float, max_block: int) -> None:
        """[control] Allocate everything for blocks of up to `max_block` frames, then reset."""
        super().prepare(sample_rate, max_block)
        self._motion = self._lent

    def reset(self) -> None:
        """[control] Forget all sound, as if `prepare` had just returned."""
        super().reset()
        self._fresh, self._resting = True, False
        self._was_silent = True

    def delay(self, late: float, late_by_key: float) -> None:
        """[audio] Say by how many periods arpeggios start late, by themselves and by keys."""
        self._late, self._keyboard.late = late, late_by_key
        if self._fresh:
            self._pulse.restart(late)
            self._fresh = False

    def play(self, events: Events, block: NDArray[np.float32]) -> bool:
        """[audio] Overwrite `block` unless the layer is silent; return whether it did.

        A silent layer costs next to nothing and keeps its place in time.
        """
        silent = float(self.values[P_GAIN]) == -math.inf
        if silent and self._was_silent:
            self._rest(events, block.shape[1])
            return False
        self._resting = False
        self._was_silent = silent
        self.process(self.values, events, block)
        return True

    def _hertz(self, note: int) -> float:
        return float(self.values[P_F_C]) * super()._hertz(note) / MIDDLE_C

    # ------------------------------------------------------------------ silence

    def _rest(self, events: Events, frames: int) -> None:
        """Let time and hands pass without a sound."""
        if not self._resting:
            self._arpeggios.voices.count = 0
            self._ramps.reset()
            self._resting = True
        self._sort(events)
        period = self._period(self.values)
        begin = 0
        while begin < frames:
            while self._notes and self._notes[-1][0] <= begin:
                _, kind, channel, note, value = self._notes.pop()
                self._obey(kind, channel % MIDI_CHANNELS, note % MIDI_KEYS, value, self.values)
            end = min(self._notes[-1][0], frames) if self._notes else frames
            self._advance((end - begin) / period)
            begin = end
        if self._runs:
            self._pass_over(self._pulse, self._late, period)
        for place, key in enumerate(self._keyboard.keys):
            if key.active:
                self._pass_over(self._keyboard.pulse(place), self._keyboard.late, period)

    @staticmethod
    def _pass_over(pulse: Pulse, late: float, period: float) -> None:
        # What is due with the next block's first sample belongs to that block.
        while pulse.wait(period) < 0:
            pulse.start(0.0, late)
