"""The fear: that golden files agree and the mathematics does not.

The oracle is a slow and plain transcription of the paper's equations 9-15 with Kymatio's filters:
whole FFTs, no decimation before the end, no matrices.
"""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mesosynth.scattering import JTFS


def convolve(x, hat, axis):
    shape = [1] * x.ndim
    shape[axis] = len(hat)
    return np.fft.ifft(np.fft.fft(x, axis=axis) * hat.reshape(shape), axis=axis)


def oracle(jtfs, x):
    """{(n2, n_fr): S_2} at full rate in time and log-frequency, averaged over phi_T."""
    padded = np.pad(x, (jtfs.pad_left, jtfs.pad_right), mode="reflect")
    U_1 = np.stack([np.abs(convolve(padded, psi.hat, 0)) for psi in jtfs.psi1])
    S_2 = {}
    for n2, psi2 in enumerate(jtfs.psi2):
        count = sum(psi1.j < psi2.j for psi1 in jtfs.psi1)
        if count == 0:
            continue
        Y_2 = convolve(U_1[:count], psi2.hat, 1)
        Y_2 = np.pad(Y_2, ((0, jtfs.frequency.N - count), (0, 0)))
        for n_fr, psi_fr in enumerate(jtfs.frequency.psis):
            U_2 = np.abs(convolve(Y_2, psi_fr.hat, 0))
            S_2[n2, n_fr] = convolve(U_2, jtfs.phi.hat, 1).real
    return S_2


@settings(max_examples=8, deadline=None)
@given(
    n=st.sampled_from([1024, 1500, 2048]),
    J=st.integers(4, 7),
    Q=st.sampled_from([(1, 1), (4, 1), (8, 2), (6, 2)]),
    J_fr=st.integers(1, 3),
    Q_fr=st.integers(1, 2),
    seed=st.integers(0, 1000),
)
def test_second_order_is_the_papers(n, J, Q, J_fr, Q_fr, seed):
    jtfs = JTFS(n, J=J, Q=Q, J_fr=J_fr, Q_fr=Q_fr, F=0)
    x = np.random.default_rng(seed).standard_normal(n)
    S, meta = jtfs(torch.from_numpy(x)).numpy(), jtfs.meta()
    first, end = jtfs._frames()
    frames = np.arange(first, end) * 2**jtfs.log2_stride
    whole = oracle(jtfs, x)
    rows = meta["order"] == 2
    assert rows.any()
    expected = np.stack(
        [
            whole[int(n2), int(n_fr)][int(n1), frames]
            for n1, n2, n_fr in zip(
                meta["n1"][rows], meta["n2"][rows], meta["n_fr"][rows], strict=True
            )
        ]
    )
    actual = S[meta["row"][rows]]
    # Decimation after the modulus aliases a little, in Kymatio as here.
    assert np.linalg.norm(actual - expected) <= 2e-3 * np.linalg.norm(expected)


def test_rising_and_falling_differ_only_on_a_periodic_boundary():
    # Kymatio's mirrored padding sums a rising sound with its falling image.
    n = 8192
    t = (torch.arange(n) - n / 2) / n
    rising = torch.sin(2 * torch.pi * 256 * (2 ** (4 * t) - 1) * 2) * torch.exp(-((t / 0.12) ** 2))

    def asymmetry(boundary):
        jtfs = JTFS(n, J=9, T="global", F=0, boundary=boundary)
        meta, S = jtfs.meta(), jtfs(rising)[:, 0].numpy()
        up, down = (
            np.linalg.norm(S[meta["row"][(meta["order"] == 2) & (meta["spin"] == spin)]])
            for spin in (1, -1)
        )
        return up / down

    assert asymmetry("periodic") > 1.5
    assert asymmetry("reflect") == pytest.approx(1.0, abs=0.1)
