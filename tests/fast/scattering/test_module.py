"""The fears: a transform that torch cannot move, save, copy or differentiate, and a batch in which
one signal changes another.
"""

import copy
import io
import pickle
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from papers_jtfs import jtfs_of
from torch.func import hessian, jacfwd, jacrev, jvp, vjp, vmap

from mesosynth import scattering
from mesosynth.errors import MesosynthError
from mesosynth.instruments.chirplet_torch import chirplet
from mesosynth.scattering import JTFS
from mesosynth.system.kernels import LOOP_FOLDERS

# What torch itself says at its first forward derivative.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")


def noise(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def tiny():
    return JTFS(J=3, J_fr=1, Q=(2, 1), shape=16, T=4)


# --------------------------------------------------------------------------------------------------
# A module


def test_it_is_saved_copied_and_loaded_like_a_module(tmp_path):
    jtfs = jtfs_of(32768, J=12)
    chain = torch.nn.Sequential(jtfs)
    x = noise(32768, dtype=torch.float32)
    S = chain(x)
    stored = pickle.dumps(jtfs)
    assert len(stored) < 100_000  # although filters and matrices of megabytes are at work
    for other in (pickle.loads(stored), copy.deepcopy(jtfs)):
        assert torch.equal(other(x), S)
    torch.save(chain.state_dict(), tmp_path / "state.pt")
    state = torch.load(tmp_path / "state.pt")
    assert set(state) == {"0.filters_1", "0.filters_2", "0.filters_fr"}
    chain.load_state_dict(state)
    with pytest.raises(MesosynthError, match="filters_1 are the filters of another transform"):
        torch.nn.Sequential(jtfs_of(32768, J=11)).load_state_dict(state)
    assert "J=12, J_fr=5, Q=(8, 2), shape=32768, Q_fr=2, F=0; 12349 paths" in repr(chain)


def test_filters_are_the_buffers_and_move():
    jtfs = jtfs_of(1024, J=6, J_fr=2)
    assert jtfs.to("cpu", torch.float64).filters_1.dtype == torch.float64
    centres = [psi.xi for psi in jtfs.psi1]
    np.testing.assert_allclose(jtfs.filters_1[:-1, 0], centres, rtol=1e-6)
    assert jtfs(np.arange(1024)).dtype == np.float64  # integers take the module's dtype
    assert jtfs.to("meta").filters_2.device.type == "meta"
    for convert in (torch.nn.Module.half, torch.nn.Module.bfloat16):
        with pytest.raises(MesosynthError, match="float32 or float64"):
            convert(jtfs)


@pytest.mark.parametrize(
    "x",
    [
        np.random.default_rng(0).standard_normal((2, 2048))[:, ::2],
        np.random.default_rng(0).standard_normal((1024, 2)).T[:, ::-1],
        np.random.default_rng(0).standard_normal(1024).astype(">f4"),
        np.arange(1024, dtype=np.int16),
        np.asarray(memoryview(np.ones(1024).tobytes()).cast("d")),  # read-only
    ],
    ids=["strided", "reversed", "big-endian", "integers", "read-only"],
)
def test_arrays_come_back_as_arrays(x):
    jtfs = jtfs_of(1024, J=6, J_fr=2)
    S = jtfs(x)
    wanted = torch.from_numpy(np.array(x, dtype=np.float32 if x.dtype.itemsize < 8 else np.float64))
    assert isinstance(S, np.ndarray)
    np.testing.assert_array_equal(S, jtfs(wanted).numpy())
    value, tangent = jtfs.jvp(x, x)
    assert isinstance(value, np.ndarray)
    np.testing.assert_allclose(value, tangent, rtol=1e-4, atol=1e-5 * np.abs(S).max())


@pytest.mark.parametrize(
    ("x", "named"),
    [
        (torch.zeros(1024, dtype=torch.bfloat16), "x is torch.bfloat16"),
        (np.zeros(1024, np.float16), "x is float16"),
        (np.zeros(1024, complex), "x is complex128"),
        (np.zeros(1024, bool), "x is bool"),
        ("x", "x is a str"),
        (torch.zeros(1024).to_sparse(), "x is torch.sparse_coo; make it dense first"),
    ],
)
def test_other_numbers_are_refused(x, named):
    with pytest.raises(MesosynthError, match=re.escape(named)):
        jtfs_of(1024, J=6, J_fr=2)(x)


def test_half_precision_around_it_does_not_enter():
    jtfs, x = jtfs_of(1024, J=6, J_fr=2), noise(1024, dtype=torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(jtfs(x), jtfs_of(1024, J=6, J_fr=2)(x))


# --------------------------------------------------------------------------------------------------
# Transforms of functions


def test_gradients_of_both_modes_and_twice(tiny):
    x = noise(16).requires_grad_()
    assert torch.autograd.gradcheck(tiny, x, check_forward_ad=True)
    # Along random directions; every second derivative is compared with quotients below.
    assert torch.autograd.gradgradcheck(tiny, x, check_fwd_over_rev=True, fast_mode=True)


def test_functions_of_torch_func_agree(tiny):
    x, v = noise(2, 16)
    S, dS = jvp(tiny, (x,), (v,))[:2]
    torch.testing.assert_close((S, dS), tiny.jvp(x, v))
    w = noise(*S.shape, seed=1)
    (gradient,) = vjp(tiny, x)[1](w)
    torch.testing.assert_close(gradient @ v, (w * dS).sum())
    forward, reverse = jacfwd(tiny)(x), jacrev(tiny)(x)
    torch.testing.assert_close(forward, reverse)
    torch.testing.assert_close(forward @ v, dS)
    batch = noise(3, 16, seed=2)
    torch.testing.assert_close(vmap(tiny)(batch), tiny(batch))
    one_by_one = torch.stack([jvp(tiny, (y,), (v,))[1] for y in batch])
    torch.testing.assert_close(vmap(lambda y: jvp(tiny, (y,), (v,))[1])(batch), one_by_one)


def test_second_derivatives_in_any_order_of_modes(tiny):
    def loss(y):
        return tiny(y).square().sum()

    x = noise(16)
    H = hessian(loss)(x)
    for first in (jacfwd, jacrev):
        for second in (jacfwd, jacrev):
            torch.testing.assert_close(second(first(loss))(x), H)
    step = 1e-5
    quotient = [
        (jacrev(loss)(x + step * e) - jacrev(loss)(x - step * e)) / (2 * step)
        for e in torch.eye(16, dtype=x.dtype)[:3]
    ]
    torch.testing.assert_close(H[:3], torch.stack(quotient), rtol=1e-5, atol=1e-7)
    with pytest.raises(MesosynthError, match="a third was asked for"):
        jacfwd(hessian(loss))(x)


@pytest.mark.parametrize("tolerance", [0.0, 1e-3])
def test_inference_mode_and_threads_give_the_same_bits(tolerance):
    jtfs = jtfs_of(2048, J=7, J_fr=3, tolerance=tolerance)
    x = noise(9, 2048, dtype=torch.float32)
    expected = jtfs(x)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        with torch.inference_mode():
            S = jtfs(x)
            assert S.is_inference()
            assert torch.equal(S, expected)
        with ThreadPoolExecutor(4) as pool:
            fresh = pickle.loads(pickle.dumps(jtfs))
            assert all(torch.equal(S, expected) for S in pool.map(fresh, [x] * 8))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


# --------------------------------------------------------------------------------------------------
# Batches


def chirps():
    """Signals that need different rows, and one that needs none."""
    f_c = [200.0, 600.0, 2000.0]
    thetas = [torch.tensor([f, 12.0, 3.0, 1.0], dtype=torch.float64) for f in f_c]
    sounds = [chirplet(theta, 8192, 8192.0).float() for theta in thetas]
    return torch.stack([*sounds, torch.zeros(8192), noise(8192, dtype=torch.float32)])


@pytest.mark.parametrize(("F", "tolerance", "chunk"), [(0, 1e-3, 2), (None, 1e-3, 8), (8, 0.0, 3)])
def test_no_signal_of_a_batch_changes_another(F, tolerance, chunk):
    jtfs = JTFS(
        J=8, J_fr=3, Q=(8, 2), shape=8192, F=F, T="global", tolerance=tolerance, chunk=chunk
    )  # fmt: skip
    x, v = chirps(), noise(5, 8192, dtype=torch.float32, seed=1)
    S, dS = jtfs.jvp(x, v[None])
    heard = x + 1e-3 * noise(8192, dtype=torch.float32)  # phases of silence are those of rounding
    weights = noise(*S.shape, dtype=torch.float32, seed=2)
    gradient = vjp(jtfs, heard)[1](weights)[0]
    for i, one in enumerate(x):
        alone, d_alone = jtfs.jvp(one, v[i])
        for together, expected in ((S[i], alone), (dS[0, i], d_alone)):
            assert torch.equal(together == 0.0, expected == 0.0)  # the same is left out
            assert (together - expected).norm() <= 2e-6 * expected.norm()
        expected = vjp(jtfs, heard[i])[1](weights[i])[0]
        assert (gradient[i] - expected).norm() <= 1e-3 * expected.norm()


def test_an_empty_batch_has_the_shape_of_its_signals():
    jtfs = jtfs_of(1024, J=6, J_fr=2)
    assert jtfs(torch.zeros(0, 3, 1024)).shape == (0, 3, *jtfs(torch.zeros(1024)).shape)


def test_a_pickle_goes_through_a_buffer_without_its_plans():
    jtfs = jtfs_of(1024, J=6, J_fr=2)
    buffer = io.BytesIO()
    torch.save(jtfs, buffer)
    buffer.seek(0)
    other = torch.load(buffer, weights_only=False)
    x = noise(1024)
    assert torch.equal(other(x), jtfs(x))


def test_the_audio_process_is_spared_its_loops():
    # It imports every file with loops in these folders, and torch with those of this package.
    assert Path(scattering.__file__).parent.name not in LOOP_FOLDERS
