"""Fears: what follows a sound comes a second late, runs off in a rest, or believes in noise."""

import numpy as np
import pytest
from chirplet_player import RATE, THETA, live, live_at_its_rate

from mesosynth.audio.target import ANALYSIS_RATE
from mesosynth.errors import ArgumentError
from mesosynth.matching.theta_track import Glide
from mesosynth.matching.tracking import Tracker

TICK, WORD = 0.125, 0.025  # s: from one look to the next, and from one word to the next,
LATE = 0.06  # which may come so late while it looks
STILL = 8.0  # s: until all arpeggios sound that will
TO_SETTLE = 2.0  # s of looks before the glide, mostly: what came before is heard without a look


def glide(begin, end):
    """Gamma, octaves a second, that stands still and then glides an octave a second."""
    way = np.sign(np.log2(end / begin))
    octaves = abs(np.log2(end / begin))
    return lambda t: begin * 2.0 ** (way * np.clip(t - STILL, 0.0, octaves))


def follow(follower, audio, rate=ANALYSIS_RATE, begin=0.0):
    """Estimates from `begin` on, s, each with the time of the newest sample.

    Time stands while it looks.
    """
    told, step, words = [], round(WORD * rate), round(TICK / WORD)
    follower.push(audio[: round(begin / WORD) * step])
    for i in range(round(begin / WORD), len(audio) // step):
        follower.push(audio[i * step : (i + 1) * step])
        if i % words == words - 1:
            for _ in follower.look():
                pass
        told.append(((i + 1) * step / rate, follower.tell()))
    return told


@pytest.mark.parametrize(
    ("begin", "end", "to_settle"),
    [(16.0, 0.5, 4.0), (-2.0, -16.0, TO_SETTLE)],
)
def test_a_glide_of_an_octave_a_second_is_followed_within_half_a_second(begin, end, to_settle):
    gamma = glide(begin, end)
    audio = live(gamma, STILL + abs(np.log2(end / begin)))
    noise = np.random.default_rng(0).standard_normal(len(audio))
    audio += (10.0 ** (-30.0 / 20.0) * audio.std() * noise).astype(np.float32)
    told = follow(Tracker(), audio, begin=STILL - to_settle)
    told = [(t, each) for t, each in told if t > STILL]
    # What is told is heard until the next word comes.
    lags = [
        abs(np.log2(each.theta["gamma"] / gamma(t + late)))
        for t, each in told for late in (0.0, LATE)
    ]  # fmt: skip
    assert np.max(lags) < 0.5
    assert np.median(lags) < 0.1
    assert np.median([each.confidence for _, each in told]) > 0.5
    assert all(0.1 < each.age < 0.9 for _, each in told)


def test_another_sample_rate_does_not_come_later():
    gamma = glide(4.0, 0.5)
    audio = live_at_its_rate(gamma, STILL + 3.0).astype(np.float32)
    told = follow(Tracker(sample_rate=RATE), audio, RATE, begin=STILL - TO_SETTLE)
    lags = [np.log2(each.theta["gamma"] / gamma(t)) for t, each in told if t > STILL + 1.0]
    assert abs(np.median(lags)) < 0.05  # a resampler that hands out batches would add 0.07


def test_a_track_that_took_a_double_for_the_truth_begins_anew():
    gamma = glide(0.5, 16.0)
    told = follow(Tracker(), live(gamma, STILL + 5.0, period=0.25), begin=STILL - TO_SETTLE)
    lags = [abs(np.log2(each.theta["gamma"] / gamma(t))) for t, each in told if t > STILL]
    assert np.max(lags) < 0.5


def test_arpeggios_that_turn_round_are_followed_within_a_second_and_a_half():
    told = follow(Tracker(), live(lambda t: 2.0 if t < 4.0 else -4.0, 6.0), begin=2.0)
    before, after = ([each.theta["gamma"] for t, each in told if a < t < b]
                     for a, b in ((3.0, 4.0), (5.5, 6.0)))  # fmt: skip
    assert np.median(before) == pytest.approx(2.0, rel=0.1)
    assert np.median(after) == pytest.approx(-4.0, rel=0.2)


def test_silence_holds_the_last_theta():
    audio = live(lambda _: 4.0, 2.0)
    told = follow(Tracker(), np.concatenate([audio, np.zeros(ANALYSIS_RATE, np.float32)]))
    last, silent = told[79][1], told[-1][1]
    assert last.hearing == "following"
    assert last.theta["gamma"] == pytest.approx(4.0, rel=0.1)
    assert silent.hearing == "silent"
    assert silent.theta["gamma"] == pytest.approx(4.0, rel=0.15)
    assert silent.level < -60.0


def test_what_begins_after_a_silence_is_listened_to():
    rest = np.zeros(round(1.5 * ANALYSIS_RATE), np.float32)
    told = follow(Tracker(), np.concatenate([rest, live(lambda _: 4.0, 0.5)]))
    heard = [each.hearing for _, each in told]
    assert heard[55] == "silent"
    assert heard[-1] == "listening"  # six looks are not yet over


def test_a_guess_of_what_was_heard_is_tried_beside_the_starts_that_are_read_off():
    follower = Tracker(values={**THETA, "gamma": 4.0})
    follower.push(live(lambda _: 1.2, 2.0, f_c=800.0, f_m=6.0, period=0.9))
    for _ in follower.look():
        pass
    guess, *others = follower._others._tracks
    assert len(others) == 3
    assert follower._others._guessed == 2.0
    found = follower._model.by_id(guess.state())
    assert found["f_c"] == pytest.approx(800.0, rel=0.1)
    assert found["f_m"] == pytest.approx(6.0, rel=0.3)


def test_noise_is_followed_without_confidence():
    noise = np.random.default_rng(1).standard_normal(2 * ANALYSIS_RATE).astype(np.float32)
    told = follow(Tracker(), 0.1 * noise)
    assert told[-1][1].confidence < 0.5
    assert np.isfinite(list(told[-1][1].theta.values())).all()


def test_what_the_sound_does_not_tell_is_not_told_and_leaves_the_rest_sure():
    follower = Tracker(values={**THETA, "gamma": 4.0})
    told = follow(follower, live(lambda _: 4.0, 3.0))[-1][1]
    place = follower.ids.index("f_m")
    follower._track._glide._P[place, place] = 1.0
    again = follower.tell()
    assert set(told.theta) == set(follower.ids)
    assert set(again.theta) == set(again.std) == {*follower.ids} - {"f_m"}
    assert again.confidence > 0.5


def test_only_what_is_free_is_followed_and_the_rest_stands_where_it_is_held():
    follower = Tracker(unknowns=("gamma",), values={**THETA, "gamma": 3.0})
    told = follow(follower, live(lambda _: 4.0, 2.0))
    assert set(told[-1][1].theta) == {"gamma"}
    assert told[-1][1].theta["gamma"] == pytest.approx(4.0, rel=0.1)


def test_a_filter_that_hears_a_steady_speed_has_no_lag():
    glide, truth = Glide(1, 0.1), 0.0
    for _ in range(40):
        glide.advance(0.1)
        truth += 0.07
        glide.hear(glide.place - truth, np.eye(1), 1e-3)
    assert glide.place[0] == pytest.approx(truth, abs=0.02)
    assert glide.ahead(0.4)[0] == pytest.approx(truth + 0.28, abs=0.05)
    assert glide.std[0] < 0.1


def test_what_cannot_be_followed_is_said():
    with pytest.raises(ArgumentError, match="theremin"):
        Tracker("theremin")
    with pytest.raises(ArgumentError, match="free at least one"):
        Tracker(unknowns=())
