"""Fears: a key that is late, silent, out of tune or stuck; a pedal, bend or panic that fails."""

import math

import numpy as np
import pytest
from chirplet_player import FRAMES, KINDS, RATE, STEADY, Player, heard, off, on

from mesosynth.errors import ArgumentError
from mesosynth.instruments.chirplet import ENTRY, HARMONICS, PARAMETERS, PURE, SIGMA_0
from mesosynth.plugins.plugin import NO_EVENTS, WHOLE_CHANNEL


def pitch(sound):
    """Strongest frequency, Hz, to a fraction of a bin."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 8 * len(sound)))
    return spectrum.argmax() * RATE / (8 * len(sound))


def test_a_key_is_heard_within_two_blocks_on_its_frame():
    for frame in (0, 77, 127):
        player = Player()
        sound = player.play(3, [on(69, frame, 0.8)])[0]
        assert heard(sound[: frame + 1]) < 1e-10  # the fast sine's error
        assert heard(sound[frame : 2 * FRAMES]) > 1e-3
        assert heard(sound[frame : frame + 3]) < 1e-3  # and does not click


def test_it_is_the_formula_from_two_deviations_before_the_middle():
    theta = {"f_m": 8.0, "gamma": 2.0, "w": 2.0, "am_shape": 0.5, "am_depth": 0.8, "gain": 0.0}
    sound = Player({**theta, "period": 16.0}).seconds(1.0, [on(69)])[0]
    t = -ENTRY * 2.0 / 2.0 + np.arange(len(sound)) / RATE
    s = np.sin(2 * np.pi * 8.0 * (t - t[0]))
    m = 0.2 + 0.8 * (s - 0.5 * np.minimum(s, 0.0))
    carrier = np.sin(2 * np.pi * 440.0 / (2.0 * np.log(2)) * (2 ** (2.0 * t) - 1))
    expected = carrier * m * np.exp(-(t**2) / (2 * (SIGMA_0 * 2.0 / 2.0) ** 2))
    late = slice(480, None)  # past the attack
    assert np.abs(sound[late] - expected[late]).max() < 1e-5


def test_keys_have_their_pitch_and_velocity_their_level():
    levels = []
    for note, velocity in ((57, 1.0), (81, 0.5)):
        player = Player(STEADY)
        player.play(1, [on(note, 0, velocity)])
        sound = player.seconds(0.5)[0].astype(float)
        drift = 2 ** (0.125 * (0.25 - ENTRY * 8.0 / 0.125))
        assert pitch(sound) == pytest.approx(440.0 * 2 ** ((note - 69) / 12) * drift, rel=0.005)
        levels.append(heard(sound))
    assert levels[1] / levels[0] == pytest.approx(0.25, rel=0.02)


def test_a_held_key_repeats_and_stops_the_free_run():
    player = Player({"gamma": 16.0, "w": 1.0, "period": 0.25, "release": 0.05}, running=True)
    player.seconds(0.6)
    starts = player.chirplet.starts
    assert starts == 3
    player.seconds(1.0, [on(60, 100)])
    assert player.chirplet.starts == starts + 4
    player.seconds(0.1, [off(60)])
    player.seconds(1.0)
    assert player.chirplet.starts == starts + 4 + 4  # by itself again


def test_released_it_fades_in_the_time_that_release_says():
    player = Player({**STEADY, "release": 0.5})
    player.seconds(0.5, [on()])
    fading = player.seconds(0.5, [off()])[0]
    assert heard(fading[: RATE // 20]) > 0.1
    assert not player.seconds(0.1)[0].any()
    assert player.voices == 0


def test_the_pedal_holds_what_is_let_go_and_no_more():
    player = Player({**STEADY, "release": 0.02})
    player.seconds(0.1, [on(60), (0, KINDS.SUSTAIN, 0, 0, 1.0), off(60, 10)])
    assert heard(player.seconds(0.3)) > 0.1
    player.seconds(0.1, [on(64)])
    player.seconds(0.1, [(0, KINDS.SUSTAIN, 0, 0, 0.0)])
    assert player.voices == 1  # the one that is still down
    player.seconds(0.1, [off(64)])
    assert player.voices == 0


def test_a_bend_moves_the_voices_of_its_channel_without_a_click():
    player = Player(STEADY)
    player.play(1, [on(69, 0, 1.0, channel=1)])
    before = pitch(player.seconds(0.4)[0].astype(float))
    bend = (64, KINDS.PITCH_BEND, 1, WHOLE_CHANNEL, 7.0)
    sound = player.play(2, [bend])[0].astype(float)
    assert (
        np.abs(np.diff(sound, 2)).max()
        < 1.5 * heard(sound) * (2 * np.pi * before * 1.5 / RATE) ** 2
    )
    drift = 2 ** (0.125 * 0.4)
    assert pitch(player.seconds(0.4)[0].astype(float)) / before == pytest.approx(
        2 ** (7 / 12) * drift, rel=0.005
    )
    other = Player(STEADY)
    other.play(1, [on(69, 0, 1.0, channel=2)])
    same = pitch(other.seconds(0.4, [bend])[0].astype(float))
    assert same == pytest.approx(before, rel=0.002)


def test_a_bend_before_the_note_is_in_it_from_the_first_sample():
    """As MPE sends it: the bend first, both in one block."""
    bent = Player(STEADY)
    bent.play(1, [(5, KINDS.PITCH_BEND, 0, WHOLE_CHANNEL, 12.0), on(57, 6)])
    plain = Player(STEADY)
    plain.play(1, [on(69, 6)])
    np.testing.assert_allclose(bent.play(20), plain.play(20), atol=1e-4)


def test_pressure_of_a_channel_and_of_a_key_makes_louder():
    for event in ((0, KINDS.PRESSURE, 0, WHOLE_CHANNEL, 1.0), (0, KINDS.PRESSURE, 0, 60, 1.0)):
        player = Player(STEADY)
        player.seconds(0.3, [on(60)])
        before = heard(player.play(8))
        player.play(1, [event])
        assert heard(player.play(8)) / before == pytest.approx(2.0, rel=0.05)


def partials(sound):
    """Amplitudes of the first seven partials of a sound that sweeps a little, dB of the first."""
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    f = pitch(sound) * len(sound) / RATE
    bands = [power[round((k - 0.3) * f) : round((k + 0.3) * f)].sum() for k in range(1, 8)]
    return 10 * np.log10(np.array(bands) / bands[0])


def test_brightness_adds_harmonics_and_keeps_the_power():
    powers = []
    for brightness in (PURE, -6.0):
        player = Player({**STEADY, "brightness": brightness})
        player.seconds(0.1, [on(57)])
        sound = player.seconds(0.5)[0].astype(float)
        powers.append(np.mean(sound**2))
        if brightness == PURE:
            assert (partials(sound)[1:] < -60).all()
        else:
            slopes = -6.0 * np.log2(np.arange(1, HARMONICS + 1))
            np.testing.assert_allclose(partials(sound)[:HARMONICS], slopes, atol=0.1)
            assert partials(sound)[HARMONICS] < -60
    assert powers[1] == pytest.approx(powers[0], rel=0.01)


def test_a_slide_brightens_its_channel():
    player = Player(STEADY)
    player.seconds(0.1, [on(57, 0, 1.0, channel=3)])
    assert partials(player.seconds(0.2)[0].astype(float))[1] < -60
    player.seconds(0.1, [(0, KINDS.TIMBRE, 3, WHOLE_CHANNEL, 0.9)])
    slide = partials(player.seconds(0.2)[0].astype(float))
    assert slide[1] == pytest.approx(-6.0, abs=0.1)


def test_harmonics_above_nyquist_are_silent():
    player = Player({**STEADY, "brightness": 0.0, "f_c": 8000.0}, running=True)
    player.values["gamma"], player.values["w"] = 4.0, 0.5
    sound = player.seconds(0.3)[0].astype(float)
    spectrum = np.abs(np.fft.rfft(sound)) / len(sound)
    hertz = np.fft.rfftfreq(len(sound), 1 / RATE)
    assert spectrum[hertz < 4000].max() < 1e-3 * spectrum.max()  # nothing is mirrored down


def test_freeze_holds_the_spectrum_and_lets_go_of_it():
    values = {"f_m": 8.0, "gamma": 4.0, "w": 4.0, "gain": 0.0, "period": 0.5, "am_depth": 0.3}
    player = Player(values, running=True)
    player.seconds(0.52)  # into the middle of the first one
    player.play(1, [(0, KINDS.FREEZE, 0, 0, 1.0)])
    starts = player.chirplet.starts
    first, later = (player.seconds(0.5)[0].astype(float) for _ in range(2))
    assert heard(later) == pytest.approx(heard(first), rel=0.02)
    assert pitch(first) == pytest.approx(pitch(later), rel=1e-3)
    assert player.chirplet.starts == starts
    player.play(1, [on(69)])  # a key still sounds, in the middle of its sweep
    assert player.chirplet.starts == starts + 1
    player.play(1, [off(69), (0, KINDS.FREEZE, 0, 0, 0.0), (0, KINDS.STOP)])
    player.seconds(3.0)
    assert player.voices == 0


def test_panic_ends_everything_at_once_but_bends_nothing():
    player = Player({**STEADY, "release": 8.0})
    events = [on(note, note - 40) for note in range(40, 60)]
    player.seconds(0.2, [(0, KINDS.SUSTAIN, 0, 0, 1.0), *events])
    fading = player.play(10, [(0, KINDS.ALL_OFF)])[0].astype(float)
    assert np.abs(np.diff(fading)).max() < 0.5 * heard(fading)
    assert not player.play(1).any()
    assert player.voices == 0
    player.play(1, [on(60), off(60, 1)])  # the pedal is up, too
    assert not player.chirplet.keyboard.held


def test_tempo_swing_and_the_clock():
    values = {"gamma": 16.0, "w": 0.5, "sync": 1.0, "tempo": 120.0, "division": 8.0}  # a quarter
    player = Player(values, running=True)
    player.seconds(1.95)
    assert player.chirplet.starts == 4
    player.play(1, [(0, KINDS.TEMPO, 0, 0, 240.0)])  # a clock that is faster than the knob
    player.seconds(1.0)
    assert player.chirplet.starts == 8
    player.values["tempo"] = 60.0  # the knob again
    player.seconds(2.0)
    assert player.chirplet.starts == 10
    player.play(1, [(0, KINDS.START)])
    assert player.chirplet.starts == 11


def test_swing_moves_every_other_start():
    def onsets(swing):
        player = Player({"gamma": 16.0, "w": 0.5, "period": 0.2, "swing": swing}, running=True)
        starts = []
        for n in range(600):
            player.play(1)
            if player.chirplet.starts > len(starts):
                starts.append(n * FRAMES / RATE)
        return np.diff(starts)

    np.testing.assert_allclose(onsets(0.0), 0.2, atol=0.003)
    np.testing.assert_allclose(onsets(0.5)[:4], [0.3, 0.1, 0.3, 0.1], atol=0.003)


def test_spread_is_of_equal_power_and_begins_in_the_middle():
    player = Player({"gamma": 16.0, "w": 0.5, "period": 0.2, "spread": 1.0}, running=True)
    powers = [np.mean(player.seconds(0.2).astype(float) ** 2, axis=1) for _ in range(12)]
    total = np.sum(powers, axis=1)
    side = np.array([(p[1] - p[0]) / p.sum() for p in powers])
    assert abs(side[0]) < 1e-6
    assert side.min() < -0.7
    assert side.max() > 0.7
    np.testing.assert_allclose(total, total[0], rtol=0.02)


def test_humanise_strays_always_in_the_same_way():
    values = {"gamma": 8.0, "period": 0.1, "humanise": 1.0}
    one, two = (Player(values, running=True).seconds(2.0) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    straight = Player({**values, "humanise": 0.0}, running=True).seconds(2.0)
    assert heard(one - straight) > 0.1


def test_a_scale_tunes_the_keys_and_is_kept_as_state():
    just = [1200 * math.log2(r) for r in (9 / 8, 5 / 4, 4 / 3, 3 / 2, 5 / 3, 15 / 8, 2)]
    tuning = {"name": "just", "cents": just, "root": 60, "reference_note": 69,
              "reference_hertz": 432.0}  # fmt: skip
    player = Player(STEADY)
    assert player.chirplet.state() == {}
    player.chirplet.restore({"tuning": tuning})
    assert player.chirplet.state() == {"tuning": tuning}
    player.play(1, [on(69)])
    drift = 2 ** (0.125 * (0.25 - ENTRY * 8.0 / 0.125))
    assert pitch(player.seconds(0.5)[0].astype(float)) == pytest.approx(432.0 * drift, rel=0.005)
    for bad in ({"cents": ["x"]}, {"cents": []}, {"name": "x"}, {"cents": [1200.0], "root": 999},
                {"cents": [1200.0], "colour": 3}, 7):  # fmt: skip
        with pytest.raises(ArgumentError):
            player.chirplet.restore({"tuning": bad})
    assert player.chirplet.state() == {"tuning": tuning}
    player.chirplet.restore({})
    assert player.chirplet.state() == {}


def test_a_block_without_events_or_with_odd_ones_is_harmless():
    player = Player()
    odd = [(0, KINDS.NOTE_ON, 255, 255, 1.0), (0, KINDS.NOTE_OFF, 255, 255, 1.0),
           (0, KINDS.PITCH_BEND, 255, 255, 1.0), (0, 99, 0, 0, math.nan)]  # fmt: skip
    assert np.isfinite(player.play(4, odd)).all()
    player.chirplet.process(PARAMETERS.vector({}), NO_EVENTS, np.zeros((2, 128), np.float32))
