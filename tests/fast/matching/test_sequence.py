"""The fears: a long sound that loses its thread, what is lost when it is stopped, and memory."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from sequences import matched, moving, write_moving

from mesosynth.audio.file import stream_audio
from mesosynth.errors import ArgumentError, MatchFileError, TargetError
from mesosynth.matching.checkpoint import load_sequence
from mesosynth.matching.results import Moment, SequenceSettings
from mesosynth.matching.sequence import match_sequence, sequence_steps, windows
from mesosynth.matching.smoothing import smoothed
from mesosynth.system.paths import resource
from mesosynth.system.steps import stop

SECONDS, REST = 12, (5.0, 8.0)
MOMENTS = [moment for moment in moving(rest=REST) if moment.onset < SECONDS]


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    path = tmp_path_factory.mktemp("sound") / "moving.wav"
    return write_moving(path, SECONDS, moments=MOMENTS)


@pytest.fixture(scope="module")
def whole(sound, tmp_path_factory):
    """The sequence of it, found in one go, and its file."""
    run = tmp_path_factory.mktemp("run") / "whole"
    return match_sequence(sound, run=run), run


def test_theta_comes_back_as_it_moves_around_a_rest(whole):
    sequence, _ = whole
    assert sequence.finished
    assert len(sequence.moments) == SECONDS
    found = smoothed(sequence)
    for truth in MOMENTS:
        nearest = min(found, key=lambda moment: abs(moment.onset - truth.onset))
        assert nearest.onset == pytest.approx(truth.onset, abs=0.03)
        for id_ in ("f_c", "f_m", "gamma", "w"):
            assert nearest.theta[id_] == pytest.approx(truth.theta[id_], rel=0.04), (id_, truth)
        assert nearest.gain == pytest.approx(truth.gain, rel=0.1)
    middle = [m for m in sequence.moments if REST[0] + 0.5 < m.time < REST[1] - 0.5]
    assert middle
    assert all(moment.silent for moment in middle)


def test_most_windows_take_a_few_evaluations(whole):
    sequence, _ = whole
    warm = [moment.evaluations for moment in sequence.moments if not moment.fresh]
    assert max(warm) <= 5
    assert sum(moment.fresh for moment in sequence.moments) <= 6


def test_a_sequence_that_was_stopped_goes_on_to_the_same_thetas(whole, sound, tmp_path):
    sequence, _ = whole
    run = tmp_path / "run"
    steps = sequence_steps(sound, run=run)
    moments = 0
    while moments < 3:
        moments += isinstance(next(steps), Moment)
    next(steps)  # the next window is under way
    part = stop(steps)
    assert not part.finished
    assert load_sequence(run).moments == sequence.moments[:3]
    with run.open("ab") as file:
        file.write(b'{"time":3.5,"theta":{"f_c":4')  # the power failed here
    assert match_sequence(sound, run=run).moments == sequence.moments
    assert load_sequence(run).moments == sequence.moments


def test_what_is_finished_is_not_matched_again(whole, sound):
    sequence, run = whole
    before = run.read_bytes()

    steps = list(sequence_steps(sound, run=run))
    (again,) = steps  # no step, and no look up in between: nothing was computed
    assert again.moments == sequence.moments
    assert run.read_bytes() == before


def test_another_sound_or_other_settings_do_not_go_on_with_it(whole, sound, tmp_path):
    _, run = whole
    before = run.read_bytes()
    with pytest.raises(MatchFileError, match="with other settings or of another sound"):
        match_sequence(sound, SequenceSettings(hop=0.5), run=run)
    letter = tmp_path / "letter"
    letter.write_text("Dear sir or madam\n")
    with pytest.raises(MatchFileError, match="is not a saved match"):
        match_sequence(sound, run=letter)
    assert letter.read_text() == "Dear sir or madam\n"
    assert run.read_bytes() == before


def test_windows_are_the_same_wherever_one_begins_to_look(sound):
    stream = stream_audio(sound)
    every = list(windows(stream, 1.0, SECONDS))
    late = list(windows(stream, 1.0, SECONDS, first=7))
    assert [time for time, _ in late] == [k + 0.5 for k in range(7, SECONDS)]
    for (_, a), (_, b) in zip(every[7:], late, strict=True):
        np.testing.assert_array_equal(a, b)


def test_five_minutes_take_no_more_memory_than_half_a_minute(tmp_path):
    def most(seconds):
        path = tmp_path / f"{seconds}.wav"
        write_noise(path, seconds)
        tracemalloc.start()
        stream = stream_audio(path)
        for _ in windows(stream, 1.0, seconds):
            pass
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    short = most(30)
    assert most(300) < 1.1 * short + 50_000


def write_noise(path, seconds, rate=16000):
    import soundfile

    rng = np.random.default_rng(1)
    with soundfile.SoundFile(path, "w", rate, 1, "PCM_16") as file:
        for _ in range(seconds):
            file.write(0.1 * rng.standard_normal(rate))


@pytest.mark.parametrize("hop", [0.0, -1.0, 3.0, float("nan")])
def test_hops_that_leave_sound_out_are_refused(hop):
    with pytest.raises(ArgumentError, match="hop="):
        SequenceSettings(hop=hop)


def test_silence_is_refused(tmp_path):
    import soundfile

    soundfile.write(tmp_path / "silence.wav", np.zeros(16000), 16000)
    with pytest.raises(TargetError, match="silent"):
        match_sequence(tmp_path / "silence.wav")


def test_smoothing_takes_noise_away_and_leaves_what_moves_slowly():
    rng = np.random.default_rng(3)
    clean = moving(60.0, rest=(0.0, 0.0))
    noisy = [
        replace(m, theta={**m.theta, "f_m": m.theta["f_m"] * float(np.exp(0.1 * e))})
        for m, e in zip(clean, rng.standard_normal(len(clean)), strict=True)
    ]

    def error(moments):
        pairs = zip(moments, clean, strict=True)
        return np.std([np.log(a.theta["f_m"] / b.theta["f_m"]) for a, b in pairs])

    assert error(smoothed(matched(60.0, noisy), 8.0)) < 0.4 * error(noisy)
    assert error(smoothed(matched(60.0, clean), 8.0)) < 0.01
    assert smoothed(matched(60.0, noisy), 0.0) == noisy


def test_what_is_sure_counts_more():
    moments = [replace(m, std={"f_m": 0.01}) for m in moving(20.0, rest=(0.0, 0.0))]
    theta = {**moments[10].theta, "f_m": 60.0}
    wild = [*moments[:10], replace(moments[10], theta=theta, std={"f_m": 6.0}), *moments[11:]]
    sure = [*moments[:10], replace(moments[10], theta=theta), *moments[11:]]
    truth = moments[10].theta["f_m"]

    def strays(row):
        return abs(np.log(smoothed(matched(20.0, row), 6.0)[10].theta["f_m"] / truth))

    assert strays(wild) < 0.5 * strays(sure)


def test_nothing_is_smoothed_across_a_rest_or_a_turn():
    moments = moving(20.0, rest=(8.0, 14.0))
    low = [replace(m, theta={**m.theta, "f_m": 4.0}) for m in moments if m.onset < 8.0]
    high = [replace(m, theta={**m.theta, "f_m": 32.0}) for m in moments if m.onset > 8.0]
    for moment in smoothed(matched(20.0, low + high), 3.0):
        assert moment.theta["f_m"] == pytest.approx(4.0 if moment.onset < 8.0 else 32.0)
    turned = [
        replace(m, theta={**m.theta, "gamma": 4.0 if k < 8 else -2.0})
        for k, m in enumerate(moving(16.0, rest=(0.0, 0.0)))
    ]
    speeds = [moment.theta["gamma"] for moment in smoothed(matched(16.0, turned), 3.0)]
    assert speeds == pytest.approx([4.0] * 8 + [-2.0] * 8)


def test_an_arpeggio_that_two_windows_found_counts_once_and_the_better_one():
    first, second = moving(2.0, rest=(0.0, 0.0))
    again = replace(first, time=1.5, onset=first.onset + 0.05, loss=0.001)
    assert smoothed(matched(2.0, [first, again, second])) == [again, second]


def test_an_arpeggio_as_long_as_the_window_is_found_as_a_match_finds_it():
    moments = match_sequence(resource("assets", "demo.wav")).moments
    assert all(moment.found and moment.loss < 1e-3 for moment in moments)
    assert {round(moment.theta["f_c"]) for moment in moments} == {620}
