"""The fear: that a gradient on waveforms points elsewhere than the loss goes."""

import threading

import pytest
import torch
from papers_jtfs import jtfs_of

from mesosynth.instruments.chirplet_torch import chirplet_and_tangents
from mesosynth.scattering.jtfs import with_fallback

CONFIGURATIONS = [
    {},
    {"T": "global"},
    {"F": None},
    {"F": "global", "T": 512},
    {"F": None, "format": "joint"},
    {"T": "global", "boundary": "periodic"},
    {"tolerance": 1e-3},
]


def noise(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("config", CONFIGURATIONS)
def test_the_gradient_is_the_difference_quotient(config):
    jtfs = jtfs_of(2048, J=7, J_fr=3, **{"F": 0, **config})
    x = noise(2, 2048).requires_grad_()
    S = jtfs(x)
    weights = noise(*S.shape, seed=1)
    (S * weights).sum().backward()
    assert x.grad is not None
    direction, step = noise(2, 2048, seed=2), 1e-6

    def loss(y):
        return (jtfs(y) * weights).sum()

    with torch.no_grad():
        quotient = (loss(x + step * direction) - loss(x - step * direction)) / (2 * step)
    # A lean transform jumps a little where its selection changes.
    relative = 1e-6 if not config.get("tolerance") else 1e-4
    assert (x.grad * direction).sum().item() == pytest.approx(quotient.item(), rel=relative)


@pytest.mark.parametrize("config", CONFIGURATIONS)
def test_both_modes_agree(config):
    jtfs = jtfs_of(2048, J=7, J_fr=3, **{"F": 0, **config})
    x, v = noise(2048), noise(2048, seed=3)
    S, dS = jtfs.jvp(x, v)
    weights = noise(*S.shape, seed=1)
    y = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad((jtfs(y) * weights).sum(), y)
    torch.testing.assert_close((gradient * v).sum(), (dS * weights).sum(), rtol=1e-9, atol=0.0)


@pytest.mark.parametrize("T", [None, "global"])
@pytest.mark.parametrize("f_c", [200.0, 2000.0], ids=["low", "high"])
def test_a_lean_transform_that_leaves_out_whole_octaves_has_a_gradient(T, f_c):
    jtfs = jtfs_of(8192, J=8, J_fr=3, T=T, tolerance=1e-3)
    theta = torch.tensor([f_c, 12.0, 3.0, 1.0], dtype=torch.float64)
    x, dx = (y.float() for y in chirplet_and_tangents(theta, 8192, 8192.0))
    S, dS = jtfs.jvp(x, dx[1])
    y = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(jtfs(y).norm(), y)
    torch.testing.assert_close(gradient @ dx[1], (dS * S).sum() / S.norm(), rtol=1e-3, atol=0.0)


def test_it_is_finite_where_the_modulus_is_zero():
    jtfs = jtfs_of(1024, J=6, J_fr=2)
    for x in (torch.zeros(1024), torch.zeros(1024).index_fill(0, torch.tensor([512]), 1.0)):
        y = x.requires_grad_()
        jtfs(y).sum().backward()
        assert y.grad is not None
        assert y.grad.isfinite().all()


@pytest.mark.parametrize("amplitude", [1e-30, 1e-15, 1e15, 1e30])
def test_no_amplitude_leaves_the_floats_range(amplitude):
    jtfs = jtfs_of(1024, J=6, J_fr=2)
    x, v = noise(1024, dtype=torch.float32), noise(1024, dtype=torch.float32, seed=1)
    S, dS = jtfs.jvp(x, v)
    scaled, d_scaled = jtfs.jvp(amplitude * x, v)
    torch.testing.assert_close(scaled / amplitude, S, rtol=1e-5, atol=1e-5 * S.max().item())
    torch.testing.assert_close(d_scaled, dS, rtol=1e-3, atol=1e-5 * dS.abs().max().item())


def test_threads_change_no_bit(monkeypatch):
    jtfs = jtfs_of(4096, J=8, J_fr=3, F=0)
    x = noise(4096, dtype=torch.float32)
    before = torch.get_num_threads()
    try:
        results = []
        for threads in (1, 3):
            torch.set_num_threads(threads)
            results.append(jtfs(x))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*results)
    assert any(t.name.startswith("mesosynth jtfs") for t in threading.enumerate())


def test_too_little_memory_on_a_gpu_falls_back_with_a_warning():
    # The only part that cannot be real here: there is no GPU to fill.
    attempts = []

    def compute(x):
        attempts.append(x.device.type)
        if len(attempts) == 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return 2.0 * x

    with pytest.warns(RuntimeWarning, match="too little memory"):
        result = with_fallback(compute, torch.ones(3))
    assert result.tolist() == [2.0, 2.0, 2.0]
