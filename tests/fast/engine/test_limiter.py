"""Fears: a spike reaches the ears, NaN stays for good, the limiter colours what is below it."""

# pyright: basic

import numpy as np
import pytest
from allocation import tracing
from scipy.signal import resample_poly

from mesosynth.engine.limiter import PIECE, Limiter

RATE = 48000
CEILING_DB = -1.0
N = 2 * RATE
T = np.arange(N)
RANDOM = np.random.default_rng(0)


def limit(sound, sizes=(128,), rate=RATE):
    """`sound`, (2, n), in blocks of these sizes in turn, without the limiter's delay."""
    limiter = Limiter(rate)
    out = np.pad(sound, ((0, 0), (0, limiter.latency))).astype(np.float32)
    begin, turn = 0, 0
    while begin < out.shape[1]:
        size = sizes[turn % len(sizes)]
        limiter.process(out[:, begin : begin + size])
        begin, turn = begin + size, turn + 1
    return out[:, limiter.latency :]


def true_peak_db(sound):
    """Measured with 16 times the samples and a filter far longer than the limiter's."""
    finer = resample_poly(sound.astype(np.float64), 16, 1, axis=1, window=("kaiser", 10.0))
    return 20.0 * np.log10(np.abs(finer).max())


def both(sound):
    return np.stack([sound, sound])


HOSTILE = {
    "sine at fs/4, every sample 3 dB below its peaks": both(4 * np.sin(np.pi / 2 * T + np.pi / 4)),
    "two sines near fs/2": np.stack(
        [2 * np.sin(2 * np.pi * T / 3 + 0.3), 1.2 * np.sin(0.9 * np.pi * T)]
    ),
    "noise": 3 * RANDOM.standard_normal((2, N)),
    "noise about the ceiling": 0.3 * RANDOM.standard_normal((2, N)),
    "samples of full scale": np.sign(RANDOM.standard_normal((2, N))),
    "clicks": np.where(RANDOM.random((2, N)) < 0.01, 20 * RANDOM.standard_normal((2, N)), 0.0),
    "one click": both(np.where(T == 5000, 900.0, 0.0)),
    "square": both(2 * np.sign(np.sin(2 * np.pi * T * 1234.5 / RATE))),
    "step": both(np.where(T > 500, 5.0, 0.0)),
    "bursts": both(np.where(T // 2000 % 2, 0.05, 8.0) * RANDOM.standard_normal(N)),
    "what interpolates highest": both(3.0 * (-1.0) ** T * np.where(T % 64 < 32, 1, -1)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_true_peak_passes_the_ceiling(name):
    sound = np.pad(HOSTILE[name], ((0, 0), (0, 1000)))
    limited = limit(sound)
    assert true_peak_db(limited) <= CEILING_DB
    assert true_peak_db(limited) > -4.0  # it limits, it does not silence
    np.testing.assert_allclose(limit(sound, (1, 17, 64, 1000, 128)), limited, atol=2e-6)


@pytest.mark.parametrize("rate", [22050, 44100, 96000, 192000])
def test_the_ceiling_holds_at_every_rate(rate):
    assert true_peak_db(limit(np.pad(HOSTILE["bursts"], ((0, 0), (0, 1000))), rate=rate)) <= -1.0


def test_below_the_ceiling_no_bit_changes():
    sound = RANDOM.uniform(-0.3, 0.3, (2, N)).astype(np.float32)
    np.testing.assert_array_equal(limit(sound), sound)


def test_the_gain_does_not_jump_and_the_picture_does_not_move():
    loud = np.linspace(0.2, 30, N) * np.sin(2 * np.pi * 100 * T / RATE)
    limited = limit(np.stack([loud, 0.5 * loud]))
    # Never steeper than the same sine at the ceiling would be, with a little room.
    assert np.abs(np.diff(limited)).max() < 1.2 * 2 * np.pi * 100 / RATE
    np.testing.assert_allclose(limited[1], 0.5 * limited[0], atol=1e-6)


def test_it_lets_go_again():
    sound = np.full((2, N), 0.5, np.float32)
    sound[:, :500] = 4.0
    np.testing.assert_array_equal(limit(sound)[:, RATE:], np.float32(0.5))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
def test_what_is_not_finite_never_leaves_nor_stays(bad):
    sound = np.full((2, 1280), 0.5, np.float32)
    sound[1, 300] = bad
    limited = limit(sound)
    assert np.isfinite(limited).all()
    assert not limited[:, 256:384].any()  # its block
    np.testing.assert_array_equal(limited[:, 384:], np.float32(0.5))


def test_it_tells_the_true_peak_that_left():
    limiter, peaks = Limiter(RATE), []
    sound = HOSTILE["sine at fs/4, every sample 3 dB below its peaks"].astype(np.float32)
    for begin in range(0, RATE, 480):
        limiter.process(sound[:, begin : begin + 480].copy())
        peaks.append(limiter.true_peak)
    assert 20 * np.log10(max(peaks[10:])) == pytest.approx(-1.2, abs=0.2)
    quiet = 0.1 * sound[:, :480]
    for _ in range(300):
        limiter.process(quiet.copy())
    assert limiter.true_peak == pytest.approx(0.4, rel=0.02)


@pytest.mark.parametrize("channel", [0, 1])
@pytest.mark.parametrize("at", [0, 31, 32, PIECE - 1])
def test_the_true_peak_of_a_click_is_the_click_itself_where_it_is(channel, at):
    limiter, peaks = Limiter(RATE), []
    sound = np.zeros((2, 2 * PIECE), np.float32)
    sound[channel, at] = -0.7
    for i in range(2 * PIECE):
        limiter.process(sound[:, i : i + 1])
        peaks.append(limiter.true_peak)
    assert max(peaks) == np.float32(0.7)
    assert np.argmax(peaks) == at + limiter.latency
    assert sound[channel, at + limiter.latency] == np.float32(-0.7)


def test_it_allocates_no_arrays():
    limiter = Limiter(RATE)
    blocks = (np.arange(8) % 3 * RANDOM.standard_normal((2, 8192, 1))).astype(np.float32)
    with tracing() as peak_of:
        peaks = [peak_of(limiter.process, blocks[:, :, i % 8]) for i in range(24)]
    # Views only; one array of 8192 would be 32768.
    assert sorted(peaks[8:])[-2] < 4096
