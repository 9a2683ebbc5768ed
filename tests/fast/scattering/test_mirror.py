"""The fear: that what is left out as a mirror image is not one."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from papers_jtfs import jtfs_of

from mesosynth.scattering.time import mirror_sources

N = 4096


def both(**config):
    """A transform that leaves mirror images out, and one that computes all."""
    lean, whole = jtfs_of(N, **config), jtfs_of(N, **config)
    whole._cached_bank = replace(whole._bank, signal=None)
    return lean, whole


def samples(jtfs, x):
    """Samples along time whose moduli are computed."""
    blocks = [block for second in jtfs._plan(x).second for block in second.averaging]
    return sum(block.times.stop - block.times.start for block in blocks)


@pytest.mark.parametrize("T", [None, "global", 100])
@pytest.mark.parametrize("F", [0, None])
def test_without_mirror_images_values_tangents_and_gradients_are_the_same(T, F):
    some, all_of_them = both(J=8, J_fr=5, Q=(4, 2), T=T, F=F)
    x, dx = torch.randn(2, N, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    if T != 100:  # there, frames near the signal's ends alone see the padding
        assert samples(some, x) < 0.8 * samples(all_of_them, x)
    S, dS = some.jvp(x, dx)
    wanted = all_of_them.jvp(x, dx)
    torch.testing.assert_close(S, wanted[0], rtol=1e-11, atol=1e-12)
    torch.testing.assert_close(dS, wanted[1], rtol=1e-8, atol=1e-11)
    g = torch.randn(S.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    slopes = []
    for jtfs in (some, all_of_them):
        y = x.clone().requires_grad_()
        slopes += torch.autograd.grad((jtfs(y) * g).sum(), y)
    torch.testing.assert_close(slopes[0], slopes[1], rtol=1e-8, atol=1e-10)


def test_images_lie_as_far_behind_the_mirror_as_their_sources_before_it():
    n = 64
    sources = mirror_sources(n, 128, (32, 96), 8.0, slack=0.0)
    place = 2 * np.arange(n)
    image = sources != np.arange(n)
    before, after = image & (place < 32), image & (place > 95)
    assert (place[sources[before]] - 32 == 32 - place[before]).all()
    assert (place[before].min(), place[before].max()) == (10, 30)
    assert (95 - place[sources[after]] == place[after] - 95).all()
    assert (place[after].min(), place[after].max()) == (96, 118)
    assert (sources[sources] == sources).all()


def test_images_between_samples_are_computed_unless_a_slack_is_allowed():
    after = slice(24, 32)  # of 32 samples, 4 apart; their images would lie at 2 modulo 4
    for slack, lies_on_itself in ((0.0, True), (2.0, False)):
        sources = mirror_sources(32, 128, (32, 96), 4.0, slack)
        assert (sources[after] == np.arange(32)[after]).all() == lies_on_itself
        assert (sources[1:8] != np.arange(1, 8)).any()
