"""Fears: the live ripple is another sound than the one that is matched; clicks; allocations."""

import numpy as np
import pytest
import torch

from mesosynth.instruments.ripple import PARAMETERS, Ripple
from mesosynth.instruments.ripple_torch import ONSET, SCALES, ripple, ripple_and_tangents
from mesosynth.plugins.plugin import EVENT, NO_EVENTS, EventKind

RATE = 8192
THETA = {"f_0": 200.0, "f_m": 5.0, "gamma": 2.5, "w": 4.0}


def prepared(rate=RATE, max_block=4096):
    instrument = Ripple()
    instrument.prepare(rate, max_block)
    return instrument


def play(instrument, values, n, block, events=()):
    """`events` are (frame from the start, kind, note, value)."""
    out = np.zeros((2, n), np.float32)
    for begin in range(0, n, block):
        part = out[:, begin : begin + block]
        here = [(f - begin, kind, 0, note, value) for f, kind, note, value in events
                if begin <= f < begin + part.shape[1]]  # fmt: skip
        instrument.process(
            PARAMETERS.vector(values(begin) if callable(values) else values),
            np.array(here, EVENT) if here else NO_EVENTS,
            part,
        )
    return out.astype(float)


@pytest.mark.parametrize("block", [1, 64, 65, 128, 1000, 4096])
@pytest.mark.parametrize("gamma", [2.5, -0.7])
@pytest.mark.parametrize("depth", [1.0, 0.4])
def test_live_and_offline_are_one_sound(block, gamma, depth):
    n = min(3 * RATE, 2000 * block)
    theta = {**THETA, "gamma": gamma}
    live = play(prepared(), {**theta, "depth": depth, "gain": 0.0, "spread": 0.0}, n, block)
    offline = ripple(torch.tensor([*theta.values(), depth], dtype=torch.float64), n, RATE)
    error = np.abs(live - offline.numpy()).max() / np.abs(live).max()
    assert 20 * np.log10(error) < -100.0


def test_spread_moves_partials_and_keeps_their_middle():
    narrow = play(prepared(), {**THETA, "spread": 0.0}, RATE, 512)
    wide = play(prepared(), {**THETA, "spread": 1.0}, RATE, 512)
    np.testing.assert_array_equal(narrow[0], narrow[1])
    np.testing.assert_allclose(wide.mean(axis=0), narrow[0], atol=1e-6)
    assert np.abs(np.corrcoef(wide)[0, 1]) < 0.2


def test_the_ripple_climbs_at_gamma_octaves_a_second():
    """A partial's envelope peaks x / gamma seconds after that of one x octaves below."""
    values = {"f_0": 100.0, "f_m": 2.0, "gamma": 4.0, "w": 4.0, "gain": 0.0, "spread": 0.0}
    sound = play(prepared(), values, 4 * RATE, 1024)[0]
    spectrum, crest = np.fft.rfft(sound), []
    for hertz in (200.0, 800.0):  # two octaves apart
        band = np.zeros_like(spectrum)
        low, high = (int(4 * hertz * 2.0**shift) for shift in (-0.1, 0.1))
        band[low:high] = spectrum[low:high]
        power = np.fft.irfft(band) ** 2
        turn = np.exp(-2j * np.pi * 2.0 * np.arange(len(power)) / RATE)
        crest.append(np.angle((power * turn).sum()) / (2 * np.pi * 2.0))
    lag = (crest[0] - crest[1]) % 0.5
    assert lag == pytest.approx(2.0 / 4.0 % 0.5, abs=0.02) or lag == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("gamma", [2.5, -0.7])
@pytest.mark.parametrize("f_0", [200.0, 900.0])  # of 900 Hz the highest partials are above Nyquist
def test_tangents_are_the_derivatives_in_every_direction(gamma, f_0):
    theta = torch.tensor([f_0, 5.0, gamma, 2.2, 0.8], dtype=torch.float64)
    x, dx = ripple_and_tangents(theta, 400, 8192, 0.3, (*range(5), ONSET))
    torch.testing.assert_close(x, ripple(theta, 400, 8192, start=0.3))

    def moved(step):
        there = torch.cat([theta[:4] * torch.exp(step[:4]), theta[4:] + step[4:]])
        return ripple(there, 400, 8192, start=0.3)

    jacobian = torch.autograd.functional.jacobian(moved, torch.zeros(5, dtype=torch.float64))
    torch.testing.assert_close(dx[:5], jacobian.T)
    h = 1e-7  # the carriers turn by 25 rad a millisecond
    earlier, later = (ripple(theta, 400, 8192, start=0.3 + sign * h) for sign in (-1, 1))
    torch.testing.assert_close(
        dx[5], SCALES["onset"] * (earlier - later) / (2 * h), rtol=1e-4, atol=1e-3
    )


@pytest.mark.parametrize("block", [16, 300])
def test_a_note_begins_and_ends_on_its_frame_whatever_the_block(block):
    events = [(1000, EventKind.NOTE_ON, 69, 1.0), (3001, EventKind.PITCH_BEND, 0, 2.0),
              (5000, EventKind.NOTE_OFF, 69, 0.0)]  # fmt: skip
    values = {**THETA, "depth": 0.0, "gain": 0.0}
    sound = play(prepared(), values, 8000, block, events)
    whole = play(prepared(), values, 8000, 8000 // 4, events)
    np.testing.assert_allclose(sound[:, :3000], whole[:, :3000], atol=1e-6)
    still = play(prepared(), values, 8000, block)
    np.testing.assert_array_equal(sound[:, :1000], still[:, :1000])
    assert np.abs(sound[:, 1000:1100] - still[:, 1000:1100]).max() > 0.01
    low = np.abs(np.fft.rfft(sound[0, 1000:3000] * np.hanning(2000)))
    assert low[: int(400 * 2000 / RATE)].max() < 0.01 * low.max()  # the lowest partial is A4 now


def test_a_scale_tunes_its_keys_and_is_kept_as_state():
    tuning = {"name": "fifths", "cents": [702.0, 1200.0], "reference_note": 60,
              "reference_hertz": 300.0}  # fmt: skip
    values = {**THETA, "depth": 0.0, "gain": 0.0}
    lowest = {}
    for state in ({}, {"tuning": tuning}):
        instrument = Ripple()
        instrument.restore(state)
        instrument.prepare(RATE, 4096)
        assert instrument.state() == state
        sound = play(instrument, values, 4096, 512, [(0, EventKind.NOTE_ON, 61, 1.0)])[0]
        power = np.abs(np.fft.rfft(sound * np.hanning(4096)))
        lowest[bool(state)] = int(np.argmax(power > 0.2 * power.max())) * RATE / 4096
    assert lowest[False] == pytest.approx(277.2, abs=4.0)  # C sharp
    assert lowest[True] == pytest.approx(300.0 * 2.0 ** (702.0 / 1200.0), abs=4.0)


@pytest.mark.parametrize("name", [*PARAMETERS, "all"])
def test_no_click_when_a_parameter_jumps_from_end_to_end(name):
    rate, block = 48000, 256
    jumping = PARAMETERS if name == "all" else [name]
    base = {"f_0": 60.0, "w": 2.0, "f_m": 2.0, "gain": 0.0}

    def values(begin):
        side = begin // (20 * block) % 2
        ends = {id_: (PARAMETERS[id_].minimum, PARAMETERS[id_].maximum)[side] for id_ in jumping}
        if "f_0" in ends:  # as high as a step per sample can tell from a click
            ends["f_0"] = min(ends["f_0"], 200.0)
        if "w" in ends:
            ends["w"] = min(ends["w"], 3.0)
        return {**base, **ends}

    sound = play(prepared(rate), values, 200 * block, block)
    highest = max(values(0).get("f_0"), values(20 * block).get("f_0")) * 8.0
    bend = np.abs(np.diff(sound, 2)).max() / np.abs(sound).max()
    assert np.isfinite(sound).all()
    assert bend < max(0.02, (2 * np.pi * highest / rate) ** 2)
