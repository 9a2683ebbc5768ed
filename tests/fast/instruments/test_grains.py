"""Fears: the cloud is another one than the paper's, ends, or hangs on the size of the blocks."""

# pyright: basic

from typing import Any, cast

import numpy as np
import pytest
import torch
from allocation import tracing

from mesosynth.instruments.grains import GRAINS, LEVEL, PAGE, PARAMETERS, Grains, draw
from mesosynth.instruments.grains_torch import SCALES, grains, grains_and_tangents
from mesosynth.plugins.plugin import EVENT, NO_EVENTS, EventKind

RATE, N = 8192, 32768


def published(density, slope, random):
    """The authors' code in words of NumPy, grain by grain."""
    x, n, length = np.zeros(N), np.arange(4096), 4096
    o = 0.25 * density + 0.75 * density**2
    a = 1 - 1 / (1 + np.exp(-2 * (1 - density) * 64 * (np.arange(64) / 64 - o)))
    gamma = 0.25 * RATE / (12 * 256) * np.tan(0.95 * (2 * slope - 1) * np.pi / 2)
    for pitch, place, amplitude in zip(random[0], random[1], a / a.max(), strict=True):
        f_0, at = 256 * 8**pitch, int(place * (N - length))
        phase = 2 * np.pi * np.cumsum(f_0 * 2 ** (gamma * (n - length / 2) / RATE) / RATE)
        x[at : at + length] += (
            amplitude * np.sin(phase) * np.sin(np.pi * n / length) ** 2 / np.sqrt(f_0)
        )
    return x / np.linalg.norm(x)


@pytest.mark.parametrize("theta", [(0.0, 0.1), (0.5, 0.5), (0.8, 0.93), (1.0, 0.3)])
def test_offline_is_as_published(theta):
    x = grains(torch.tensor(theta, dtype=torch.float64), N, RATE, seed=3).numpy()
    np.testing.assert_allclose(x, published(theta[0], theta[1], draw(3, 0)), atol=1e-9)


@pytest.mark.parametrize("theta", [(0.05, 0.2), (0.5, 0.5), (0.9, 0.85)])
def test_tangents_are_those_of_autograd(theta):
    theta, rate, n = torch.tensor(theta, dtype=torch.float64), 512, 900
    x, dx = grains_and_tangents(theta, n, rate, seed=1)
    torch.testing.assert_close(x, grains(theta, n, rate, seed=1))
    scales = torch.tensor([SCALES["density"], SCALES["slope"]], dtype=torch.float64)

    def moved(step):
        return grains(theta + scales * step, n, rate, seed=1)

    exact = torch.autograd.functional.jacobian(moved, torch.zeros(2, dtype=torch.float64)).T
    for ours, theirs in zip(dx, exact, strict=True):
        assert (ours - theirs).norm() < 1e-6 * theirs.norm()


def test_numbers_are_uniform_and_differ_by_seed_and_page():
    some = np.concatenate([draw(seed, page) for seed in range(4) for page in range(50)], axis=1)
    assert some.shape == (3, 200 * GRAINS)
    assert 0.0 <= some.min() <= some.max() < 1.0
    assert len(np.unique(some)) == some.size
    for row in some:
        assert np.abs(np.histogram(row, 10, (0, 1))[0] / 1280 - 1).max() < 0.15
    assert np.abs(np.corrcoef(some) - np.eye(3)).max() < 0.03


# ------------------------------------------------------------------ live


def prepared(rate=RATE, max_block=4096, seed=0):
    instrument = Grains()
    instrument.seed = seed
    instrument.prepare(rate, max_block)
    return instrument


def play(instrument, values, n, block, events=()):
    """`values` may be a function of the frame; `events` are (frame, kind, note, value)."""
    out = np.zeros((2, n), np.float32)
    for begin in range(0, n, block):
        part = out[:, begin : begin + block]
        here = [(f - begin, kind, 0, note, value) for f, kind, note, value in events
                if begin <= f < begin + part.shape[1]]  # fmt: skip
        instrument.process(
            PARAMETERS.vector(cast("Any", values(begin) if callable(values) else values)),
            np.array(here, EVENT) if here else NO_EVENTS,
            part,
        )
    return out.astype(float)


@pytest.mark.parametrize("block", [1, 64, 65, 128, 1000, 4096])
def test_live_and_offline_are_one_sound(block):
    """Page 0 of the live cloud, until the next page begins, is the offline cloud of its seed."""
    rate, theta = 24000, (0.7, 0.62)
    n = min(round(PAGE * rate), 12000 * block)
    live = play(prepared(rate, seed=5), dict(zip(PARAMETERS, theta, strict=False)), n, block)[0]
    offline = grains(torch.tensor(theta, dtype=torch.float64), 4 * rate, rate, seed=5).numpy()[:n]
    live *= (live @ offline) / (live @ live)  # of unit norm over four seconds
    error = np.abs(live - offline).max() / np.abs(offline).max()
    assert 20 * np.log10(error) < -80.0


def test_the_cloud_is_endless_and_as_dense_later():
    sound = play(prepared(), {"density": 1.0, "gain": 0.0}, 20 * RATE, 1000)[0]
    power = np.square(sound).reshape(10, -1).mean(axis=1)
    assert power[1:].min() > 0.3 * power[1:].mean()
    first, later = sound[: 3 * RATE], sound[4 * RATE : 7 * RATE]
    assert np.abs(np.corrcoef(first, later)[0, 1]) < 0.1


@pytest.mark.parametrize("density", [0.1, 0.5, 1.0])
def test_the_density_hardly_changes_the_level(density):
    sound = play(prepared(), {"density": density, "gain": 0.0}, 60 * RATE, 4096)
    assert np.sqrt(np.mean(sound**2)) == pytest.approx(LEVEL, rel=0.3)


def test_keys_give_the_pitch_of_grains_that_begin():
    narrow = {"f_low": 500.0, "f_high": 500.0, "density": 1.0, "gain": 0.0, "rate": 40.0}
    on = [(8000, EventKind.NOTE_ON, 69, 1.0), (40000, EventKind.NOTE_OFF, 69, 0.0)]
    sound = play(prepared(), narrow, 60000, 1000, on)[0]
    for begin, hertz in ((0, 500.0), (20000, 440.0), (50000, 500.0)):
        part = np.abs(np.fft.rfft(sound[begin : begin + 8192] * np.hanning(8192)))
        assert np.argmax(part) == pytest.approx(hertz, abs=3.0)


def test_spread_and_values_of_any_block_are_one_cloud():
    values = {"spread": 1.0, "length": 0.05, "rate": 150.0, "slope": 0.8, "density": 0.9}
    events = [(3000, EventKind.NOTE_ON, 60, 0.5), (7000, EventKind.NOTE_ON, 64, 1.0)]
    one, other = (play(prepared(44100), values, 20000, block, events) for block in (65, 4096))
    np.testing.assert_allclose(one, other, atol=1e-6)
    assert np.abs(np.corrcoef(one)[0, 1]) < 0.9


@pytest.mark.parametrize("rate", [8000, 96000])
def test_no_sample_is_ever_not_finite(rate):
    """Corner values, jumping from block to block, with keys at both ends."""
    rng = np.random.default_rng(0)
    ends = [(p.minimum, p.maximum) for p in PARAMETERS.values()]

    def values(begin):
        return {id_: rng.choice(end) for id_, end in zip(PARAMETERS, ends, strict=True)}

    events = []
    for at in range(0, 40000, 500):
        events += [
            (at, EventKind.NOTE_ON, int(rng.choice([0, 60, 127])), 1.0),
            (at, EventKind.PITCH_BEND, 0, rng.choice([-48.0, 48.0])),
            (at, EventKind.NOTE_OFF, int(rng.choice([0, 60, 127])), 0.0),
        ]
    sound = play(prepared(rate), values, 40000, 333, events)
    assert np.isfinite(sound).all()
    assert 0.01 < np.abs(sound).max() < 1000.0


def test_a_block_allocates_no_array():
    """Blocks so large that an array would stand out, with keys, a moving knob and a bend."""
    instrument, out = prepared(48000, 8192), np.zeros((2, 8192), np.float32)
    events = np.array(
        [
            (10, EventKind.NOTE_ON, 0, 60, 0.7),
            (20, EventKind.NOTE_ON, 0, 64, 1.0),
            (30, EventKind.PITCH_BEND, 0, 0, 1.0),
            (5000, EventKind.NOTE_OFF, 0, 60, 0.0),
        ],
        EVENT,
    )
    values = [PARAMETERS.vector({"density": value}) for value in (0.4, 0.7)]
    for number in range(4):
        instrument.process(values[number % 2], events, out)
    with tracing() as peak_of:
        peaks = [peak_of(instrument.process, values[n % 2], events, out) for n in range(6)]
    assert max(peaks) < 8192
