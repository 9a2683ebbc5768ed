"""Fears: the live chirplet drifts from its formula, clicks, allocates, or goes non-finite."""

import math
import time

import numpy as np
import pytest
from allocation import tracing

from mesosynth.instruments.chirplet import PARAMETERS, SIGMA_0, Chirplet
from mesosynth.plugins.plugin import EVENT, NO_EVENTS, EventKind

RATE = 48000
BLOCKS = [1, 64, 65, 128, 1000, 4096]


def formula(f_c, f_m, gamma, w, am_shape, gain, samples, rate=RATE):
    """The offline arpeggio, from its first sample at o = -sign(gamma) w / 2."""
    t = -0.5 * w / abs(gamma) + np.arange(samples) / rate
    carrier = np.sin(2 * np.pi * f_c / (gamma * np.log(2)) * (2 ** (gamma * t) - 1))
    modulation = np.sin(2 * np.pi * f_m * t)
    modulation[modulation < 0] *= 1 - am_shape
    envelope = np.exp(-(t**2) / (2 * (SIGMA_0 * w / gamma) ** 2))
    return 10 ** (gain / 20) * carrier * modulation * envelope


def play_stereo(instrument, values, samples, block):
    out = np.zeros((2, samples), np.float32)
    for begin in range(0, samples, block):
        instrument.process(values, NO_EVENTS, out[:, begin : begin + block])
    return out


def play(instrument, values, samples, block):
    left, right = play_stereo(instrument, values, samples, block)
    np.testing.assert_array_equal(left, right)  # without spread
    return left


def prepared(rate=RATE, max_block=4096):
    chirplet = Chirplet()
    chirplet.prepare(rate, max_block)
    return chirplet


def decibels(error, signal):
    return 20 * np.log10(np.abs(error).max() / np.abs(signal).max() + 1e-30)


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize(
    "theta",
    [
        {"f_c": 512.0, "f_m": 8.297, "gamma": 1.494, "w": 2.0, "am_shape": 0.0},
        {"f_c": 900.0, "f_m": 16.0, "gamma": -4.0, "w": 3.0, "am_shape": 1.0},
    ],
    ids=["rising", "falling"],
)
def test_equals_the_formula_at_every_block_size(theta, block):
    duration = theta["w"] / abs(theta["gamma"])
    samples = int(min(duration, 1.5) * RATE) // (4 if block == 1 else 1)  # single samples are slow
    values = PARAMETERS.vector({**theta, "period": 16.0, "gain": -6.0})
    live = play(prepared(), values, samples, block)
    offline = formula(**theta, gain=-6.0, samples=samples)
    assert decibels(live - offline, offline) < -80


def test_a_start_falls_on_its_sample_in_the_middle_of_a_block():
    theta = {"f_c": 512.0, "f_m": 8.0, "gamma": 4.0, "w": 2.0, "am_shape": 0.0}
    period, samples = 0.3, RATE
    live = play(prepared(), PARAMETERS.vector({**theta, "period": period, "gain": 0.0}), RATE, 1000)
    one = formula(**theta, gain=0.0, samples=RATE // 2)
    expected = np.zeros(2 * RATE)
    for start in range(0, samples, round(period * RATE)):
        expected[start : start + len(one)] += one
    assert decibels(live - expected[:samples], one) < -80


def test_ten_minutes_later_the_phase_and_the_clock_have_not_drifted():
    theta = {"f_c": 2000.0, "f_m": 8.0, "gamma": 8.0, "w": 1.0, "am_shape": 0.0}
    rate, period, block = 8000, 0.7, 800
    chirplet = prepared(rate)
    values = PARAMETERS.vector({**theta, "period": period, "gain": 0.0})
    play(chirplet, values, 800 * round(rate * period), block)
    live = play(chirplet, values, 1000, block)
    assert decibels(live - formula(**theta, gain=0.0, samples=1000, rate=rate), live) < -80


def rehearse(forgetful, seed):
    """Blocks of changing sizes in which the pitch moves a lot, other knobs and keys now and then.

    `forgetful` aims all ramps anew in every block, whether or not a knob or key has moved.
    """
    random, chirplet = np.random.default_rng(seed), prepared()
    values, ids, played = PARAMETERS.vector({"period": 0.06}), list(PARAMETERS), []
    moving = [i for i, name in enumerate(ids) if name not in {"period", "tempo", "sync"}]
    for n in range(600):
        at = ids.index("f_c") if random.random() < 0.5 else int(random.choice(moving))
        if ids[at] == "f_c" or random.random() < 0.1:
            low, high = PARAMETERS[ids[at]].minimum, PARAMETERS[ids[at]].maximum
            values[at] = low + random.random() * (high - low)
        frames = int(random.choice([64, 128, 256, 300]))
        events = np.zeros(int(n % 100 in (70, 75)), EVENT)
        if len(events):
            kind = EventKind.NOTE_ON if n % 100 == 70 else EventKind.NOTE_OFF
            events[0] = (frames // 3, kind, 0, 60, 0.7)
        block = np.zeros((2, frames), np.float32)
        chirplet.keyboard.moved |= forgetful
        chirplet.process(values, events, block)
        played.append(block)
    return np.concatenate(played, axis=1)


@pytest.mark.parametrize("seed", range(4))
def test_what_is_kept_from_block_to_block_changes_no_bit(seed):
    np.testing.assert_array_equal(rehearse(False, seed), rehearse(True, seed))


def test_reset_forgets_everything():
    chirplet, values = prepared(), PARAMETERS.vector({"gamma": 8.0})
    first = play(chirplet, values, 9999, 128)
    chirplet.reset()
    np.testing.assert_array_equal(play(chirplet, values, 9999, 128), first)


def test_process_allocates_no_arrays():
    chirplet = prepared()
    rng = np.random.default_rng(0)
    many = {"period": 0.1, "sync": 0.0, "w": 8.0}
    moving = [
        PARAMETERS.vector({p.id: p.from_unit(rng.random()) for p in PARAMETERS.values()} | many)
        for _ in range(8)
    ]
    block = np.zeros((2, 4096), np.float32)
    with tracing() as peak_of:
        peaks = [peak_of(chirplet.process, moving[i % 8], NO_EVENTS, block) for i in range(48)]
    # What `process` allocates it allocates every time.
    peak = np.reshape(peaks, (-1, 8)).min(axis=0).max()
    assert chirplet.voices >= 4
    assert peak < 4096, f"{peak} bytes: views are small, but four voices' stride is 8 KiB"


@pytest.mark.parametrize("name", [*PARAMETERS, "all"])
def test_no_click_when_a_parameter_jumps_from_end_to_end(name):
    """A click is a step that the sound's own highest frequency does not explain."""
    chirplet, rate, block = prepared(), RATE, 256
    jumping = PARAMETERS if name == "all" else [name]
    base = {"f_c": 200.0, "w": 1.0, "gamma": 0.5, "f_m": 2.0, "period": 0.2, "gain": 0.0}
    out = []
    for i in range(400):
        ends = {
            id_: (PARAMETERS[id_].minimum, PARAMETERS[id_].maximum)[(i // 20) % 2]
            for id_ in jumping
        }
        if "f_c" in ends:  # as high as a step per sample can tell from a click
            ends["f_c"] = min(ends["f_c"], 400.0)
        if "w" in ends:
            ends["w"] = min(max(ends["w"], 0.25), 2.0)  # a narrower envelope is itself a click
        if "brightness" in ends:
            ends["brightness"] = min(ends["brightness"], -24.0)
        out.append(play_stereo(chirplet, PARAMETERS.vector({**base, **ends}), block, block))
    sound = np.concatenate(out, axis=1).astype(float)
    assert np.isfinite(sound).all()
    # A continuous sound's second difference is small; a jump's is of the order of the jump.
    highest = 400.0 * 2.0**2
    bend = np.abs(np.diff(sound, 2)).max() / np.abs(sound).max()
    assert bend < max(0.02, (2 * np.pi * highest / rate) ** 2)


def test_a_start_while_the_bandwidth_shrinks_does_not_click():
    chirplet, base = prepared(max_block=4800), {"period": 0.1, "gamma": 0.125, "f_m": 8.3}
    play(chirplet, PARAMETERS.vector({**base, "w": 8.0}), 4800, 4800)
    sound = play(chirplet, PARAMETERS.vector({**base, "w": 0.25}), 4800, 4800)
    assert np.abs(sound[:100]).max() < 1e-4


@pytest.mark.parametrize("rate", [1000, 8000, 44100, 192000])
@pytest.mark.parametrize("block", [17, 2048])
def test_finite_at_every_extreme(rate, block):
    chirplet = prepared(rate, block)
    rng = np.random.default_rng(rate + block)
    for _ in range(60):
        values = PARAMETERS.vector(
            {p.id: p.from_unit(float(rng.choice([0.0, 0.49, 0.51, 1.0, rng.random()])))
             for p in PARAMETERS.values()}
        )  # fmt: skip
        assert np.isfinite(play_stereo(chirplet, values, block, block)).all()


def test_every_voice_ends_even_if_gamma_keeps_changing_its_sign():
    chirplet = prepared()
    for i in range(40):
        gamma = 16.0 if (i // 5) % 2 else -0.125
        play(chirplet, PARAMETERS.vector({"gamma": gamma, "period": 0.1, "w": 8.0}), 4096, 4096)
    quiet = PARAMETERS.vector({"gamma": 16.0, "period": 16.0, "w": 0.25})
    play(chirplet, quiet, RATE, 4096)
    assert not play(chirplet, quiet, RATE, 4096).any()


def test_more_arpeggios_than_voices_are_still_heard_and_do_not_click():
    values = PARAMETERS.vector(
        {"gamma": 0.25, "w": 2.0, "period": 0.1, "f_c": 200.0, "f_m": 1.0, "gain": 0.0}
    )
    sound = play(prepared(), values, 16 * RATE, 512).astype(float)
    late = sound[10 * RATE :]
    assert np.abs(late).max() > 0.2
    assert np.abs(np.diff(late, 2)).max() < 8 * (2 * np.pi * 400 / RATE) ** 2


def test_above_nyquist_it_fades_rather_than_aliases():
    """All energy of a sweep through Nyquist stays near the top, none mirrors back down."""
    rate = 8000
    theta = {"f_c": 4000.0, "f_m": 0.5, "gamma": 1.0, "w": 2.0, "gain": 0.0, "period": 16.0}
    sound = play(prepared(rate), PARAMETERS.vector(theta), 2 * rate, 256)
    beyond = sound[rate + 100 :]
    assert np.abs(sound[: int(0.7 * rate)]).max() > 0.01
    assert np.abs(beyond).max() < 1e-6


@pytest.mark.usefixtures("real_time")
def test_one_voice_costs_a_small_part_of_a_block():
    chirplet, block = prepared(), np.zeros((2, 128), np.float32)
    values = PARAMETERS.vector({"period": 16.0, "gamma": 0.25})
    times = []
    for _ in range(1000):
        begin = time.perf_counter()
        chirplet.process(values, NO_EVENTS, block)
        times.append(time.perf_counter() - begin)
    load = float(np.median(times)) / (128 / RATE)
    assert math.isfinite(load)
    assert load < 0.15, f"{100 * load:.1f}% of a block"
