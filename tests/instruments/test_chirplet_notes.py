"""Fears: a key that is late, silent, out of tune or stuck; a pedal, bend or panic that fails."""

import math

import numpy as np
import pytest

from mesosynth.errors import ArgumentError
from mesosynth.instruments.chirplet import Chirplet
from mesosynth.instruments.chirplet_arpeggios import ENTRY
from mesosynth.instruments.chirplet_parameters import HARMONICS, PARAMETERS, PURE, SIGMA_0
from mesosynth.instruments.chirplet_state import VOICES
from mesosynth.plugin import EVENT, NO_EVENTS, WHOLE_CHANNEL, EventKind

RATE, FRAMES = 48000, 128
KINDS = EventKind
STEADY = {"gamma": 0.125, "w": 8.0, "f_m": 64.0, "am_depth": 0.0, "gain": 0.0, "period": 16.0}
"""An arpeggio that hardly moves: its pitch can be read off a spectrum."""


class Player:
    """A chirplet, and what it played."""

    def __init__(self, values=None, frames=FRAMES, rate=RATE, running=False):
        self.chirplet = Chirplet()
        self.chirplet.prepare(rate, frames)
        self.values = {**(values or {})}
        self.frames, self.rate = frames, rate
        if not running:
            self.play(1, [(0, KINDS.STOP)])

    def play(self, blocks, events=()):
        """(2, blocks * frames) of sound; `events` are (frame, kind, channel, note, value)."""
        out = np.zeros((2, blocks * self.frames), np.float32)
        vector = PARAMETERS.vector(self.values)
        for n in range(blocks):
            begin = n * self.frames
            now = [e for e in events if begin <= e[0] < begin + self.frames]
            block_events = np.zeros(len(now), EVENT)
            for i, (frame, kind, *rest) in enumerate(now):
                channel, note, value = (*rest, 0, 0, 0.0)[:3] if not rest else (*rest, 0.0)[:3]
                block_events[i] = (frame - begin, kind, channel, note, value)
            self.chirplet.process(vector, block_events, out[:, begin : begin + self.frames])
        return out

    def seconds(self, seconds, events=()):
        return self.play(math.ceil(seconds * self.rate / self.frames), events)

    @property
    def voices(self):
        return self.chirplet._arpeggios.voices.count


def on(note=60, frame=0, velocity=1.0, channel=0):
    return (frame, KINDS.NOTE_ON, channel, note, velocity)


def off(note=60, frame=0, channel=0):
    return (frame, KINDS.NOTE_OFF, channel, note, 0.0)


def pitch(sound):
    """Strongest frequency, Hz, to a fraction of a bin."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 8 * len(sound)))
    return spectrum.argmax() * RATE / (8 * len(sound))


def heard(sound):
    return float(np.abs(sound).max())


def test_a_key_is_heard_within_two_blocks_on_its_frame():
    for frame in (0, 77, 127):
        player = Player()
        sound = player.play(3, [on(69, frame, 0.8)])[0]
        assert not sound[: frame + 1].any()
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
    starts = player.chirplet._arpeggios.starts
    assert starts == 3
    player.seconds(1.0, [on(60, 100)])
    assert player.chirplet._arpeggios.starts == starts + 4
    player.seconds(0.1, [off(60)])
    player.seconds(1.0)
    assert player.chirplet._arpeggios.starts == starts + 4 + 4  # by itself again


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
    starts = player.chirplet._arpeggios.starts
    first, later = (player.seconds(0.5)[0].astype(float) for _ in range(2))
    assert heard(later) == pytest.approx(heard(first), rel=0.02)
    assert pitch(first) == pytest.approx(pitch(later), rel=1e-3)
    assert player.chirplet._arpeggios.starts == starts
    player.play(1, [on(69)])  # a key still sounds, in the middle of its sweep
    assert player.chirplet._arpeggios.starts == starts + 1
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
    assert not player.chirplet._keyboard.held


def test_tempo_swing_and_the_clock():
    values = {"gamma": 16.0, "w": 0.5, "sync": 1.0, "tempo": 120.0, "division": 8.0}  # a quarter
    player = Player(values, running=True)
    player.seconds(1.95)
    assert player.chirplet._arpeggios.starts == 4
    player.play(1, [(0, KINDS.TEMPO, 0, 0, 240.0)])  # a clock that is faster than the knob
    player.seconds(1.0)
    assert player.chirplet._arpeggios.starts == 8
    player.values["tempo"] = 60.0  # the knob again
    player.seconds(2.0)
    assert player.chirplet._arpeggios.starts == 10
    player.play(1, [(0, KINDS.START)])
    assert player.chirplet._arpeggios.starts == 11


def test_swing_moves_every_other_start():
    def onsets(swing):
        player = Player({"gamma": 16.0, "w": 0.5, "period": 0.2, "swing": swing}, running=True)
        starts = []
        for n in range(600):
            player.play(1)
            if player.chirplet._arpeggios.starts > len(starts):
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


def test_more_keys_than_voices_all_sound_and_do_not_click():
    player = Player({**STEADY, "f_m": 0.5, "gain": -20.0})
    sound = []
    for note in range(30, 70):
        before = player.voices
        block = player.play(4, [on(note, 5)])[0].astype(float)
        assert player.chirplet._arpeggios.starts == note - 29
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
    assert player.chirplet._arpeggios.starts == 40
    player.play(1, [on(note, 7) for note in range(30, 70)])
    assert player.chirplet._arpeggios.starts == 80
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
        held += player.chirplet._keyboard.held
    assert held > 100
    ends = [(0, KINDS.FREEZE, 0, 0, 0.0), (0, KINDS.SUSTAIN, 0, 0, 0.0)]
    ends += [off(note, 0, channel) for channel in range(16) for note in range(128)]
    player.play(1, ends)
    player.seconds(1.0)
    assert player.voices == 0
    assert not player.play(1).any()


def test_a_block_without_events_or_with_odd_ones_is_harmless():
    player = Player()
    odd = [(0, KINDS.NOTE_ON, 255, 255, 1.0), (0, KINDS.NOTE_OFF, 255, 255, 1.0),
           (0, KINDS.PITCH_BEND, 255, 255, 1.0), (0, 99, 0, 0, math.nan)]  # fmt: skip
    assert np.isfinite(player.play(4, odd)).all()
    player.chirplet.process(PARAMETERS.vector({}), NO_EVENTS, np.zeros((2, 128), np.float32))
