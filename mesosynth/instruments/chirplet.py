"""The live chirplet arpeggiator: the offline formula with state, so that everything may move.

One arpeggio is, with ``t = 0`` in its middle (Vahidi et al., JAES 2023)::

    x(t) = sin(2 pi f_c / (gamma ln 2) (2^(gamma t) - 1)) sin(2 pi f_m t)
           exp(-t^2 / (2 (SIGMA_0 w / gamma)^2))

Here a voice carries its position ``o = gamma t`` in octaves, its carrier phase and its AM phase in
cycles, and integrates all three from sample to sample. The carrier's step is the exact integral of
``f_c 2^o`` over one sample, so that with still parameters the two forms agree to rounding error.
"""

import math

import numpy as np
from numpy.typing import NDArray

from mesosynth import units
from mesosynth.instruments.chirplet_parameters import PARAMETERS, SIGMA_0
from mesosynth.plugin import Events, Instrument

VOICES = 8
FADE_SECONDS = 0.02  # of a voice that makes room; shorter than the shortest period
STRIDE = 1024  # samples rendered at once: bounds how far a voice runs past its end
CLOCK_TOLERANCE = 1e-7  # cycles; rounding never delays an arpeggio by a sample
FADE_FROM = 0.45  # of the sample rate: above it a carrier fades,
FADE_TO = 0.5  # and is silent from the Nyquist frequency on

# Rows of the ramps: what the samples need, derived from the parameters at a block's two ends.
_OCTAVES, _CARRIER, _MODULATION, _WIDTH, _REST, _LEVEL = range(6)


def chirp_step(gamma: float, sample_rate: float) -> float:
    """Integral of ``2^(gamma t)`` over one sample, in seconds: ``1/sample_rate`` as gamma -> 0."""
    x = math.log(2.0) * gamma / sample_rate
    return (math.expm1(x) / x if x else 1.0) / sample_rate


class _Voice:
    """One arpeggio: its position (octaves), phases (cycles), level and fade (level per sample)."""

    __slots__ = ("carrier", "fade", "level", "modulation", "octaves", "sounding")

    def __init__(self) -> None:
        self.sounding = False
        self.octaves = self.carrier = self.modulation = 0.0
        self.level = self.fade = 0.0

    def start(self, values: NDArray[np.float64], width: float) -> None:
        """Enter a window of `width` octaves at its edge, in step with the offline formula.

        Sample k of the voice is the formula at ``t = o_0 / gamma + k / sample_rate``, where
        ``o_0 = -sign(gamma) width / 2``. The edge lies at 5 sigma (-108 dB): no click.
        """
        f_c, f_m, gamma = float(values[0]), float(values[1]), float(values[2])
        self.octaves = -math.copysign(0.5 * width, gamma)
        self.carrier = f_c / (gamma * math.log(2.0)) * (2.0**self.octaves - 1.0) % 1.0
        self.modulation = f_m * self.octaves / gamma % 1.0
        self.level, self.fade = 1.0, 0.0
        self.sounding = True


class Chirplet(Instrument):
    """Arpeggios of a chirp cut into notes, one every `period`, each left to finish.

    All parameters but `period` ramp linearly (in the quantities that a sample needs) from block
    to block; a new period is heard at the next start. The first arpeggio starts with the first
    sample after :meth:`reset`.
    """

    name = "Chirplet"
    parameters = PARAMETERS

    def prepare(self, sample_rate: float, max_block: int) -> None:
        """[control] Allocate everything for blocks of up to `max_block` samples, then reset."""
        self._sample_rate = float(sample_rate)
        stride = min(max_block, STRIDE)
        self._voices = [_Voice() for _ in range(VOICES)]
        self._mix = np.zeros(max_block)
        self._count = np.arange(1.0, max_block + 1.0)
        self._fraction = np.zeros(max_block)
        self._ramps = np.zeros((6, max_block))
        self._now, self._target = np.zeros((2, 6))
        # One more than a stride: what a voice integrates also says where its next stride begins.
        self._o, self._phase, self._am = np.zeros((3, stride + 1))
        self._step, self._scratch = np.zeros((2, stride))
        self._stride = stride
        self.reset()

    def reset(self) -> None:
        """[control] Forget all sound, as if `prepare` had just returned."""
        for voice in self._voices:
            voice.sounding = False
        self._fresh = True
        self._clock = 1.0  # in periods since the last start: due at once
        self._width = 0.0

    def process(
        self, values: NDArray[np.float64], events: Events, block: NDArray[np.float32]
    ) -> None:
        """[audio] Overwrite `block`, (2, frames) float32, with the next samples.

        `values` are f_c, f_m, gamma, w, am_shape, period and gain, reached by the block's end.
        """
        frames = block.shape[1]
        self._ramp_to(values, frames)
        mix = self._mix[:frames]
        mix.fill(0.0)
        rate = 1.0 / (float(values[5]) * self._sample_rate)
        # The wider of the two ends of the ramp, so that a start is always at 5 sigma or beyond.
        width = max(self._width, float(values[3]))
        begin = 0
        while begin < frames:
            wait = math.ceil((1.0 - CLOCK_TOLERANCE - self._clock) / rate)
            if wait <= 0:
                self._start_voice(values, width)
                self._clock -= 1.0
                continue
            end = min(begin + wait, begin + self._stride, frames)
            for voice in self._voices:
                if voice.sounding:
                    self._render(voice, begin, end, mix)
                    self._end_if_done(voice, values)
            self._clock += (end - begin) * rate
            begin = end
        np.multiply(mix, self._ramps[_LEVEL, :frames], out=mix)
        np.copyto(block, mix, casting="same_kind")
        self._width = float(values[3])

    def _ramp_to(self, values: NDArray[np.float64], frames: int) -> None:
        target, ramps = self._target, self._ramps[:, :frames]
        gamma, rate = float(values[2]), self._sample_rate
        target[_OCTAVES] = gamma / rate
        target[_CARRIER] = float(values[0]) * chirp_step(gamma, rate)
        target[_MODULATION] = float(values[1]) / rate
        target[_WIDTH] = 1.0 / (math.sqrt(2.0) * SIGMA_0 * float(values[3]))
        target[_REST] = values[4]
        target[_LEVEL] = units.db_to_amplitude(float(values[6]))
        if self._fresh:
            self._now[:] = target
            self._width = float(values[3])
            self._fresh = False
        fraction = self._fraction[:frames]
        np.multiply(self._count[:frames], 1.0 / frames, out=fraction)
        for row in range(len(target)):
            begin, end = float(self._now[row]), float(target[row])
            if begin == end:
                ramps[row].fill(end)
            else:
                np.multiply(fraction, end - begin, out=ramps[row])
                np.add(ramps[row], begin, out=ramps[row])
        self._now[:] = target

    def _start_voice(self, values: NDArray[np.float64], width: float) -> None:
        """Start in a free voice, and make room for the next start.

        A voice that were simply taken over would click. So when none is left, the one furthest
        along its sweep fades, and is gone before the shortest period is over. One that has not
        reached its middle yet is spared, lest a long sweep never be heard at all; a start that
        finds no voice is left out.
        """
        chosen: _Voice | None = None
        furthest, travelled, free = self._voices[0], 0.0, 0
        for voice in self._voices:
            if not voice.sounding:
                chosen = voice
                free += 1
            elif (octaves := math.copysign(1.0, float(values[2])) * voice.octaves) > travelled:
                furthest, travelled = voice, octaves
        if chosen is not None:
            chosen.start(values, width)
        if free <= 1 and travelled > 0.0 and not furthest.fade:
            furthest.fade = 1.0 / (FADE_SECONDS * self._sample_rate)

    def _render(self, voice: _Voice, begin: int, end: int, mix: NDArray[np.float64]) -> None:
        """Add samples `begin` to `end` of one voice to `mix`, and move the voice on."""
        frames, ramps = end - begin, self._ramps
        step, scratch = self._step[:frames], self._scratch[:frames]
        _integrate(voice.octaves, ramps[_OCTAVES, begin:end], self._o)
        o = self._o[:frames]
        np.exp2(o, out=step)
        np.multiply(step, ramps[_CARRIER, begin:end], out=step)  # cycles per sample
        _integrate(voice.carrier, step, self._phase)
        _integrate(voice.modulation, ramps[_MODULATION, begin:end], self._am)
        voice.octaves = float(self._o[frames])
        voice.carrier = float(self._phase[frames]) % 1.0
        voice.modulation = float(self._am[frames]) % 1.0

        sound = _sine(self._phase[:frames])
        modulation = _sine(self._am[:frames])
        np.minimum(modulation, 0.0, out=scratch)
        np.multiply(scratch, ramps[_REST, begin:end], out=scratch)
        np.subtract(modulation, scratch, out=modulation)
        np.multiply(sound, modulation, out=sound)

        np.multiply(o, ramps[_WIDTH, begin:end], out=scratch)
        np.multiply(scratch, scratch, out=scratch)
        np.negative(scratch, out=scratch)
        np.exp(scratch, out=scratch)
        np.multiply(sound, scratch, out=sound)

        if step.max() > FADE_FROM:
            np.multiply(sound, _below_nyquist(step, scratch), out=sound)
        if voice.fade:
            np.multiply(self._count[:frames], -voice.fade, out=scratch)
            np.add(scratch, voice.level, out=scratch)
            np.maximum(scratch, 0.0, out=scratch)
            np.multiply(sound, scratch, out=sound)
            voice.level -= frames * voice.fade
        np.add(mix[begin:end], sound, out=mix[begin:end])

    def _end_if_done(self, voice: _Voice, values: NDArray[np.float64]) -> None:
        """End a voice that faded, or that leaves the window on whichever side it moves to."""
        outward = voice.octaves * float(values[2]) > 0.0
        gone = outward and abs(voice.octaves) > 0.5 * max(self._width, float(values[3]))
        if gone or voice.level <= 0.0:
            voice.sounding = False


def _integrate(start: float, steps: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    """Write `start` and its running sum with `steps` to the first len(steps) + 1 of `out`."""
    out[0] = start
    tail = out[1 : len(steps) + 1]
    np.cumsum(steps, out=tail)
    np.add(tail, start, out=tail)


def _sine(cycles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn cycles into their sine, in place."""
    np.multiply(cycles, 2.0 * math.pi, out=cycles)
    return np.sin(cycles, out=cycles)


def _below_nyquist(
    cycles_per_sample: NDArray[np.float64], out: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Gain that falls from 1 at FADE_FROM to 0 at FADE_TO, smoothly (3 x^2 - 2 x^3)."""
    np.subtract(FADE_TO, cycles_per_sample, out=out)
    np.multiply(out, 1.0 / (FADE_TO - FADE_FROM), out=out)
    np.clip(out, 0.0, 1.0, out=out)
    np.multiply(out, -2.0, out=cycles_per_sample)
    np.add(cycles_per_sample, 3.0, out=cycles_per_sample)
    np.multiply(out, out, out=out)
    return np.multiply(out, cycles_per_sample, out=out)
