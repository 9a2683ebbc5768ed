"""Descents on a waveform: down, to the same digits again, and never on what is no sound."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from mesosynth.errors import ArgumentError, TargetError
from mesosynth.resynthesis import descent
from mesosynth.resynthesis.descent import WindowedJTFS, noise, resynthesis_steps, resynthesise
from mesosynth.resynthesis.results import Blend, ResynthesisSettings
from mesosynth.system.steps import result_of, stop

RATE, N = 8192, 4096
SMALL = ResynthesisSettings(iterations=6, average=0.125)


def sound(channels=1, n=N):
    t = np.arange(n) / RATE
    voices = [
        np.sin(2 * np.pi * (300 + 90 * k) * t + 40 * np.sin(2 * np.pi * 5 * t))
        for k in range(channels)
    ]
    return (0.3 * np.array(voices) * np.exp(-3 * (t % 0.2))).astype(np.float32)


@pytest.mark.parametrize("method", ["l-bfgs", "momentum", "bold driver"])
def test_a_stopped_run_goes_on_to_the_same_digits(method, tmp_path):
    settings, run = replace(SMALL, method=method, average=0.03125), tmp_path / "run"
    whole = result_of(resynthesis_steps(sound(), RATE, settings))
    assert whole.errors[-1] < whole.errors[0]
    begun = resynthesis_steps(sound(), RATE, settings, run=run)
    told = itertools.islice((step for step in begun if step is not None), 4)
    assert [step.iteration for step in told] == [0, 1, 2, 3]
    assert next(begun) is None  # in the middle of a step
    part = stop(begun)
    assert part.errors == whole.errors[:4]
    rest = result_of(resynthesis_steps(sound(), RATE, settings, run=run))
    assert rest.errors == whole.errors
    assert np.array_equal(rest.audio, whole.audio)
    longer = replace(settings, iterations=8)
    assert result_of(resynthesis_steps(sound(), RATE, longer, run=run)).errors[:7] == whole.errors
    with pytest.raises(ArgumentError, match="another sound"):
        result_of(resynthesis_steps(2 * sound(), RATE, settings, run=run))
    run.write_bytes(b"Dear sir or madam")
    with pytest.raises(ArgumentError, match="holds no resynthesis"):
        result_of(resynthesis_steps(sound(), RATE, settings, run=run))


def test_variations_are_of_one_seed_after_another_and_chains_of_several(tmp_path):
    one = replace(SMALL, iterations=2, average=0.03125, tolerance=0.0)
    run, four = tmp_path / "run", replace(one, variations=4)
    result = result_of(resynthesis_steps(sound(), RATE, four))
    assert [each.seed for each in result.variations] == [0, 1, 2, 3]
    alone = [each.audio for each in result.variations]
    other = result_of(resynthesis_steps(sound(), RATE, replace(one, seed=2)))
    assert np.array_equal(other.audio, alone[2])
    chains = replace(one, variations=2, length=0.75)
    begun = resynthesis_steps(sound(), RATE, chains, run=run)
    told = itertools.islice((step for step in begun if step is not None), 8)
    assert [step.part for step in told] == [0, 0, 0, 1, 1, 1, 2, 2]
    assert len(stop(begun).variations) == 2
    first, second = result_of(resynthesis_steps(sound(), RATE, chains, run=run)).variations
    assert (first.seed, second.seed) == (0, 2)
    assert first.audio.shape == (1, 6144)
    both = 512  # samples of a cross-fade, twice the time of averaging
    assert np.array_equal(second.audio[:, : N - both], alone[2][:, : N - both])
    assert np.array_equal(second.audio[:, N:], alone[3][:, both : both + 6144 - N])
    middle = np.sqrt(0.5) * (alone[2][:, N - both // 2] + alone[3][:, both // 2])
    assert second.audio[:, N - both // 2] == pytest.approx(middle, abs=0.01)


def test_the_gradient_over_windows_is_that_of_the_error(monkeypatch):
    monkeypatch.setattr(descent, "_WINDOW", 2048)
    jtfs = WindowedJTFS(5000, RATE, average=0.0625)
    x, target = (torch.from_numpy(sound(2, 5000)).double() for _ in range(2))
    x = x + 0.05 * torch.randn(x.shape, dtype=x.dtype, generator=torch.Generator().manual_seed(0))
    wanted = jtfs(target)
    assert wanted.shape[:2] == (6, 2)
    _, gradient = result_of(jtfs.error_steps(x, wanted))
    along = torch.randn(x.shape, dtype=x.dtype, generator=torch.Generator().manual_seed(1))
    errors = [result_of(jtfs.error_steps(x + h * along, wanted))[0] for h in (-1e-5, 1e-5)]
    assert float((gradient * along).sum()) == pytest.approx(
        (errors[1] - errors[0]) / 2e-5, rel=1e-4
    )
    assert result_of(jtfs.error_steps(target, wanted))[0] == 0.0


def begun(target, start, seed=0):
    return noise(target, RATE, replace(SMALL, start=start, seed=seed))


def test_noise_of_the_spectrum_keeps_magnitudes_and_the_stereo_image():
    target = sound(2)
    A, B = np.fft.rfft(target), np.fft.rfft(begun(target, "spectrum", 3))
    inner = slice(1, -1)
    assert np.allclose(np.abs(A)[:, inner], np.abs(B)[:, inner], atol=1e-3)
    cross = A[0] * A[1].conj(), B[0] * B[1].conj()
    assert np.allclose(cross[0][inner], cross[1][inner], atol=1e-2)
    assert np.array_equal(begun(target, "spectrum", 3), begun(target, "spectrum", 3))
    assert not np.array_equal(begun(target, "spectrum", 3), begun(target, "spectrum", 4))
    quiet, white = (np.std(begun(target, start)) for start in ("silence", "white"))
    assert quiet == pytest.approx(1e-4 * white, rel=0.01)


def test_shaped_noise_is_loud_where_the_target_is():
    left = np.concatenate([sound(), 0.1 * sound(), 0.0 * sound()], axis=1)
    target = np.concatenate([left, -0.5 * left])
    shaped = begun(target, "shaped")

    def loudness(x):  # in the middle of each third: at the edges it is averaged
        return [np.std(x[0, k * N + N // 4 : (k + 1) * N - N // 4]) for k in range(3)]

    first, second, third = loudness(shaped)
    assert [first, second] == pytest.approx(loudness(target)[:2], rel=0.3)
    assert third < 0.1 * second
    assert np.corrcoef(shaped)[0, 1] < -0.9  # the second channel is the first, turned and quieter
    assert np.std(shaped[1]) == pytest.approx(0.5 * np.std(shaped[0]), rel=0.4)


def test_a_blend_of_all_of_another_sound_is_that_sound():
    other = sound()[:, ::-1].copy()
    settings = replace(SMALL, iterations=1)
    blend = result_of(resynthesis_steps(sound(), RATE, settings, Blend(other, 1.0)))
    alone = result_of(resynthesis_steps(other, RATE, replace(settings, start="white")))
    assert blend.errors[1] < blend.errors[0]
    assert alone.audio.shape == blend.audio.shape


@pytest.mark.parametrize(
    ("audio", "words"),
    [
        (np.zeros((1, N)), "silent"),
        (1e-8 * sound(), "silent"),
        (sound(n=300), "0.0366 s"),
        (np.ones((1, 31 * RATE)), "31 s"),
        (np.where(np.arange(N) == 7, np.nan, sound()), "NaN"),
        (1e30 * sound(), r"samples above 1e\+12"),
    ],
)
def test_what_cannot_be_resynthesised_is_refused_in_a_sentence(audio, words):
    with pytest.raises(TargetError, match=words):
        result_of(resynthesis_steps(audio.astype(np.float32), RATE, SMALL))


def test_arrays_of_any_kind_are_taken_or_refused_by_name():
    one = replace(SMALL, iterations=1)
    true = resynthesise(sound(2), RATE, one).audio
    tensor = torch.from_numpy(sound(2).T.copy()).requires_grad_()  # channels last
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        assert np.array_equal(resynthesise(tensor, np.int64(RATE), one).audio, true)
    with torch.no_grad():
        assert np.array_equal(resynthesise(sound(2), RATE, one).audio, true)
    for audio, rate, named in (
        (None, RATE, "audio of the type"), (sound()[None], RATE, r"audio.shape=\(1, 1, 4096\)"),
        (sound(), None, "sample_rate=None"), (sound(), 0, "sample_rate=0"),
    ):  # fmt: skip
        with pytest.raises(ArgumentError, match=named):
            resynthesise(audio, rate, one)


def test_nothing_left_after_the_edits_is_told_and_eight_channels_are_taken():
    result = result_of(resynthesis_steps(sound(8), RATE, replace(SMALL, iterations=1)))
    assert result.audio.shape == (8, N)
    assert result.audio.dtype == np.float32
