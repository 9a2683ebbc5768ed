"""Fears: the drum is another one than the paper's; derivatives of something else; a silent mode."""

# pyright: basic

from typing import Any, cast

import numpy as np
import pytest
import torch
from allocation import tracing

from mesosynth.instruments.drum import PARAMETERS, Drum, mode_numbers
from mesosynth.instruments.drum_torch import (
    KNEES,
    ONSET,
    SCALES,
    drum,
    drum_and_tangents,
    drum_modes,
)
from mesosynth.plugins.plugin import EVENT, NO_EVENTS, EventKind

RATE = 22050
AUTHORS = (0.4, 0.4)


def drawn_thetas(count, seed=0):
    """Thetas of the data set of the PNP papers, (count, 5)."""
    rng = np.random.default_rng(seed)
    omega = 10.0 ** rng.uniform(2.4, 3.8, count)
    tau = rng.uniform(0.07, 0.8, count)
    p, D = 10.0 ** rng.uniform(-5.0, -0.7, count), 10.0 ** rng.uniform(-5.0, -0.523, count)
    return np.column_stack([omega / (2 * np.pi), tau, p, D, rng.uniform(1.8e-4, 1.0, count)])


def physical(theta):
    """Decay rate and frequency of the modes by the physical constants of the authors' code."""
    f_c, tau, p, D, alpha = theta.astype(np.longdouble)
    mu_1, mu_2 = mode_numbers().astype(np.longdouble)
    omega, B, n = 2 * np.longdouble(np.pi) * f_c, alpha + 1 / alpha, mu_1**2 + mu_2**2 / alpha**2
    S_4 = (D * omega * alpha) ** 2 + (p * alpha / tau) ** 2
    c_2 = alpha * (1 / B - p**2 * B) / tau**2 + alpha * omega**2 * (1 / B - D**2 * B)
    d_1, d_3 = 2 * (1 - p * B) / tau, -2 * p * alpha / tau
    sigma = (d_1 - d_3 * n) / 2
    return sigma, np.sqrt(np.abs(S_4 * n**2 + c_2 * n - sigma**2))


def test_the_closed_form_is_the_physical_formula():
    x, (mu_1, mu_2) = 0.4, mode_numbers()
    K = (np.sin(mu_1 * np.pi * x) * np.sin(mu_2 * np.pi * x)) ** 2
    for theta in drawn_thetas(1000):
        modes = drum_modes(torch.from_numpy(theta), 1e9, AUTHORS)
        sigma, omega = physical(theta)
        level = K / omega / np.abs(K / omega).sum()
        for ours, theirs in ((modes.sigma, sigma), (modes.omega, omega), (modes.level, level)):
            assert np.abs(ours.numpy() / theirs - 1).max() < 1e-12


def test_the_sound_is_the_sum_of_the_physical_modes():
    theta = np.array([220.0, 0.3, 0.01, 0.05, 0.6])
    sigma, omega = (part.astype(float)[:, None] for part in physical(theta))
    keep = omega < 2 * np.pi * 0.45 * RATE
    mu_1, mu_2 = mode_numbers()[:, :, None]
    K = (np.sin(mu_1 * np.pi * 0.4) * np.sin(mu_2 * np.pi * 0.4)) ** 2
    t = np.arange(5000) / RATE
    y = (keep * K / omega * np.exp(-sigma * t) * np.sin(omega * t)).sum(axis=0)
    ours = drum(torch.from_numpy(theta), 10000, RATE).numpy()
    assert not ours[:5000].any()
    ours = ours[5000:]
    np.testing.assert_allclose(ours / np.abs(ours).max(), y / np.abs(y).max(), atol=0.02)
    # and exactly, where no mode fades
    slow = theta * [0.1, 1, 1, 1, 1]
    sigma, omega = (part.astype(float)[:, None] for part in physical(slow))
    y = (K / omega * np.exp(-sigma * t) * np.sin(omega * t)).sum(axis=0)
    ours = drum(torch.from_numpy(slow), 10000, RATE).numpy()[5000:]
    np.testing.assert_allclose(ours / np.abs(ours).max(), y / np.abs(y).max(), atol=1e-11)


def test_the_lowest_mode_has_the_pitch_and_the_decay_of_theta():
    for theta in drawn_thetas(50, seed=1):
        modes = drum_modes(torch.from_numpy(theta), RATE, AUTHORS)
        assert (mode_numbers()[:, 0] == 1).all()
        assert float(modes.omega[0]) / (2 * np.pi) == pytest.approx(theta[0], rel=1e-15)
        assert 1 / float(modes.sigma[0]) == pytest.approx(theta[1], rel=1e-15)
        assert float(modes.sigma.min()) >= float(modes.sigma[0])
    assert len(mode_numbers().T) == 64


@pytest.mark.parametrize("theta", [*drawn_thetas(6, seed=2), [1000.0, 0.8, 1e-3, 0.3, 0.95]])
def test_tangents_are_those_of_autograd(theta):
    theta, n, rate = torch.tensor(theta, dtype=torch.float64), 600, 8192
    x, dx = drum_and_tangents(theta, n, rate, -0.0303, (*range(5), ONSET))
    torch.testing.assert_close(x, drum(theta, n, rate, -0.0303))
    knees = torch.tensor(list(KNEES.values()), dtype=torch.float64)

    def moved(step):
        bent = knees * torch.sinh(torch.asinh(theta[2:4] / knees) + step[2:4])
        there = torch.cat(
            [theta[:2] * torch.exp(step[:2]), bent, theta[4:] + SCALES["alpha"] * step[4:]]
        )
        return drum(there, n, rate, -0.0303)

    jacobian = torch.autograd.functional.jacobian(moved, torch.zeros(5, dtype=torch.float64)).T
    for ours, exact in zip(dx, jacobian, strict=False):
        assert (ours - exact).norm() < 1e-6 * exact.norm()
    h = 1e-8
    sooner, later = (drum(theta, n, rate, -0.0303 + sign * h) for sign in (-1, 1))
    difference = SCALES["onset"] * (later - sooner) / (2 * h)
    assert (dx[5] - difference).norm() < 1e-4 * difference.norm()


def test_single_precision_is_the_same_sound():
    theta = torch.tensor([500.0, 0.4, 0.01, 0.1, 0.5], dtype=torch.float64)
    single, tangents = drum_and_tangents(theta.float(), 8000, RATE)
    assert single.dtype == tangents.dtype == torch.float32
    exact, _ = drum_and_tangents(theta.float().double(), 8000, RATE)
    assert (single - exact).abs().max() < 1e-6


def test_modes_fade_out_below_the_nyquist_frequency_and_the_rest_stays():
    theta = torch.tensor([1000.0, 0.4, 1e-3, 0.2, 0.9], dtype=torch.float64)
    modes = drum_modes(theta, 8192, AUTHORS)
    hertz = modes.omega / (2 * torch.pi)
    assert (modes.amplitude[hertz > 4096] == 0).all()
    low = hertz < 0.45 * 8192
    torch.testing.assert_close(modes.amplitude[low], modes.level[low])
    assert drum(theta, 8192, 8192).abs().max() <= 1.0


def test_every_corner_of_the_table_is_finite():
    table = [PARAMETERS[id_] for id_ in PARAMETERS.matchable]
    for corner in range(32):
        values = [(q.minimum, q.maximum)[corner >> place & 1] for place, q in enumerate(table)]
        theta = torch.tensor(values, dtype=torch.float64)
        x, dx = drum_and_tangents(theta, 2048, 8192, 0.0, (*range(5), ONSET))
        assert torch.isfinite(x).all()
        assert torch.isfinite(dx).all()


# ------------------------------------------------------------------ the live drum


THETA = {"f_c": 180.0, "tau": 0.4, "p": 4e-3, "D": 0.03, "alpha": 0.6}
LIVE = {**THETA, "gain": 0.0, "period": 16.0}


def prepared(rate=48000, max_block=4096):
    instrument = Drum()
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


def offline(theta, n, rate=48000, place=AUTHORS):
    """A strike at the first of `n` samples."""
    values = torch.tensor(list(theta.values()), dtype=torch.float64)
    return drum(values, n, rate, -(n // 2) / rate, place).numpy()


@pytest.mark.parametrize("block", [1, 64, 65, 128, 1000, 4096])
@pytest.mark.parametrize("place", [AUTHORS, (0.13, 0.5)])
def test_live_and_offline_are_one_sound(block, place):
    n = min(48000, 4000 * block)
    values = {**LIVE, "x1": place[0], "x2": place[1]}
    live = play(prepared(), values, n, block)
    exact = offline(THETA, n, place=place)
    error = np.abs(live - exact).max() / np.abs(exact).max()
    assert 20 * np.log10(error) < -80.0
    np.testing.assert_array_equal(live, play(prepared(), values, n, 4096))


def test_strikes_add_up_and_a_key_gives_the_pitch():
    """Two strikes of one key, and one of another, softer."""
    events = [(100, EventKind.NOTE_ON, 57, 1.0), (101, EventKind.NOTE_OFF, 57, 0.0),
              (3000, EventKind.NOTE_ON, 57, 0.5), (3001, EventKind.NOTE_OFF, 57, 0.0),
              (5000, EventKind.NOTE_ON, 69, 0.8), (5001, EventKind.NOTE_OFF, 69, 0.0),
              (0, EventKind.STOP, 0, 0.0)]  # fmt: skip
    events.sort()
    n = 24000
    live = play(prepared(), LIVE, n, 128, events)
    low, high = (offline({**THETA, "f_c": hertz}, n) for hertz in (220.0, 440.0))
    exact = np.zeros(n)
    for at, gain, sound in ((100, 1.0, low), (3000, 0.25, low), (5000, 0.64, high)):
        exact[at:] += gain * sound[: n - at]
    assert np.abs(live - exact).max() < 1e-4 * np.abs(exact).max()


def test_it_repeats_by_tempo_and_stops_where_the_transport_stops():
    values = {**LIVE, "tau": 0.03, "sync": 1.0, "tempo": 120.0, "division": 11.0}  # every second
    sound = play(prepared(), values, 3 * 48000, 1000, [(100000, EventKind.STOP, 0, 0.0)])[0]
    loud = np.abs(sound).reshape(-1, 4800).max(axis=1) > 0.1
    assert loud.nonzero()[0].tolist() == [0, 10, 20]


def test_theta_moves_while_it_rings():
    """A drum tuned up by a fifth while it rings goes on without a click."""

    def values(begin):
        return {**LIVE, "tau": 2.0, "p": 0.1, "f_c": 200.0 if begin < 24000 else 300.0}

    sound = play(prepared(), values, 48000, 256)[0]
    for begin, hertz in ((12000, 200.0), (30000, 300.0)):
        part = sound[begin : begin + 9600] * np.hanning(9600)
        assert np.argmax(np.abs(np.fft.rfft(part))) * 5 == pytest.approx(hertz, abs=5.0)
    bend = np.abs(np.diff(sound, 2))
    assert bend[23900:24600].max() < 1.2 * 1.5**2 * bend[22000:23900].max()


def test_spread_moves_modes_and_keeps_their_middle():
    narrow, wide = (play(prepared(), {**LIVE, "spread": s}, 9600, 128) for s in (0.0, 1.0))
    np.testing.assert_array_equal(narrow[0], narrow[1])
    np.testing.assert_allclose(wide.mean(axis=0), narrow[0], atol=1e-6)
    assert np.abs(np.corrcoef(wide)[0, 1]) < 0.5


def test_all_off_ends_the_sound_without_a_click_and_what_is_silent_costs_nothing():
    instrument = prepared()
    off = [(4000, EventKind.ALL_OFF, 0, 0.0)]
    sound = play(instrument, {**LIVE, "tau": 8.0, "p": 1e-5}, 12000, 128, off)[0]
    assert np.abs(sound[4000:4050]).max() > 0.01
    assert not sound[8000:].any()
    assert not instrument._records[:, 0].any()


def test_frozen_it_rings_for_ever():
    freeze = [(4800, EventKind.FREEZE, 0, 1.0)]
    sound = play(prepared(), {**LIVE, "tau": 0.1}, 96000, 128, freeze)[0]
    early, late = (np.square(sound[at : at + 4800]).sum() for at in (9600, 90000))
    assert late == pytest.approx(early, rel=0.05)


@pytest.mark.parametrize("rate", [8000, 96000])
def test_no_sample_is_ever_not_finite(rate):
    """Corner values, jumping from block to block, with keys at both ends."""
    rng = np.random.default_rng(0)
    instrument = prepared(rate)
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
    sound = play(instrument, values, 40000, 333, events)
    assert np.isfinite(sound).all()
    assert 0.1 < np.abs(sound).max() < 1000.0


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
    values = [PARAMETERS.vector({"tau": value}) for value in (0.4, 0.7)]
    for number in range(4):
        instrument.process(values[number % 2], events, out)
    with tracing() as peak_of:
        peaks = [peak_of(instrument.process, values[n % 2], events, out) for n in range(6)]
    assert max(peaks) < 8192
