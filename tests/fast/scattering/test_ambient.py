"""Fears: torch's modes, set for something else, change the numbers or what is kept for later."""

import contextlib

import pytest
import torch

from mesosynth.errors import ArgumentError
from mesosynth.scattering import JTFS
from mesosynth.scattering.ambient import neutral_steps
from mesosynth.scattering.loss import JTFSLoss, MSSLoss
from mesosynth.scattering.mss import MultiScaleSpectrogram

X = torch.randn(2, 2048, generator=torch.Generator().manual_seed(0))


def jtfs():
    return JTFS(shape=2048, J=6, J_fr=2, Q=4)


@contextlib.contextmanager
def default_dtype(dtype):
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@contextlib.contextmanager
def deterministic():
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)


MODES = {
    "bfloat16": lambda: torch.autocast("cpu", torch.bfloat16),
    "float16": lambda: torch.autocast("cpu", torch.float16),
    "inference": torch.inference_mode,
    "no gradient": torch.no_grad,
    "float64": lambda: default_dtype(torch.float64),
    "device": lambda: torch.device("meta"),
    "deterministic": deterministic,
}


def _all(S, mss):
    """What both transforms compute, values and tangents."""
    return [S(X), *S.jvp(X, X), S.scalogram(X[0]), mss(X), *mss.jvp(X, X)]


@pytest.fixture(scope="module")
def true():
    return _all(jtfs(), MultiScaleSpectrogram(2048, (64, 256)))


@pytest.mark.parametrize("mode", MODES)
def test_numbers_and_gradients_are_the_same_in_every_mode(mode, true):
    with MODES[mode]():
        S, mss = jtfs(), MultiScaleSpectrogram(2048, (64, 256))
        got = _all(S, mss)
    for one, other in zip(true, got, strict=True):
        assert other.dtype == one.dtype
        torch.testing.assert_close(other, one, rtol=1e-5, atol=1e-6)
    x = X.clone().requires_grad_()  # what was kept in the mode serves for training
    (S(x).sum() + mss(x).sum()).backward()
    assert torch.isfinite(x.grad).all()


@pytest.mark.parametrize("mode", MODES)
def test_losses_are_the_same_in_every_mode(mode):
    loss, mss = JTFSLoss(2048, J=6, J_fr=2, Q=4, log=1e-3), MSSLoss(2048, (64, 256))
    true = [each(X[:1, None], X[1:, None]) for each in (loss, mss)]
    with MODES[mode]():
        got = [each(X[:1, None], X[1:, None]) for each in (loss, mss)]
    torch.testing.assert_close(got, true, rtol=1e-5, atol=1e-6)


def test_a_generator_leaves_the_modes_of_its_caller_alone():
    def steps():
        yield torch.is_autocast_enabled("cpu")
        return torch.is_autocast_enabled("cpu")

    with torch.autocast("cpu", torch.bfloat16):
        running = neutral_steps(steps())
        assert next(running) is False
        assert torch.is_autocast_enabled("cpu")
        with pytest.raises(StopIteration) as end:
            next(running)
        assert end.value.value is False


@pytest.mark.parametrize("J_fr", [14, 60, 1100, 10**6])
def test_more_octaves_than_memory_are_refused_at_once(J_fr):
    with pytest.raises(ArgumentError, match=f"J_fr={J_fr} is too large"):
        JTFS(shape=2048, J=6, J_fr=J_fr, Q=4)


@pytest.mark.parametrize(
    ("more", "named"),
    [({"Q": 10**6}, r"Q\[0\]="), ({"Q_fr": 10**6}, "Q_fr="), ({"shape": 2**40}, "shape=")],
)
def test_filters_that_would_fill_the_memory_are_refused_at_once(more, named):
    with pytest.raises(ArgumentError, match=f"{named}.*must be at most"):
        JTFS(**{"shape": 2048, "J": 6, "J_fr": 2, "Q": 4} | more)
