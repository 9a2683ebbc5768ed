"""Reverb: a feedback delay network of sixteen delay lines.

After Jot and Chaigne, *Digital delay networks for designing artificial reverberators*, AES 90
(1991). With o_j the output of line j, D_j samples late, its one-pole low-pass and its gain

    d_j[n] = (1 - c) o_j[n] + c d_j[n-1],   c = exp(-2π f / rate)
    q_j = g_j d_j,                           g_j = 10^(-3 D_j / (rate T60))

all lines decay at one rate. The orthonormal Hadamard matrix H keeps energy and spreads every echo
over all lines. The input enters by its columns 1 and 2, and the output leaves by its rows 5 and 10,
so that the products of one input and one output all differ, and with them the first echoes left
and right:

    line_j <- sum_k H_jk q_k + H_j1 x_l + H_j2 x_r
    wet_l = WET sum_k H_5k q_k,   wet_r = WET sum_k H_10,k q_k
"""

import math

import numpy as np

from mesosynth.plugins.parameters import Parameter, ParameterTable
from mesosynth.plugins.plugin import Effect, Events
from mesosynth.system.kernels import F4, F8, I8, compile_loops, loop

LINES = 16
SHORTEST, LONGEST = 0.0131, 0.0713  # s; between them the lengths grow by one ratio
LONGEST_DECAY = 20.0  # s
WET = 1.6  # gain; steady noise leaves a hall of two seconds about 8 dB quieter than it enters
SILENT = 1e-15  # -300 dB; smaller states become zero, as subnormal numbers are slow


@loop("void(f8[::1])")
def _hadamard(x: F8) -> None:
    """Multiply x, (LINES,), by the orthonormal Hadamard matrix: fast Walsh-Hadamard transform."""
    half = 1
    while half < LINES:
        for begin in range(0, LINES, 2 * half):
            for j in range(begin, begin + half):
                x[j], x[j + half] = x[j] + x[j + half], x[j] - x[j + half]
        half *= 2
    for j in range(LINES):
        x[j] /= math.sqrt(LINES)


@loop("void(f4[:, :], f8[:], f8, f8[:, ::1], i8[::1], f8[::1], f8[:, ::1], i8[::1])")
def _reverberate(
    block: F4, values: F8, sample_rate: float, ring: F8, lengths: I8,
    now: F8, lines: F8, place: I8,
) -> None:  # fmt: skip
    """Reverberate a block in place.

    `ring`, (longest, LINES), holds the sound in the lines, and `lengths` D_j in samples. `now` is
    c, width and mix at the end of the last block, NaN before the first; `lines`, (4, LINES), d_j
    of the last sample, g_j at the end of the last block, and work space; `place`, (1,), where the
    ring is written next.
    """
    frames, longest, at = block.shape[1], ring.shape[0], place[0]
    d, g, g_step, q = lines[0], lines[1], lines[2], lines[3]
    c_end = math.exp(-2.0 * math.pi * min(values[1] / sample_rate, 0.5))
    fresh = math.isnan(now[0])
    if fresh:
        now[0], now[1], now[2] = c_end, values[2], values[3]
    c, width, mix = now[0], now[1], now[2]
    c_step, width_step = (c_end - c) / frames, (values[2] - width) / frames
    mix_step = (values[3] - mix) / frames
    for j in range(LINES):
        g_end = 10.0 ** (-3.0 * lengths[j] / (sample_rate * values[0]))
        g[j] = g_end if fresh else g[j]
        g_step[j] = (g_end - g[j]) / frames
    for i in range(frames):
        c += c_step
        width += width_step
        mix += mix_step
        for j in range(LINES):
            out = at - lengths[j]
            o = ring[out if out >= 0 else out + longest, j]
            d[j] = (1.0 - c) * o + c * d[j]
            g[j] += g_step[j]
            q[j] = g[j] * d[j]
        x_left, x_right = float(block[0, i]), float(block[1, i])
        _hadamard(q)
        left, right = WET * q[5], WET * q[10]
        for j in range(LINES):
            enters = (x_left if j % 2 == 0 else -x_left) + (x_right if j % 4 < 2 else -x_right)
            line = q[j] + enters / math.sqrt(LINES)
            ring[at, j] = line if abs(line) > SILENT else 0.0
        at = at + 1 if at + 1 < longest else 0
        side = 0.5 * (1.0 - width) * (right - left)
        block[0, i] = x_left + mix * (left + side - x_left)
        block[1, i] = x_right + mix * (right - side - x_right)
    for j in range(LINES):
        d[j] = d[j] if abs(d[j]) > SILENT else 0.0
    now[0], now[1], now[2], place[0] = c_end, values[2], values[3], at


class Reverb(Effect):
    """Reverb of a hall with a decay of 0.1 to 20 s."""

    name = "Reverb"
    parameters = ParameterTable(
        [
            Parameter("decay", "Decay", "s", 0.1, LONGEST_DECAY, 2.0,
                      "Time in which the hall falls silent by 60 dB.", curve="log"),
            Parameter("damping", "Damping", "Hz", 500.0, 20000.0, 5000.0,
                      "Frequency above which the hall swallows sound faster.", curve="log"),
            Parameter("width", "Width", "", 0.0, 1.0, 1.0, "From mono (0) to wide (1)."),
            Parameter("mix", "Mix", "", 0.0, 1.0, 0.25, "From dry (0) to the hall alone (1)."),
        ]
    )  # fmt: skip

    def prepare(self, sample_rate: float, max_block: int) -> None:
        """[control] Allocate the state and compile the sample loop, then reset."""
        compile_loops(__name__)
        self._sample_rate = float(sample_rate)
        self._lengths = np.array(_lengths(self._sample_rate))
        self._ring = np.zeros((self._lengths[-1], LINES))
        self._now, self._lines = np.zeros(3), np.zeros((4, LINES))
        self._place = np.zeros(1, np.int64)
        self.tail = LONGEST_DECAY
        self.reset()

    def reset(self) -> None:
        """[control] Forget all sound, as if `prepare` had just returned."""
        self._now.fill(np.nan)
        for state in (self._ring, self._lines, self._place):
            state.fill(0)

    def process(self, values: F8, events: Events, block: F4) -> None:
        """[audio] Reverberate `block`, (2, frames) float32; `values` are in the table's order."""
        _reverberate(
            block, values, self._sample_rate, self._ring, self._lengths,
            self._now, self._lines, self._place,
        )  # fmt: skip


def _lengths(sample_rate: float) -> list[int]:
    """Samples in each line: a geometric series, moved to numbers that share no factor."""
    lengths: list[int] = []
    for seconds in np.geomspace(SHORTEST, LONGEST, LINES):
        length = round(float(seconds) * sample_rate)
        while any(math.gcd(length, other) > 1 for other in lengths):
            length += 1
        lengths.append(length)
    return lengths
