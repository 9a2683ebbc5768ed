"""The fear: shares of a machine's rate that count operations which nobody does, or miss some."""

import pytest
import torch
from papers_jtfs import jtfs_of
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.operations import count_operations

A, B = torch.randn(3, 40, 50), torch.randn(3, 50, 60)
Z = torch.randn(4, 1024, dtype=torch.complex64)


@pytest.mark.parametrize(
    ("function", "kind", "expected"),
    [
        (lambda: A[0] @ B[0], "matmul", 2 * 40 * 50 * 60),
        (lambda: A @ B, "matmul", 3 * 2 * 40 * 50 * 60),
        (lambda: A[0] @ B[0, :, 0], "matmul", 2 * 40 * 50),
        (lambda: A[0].to(Z.dtype) @ B[0].to(Z.dtype), "matmul", 8 * 40 * 50 * 60),
        (lambda: torch.addmm(A[0, :, :1], A[0], B[0]), "matmul", 2 * 40 * 50 * 60 + 40 * 60),
        (lambda: torch.fft.fft(Z), "fft", 5 * 4 * 1024 * 10),
        (lambda: torch.fft.rfft(Z.real), "fft", 2.5 * 4 * 1024 * 10),
        (lambda: torch.fft.irfft(Z, n=2048), "fft", 2.5 * 4 * 2048 * 11),
        (lambda: torch.fft.fft2(Z), "fft", 5 * 4096 * 12),
        (lambda: A + 1.0, "elementwise", A.numel()),
        (lambda: A.clone().mul_(2.0), "elementwise", A.numel()),
        (lambda: A.sum(), "elementwise", A.numel()),
        (lambda: Z * Z, "elementwise", 6 * Z.numel()),
        (lambda: Z * 2.0, "elementwise", 2 * Z.numel()),
        (lambda: Z.abs(), "elementwise", 4 * Z.numel()),
        (lambda: torch.hypot(A, A), "elementwise", 4 * A.numel()),
        (lambda: A.transpose(1, 2)[0].reshape(-1).contiguous(), "elementwise", 0),
        (lambda: A.clone(), "bytes", 2 * 4 * A.numel()),
        (lambda: A.transpose(1, 2)[0], "bytes", 0),
        (lambda: A + A, "bytes", 3 * 4 * A.numel()),
        (lambda: torch.add(A, A, out=torch.empty_like(A)), "bytes", 3 * 4 * A.numel()),
        (lambda: torch.mm(A[0], B[0], out=torch.empty(40, 60)), "matmul", 2 * 40 * 50 * 60),
    ],
)
def test_operations_are_counted_as_by_hand(function, kind, expected):
    assert getattr(count_operations(function), kind) == expected


@pytest.mark.parametrize("config", [{"T": "global"}, {"T": None}])
def test_matrix_products_of_the_transform_are_torchs_own_count(config, monkeypatch):
    jtfs = jtfs_of(2048, J=7, J_fr=3, F=0, **config)
    x, *dx = torch.randn(3, 2048)
    jtfs.jvp(x, torch.stack(dx))  # plans are made once
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)  # torch's counter sees one thread
    with FlopCounterMode(display=False) as torchs:
        jtfs.jvp(x, torch.stack(dx))
    monkeypatch.undo()
    counted = count_operations(lambda: jtfs.jvp(x, torch.stack(dx)))
    assert counted.matmul == torchs.get_total_flops() > 0
    assert counted.fft > 0
    assert counted.elementwise > 0


def test_the_way_back_counts_too():
    w = torch.randn(50, 60, requires_grad=True)
    x = torch.randn(40, 50, requires_grad=True)
    counted = count_operations(lambda: (x @ w).sum().backward())
    assert counted.matmul == 3 * 2 * 40 * 50 * 60
