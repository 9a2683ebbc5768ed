"""Stereo delay: a ring buffer with damped feedback, in place or from side to side.

With e the sound of D samples ago, d its low-pass d[n] = (1 - c) e[n] + c d[n-1], where
c = exp(-2π f / rate), and p the share of ping-pong, the ring takes

    left  <- x_l + p ((x_l + x_r) / 2 - x_l)  +  feedback (d_l + p (d_r - d_l))
    right <- x_r - p x_r                      +  feedback (d_r + p (d_l - d_r))

so that with p = 1 each side's echo goes to the other side and the input enters on the left. To
another delay the echo is crossfaded, so that its pitch does not glide; a time that arrives during a
crossfade waits for its end.
"""

import math

import numpy as np

from mesosynth.plugins.parameters import Parameter, ParameterTable
from mesosynth.plugins.plugin import CHANNELS, Effect, Events
from mesosynth.system.kernels import F4, F8, I8, compile_loops, loop

SHORTEST, LONGEST = 0.01, 2.0  # s
MOST_FEEDBACK = 0.95
CROSSFADE = 0.05  # s from the old delay time to the new one
INAUDIBLE = 1e-5  # of the first echo
SILENT = 1e-15  # -300 dB; smaller states become zero, as subnormal numbers are slow


@loop("void(f4[:, :], f8[:], f8, i8, f8[:, ::1], f8[::1], f8[::1], i8[::1])")
def _echo(
    block: F4, values: F8, sample_rate: float, crossfade: int,
    ring: F8, now: F8, dark: F8, places: I8,
) -> None:  # fmt: skip
    """Add echoes to a block in place.

    `crossfade` and `ring`, (longest, 2), are in samples. `now` holds feedback, c, ping-pong and mix
    at the end of the last block, NaN before the first; `dark` d of the last sample; `places` where
    the ring is written next, the present delay, the one to come (0 before the first block), and
    for how long the crossfade between them runs.
    """
    frames, longest = block.shape[1], ring.shape[0]
    c_end = math.exp(-2.0 * math.pi * min(values[2] / sample_rate, 0.5))
    if math.isnan(now[0]):
        now[0], now[1], now[2], now[3] = values[1], c_end, values[3], values[4]
    feedback, c, ping_pong, mix = now[0], now[1], now[2], now[3]
    feedback_step, c_step = (values[1] - feedback) / frames, (c_end - c) / frames
    ping_pong_step, mix_step = (values[3] - ping_pong) / frames, (values[4] - mix) / frames
    at, here, there, faded = places[0], places[1], places[2], places[3]
    if here == there:  # no crossfade
        there = min(max(round(values[0] * sample_rate), 1), longest - 1)
        if here == 0:
            here = there
    d_left, d_right = dark[0], dark[1]
    for i in range(frames):
        feedback += feedback_step
        c += c_step
        ping_pong += ping_pong_step
        mix += mix_step
        place = at - here if at >= here else at - here + longest
        e_left, e_right = ring[place, 0], ring[place, 1]
        if here != there:
            faded += 1
            share = faded / crossfade
            place = at - there if at >= there else at - there + longest
            e_left += share * (ring[place, 0] - e_left)
            e_right += share * (ring[place, 1] - e_right)
            if faded == crossfade:
                here, faded = there, 0
        d_left = (1.0 - c) * e_left + c * d_left
        d_right = (1.0 - c) * e_right + c * d_right
        x_left, x_right = float(block[0, i]), float(block[1, i])
        in_left = x_left + ping_pong * 0.5 * (x_right - x_left)
        in_right = x_right - ping_pong * x_right
        left = in_left + feedback * (d_left + ping_pong * (d_right - d_left))
        right = in_right + feedback * (d_right + ping_pong * (d_left - d_right))
        ring[at, 0] = left if abs(left) > SILENT else 0.0
        ring[at, 1] = right if abs(right) > SILENT else 0.0
        at = at + 1 if at + 1 < longest else 0
        block[0, i] = x_left + mix * (e_left - x_left)
        block[1, i] = x_right + mix * (e_right - x_right)
    dark[0] = d_left if abs(d_left) > SILENT else 0.0
    dark[1] = d_right if abs(d_right) > SILENT else 0.0
    places[0], places[1], places[2], places[3] = at, here, there, faded
    now[0], now[1], now[2], now[3] = values[1], c_end, values[3], values[4]


class Delay(Effect):
    """Echoes with feedback, in place or from side to side."""

    name = "Delay"
    parameters = ParameterTable(
        [
            Parameter("time", "Time", "s", SHORTEST, LONGEST, 0.375,
                      "From one echo to the next.", curve="log"),
            Parameter("feedback", "Feedback", "", 0.0, MOST_FEEDBACK, 0.4,
                      "How much of each echo comes again."),
            Parameter("damping", "Damping", "Hz", 500.0, 20000.0, 6000.0,
                      "Frequency above which each echo is darker than the last.", curve="log"),
            Parameter("ping_pong", "Ping-pong", "", 0.0, 1.0, 0.0,
                      "From echoes in place (0) to echoes from left to right and back (1)."),
            Parameter("mix", "Mix", "", 0.0, 1.0, 0.3, "From dry (0) to echoes alone (1)."),
        ]
    )  # fmt: skip

    def prepare(self, sample_rate: float, max_block: int) -> None:
        """[control] Allocate the state and compile the sample loop, then reset."""
        compile_loops(__name__)
        self._sample_rate = float(sample_rate)
        self._ring = np.zeros((math.ceil(LONGEST * sample_rate) + 1, CHANNELS))
        self._crossfade = max(1, round(CROSSFADE * sample_rate))
        self._now, self._dark, self._places = np.zeros(4), np.zeros(CHANNELS), np.zeros(4, np.int64)
        self.tail = LONGEST * (1.0 + math.log(INAUDIBLE) / math.log(MOST_FEEDBACK))
        self.reset()

    def reset(self) -> None:
        """[control] Forget all sound, as if `prepare` had just returned."""
        self._now.fill(np.nan)
        for state in (self._ring, self._dark, self._places):
            state.fill(0)

    def process(self, values: F8, events: Events, block: F4) -> None:
        """[audio] Add echoes to `block`, (2, frames) float32; `values` are in the table's order."""
        _echo(
            block, values, self._sample_rate, self._crossfade,
            self._ring, self._now, self._dark, self._places,
        )  # fmt: skip
