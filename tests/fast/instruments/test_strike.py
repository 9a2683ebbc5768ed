"""Fears: a strike played live is not the matched sound, clicks, sticks or blows up."""

# pyright: basic

import numpy as np
import pytest
import torch
from allocation import tracing

from mesosynth.instruments.keyboard import VOICES
from mesosynth.instruments.strike import PARAMETERS, Strike
from mesosynth.instruments.strike_torch import strike
from mesosynth.plugins.plugin import EVENT, NO_EVENTS, EventKind

RATE = 48000.0
SOUNDS = {
    "struck": {"f_c": 431.0, "inharmonicity": 0.02, "gamma": -0.7, "tremolo_depth": 0.4},
    "blown": {"f_c": 900.0, "attack": 0.12, "decay": 0.3, "air": 0.6, "air_width": 0.7,
              "gamma": 3.0},
    "standing": {"f_c": 70.0, "decay": 10.0, "attack": 0.03, "air": 1.0, "air_width": 6.0},
    "high": {"f_c": 11000.0, "gamma": 0.9, "brightness": 0.0, "decay": 2.0, "air": 0.2},
}  # fmt: skip


def prepared(block):
    instrument = Strike()
    instrument.prepare(RATE, block)
    return instrument


def play(instrument, values, frames, block, events=()):
    vector = PARAMETERS.vector({"period": 16.0, "gain": 0.0} | values)
    out = np.zeros((2, frames), np.float32)
    for begin in range(0, frames, block):
        end = min(begin + block, frames)
        now = [(f - begin, *rest) for f, *rest in events if begin <= f < end]
        instrument.process(vector, np.array(now, EVENT), out[:, begin:end])
    return out


def keys(*notes, velocity=1.0, frame=0):
    return [(frame, EventKind.NOTE_ON, 0, note, velocity) for note in notes]


def stopped(frame=0):
    return (frame, EventKind.STOP, 0, 0, 0.0)


@pytest.fixture(scope="module")
def offline():
    sounds = {}
    for name, values in SOUNDS.items():
        complete = PARAMETERS.complete(values)
        theta = torch.tensor([complete[id_] for id_ in PARAMETERS.matchable], dtype=torch.float64)
        sounds[name] = strike(theta, 16384, RATE, -8192 / RATE).numpy()
    return sounds


@pytest.mark.parametrize("block", [1, 64, 65, 128, 1000, 4096])
@pytest.mark.parametrize("name", SOUNDS)
def test_live_is_offline_at_every_block_size(offline, name, block):
    frames = 2048 if block == 1 else 16384
    sound = play(prepared(block), SOUNDS[name], frames, block)
    error = np.abs(sound - offline[name][:frames]).max()
    assert error < 1e-5 * np.abs(offline[name]).max()  # -100 dB


def test_ends_of_all_ranges_and_leaps_between_them_stay_finite():
    rng = np.random.default_rng(0)
    instrument = prepared(512)
    block = np.zeros((2, 512), np.float32)
    for number in range(400):
        vector = PARAMETERS.vector({
            id_: p.from_unit(float(rng.choice([0.0, 0.5, 1.0, rng.random()])))
            for id_, p in PARAMETERS.items()
        } | {"period": 0.1})  # fmt: skip
        events = np.array(keys(int(rng.integers(128)), velocity=rng.random()), EVENT)
        gesture = (0, EventKind.PITCH_BEND, 0, 0, float(rng.choice([-96.0, 96.0, 0.0])))
        if number % 3 == 0:
            events = np.array([gesture, *events.tolist()], EVENT)
        instrument.process(vector, events, block[:, : (512, 1, 33)[number % 3]])
        assert np.isfinite(block).all(), number
        assert np.abs(block).max() < 2.0 * 3.0 * VOICES, number  # 6 dB, and what partials add up to
        assert np.isfinite(instrument._rows).all(), number


def test_a_long_strike_moved_through_everything_does_not_click():
    instrument = prepared(128)
    low = PARAMETERS.vector({"f_c": 100.0, "gain": 0.0, "period": 16.0, "decay": 10.0})
    high = PARAMETERS.vector({
        "f_c": 300.0, "gain": -6.0, "period": 16.0, "decay": 2.0, "inharmonicity": 0.1, "air": 0.1,
        "brightness": -20.0, "tremolo_depth": 0.5, "damping": 1.0, "air_width": 0.2,
    })  # fmt: skip
    sound = []
    for number in range(200):
        share = abs((number % 40) - 20) / 20.0
        block = np.zeros((2, 128), np.float32)
        instrument.process(low + share * (high - low), NO_EVENTS, block)
        sound.append(block[0].copy())
    bend = np.abs(np.diff(np.concatenate(sound)[2400:], 2)).max()
    assert bend < 3.0 * (2 * np.pi * 8 * 600.0 / RATE) ** 2


def test_a_soft_key_is_softer_and_duller():
    def spectrum(velocity):
        events = [stopped(), *keys(57, velocity=velocity)]
        sound = play(prepared(128), {"brightness": -6.0, "decay": 2.0}, 16384, 128, events)
        return np.abs(np.fft.rfft(sound[0] * np.hanning(16384)))

    loud, soft = spectrum(1.0), spectrum(0.3)
    first, fourth = (round(220.0 * k * 16384 / RATE) for k in (1, 4))
    assert soft.max() < 0.2 * loud.max()
    ratio = [
        s[fourth - 2 : fourth + 3].max() / s[first - 2 : first + 3].max() for s in (loud, soft)
    ]
    assert ratio[1] < 0.3 * ratio[0]


def test_keys_sound_at_their_pitch_and_frame_and_let_go():
    events = [stopped(), *keys(69, frame=1500), (9000, EventKind.NOTE_OFF, 0, 69, 0.0)]
    values = {"decay": 5.0, "release": 0.1, "brightness": -60.0}
    instrument = prepared(256)
    sound = play(instrument, values, 24576, 256, events)[0]
    assert not sound[:1500].any()
    assert np.abs(sound[1500:1700]).max() > 0.1
    heard = sound[2000:8000] * np.hanning(6000)
    peak = np.abs(np.fft.rfft(heard, 1 << 17)).argmax() * RATE / (1 << 17)
    assert peak == pytest.approx(440.0, abs=0.6)
    assert np.abs(sound[9000 + 4900 :]).max() < 1e-4
    assert instrument.voices == 0


def test_strikes_repeat_by_period_and_by_tempo():
    values = {"decay": 0.01, "attack": 0.001, "f_c": 2000.0}
    for timing, wanted in (
        ({"period": 0.1}, 4800), ({"sync": 1.0, "tempo": 150.0, "division": 5.0}, 9600),
    ):  # fmt: skip
        sound = np.abs(play(prepared(128), values | timing, 30000, 128)[0])
        begins = [
            n
            for n in range(1, 30000)
            if sound[n] > 1e-3 and not (sound[max(n - 960, 0) : n] > 1e-3).any()
        ]
        assert np.diff(begins).tolist() == [wanted] * (len(begins) - 1)
        assert len(begins) == -(-30000 // wanted)


def test_more_keys_than_voices_all_sound_and_the_quietest_goes():
    instrument = prepared(128)
    values = {"decay": 10.0, "gain": -20.0}
    for number in range(40):
        play(instrument, values, 128, 128, keys(30 + number))
        assert instrument.voices <= VOICES + 12
    play(instrument, values, 4096, 128)
    assert instrument.voices <= VOICES
    play(instrument, values, 4096, 128, [(0, EventKind.ALL_OFF, 0, 0, 0.0), stopped()])
    assert instrument.voices == 0


def test_a_frozen_strike_stands():
    instrument = prepared(128)
    values = {"decay": 0.1, "gamma": -4.0, "damping": 1.0, "release": 8.0}
    play(instrument, values, 2400, 128)
    sound = play(instrument, values, 96000, 128, [(0, EventKind.FREEZE, 0, 0, 1.0)])[0]
    early, late = (np.sqrt(np.square(part).mean()) for part in (sound[4000:8000], sound[-4000:]))
    assert late == pytest.approx(early, rel=0.05)


def test_voices_end_when_nothing_more_is_heard():
    for values in (
        {"decay": 0.02},
        {"decay": 10.0, "gamma": 16.0},
        {"decay": 10.0, "gamma": -16.0},
    ):
        instrument = prepared(1000)
        play(instrument, values, 72000, 1000)
        assert instrument.voices == 0, values


def test_humanised_air_strays_and_otherwise_every_strike_is_the_same():
    values = {"air": 1.0, "decay": 0.01, "period": 0.1}
    for humanise, same in ((0.0, True), (0.5, False)):
        sound = play(prepared(128), values | {"humanise": humanise}, 9600, 128)[0]
        assert np.allclose(sound[:2000], sound[4800:6800], atol=1e-3) is same


def test_a_block_allocates_no_arrays():
    instrument = prepared(128)
    vector = PARAMETERS.vector({"air": 0.4, "period": 0.1, "humanise": 0.3, "gamma": 0.4})
    block = np.zeros((2, 128), np.float32)

    def process():
        vector[0] = 200.0 + vector[0] % 7.0
        instrument.process(vector, NO_EVENTS, block)

    process()
    with tracing() as peak_of:
        assert max(peak_of(process) for _ in range(60)) < 4096
