"""The fear: that our numbers are not Kymatio's."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from papers_jtfs import jtfs_of

from mesosynth.scattering import JTFS

DATA = Path(__file__).parents[2] / "data"
GOLDEN = ["paper_chirp", "slide", "small_noise", "small_T", "small_chirp_F"]


def golden(name):
    with np.load(DATA / f"{name}.npz") as stored:
        config = json.loads(str(stored["config"]))
        config["Q"] = tuple(config["Q"])
        config.setdefault("F", None)
        return {key: stored[key] for key in stored.files if key != "config"}, config


@pytest.mark.parametrize("name", GOLDEN)
def test_coefficients_are_kymatios(name):
    expected, config = golden(name)
    S = JTFS(**config)(torch.from_numpy(expected["x"])).numpy()
    assert S.shape == expected["S"].shape
    assert np.linalg.norm(S - expected["S"]) <= 1e-5 * np.linalg.norm(expected["S"])


@pytest.mark.parametrize("name", GOLDEN)
def test_meta_is_kymatios(name):
    expected, config = golden(name)
    meta = JTFS(**config).meta()
    for column in ("order", "xi", "xi_fr", "j", "j_fr", "n_fr"):
        np.testing.assert_allclose(meta[column], expected[column], err_msg=column)


def test_meta_says_which_row_each_entry_describes():
    # A sine at the centre of a first-order wavelet must light up the rows that meta gives it.
    jtfs = jtfs_of(8192, J=8, J_fr=3, F=0)
    meta = jtfs.meta()
    wavelet = jtfs.psi1[20]
    x = torch.sin(2 * torch.pi * wavelet.xi * torch.arange(8192))
    energy = jtfs(x).square().sum(dim=-1).numpy()[meta["row"]]
    fine = (meta["order"] == 1) & (meta["n_fr"] == 1)
    assert meta["n1"][fine][np.argmax(energy[fine])] == pytest.approx(20, abs=1)


def test_batches_of_any_shape_are_the_signals_one_by_one():
    jtfs = jtfs_of(1024, J=6, J_fr=2, Q=(4, 1))
    x = torch.randn(2, 3, 1024, generator=torch.Generator().manual_seed(0))
    S = jtfs(x)
    assert S.shape[:2] == (2, 3)
    torch.testing.assert_close(S[1, 2], jtfs(x[1, 2]))


@pytest.mark.parametrize("F", [0, None, "global", 3])
@pytest.mark.parametrize("T", [None, "global", 700])
def test_float32_agrees_with_float64(F, T):
    jtfs = jtfs_of(2048, J=8, J_fr=3, T=T, F=F)
    x = torch.randn(2048, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    exact, single = jtfs(x), jtfs(x.float())
    assert (single - exact).norm() <= 1e-5 * exact.norm()
