"""The fears: a spectrogram that is not the paper's, and a gradient that is not the spectrogram's.

The oracle is a slow and plain transcription of eq. 18 with the conventions of the authors' code:
one frame at a time, one Fourier sum at a time.
"""

import re

import numpy as np
import pytest
import torch

from mesosynth.errors import MesosynthError
from mesosynth.scattering.mss import AUTHORS_WINDOWS, MultiScaleSpectrogram
from mesosynth.system.steps import result_of


def oracle(x, window):
    """Magnitudes (bins, frames) of frames a quarter of a window apart, centred on their sample."""
    hop, half = window // 4, window // 2
    hann = np.sin(np.pi * np.arange(window) / window) ** 2
    frames = []
    for middle in range(0, len(x) + 1, hop):
        where = np.arange(middle - half, middle + half)
        where = np.abs(where)  # mirror images about the first and the last sample
        where = len(x) - 1 - np.abs(len(x) - 1 - where)
        segment = x[where] * hann
        k = np.arange(half + 1)[:, None]
        frames.append(
            np.abs((segment * np.exp(-2j * np.pi * k * np.arange(window) / window)).sum(1))
        )
    return np.stack(frames, axis=1)


def noise(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("n", [500, 1024])
def test_magnitudes_are_the_papers(n):
    x = noise(n)
    mss = MultiScaleSpectrogram(n, windows=(32, 128))
    for window, part in zip((32, 128), mss.split(mss(x)), strict=True):
        np.testing.assert_allclose(part.numpy(), oracle(x.numpy(), window), atol=1e-10)


def test_distance_is_equation_18_and_the_authors_loss():
    x, y = noise(2, 4096)
    mss = MultiScaleSpectrogram(4096)
    differences = [np.abs(oracle(x.numpy(), 2**i) - oracle(y.numpy(), 2**i)) for i in range(5, 11)]
    paper = np.mean([d.sum() for d in differences])
    authors = np.mean([d.mean() for d in differences])
    assert mss.distance(mss(x), mss(y)).item() == pytest.approx(paper, rel=1e-12)
    assert mss.distance(mss(x), mss(y), per_coefficient=True).item() == pytest.approx(authors)


def test_the_authors_windows_are_torchs_stft():
    # They call torch.stft; this holds the conventions (Hann, centre, hop) to theirs.
    x = noise(8192)
    mss = MultiScaleSpectrogram(8192, windows=AUTHORS_WINDOWS)
    for window, part in zip(AUTHORS_WINDOWS, mss.split(mss(x)), strict=True):
        theirs = torch.stft(
            x, window, window // 4, window=torch.hann_window(window, dtype=x.dtype),
            return_complex=True,
        )  # fmt: skip
        torch.testing.assert_close(part, theirs.abs())


@pytest.mark.parametrize("tangents", [1, 4])
def test_jvp_is_the_difference_quotient(tangents):
    mss = MultiScaleSpectrogram(1000, windows=(64, 256))
    x, *dx = noise(1 + tangents, 2, 1000)
    S, dS = mss.jvp(x, torch.stack(dx))
    torch.testing.assert_close(S, mss(x))
    step = 1e-6
    quotient = torch.stack([(mss(x + step * d) - mss(x - step * d)) / (2 * step) for d in dx])
    assert dS.shape == (tangents, *S.shape)
    assert (dS - quotient).norm() <= 1e-7 * quotient.norm()
    torch.testing.assert_close(mss.jvp(x, dx[0])[1], dS[0])


def test_reverse_mode_is_the_difference_quotient():
    mss = MultiScaleSpectrogram(1000, windows=(64, 256))
    x, y, direction = noise(3, 1000)
    target = mss(y)
    waveform = x.clone().requires_grad_()
    mss.distance(mss(waveform), target).backward()
    step = 1e-6
    ahead, behind = (mss.distance(mss(x + s * direction), target) for s in (step, -step))
    assert (waveform.grad @ direction).item() == pytest.approx(
        ((ahead - behind) / (2 * step)).item(), rel=1e-6
    )


def test_derivatives_at_zeros_are_zero():
    mss = MultiScaleSpectrogram(1000, windows=(64,))
    click = torch.zeros(1000)
    click[500] = 1.0
    for x in (torch.zeros(1000), click):
        S, dS = mss.jvp(x, torch.randn(2, 1000))
        assert dS.isfinite().all()
        assert (dS[:, S == 0] == 0).all()
        waveform = x.clone().requires_grad_()
        mss(waveform).sum().backward()
        assert waveform.grad.isfinite().all()
    assert waveform.grad.any()


def test_meta_tells_where_a_sine_burst_shows():
    mss = MultiScaleSpectrogram(4096, windows=(64, 512))
    t = torch.arange(4096)
    x = torch.sin(2 * torch.pi * 0.125 * t) * torch.exp(-(((t - 3072) / 100) ** 2))
    S, meta = mss(x), mss.meta()
    for window in (64, 512):
        of_window = np.flatnonzero(meta["window"] == window)
        loudest = of_window[S[of_window].argmax()]
        assert meta["xi"][loudest] == pytest.approx(0.125)
        assert meta["t"][loudest] == pytest.approx(3072, abs=window // 4)


def test_the_computation_can_be_left_on_the_way():
    mss = MultiScaleSpectrogram(1024, windows=(64, 256))
    x, dx = torch.randn(1024), torch.randn(1024)
    assert len(list(mss.jvp_steps(x, dx))) == 2
    torch.testing.assert_close(result_of(mss.jvp_steps(x, dx)), mss.jvp(x, dx))


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"shape": 0}, "shape=0"),
        ({"shape": 512.0}, "shape=512.0"),
        ({"shape": 512}, "windows holds 1024"),
        ({"shape": 512, "windows": ()}, "windows=()"),
        ({"shape": 512, "windows": (64, -32)}, "windows[1]=-32"),
        ({"shape": 512, "windows": (63,)}, "windows holds 63"),
        ({"shape": 512, "windows": (64,), "overlap": 0}, "overlap=0"),
        ({"shape": 512, "windows": (64,), "overlap": 3}, "overlap=3"),
    ],
)
def test_a_bad_argument_is_named_with_its_value(arguments, named):
    with pytest.raises(MesosynthError, match=re.escape(named)):
        MultiScaleSpectrogram(**arguments)


@pytest.mark.parametrize(
    ("x", "dx", "named"),
    [
        (torch.zeros(100), torch.zeros(1024), "x has the shape (100,)"),
        (torch.zeros(1024, dtype=torch.int32), torch.zeros(1024), "x is torch.int32"),
        (torch.full((1024,), torch.nan), torch.zeros(1024), "x holds NaN"),
        (torch.zeros(1024), torch.zeros(2, 100), "dx has the shape (2, 100)"),
        (torch.zeros(2, 1024), torch.zeros(1024), "dx has the shape (1024,)"),
    ],
)
def test_a_bad_signal_is_refused(x, dx, named):
    with pytest.raises(MesosynthError, match=re.escape(named)):
        MultiScaleSpectrogram(1024, windows=(64,)).jvp(x, dx)
