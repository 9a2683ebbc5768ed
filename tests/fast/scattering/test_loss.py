"""The fear: a loss that leads elsewhere than its distance, or takes any shape for its own."""

import re

import pytest
import torch

import mesosynth as ms
from mesosynth.errors import MesosynthError

pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")


def noise(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def jtfs_loss(**options):
    return ms.JTFSLoss(shape=1024, J=6, J_fr=2, Q=(4, 1), **options)


def mss_loss(**options):
    return ms.MSSLoss(shape=1024, windows=(64, 256), **options)


@pytest.mark.parametrize("make", [jtfs_loss, mss_loss])
@pytest.mark.parametrize("log", [None, 1e-3])
def test_the_gradient_leads_downhill(make, log):
    loss, (x, y) = make(log=log), noise(2, 2, 3, 1024)
    assert loss(y, y).item() == 0.0
    leaf = x.clone().requires_grad_()
    value = loss(leaf, y)
    assert value.shape == ()
    (gradient,) = torch.autograd.grad(value, leaf)
    step = 1e-6
    direction = noise(2, 3, 1024, seed=1)
    quotient = (loss(x + step * direction, y) - loss(x - step * direction, y)) / (2 * step)
    assert (gradient * direction).sum().item() == pytest.approx(quotient.item(), rel=1e-5)
    each = make(log=log, reduction="none")(x, y)
    assert each.shape == (2, 3)
    assert each.mean().item() == pytest.approx(value.item())
    assert each[1, 2].item() == pytest.approx(loss(x[1:, 2:], y[1:, 2:]).item())


def test_the_jtfs_loss_is_the_norm_of_weighted_differences():
    x, y = noise(2, 1, 1, 1024)
    rows = len(jtfs_loss().jtfs.meta()["order"])
    weights = torch.rand(rows, generator=torch.Generator().manual_seed(2))
    loss = jtfs_loss(weights=weights, p=1.0)
    S = loss.jtfs(torch.cat([x, y])[:, 0])
    expected = (weights[:, None] * (S[0] - S[1])).abs().sum()
    assert loss(x, y).item() == pytest.approx(expected.item())
    assert "weights" in loss.state_dict()


def test_sensitivity_finds_the_paths_that_follow_a_parameter():
    loss = jtfs_loss()
    t = torch.arange(1024, dtype=torch.float64)
    bell = torch.exp(-(((t - 512) / 100) ** 2))
    x = (bell * torch.sin(0.4 * (t - 512)))[None]
    dx = (bell * (t - 512) * torch.cos(0.4 * (t - 512)))[None, None]  # along the frequency
    weights = loss.sensitivity(x, dx)
    assert weights.mean().item() == pytest.approx(1.0)
    assert weights[0] < 0.1  # the mean of the waveform says nothing of it
    assert weights.max() > 5.0


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"log": 0.0}, "log=0.0"),
        ({"p": 0.5}, "p=0.5"),
        ({"reduction": "max"}, "reduction='max'"),
        ({"weights": torch.ones(3)}, "weights has the shape (3,)"),
        ({"T": 5000}, "T=5000"),
    ],
)
def test_a_bad_argument_is_named_with_its_value(arguments, named):
    with pytest.raises(MesosynthError, match=re.escape(named)):
        jtfs_loss(**arguments)


@pytest.mark.parametrize("make", [jtfs_loss, mss_loss])
def test_other_shapes_are_refused(make):
    with pytest.raises(MesosynthError, match=re.escape("input has the shape (2, 1024)")):
        make()(noise(2, 1024), noise(2, 1024))
    with pytest.raises(MesosynthError, match="they must be the same"):
        make()(noise(2, 1, 1024), noise(1, 1, 1024))
    with pytest.raises(MesosynthError, match="it must hold samples"):
        make()(torch.zeros(0, 1, 1024), torch.zeros(0, 1, 1024))


@pytest.mark.parametrize("level", [1e-39, 1e-42])
def test_the_gradient_is_finite_where_magnitudes_are_subnormal(level):
    """As far behind an arpeggio."""
    x = (noise(1, 1, 1024).float() * level).requires_grad_()
    mss_loss()(x, torch.ones(1, 1, 1024)).backward()
    assert torch.isfinite(x.grad).all()
