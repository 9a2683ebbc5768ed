"""Sample loop of the reverb: a feedback delay network of sixteen lines.

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

from mesosynth.system.kernels import F4, F8, I8, kernel

LINES = 16
WET = 1.6  # gain; steady noise leaves a hall of two seconds about 8 dB quieter than it enters
SILENT = 1e-15  # -300 dB; smaller states become zero, as subnormal numbers are slow


@kernel("void(f8[::1])")
def hadamard(x: F8) -> None:
    """Multiply x, (LINES,), by the orthonormal Hadamard matrix: fast Walsh-Hadamard transform."""
    half = 1
    while half < LINES:
        for begin in range(0, LINES, 2 * half):
            for j in range(begin, begin + half):
                x[j], x[j + half] = x[j] + x[j + half], x[j] - x[j + half]
        half *= 2
    for j in range(LINES):
        x[j] /= math.sqrt(LINES)


@kernel("void(f4[:, :], f8[:], f8, f8[:, ::1], i8[::1], f8[::1], f8[:, ::1], i8[::1])")
def reverberate(
    block: F4, values: F8, sample_rate: float, ring: F8, lengths: I8,
    now: F8, lines: F8, place: I8,
) -> None:  # fmt: skip
    """[audio] Reverberate a block in place.

    Parameters
    ----------
    block : (2, frames) float32
    values : (4,) float64
        T60 in s, damping in Hz, width and mix, at the end of the block.
    sample_rate : float
        Hz.
    ring : (longest, LINES) float64
        Sound in the lines.
    lengths : (LINES,) int64
        D_j, samples, at most `longest`.
    now : (3,) float64
        c, width and mix at the end of the last block; NaN before the first.
    lines : (4, LINES) float64
        d_j of the last sample, g_j at the end of the last block, and work space.
    place : (1,) int64
        Where the ring is written next.
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
        hadamard(q)
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
