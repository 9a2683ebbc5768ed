"""The fear: that our numbers are not Kymatio's."""

import hashlib
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


# --------------------------------------------------------------------------------------------------
# Sixty drawn configurations, ten of them with Kymatio's defaults; its numpy frontend in float64

DRAWN = json.loads((DATA / "kymatio_60.json").read_text())["entries"]


def drawn(entry):
    """The transform of an entry, and its input."""
    config = {k: tuple(v) if isinstance(v, list) else v for k, v in entry["config"].items()}
    rng = np.random.default_rng(entry["seed"])
    return JTFS(**config), rng.standard_normal(entry["config"]["shape"])


def names_of(keys):
    return hashlib.sha1(json.dumps([list(map(int, key)) for key in keys]).encode()).hexdigest()


@pytest.mark.parametrize("entry", DRAWN, ids=[str(entry["config"]) for entry in DRAWN])
def test_a_drop_in_for_kymatio(entry):
    jtfs, x = drawn(entry)
    for signal, tolerance in ((x, 1e-10), (x.astype(np.float32), 1e-5)):
        S = jtfs(signal)
        if isinstance(S, list):
            arrays, keys = [path["coef"] for path in S], [path["n"] for path in S]
            assert [sorted(path) for path in (S[0], S[1], S[-1])] == entry["keys"]
            last = {
                k: list(v) if isinstance(v, tuple) else v for k, v in S[-1].items() if k != "coef"
            }
            assert last == entry["last"]
        else:
            arrays, keys = (list(S.values()), list(S)) if isinstance(S, dict) else ([S], [])
        assert len(arrays) == entry["count"]
        assert names_of(keys) == entry["names"]
        if [0] in entry["shapes"]:  # with T=0 Kymatio cuts all of the first order off
            first = zip(arrays, keys, strict=True)
            arrays = [array[:0] if len(key) == 2 else array for array, key in first]
        assert sorted({array.shape for array in arrays}) == [tuple(s) for s in entry["shapes"]]
        flat = np.concatenate([array.ravel() for array in arrays]).astype(np.float64)
        assert np.linalg.norm(flat) == pytest.approx(entry["norm"], rel=tolerance)
        random = np.random.default_rng(entry["seed"] + 1).standard_normal((4, flat.size))
        # A projection of an error of relative norm e has about the size e |S|.
        np.testing.assert_allclose(
            random @ flat, entry["projections"], rtol=0.0, atol=3.0 * tolerance * entry["norm"]
        )
    meta, expected = jtfs.meta(), entry["meta"]
    assert names_of(meta["key"]) == expected["key"]
    n = json.dumps([[str(a), str(b)] for a, b in meta["n"]])
    assert hashlib.sha1(n.encode()).hexdigest() == expected["n"]
    for name in ("order", "n_fr", "xi", "sigma", "j", "xi_fr", "sigma_fr", "j_fr", "spin"):
        shape, total, weighted = expected[name]
        column = np.nan_to_num(np.asarray(meta[name], dtype=float), nan=-7.0)
        assert list(column.shape) == shape
        values = column.ravel()
        ramp = np.arange(1, values.size + 1) / values.size
        assert (values.sum(), (values * ramp).sum()) == pytest.approx((total, weighted), rel=1e-9)
