"""The fear: a Jacobian that points elsewhere than the function goes."""

import re

import pytest
import torch
from papers_jtfs import jtfs_of

from mesosynth.errors import MesosynthError
from mesosynth.scattering import JTFS
from mesosynth.system.steps import Stopped, result_of, stop

CONFIGURATIONS = [
    {},
    {"T": "global"},
    {"F": None},
    {"F": "global", "T": 512},
    {"F": None, "format": "joint"},
    {"T": "global", "boundary": "periodic"},
]


@pytest.mark.parametrize("config", CONFIGURATIONS)
def test_jvp_is_the_difference_quotient(config):
    jtfs = jtfs_of(2048, J=7, J_fr=3, **{"F": 0, **config})
    x, *tangents = torch.randn(
        4, 2048, dtype=torch.float64, generator=torch.Generator().manual_seed(0)
    )
    dx = torch.stack(tangents)
    S, dS = jtfs.jvp(x, dx)
    torch.testing.assert_close(S, jtfs(x))
    step = 1e-6
    quotient = torch.stack([(jtfs(x + step * d) - jtfs(x - step * d)) / (2 * step) for d in dx])
    assert dS.shape == (3, *S.shape)
    assert (dS - quotient).norm() <= 1e-6 * quotient.norm()


def test_one_tangent_needs_no_axis_of_its_own():
    jtfs = jtfs_of(1024, J=6, J_fr=2)
    x, dx = torch.randn(2, 1024)
    assert jtfs.jvp(x, dx)[1].shape == jtfs(x).shape


def test_batches_of_signals_have_their_tangents_each():
    jtfs = jtfs_of(1024, J=6, J_fr=2)
    x, *dx = torch.randn(4, 2, 3, 1024, generator=torch.Generator().manual_seed(0))
    S, dS = jtfs.jvp(x, torch.stack(dx))
    torch.testing.assert_close(S, jtfs(x))
    assert dS.shape == (3, *S.shape)
    torch.testing.assert_close(dS[2, 1, 0], jtfs.jvp(x[1, 0], dx[2][1, 0])[1])
    with pytest.raises(MesosynthError, match="dx has the shape"):
        jtfs.jvp(x, dx[0][0])


@pytest.mark.parametrize("T", [None, "global"])
def test_jvp_is_finite_where_the_modulus_is_zero(T):
    jtfs = jtfs_of(1024, J=6, J_fr=2, T=T)
    silence = torch.zeros(1024)
    click = torch.zeros(1024)
    click[512] = 1.0
    for x in (silence, click):
        assert jtfs.jvp(x, torch.randn(2, 1024))[1].isfinite().all()


def test_the_computation_can_be_left_on_the_way_and_leaves_the_threads_alone():
    jtfs = jtfs_of(1024, J=6, J_fr=2, tolerance=1e-3)
    x, dx, threads = torch.randn(1024), torch.randn(1024), torch.get_num_threads()
    steps = jtfs.jvp_steps(x, dx)
    next(steps)
    assert torch.get_num_threads() == threads  # while it stands, others compute
    jtfs.jvp(dx, x)
    torch.testing.assert_close(result_of(steps), jtfs.jvp(x, dx), rtol=0.0, atol=0.0)
    assert sum(1 for _ in jtfs.jvp_steps(x, dx)) >= 5
    with pytest.raises(Stopped):
        stop(jtfs.jvp_steps(x, dx))


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"shape": 0}, "shape=0"),
        ({"shape": 1000, "J": 12}, "J=12"),
        ({"shape": 8192, "J": -1}, "J=-1"),
        ({"shape": 8192, "J": 8, "T": -5}, "T=-5"),
        ({"shape": 8192, "J": 8, "T": 0}, "T=0"),
        ({"shape": 8192, "J": 8, "T": 9000}, "T=9000"),
        ({"shape": 8192, "J": 8, "T": "all"}, "T='all'"),
        ({"shape": 8192, "J": 8, "F": 1000}, "F=1000"),
        ({"shape": 8192, "J": 8, "F": 0, "format": "joint"}, "F=0"),
        ({"shape": 8192, "J": 8, "format": "both"}, "format='both'"),
        ({"shape": 8192, "J": 8, "Q": (0, 1)}, "Q[0]=0"),
        ({"shape": 8192, "J": 8, "Q": 2.5}, "Q[0]=2.5"),
        ({"shape": 8000, "J": 8, "boundary": "periodic"}, "shape=8000"),
    ],
)
def test_a_bad_argument_is_named_with_its_value(arguments, named):
    with pytest.raises(MesosynthError, match=re.escape(named)):
        JTFS(**{"J_fr": 3, "Q": (8, 2), "J": 12, **arguments})


@pytest.mark.parametrize(
    "x",
    [
        torch.zeros(100),
        torch.zeros(1024, dtype=torch.float16),
        torch.full((1024,), torch.nan),
        torch.tensor(1.0),
        [0.0] * 1024,
    ],
    ids=["length", "half", "nan", "scalar", "list"],
)
def test_a_bad_signal_is_refused(x):
    with pytest.raises(MesosynthError, match="x "):
        jtfs_of(1024, J=6, J_fr=2)(x)
