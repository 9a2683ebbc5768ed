"""Fears: many keys at once click, get lost, get stuck, or sound otherwise in other blocks."""

import numpy as np
import pytest
from chirplet_player import KINDS, RATE, STEADY, Player, heard, off, on

from mesosynth.instruments.chirplet import PARAMETERS
from mesosynth.instruments.keyboard import VOICES
from mesosynth.plugins.plugin import EVENT


def test_more_keys_than_voices_all_sound_and_do_not_click():
    player = Player({**STEADY, "f_m": 0.5, "gain": -20.0})
    sound = []
    for note in range(30, 70):
        before = player.voices
        block = player.play(4, [on(note, 5)])[0].astype(float)
        assert player.chirplet.starts == note - 29
        assert before <= player.voices <= VOICES + 8
        sound.append(block)
    sound = np.concatenate(sound)
    highest = 440.0 * 2 ** ((70 - 69) / 12)
    bound = 30 * 10 ** (-20 / 20) * (2 * np.pi * highest / RATE) ** 2 + 2e-3
    assert np.abs(np.diff(sound, 2)).max() < bound
    player.play(1)
    assert player.voices <= VOICES + 8


def test_five_hundred_keys_a_second_do_not_click():
    player = Player({"f_c": 60.0, "gamma": -1.0, "w": 4.0, "am_depth": 0.0, "gain": 0.0})
    keys = [on(36 + n * 7 % 24, frame=96 * n) for n in range(1000)]  # a key every 2 ms
    sound = player.seconds(2.0, keys)
    assert heard(sound)
    bend = float(np.abs(np.diff(sound, 2)).max())  # a jump is all of it, a wave hardly any
    assert bend < 0.005 * float(np.abs(sound).max())


def test_forty_keys_in_one_block_and_the_shortest_touch_all_sound():
    player = Player(STEADY)
    player.play(1, [on(note, 3 * (note - 30)) for note in range(30, 70)])
    assert player.chirplet.starts == 40
    player.play(1, [on(note, 7) for note in range(30, 70)])
    assert player.chirplet.starts == 80
    short = Player({**STEADY, "release": 0.5})
    assert heard(short.play(4, [on(60, 5), off(60, 5)])) > 1e-3


@pytest.mark.parametrize("frames", [1, 17, 2048])
def test_events_fall_on_their_frame_at_any_block_size(frames):
    values = {"gamma": 3.0, "period": 0.3, "humanise": 0.5, "spread": 0.7, "brightness": -12.0}
    chord = [on(64, 1530), on(71, 1541)]  # a quarter of a millisecond, and blocks of 128 end in it
    events = [on(60, 1000), on(67, 1500, 0.4), *chord, off(64, 5000), off(71, 5010),
              off(60, 9000), (9100, KINDS.SUSTAIN, 0, 0, 1.0), off(67, 9200), on(40, 11000),
              (15000, KINDS.SUSTAIN, 0, 0, 0.0)]  # fmt: skip
    length = 20480 if frames > 1 else 10240
    expected = Player(values, 128, running=True).play(length // 128, events)
    player = Player(values, frames, running=True)
    sound = player.play(length // frames, events)
    np.testing.assert_allclose(sound, expected[:, : sound.shape[1]], atol=1e-6)


@pytest.mark.parametrize(
    ("gap", "values"),
    [  # frames between two events, up to; voices must make room all the time
        (20, {"gamma": 3.0, "period": 0.3, "release": 0.02}),
        (96, {"gamma": -4.0, "period": 0.05, "release": 0.05, "brightness": -12.0}),
        (96, {"gamma": 0.5, "period": 0.02, "release": 1.0}),
        (200, {"gamma": 16.0, "period": 0.2, "release": 0.005}),
    ],
)
def test_a_hail_of_keys_sounds_the_same_at_any_block_size(gap, values):
    rng, events, held, frame = np.random.default_rng(7), [], [], 300
    while frame < 16000:
        if held and rng.random() < 0.5:
            events.append(off(held.pop(rng.integers(len(held))), frame))
        else:
            held.append(int(rng.integers(36, 84)))
            events.append(on(held[-1], frame, rng.random()))
        frame += int(rng.integers(0, gap + 1))
    values = {**values, "humanise": 0.5, "spread": 0.7}
    expected = Player(values, 128).play(128, events)
    assert heard(expected) > 0.1
    for frames in (17, 2048):
        player = Player(values, frames)
        sound = player.play(16384 // frames, events)
        np.testing.assert_allclose(sound, expected[:, : sound.shape[1]], atol=1e-6)


def test_a_key_released_and_taken_over_in_one_block_does_not_click():
    """Its level then has three lines in a stretch: it comes, it goes, and goes faster."""
    for frames in (64, 256):
        player = Player({**STEADY, "f_m": 0.5, "gain": -20.0, "release": 0.3}, frames)
        keys = [on(note, 3 * (note - 40)) for note in range(40, 56)]
        lets_go = [off(note, 200 + note - 40) for note in range(40, 56)]
        more = [on(note, 230 + 2 * (note - 60)) for note in range(60, 76)]
        sound = player.play(2048 // frames, [*keys, *lets_go, *more])[0].astype(float)
        highest = 440.0 * 2 ** ((76 - 69) / 12)
        bound = 16 * 10 ** (-20 / 20) * (2 * np.pi * highest / RATE) ** 2 + 2e-3
        assert np.abs(np.diff(sound, 2)).max() < bound


def test_a_hundred_thousand_random_events_leave_no_note():
    rng = np.random.default_rng(4)
    player = Player({"gamma": 4.0, "period": 0.1, "release": 0.02, "w": 1.0}, 512)
    vector = PARAMETERS.vector(player.values)
    block, count, held = np.zeros((2, 512), np.float32), 100_000, 0
    kinds = rng.choice([1, 1, 2, 2, 3, 4, 5, 6, 8, 11, 12, 200], count)
    channels, notes = rng.integers(0, 256, (2, count))
    values = rng.uniform(0.0, 1.0, count)
    for begin in range(0, count, 500):
        events = np.zeros(500, EVENT)
        part = slice(begin, begin + 500)
        events["frame"] = np.sort(rng.integers(0, 512, 500))
        events["kind"], events["channel"] = kinds[part], channels[part]
        events["note"], events["value"] = notes[part] % 128, values[part]
        player.chirplet.process(vector, events, block)
        assert np.isfinite(block).all()
        held += player.chirplet.keyboard.held
    assert held > 100
    ends = [(0, KINDS.FREEZE, 0, 0, 0.0), (0, KINDS.SUSTAIN, 0, 0, 0.0)]
    ends += [off(note, 0, channel) for channel in range(16) for note in range(128)]
    player.play(1, ends)
    player.seconds(1.0)
    assert player.voices == 0
    assert not player.play(1).any()
