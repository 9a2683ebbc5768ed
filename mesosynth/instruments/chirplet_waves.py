"""Waveforms of the chirplet's voices: their state, and their samples computed in blocks."""

import math

import numpy as np
from numpy.typing import NDArray

from mesosynth.instruments.chirplet_parameters import HARMONICS, PURE
from mesosynth.plugins.plugin import CHANNELS

# --------------------------------------------------------------------------------------------------
# State of the voices: a table with one row per voice


VOICES = 16
ROWS = 48
"""Rows for voices: those beyond VOICES fade. A key that finds no free row cuts the stretch that is
rendered at once; with 32 rows, ten keys in a block could cut it seven times."""

FIELDS = 19
(
    OCTAVES,  # place in its sweep, 0 in the middle
    CARRIER,  # phase, cycles
    MODULATION,  # phase, cycles
    COMING,  # attack level at the stretch's begin, may be below 0
    RISE,  # change of the attack level per sample
    GOING,  # release level, may be above 1; the lower of both levels is heard
    FADE,  # loss of the release level per sample; 0 until it is released
    STEP,  # of the carrier in the middle of the sweep, cycles per sample, at the block's begin
    AMPLITUDE,  # from velocity, pressure and humanise, at the block's begin
    NEXT_STEP,  # both at the block's end, in the same order, as they are copied together
    NEXT_AMPLITUDE,
    LEFT,
    RIGHT,
    HERTZ,  # of its key; 0 follows the parameter f_c
    DETUNE,  # frequency ratio from humanise
    KEY,  # index of its key among the held ones, or -1
    CHANNEL,
    GAIN,  # from velocity and humanise
    BORN,  # number of the arpeggio since the reset
) = range(FIELDS)


# --------------------------------------------------------------------------------------------------
# Samples of all voices at once: a few matrix products, and one sine per voice and sample
#
# Over a stretch of samples all voices travel the same S octaves, so the start of each voice factors
# out. A voice that begins at o octaves, with carrier phase p and AM phase m (cycles) and a carrier
# that moves in a straight line from c to c + d (cycles per sample in the middle of its sweep), has
# after n samples, with ``E = 2^S`` and the fraction F of the block::
#
#     carrier phase   p + 2^o c sum(E) + 2^o d sum(E F)
#     modulation      sin(2 pi m) cos(2 pi M) + cos(2 pi m) sin(2 pi M)
#     envelope        exp(-W (o^2 + 2 o S + S^2))
#
# Each is a matrix with a row per voice times a matrix with a column per sample. The latter are kept
# while the parameters stand still.


STRIDE = 256  # samples rendered at once; a voice runs past its end by less than that
FADE_FROM = 0.45  # of the sample rate: above it a partial fades,
FADE_TO = 0.5  # and is silent from the Nyquist frequency on
TWO_PI = 2.0 * math.pi

# Working matrices. Those that are used at different times share memory.
_ANGLE, _SOUND, _FACTOR, _WORK, _STEPS, _PARTIAL, _BEFORE, _COSINE = range(8)
_LINE = _STEPS

Line = NDArray[np.float64]
"""One number per sample, or one per voice."""

Lines = NDArray[np.float64]
"""A row per voice, a column per sample (or per field)."""


class Motion:
    """Ramps of a block that are the same for all voices, one value per sample.

    Attributes
    ----------
    octaves, modulation : (frames,) float64
        Octaves and AM cycles per sample.
    width : (frames,) float64
        Square root of W, per octave.
    rest, depth : (frames,) float64
        Of the modulation.
    still : bool
        Whether the ramps are those of the block before.
    """

    __slots__ = ("depth", "modulation", "octaves", "rest", "still", "width")

    octaves: Line
    modulation: Line
    width: Line
    rest: Line
    depth: Line
    still: bool


class Waves:
    """Renderer of voices, a stretch of a block at a time.

    Parameters
    ----------
    max_block : int
        Frames in the largest block.
    """

    def __init__(self, max_block: int) -> None:
        self._motion, self._begin = Motion(), 0
        self._frames = self._laid_begin = self._laid_end = 0
        stride = min(STRIDE, max_block)
        self._samples = np.arange(1.0, max_block + 1.0)
        self._block = np.ones((2, max_block))  # 1 and the fraction of the block
        self._fraction = self._block[1]
        # One sample more than a stride: the integral at the end is the start of the next stretch.
        self._travel, self._turn = np.zeros((2, stride + 1))
        self._sums = np.ones((3, stride + 1))
        self._speeds, self._waves = np.zeros((2, 2, stride))
        self._fastest = 0.0
        self._powers = np.zeros((3, stride))
        self._count = np.ones((2, stride))  # 1 and the sample's number
        self._count[1] = self._samples[:stride]
        self._starts = np.zeros((ROWS, 3))
        self._pair, self._levels = np.zeros((2, ROWS, 2))
        self._column = np.zeros(ROWS)
        self._gains = np.zeros((CHANNELS, ROWS))
        self._stereo = np.zeros((CHANNELS, stride))
        self._matrices = np.zeros((8, ROWS * stride))
        self._shaped: list[Lines] = []
        self._shape = (0, 0)
        self._one = np.ones((ROWS, 1))

    def begin_block(self, frames: int) -> None:
        """[audio] Begin a block of `frames`: all ramps end with its last sample."""
        if frames != self._frames:
            np.multiply(self._samples[:frames], 1.0 / frames, out=self._fraction[:frames])
            self._frames, self._laid_end = frames, 0

    def open(self, motion: Motion, begin: int, end: int) -> None:
        """[audio] Begin a stretch of the block.

        Parameters
        ----------
        motion : Motion
            Ramps of the block.
        begin, end : int
            Frames of the block, STRIDE apart at most.
        """
        self._motion, self._begin = motion, begin
        if not (motion.still and begin == self._laid_begin and end == self._laid_end):
            self._lay_out(motion, begin, end)
            self._laid_begin, self._laid_end = begin, end

    def _lay_out(self, motion: Motion, begin: int, end: int) -> None:
        """Compute the columns of all matrices, which are the same for all voices."""
        frames = end - begin
        travel = _integrate(motion.octaves[begin:end], self._travel[: frames + 1])[:frames]
        turn = _integrate(motion.modulation[begin:end], self._turn[: frames + 1])[:frames]
        speeds, waves = self._speeds[:, :frames], self._waves[:, :frames]
        np.exp2(travel, out=speeds[0])
        np.multiply(speeds[0], self._fraction[begin:end], out=speeds[1])
        self._fastest = max(float(speeds[0, 0]), float(speeds[0, -1]))
        _integrate(speeds[0], self._sums[1, : frames + 1])
        _integrate(speeds[1], self._sums[2, : frames + 1])
        np.multiply(turn, TWO_PI, out=waves[1])
        np.cos(waves[1], out=waves[0])
        np.sin(waves[1], out=waves[1])
        width, powers = motion.width[begin:end], self._powers[:, :frames]
        np.multiply(width, width, out=powers[0])
        np.negative(powers[0], out=powers[0])
        np.multiply(powers[0], travel, out=powers[1])
        np.multiply(powers[1], travel, out=powers[2])

    def travelled(self, frames: int) -> float:
        """[audio] Octaves swept in the first `frames` samples of the stretch."""
        return float(self._travel[frames])

    def turned(self, frames: int) -> float:
        """[audio] Cycles of the modulation in the first `frames` samples of the stretch."""
        return float(self._turn[frames])

    def cycles(self, frames: int, step: float, change: float) -> float:
        """[audio] Cycles of a carrier that is in the middle of its sweep at the stretch's begin.

        Parameters
        ----------
        frames : int
            Samples from the begin of the stretch.
        step : float
            Cycles per sample at the block's begin.
        change : float
            Change of `step` to the block's end.

        Returns
        -------
        float
        """
        return step * float(self._sums[1, frames]) + change * float(self._sums[2, frames])

    def render(self, state: Lines, partials: Lines, frames: int, mix: Lines) -> None:
        """[audio] Add the first samples of the stretch to a block, and move the voices on.

        Parameters
        ----------
        state : (voices, FIELDS) float64
        partials : (2, voices, HARMONICS) float64
            Amplitudes of the harmonics, at the block's begin and end.
        frames : int
            Samples of the stretch.
        mix : (2, frames of the block) float64
            Changed in place.
        """
        begin = self._begin
        self._work_with(len(state), frames)
        sound = self._carrier(state, partials, frames)
        factor = self._shaped[_FACTOR]
        self._envelope(state, factor)
        np.multiply(sound, factor, out=sound)
        self._modulation(state, factor)
        np.multiply(sound, factor, out=sound)
        if np.count_nonzero(state[:, FADE]) or state[:, COMING].min() < 1.0:
            np.multiply(sound, self._fades(state, frames, factor), out=sound)
        self._mix(state, sound, begin, mix[:, begin : begin + frames])
        octaves, modulation = state[:, OCTAVES], state[:, MODULATION]
        np.add(octaves, self._travel[frames], out=octaves)
        np.add(modulation, self._turn[frames], out=modulation)
        np.remainder(modulation, 1.0, out=modulation)

    def _work_with(self, voices: int, frames: int) -> None:
        """Shape the working matrices to (voices, frames).

        They are contiguous: over rows with gaps NumPy's functions go through buffers.
        """
        if (voices, frames) != self._shape:
            self._shape = (voices, frames)
            self._shaped[:] = (
                matrix[: voices * frames].reshape(voices, frames) for matrix in self._matrices
            )

    def _carrier(self, state: Lines, partials: Lines, frames: int) -> Lines:
        """Sines of all carriers with their harmonics; moves their phases on."""
        voices = len(state)
        starts, sums = self._starts[:voices], self._sums
        np.copyto(starts[:, 0], state[:, CARRIER])
        factor = np.exp2(state[:, OCTAVES], out=self._column[:voices])
        np.multiply(factor, state[:, STEP], out=starts[:, 1])
        np.subtract(state[:, NEXT_STEP], state[:, STEP], out=starts[:, 2])
        np.multiply(factor, starts[:, 2], out=starts[:, 2])
        np.dot(starts, sums[:, frames], out=factor)
        np.remainder(factor, 1.0, out=state[:, CARRIER])

        angle, sound = self._shaped[_ANGLE], self._shaped[_SOUND]
        np.matmul(starts, sums[:, :frames], out=angle)
        np.multiply(angle, TWO_PI, out=angle)
        np.sin(angle, out=sound)
        bright = np.count_nonzero(partials[:, :, 1:]) > 0
        # An upper bound of the highest step; only near it is the step of every sample needed.
        highest = float(starts[:, 1].max()) + max(float(starts[:, 2].max()), 0.0)
        highest *= self._fastest
        steps = self._shaped[_STEPS]
        if highest * (HARMONICS if bright else 1) > FADE_FROM:
            np.matmul(starts[:, 1:], self._speeds[:, :frames], out=steps)
        if bright:
            self._harmonics(angle, sound, partials, highest, steps)
        elif highest > FADE_FROM:
            np.multiply(sound, _below_nyquist(steps, self._shaped[_WORK]), out=sound)
        return sound

    def _harmonics(
        self, angle: Lines, sound: Lines, partials: Lines, highest: float, steps: Lines
    ) -> None:
        """Turn the sine in `sound` into the sum of its partials.

        By sin((k + 1) x) = 2 cos(x) sin(k x) - sin((k - 1) x).
        """
        work, gain = self._shaped[_WORK], self._shaped[_FACTOR]
        twice = np.cos(angle, out=self._shaped[_COSINE])
        np.multiply(twice, 2.0, out=twice)
        partial, before = self._shaped[_PARTIAL], self._shaped[_BEFORE]
        np.copyto(partial, sound)
        before.fill(0.0)
        sound.fill(0.0)
        for k in range(HARMONICS):
            self._line(partials[0, :, k], partials[1, :, k], self._begin, gain)
            if highest * (k + 1) > FADE_FROM:
                np.multiply(steps, k + 1.0, out=work)
                # The memory of `angle` is free now.
                np.multiply(gain, _below_nyquist(work, angle), out=gain)
            np.multiply(gain, partial, out=gain)
            np.add(sound, gain, out=sound)
            np.multiply(twice, partial, out=work)
            np.subtract(work, before, out=work)
            np.copyto(before, partial)
            np.copyto(partial, work)

    def _envelope(self, state: Lines, out: Lines) -> None:
        """Write the Gaussian to `out`."""
        starts, octaves = self._starts[: len(state)], state[:, OCTAVES]
        np.multiply(octaves, octaves, out=starts[:, 0])
        np.multiply(octaves, 2.0, out=starts[:, 1])
        starts[:, 2] = 1.0
        np.matmul(starts, self._powers[:, : out.shape[1]], out=out)
        np.exp(out, out=out)

    def _modulation(self, state: Lines, out: Lines) -> None:
        """Write the amplitude modulation with its rests and depth to `out`."""
        voices, frames = out.shape
        pair, motion, begin = self._pair[:voices], self._motion, self._begin
        angle = np.multiply(state[:, MODULATION], TWO_PI, out=self._column[:voices])
        np.sin(angle, out=pair[:, 0])
        np.cos(angle, out=pair[:, 1])
        np.matmul(pair, self._waves[:, :frames], out=out)
        rest, depth = motion.rest[begin : begin + frames], motion.depth[begin : begin + frames]
        line, work = self._shaped[_LINE], self._shaped[_WORK]
        if np.count_nonzero(rest):  # several times faster than any()
            np.matmul(self._one[:voices], rest[None, :], out=line)
            np.minimum(out, 0.0, out=work)
            np.multiply(work, line, out=work)
            np.subtract(out, work, out=out)
        if depth.min() < 1.0:
            np.matmul(self._one[:voices], depth[None, :], out=line)
            np.subtract(out, 1.0, out=out)
            np.multiply(out, line, out=out)
            np.add(out, 1.0, out=out)

    def _fades(self, state: Lines, frames: int, out: Lines) -> Lines:
        """Levels of voices in attack or release, sample by sample; moves them on."""
        voices = len(state)
        basis, levels = self._count[:, :frames], self._levels[:voices]
        np.copyto(levels, state[:, COMING : RISE + 1])
        np.matmul(levels, basis, out=out)
        np.copyto(levels, state[:, GOING : FADE + 1])
        np.negative(levels[:, 1], out=levels[:, 1])
        going = np.matmul(levels, basis, out=self._shaped[_WORK])
        np.add(state[:, COMING], np.multiply(state[:, RISE], frames, out=self._column[:voices]),
               out=state[:, COMING])  # fmt: skip
        np.minimum(state[:, COMING], 1.0, out=state[:, COMING])
        np.copyto(state[:, GOING], going[:, frames - 1])
        np.minimum(out, going, out=out)
        np.maximum(out, 0.0, out=out)
        return np.minimum(out, 1.0, out=out)

    def _mix(self, state: Lines, sound: Lines, begin: int, mix: Lines) -> None:
        voices, frames = sound.shape
        gains = self._gains[:, :voices]
        np.copyto(gains, state[:, LEFT : RIGHT + 1].T)
        now, then = state[:, AMPLITUDE], state[:, NEXT_AMPLITUDE]
        change = np.subtract(then, now, out=self._column[:voices])
        if np.count_nonzero(change):
            factor = self._line(now, then, begin, self._shaped[_FACTOR])
            np.multiply(sound, factor, out=sound)
        else:
            np.multiply(gains, now, out=gains)
        stereo = np.matmul(gains, sound, out=self._stereo[:, :frames])
        np.add(mix, stereo, out=mix)

    def _line(self, now: Line, then: Line, begin: int, out: Lines) -> Lines:
        """Straight line over the block from `now` to `then` for each voice, as long as `out`."""
        pair = self._pair[: len(now)]
        np.copyto(pair[:, 0], now)
        np.subtract(then, now, out=pair[:, 1])
        return np.matmul(pair, self._block[:, begin : begin + out.shape[1]], out=out)


def harmonics(brightness: float, out: Line) -> None:
    """[audio] Amplitudes of the harmonics, ``a_k = k^(brightness / (20 log10 2)) / n``.

    n is the root of the sum of squares, so that brightness changes the timbre but not the power.
    At PURE or below, only the fundamental sounds.

    Parameters
    ----------
    brightness : float
        dB/octave, -60 to 0.
    out : (HARMONICS,) float64
        Overwritten.
    """
    out.fill(0.0)
    out[0] = 1.0
    if brightness > PURE:
        exponent = brightness / (20.0 * math.log10(2.0))
        power = 1.0
        for k in range(2, HARMONICS + 1):
            amplitude = k**exponent
            out[k - 1] = amplitude
            power += amplitude * amplitude
        np.multiply(out, 1.0 / math.sqrt(power), out=out)


def chirp_step(gamma: float, sample_rate: float) -> float:
    """Integral of ``2^(gamma t)`` over one sample, s: ``1 / sample_rate`` as gamma -> 0.

    Parameters
    ----------
    gamma : float
        Octaves/s.
    sample_rate : float
        Hz.

    Returns
    -------
    float
        s.
    """
    x = math.log(2.0) * gamma / sample_rate
    return (math.expm1(x) / x if x else 1.0) / sample_rate


def _integrate(steps: Line, out: Line) -> Line:
    """Write 0 and the running sum of `steps` to `out`, which is one longer."""
    out[0] = 0.0
    np.add.accumulate(steps, out=out[1:])
    return out


def _below_nyquist(cycles_per_sample: Lines, out: Lines) -> Lines:
    """Gain that falls from 1 at FADE_FROM to 0 at FADE_TO, smoothly (3 x^2 - 2 x^3)."""
    np.subtract(FADE_TO, cycles_per_sample, out=out)
    np.multiply(out, 1.0 / (FADE_TO - FADE_FROM), out=out)
    np.maximum(out, 0.0, out=out)
    np.minimum(out, 1.0, out=out)
    np.multiply(out, -2.0, out=cycles_per_sample)
    np.add(cycles_per_sample, 3.0, out=cycles_per_sample)
    np.multiply(out, out, out=out)
    return np.multiply(out, cycles_per_sample, out=out)
