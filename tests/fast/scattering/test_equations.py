"""The fear: that golden files agree and the mathematics does not.

The oracle is a slow and plain transcription of the paper's equations 9-15 with Kymatio's filters
and Kymatio's decimation: whole FFTs over whole arrays, slices, no matrices, no blocks.
"""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from papers_jtfs import jtfs_of


def convolve(x, hat, axis):
    """Circular convolution; the filter's response folds to the length of what is decimated."""
    n = x.shape[axis]
    shape = [1] * x.ndim
    shape[axis] = n
    hat = hat.reshape(-1, n).sum(axis=0).reshape(shape)
    return np.fft.ifft(np.fft.fft(x, axis=axis) * hat, axis=axis)


def average_time(jtfs, U, j):
    """U * phi_T, of a signal that was decimated by 2**j; or the sum over all of it."""
    if jtfs.T == "global":
        return U.sum(axis=1, keepdims=True)
    first, end = jtfs._frames(jtfs.log2_stride)
    return convolve(U, jtfs.phi.hat, 1).real[:, :: 2 ** (jtfs.phi.j - j)][:, first:end]


def average_frequency(jtfs, U, psi_fr, j):
    """U * phi_F, of rows that were decimated by 2**j; the low-pass psi_fr is not averaged again."""
    if jtfs.F == 0 or psi_fr.xi == 0:
        return U
    if jtfs.F == "global":
        return U.sum(axis=0, keepdims=True)
    phi = jtfs.frequency.phi
    return convolve(U, phi.hat, 0).real[:: 2 ** (phi.j - j)]


def along_frequency(jtfs, Y, psi_fr, j_time):
    """|Y * psi_fr|, averaged."""
    phi = jtfs.frequency.phi
    j = psi_fr.j if jtfs.F in (0, "global") else min(psi_fr.j, phi.j)
    Y = np.pad(Y, ((0, jtfs.frequency.N - len(Y)), (0, 0)))
    U = np.abs(convolve(Y, psi_fr.hat, 0)[:: 2**j])
    S = U.sum(axis=1, keepdims=True) if j_time is None else average_time(jtfs, U, j_time)
    return average_frequency(jtfs, S, psi_fr, j)


def oracle(jtfs, x):
    """{(order, n2, n_fr): rows of S}, rows that stand for padding included."""
    if jtfs.boundary == "reflect":
        x = np.pad(x, (jtfs.pad_left, jtfs.pad_right), mode="reflect")
    longest = jtfs.phi.j if jtfs.T != "global" else 99
    j1 = [min(psi.j, longest) for psi in jtfs.psi1]
    U_1 = [
        np.abs(convolve(x[None], psi.hat, 1)[:, :: 2**j])
        for psi, j in zip(jtfs.psi1, j1, strict=True)
    ]
    frames = jtfs._frames(jtfs.log2_stride) if jtfs.T != "global" else (0, None)
    S_1 = np.concatenate(
        [
            convolve(U, jtfs.phi.hat, 1).real[:, :: 2 ** (jtfs.phi.j - j)][:, slice(*frames)]
            for U, j in zip(U_1, j1, strict=True)
        ]
    )
    S = {}
    for n_fr, psi_fr in enumerate(jtfs.frequency.psis):
        if psi_fr.xi < 0:
            continue
        rows = along_frequency(jtfs, S_1, psi_fr, None) if jtfs.T == "global" else None
        if rows is None:
            j = psi_fr.j if jtfs.F in (0, "global") else min(psi_fr.j, jtfs.frequency.phi.j)
            Y = np.pad(S_1, ((0, jtfs.frequency.N - len(S_1)), (0, 0)))
            rows = average_frequency(jtfs, np.abs(convolve(Y, psi_fr.hat, 0)[:: 2**j]), psi_fr, j)
        S[1, -1, n_fr] = rows
    for n2, psi2 in enumerate(jtfs.psi2):
        j2 = min(psi2.j, longest)
        Y_2 = [
            convolve(U, psi2.hat, 1)[:, :: 2 ** (j2 - j)]
            for U, j, psi1 in zip(U_1, j1, jtfs.psi1, strict=True)
            if psi1.j < psi2.j
        ]
        for n_fr, psi_fr in enumerate(jtfs.frequency.psis if Y_2 else []):
            S[2, n2, n_fr] = along_frequency(jtfs, np.concatenate(Y_2), psi_fr, j2)
    return S


@settings(max_examples=60, deadline=None)
@given(
    n=st.sampled_from([1024, 1500, 2048, 3001]),
    J=st.integers(4, 7),
    Q=st.sampled_from([(1, 1), (4, 1), (8, 2), (6, 2)]),
    J_fr=st.integers(1, 3),
    Q_fr=st.integers(1, 2),
    T=st.sampled_from([None, "global", 16, 100, 900]),
    F=st.sampled_from([0, None, "global", 3]),
    boundary=st.sampled_from(["reflect", "periodic"]),
    seed=st.integers(0, 1000),
)
def test_the_transform_is_the_papers(n, J, Q, J_fr, Q_fr, T, F, boundary, seed):
    n = n if boundary == "reflect" else 2048
    jtfs = jtfs_of(n, J=J, Q=Q, J_fr=J_fr, Q_fr=Q_fr, T=T, F=F, boundary=boundary)
    x = np.random.default_rng(seed).standard_normal(n)
    S, meta = jtfs(torch.from_numpy(x)).numpy(), jtfs.meta()
    whole = oracle(jtfs, x)
    n2 = np.where(meta["order"] == 2, meta["n2"], -1)
    for (order, n2_, n_fr), expected in whole.items():
        same = (meta["order"] == order) & (n2 == n2_) & (meta["n_fr"] == n_fr)
        actual = S[np.sort(meta["row"][same])]
        assert len(actual) > 0
        np.testing.assert_allclose(
            actual, expected[: len(actual)], rtol=0, atol=1e-10 * np.linalg.norm(S)
        )


def test_rising_and_falling_differ_only_on_a_periodic_boundary():
    # Kymatio's mirrored padding sums a rising sound with its falling image.
    n = 8192
    t = (torch.arange(n) - n / 2) / n
    rising = torch.sin(2 * torch.pi * 256 * (2 ** (4 * t) - 1) * 2) * torch.exp(-((t / 0.12) ** 2))

    def asymmetry(boundary):
        jtfs = jtfs_of(n, J=9, T="global", F=0, boundary=boundary)
        meta, S = jtfs.meta(), jtfs(rising)[:, 0].numpy()
        up, down = (
            np.linalg.norm(S[meta["row"][(meta["order"] == 2) & (meta["spin"] == spin)]])
            for spin in (1, -1)
        )
        return up / down

    assert asymmetry("periodic") > 1.5
    assert asymmetry("reflect") == pytest.approx(1.0, abs=0.1)
