"""The fear: that what a lean transform leaves out was needed after all."""

import functools
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from papers_jtfs import jtfs_of

from mesosynth.audio.file import load_target
from mesosynth.errors import MesosynthError
from mesosynth.instruments.chirplet_torch import chirplet, chirplet_and_tangents
from mesosynth.system.paths import resource

N, RATE = 2**15, 8192
CONFIGURATIONS = [{"T": None}, {"T": "global", "boundary": "periodic"}, {"T": 1000}]
FOLDER = os.environ.get("MESOSYNTH_RECORDINGS", "")
RECORDINGS = sorted(Path(FOLDER).glob("*.flac")) if FOLDER else []


@functools.cache
def transform(index, tolerance):
    config = {"F": 0, **CONFIGURATIONS[index]}
    return jtfs_of(N, J=12, Q=(8, 2), J_fr=5, Q_fr=2, tolerance=tolerance, **config)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def pink():
    spectrum = torch.fft.rfft(torch.randn(N, generator=generator()))
    return torch.fft.irfft(spectrum / torch.arange(1, len(spectrum) + 1).sqrt())


def click():
    return torch.zeros(N).index_fill(0, torch.tensor([12345]), 1.0)


def recording(path):
    return torch.from_numpy(np.ascontiguousarray(load_target(path).audio)).float()


SOUNDS = {
    "paper": lambda: chirplet(torch.tensor([512.0, 8.5, 4.0, 2.0]), N, RATE).float(),
    "slow": lambda: chirplet(torch.tensor([256.0, 3.0, 0.5, 1.0]), N, RATE).float(),
    "falling": lambda: chirplet(torch.tensor([1000.0, 40.0, -8.0, 3.0]), N, RATE).float(),
    "white noise": lambda: torch.randn(N, generator=generator()),
    "pink noise": pink,
    "click": click,
    "sine": lambda: torch.sin(0.4 * torch.arange(N)),
    "demo": lambda: recording(resource("assets", "demo.wav")),
    **{path.stem: functools.partial(recording, path) for path in RECORDINGS},
}


def as_means(jtfs, S):
    """Sums over time are sums of more samples for faster wavelets; means weigh all paths alike."""
    if jtfs.T != "global":
        return S
    meta = jtfs.meta()
    j = np.where(meta["order"] == 1, jtfs.log2_stride, np.nan_to_num(meta["j"][:, 1]))
    weights = torch.ones(len(j))
    weights[meta["row"]] = torch.from_numpy(np.where(meta["order"] == 0, 0.0, 2.0**j)).float()
    return weights[:, None] * S


def error(actual, expected):
    return ((actual - expected).norm() / expected.norm()).item()


@functools.cache
def exact_means(index, sound):
    exact = transform(index, 0.0)
    return as_means(exact, exact(SOUNDS[sound]()))


@pytest.mark.parametrize("sound", SOUNDS)
@pytest.mark.parametrize("tolerance", [1e-2, 1e-3, 1e-4])
@pytest.mark.parametrize("index", range(len(CONFIGURATIONS)))
def test_the_error_stays_below_the_tolerance(sound, tolerance, index):
    lean = transform(index, tolerance)
    assert error(as_means(lean, lean(SOUNDS[sound]())), exact_means(index, sound)) <= tolerance


@pytest.mark.parametrize("index", range(len(CONFIGURATIONS)))
def test_tangents_are_within_some_twenty_tolerances(index):
    x, dx = (
        y.float() for y in chirplet_and_tangents(torch.tensor([512.0, 8.5, 4.0, 2.0]), N, RATE)
    )
    exact, lean = transform(index, 0.0), transform(index, 1e-3)
    _, expected = exact.jvp(x, dx)
    _, actual = lean.jvp(x, dx)
    for a, e in zip(actual, expected, strict=True):
        assert error(as_means(lean, a), as_means(exact, e)) <= 2e-2


def test_it_leaves_something_out():
    S = transform(0, 1e-3)(SOUNDS["paper"]())
    assert (S == 0.0).all(dim=-1).float().mean() > 0.1
    samples = [
        sum(block.times.stop - block.times.start for block in second.averaging)
        for plan in (transform(0, 1e-3), transform(0, 0.0))
        for second in [plan._plan(S).second[0]]
    ]
    assert samples[0] < samples[1]


@settings(max_examples=25, deadline=None)
@given(
    n=st.sampled_from([1024, 2048]),
    J=st.integers(4, 8),
    Q=st.sampled_from([(1, 1), (4, 1), (8, 2)]),
    T=st.sampled_from([None, "global", 16, 100]),
    F=st.sampled_from([0, None, "global"]),
    boundary=st.sampled_from(["reflect", "periodic"]),
    tolerance=st.sampled_from([1e-2, 1e-3, 1e-4]),
    seed=st.integers(0, 100),
)
def test_any_configuration_keeps_to_its_tolerance(n, J, Q, T, F, boundary, tolerance, seed):
    config = {"J": J, "Q": Q, "J_fr": 2, "Q_fr": 1, "T": T, "F": F, "boundary": boundary}
    exact, lean = jtfs_of(n, **config), jtfs_of(n, tolerance=tolerance, **config)
    x = torch.randn(n, generator=generator(seed))
    assert error(as_means(lean, lean(x)), as_means(exact, exact(x))) <= tolerance


def test_silence_and_single_sounds_come_out_whole():
    lean = transform(0, 1e-3)
    assert (lean(torch.zeros(N)) == 0.0).all()
    S, dS = lean.jvp(torch.zeros(N), SOUNDS["paper"]()[None])
    assert S.isfinite().all()
    assert dS.isfinite().all()


@pytest.mark.parametrize("tolerance", [-1e-3, 0.5, float("nan")])
def test_a_bad_tolerance_is_named(tolerance):
    with pytest.raises(MesosynthError, match=f"tolerance={tolerance}"):
        jtfs_of(1024, J=6, J_fr=2, tolerance=tolerance)
