"""Reverse mode: gradients of the coefficients with respect to the waveform.

The forward pass keeps the signal alone; the backward pass computes it again, wavelet by wavelet,
and applies the adjoint of each step. So a gradient costs about three times the value, and memory
stays that of the first order.
"""

from functools import partial
from typing import Any

import torch
from torch.autograd.function import once_differentiable

from mesosynth.scattering.forward import (
    FirstOrder,
    first_bands,
    first_order,
    first_rows,
    forward,
    power_of_two,
    second_bands,
    team,
    used_wavelets,
)
from mesosynth.scattering.joint import phase
from mesosynth.scattering.plan import Group, SecondOrder, TransformPlan
from mesosynth.scattering.time import average_adjoint


class Scatter(torch.autograd.Function):
    """Autograd function of one padded signal, (N,) to (rows, frames); first derivatives only."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, plan: TransformPlan) -> torch.Tensor:  # noqa: ANN401 - torch's
        """Compute the coefficients, and keep `x`."""
        ctx.save_for_backward(x)
        ctx.plan = plan
        return forward(x[None], plan)[0]

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride] - torch types it loosely
        ctx: Any,  # noqa: ANN401 - torch's
        gradient: torch.Tensor,
    ) -> tuple[torch.Tensor, None]:
        """Gradient of `x` from that of S."""
        (x,) = ctx.saved_tensors
        return pull_back(x, gradient, ctx.plan), None


def pull_back(x: torch.Tensor, gradient: torch.Tensor, plan: TransformPlan) -> torch.Tensor:
    """Gradient of a padded signal from that of its coefficients.

    Parameters
    ----------
    x : (N,) tensor
    gradient : (rows, frames) tensor
        Of the coefficients.
    plan : TransformPlan

    Returns
    -------
    (N,) tensor
    """
    x = x / power_of_two(x)  # gradients do not change with the amplitude
    with team(x, alone=plan.tolerance > 0.0) as workers:
        first = first_order(x[None], plan, workers)
        with torch.enable_grad():
            S_1 = first.S_1.detach().requires_grad_()
            S_first = first_rows(S_1, plan)
        rows = [1, S_first.shape[1], *(n2.rows for n2 in plan.second)]
        g_zeroth, g_first, *g_second = gradient.split(rows)
        (g_S_1,) = torch.autograd.grad(S_first, S_1, g_first[None])
        parts = zip(plan.second, g_second, strict=True)
        tasks = [partial(_second_adjoint, first, n2, g, plan) for n2, g in parts]
        g_U_1_hat = [torch.zeros_like(spectra) for spectra in first.U_1_hat]
        for n2, g in zip(plan.second, workers.run(tasks), strict=True):
            if g is not None:
                _add_bands(g, n2, first, g_U_1_hat)
        g_x_hat = torch.zeros(len(x), dtype=first.U_1_hat[0].dtype, device=x.device)
        x_hat = torch.fft.fft(x[None])
        for group, n1, g_hat in zip(plan.groups, first.rows, g_U_1_hat, strict=True):
            _first_adjoint(x_hat, group, n1, g_hat[0], g_S_1[0, n1], g_x_hat)
        g_x = torch.fft.ifft(g_x_hat).real * len(x)
        return g_x + average_adjoint(g_zeroth, plan.zeroth_averaging, len(x))[0]


def _second_adjoint(
    first: FirstOrder, second: SecondOrder, gradient: torch.Tensor, plan: TransformPlan
) -> torch.Tensor | None:
    """Gradient of Y_2, (n1, length) complex; None where the forward pass left n2 out."""
    bands = second_bands(first, second)
    used = used_wavelets(bands, first, second, plan)
    if used is None:
        return None
    psi, rows = used
    g = gradient if second.phi is None else second.phi.T @ gradient
    return psi.scatter_adjoint(torch.fft.ifft(bands)[0], g[rows], second.averaging)


def _add_bands(
    g: torch.Tensor, second: SecondOrder, first: FirstOrder, g_U_1_hat: list[torch.Tensor]
) -> None:
    """Add the gradient of Y_2 to those of the spectra of U_1."""
    counts = second.counts(first.rows)
    for psi, part, g_hat in zip(second.bands, g.split(counts), g_U_1_hat, strict=False):
        if len(part):  # MKL transforms no empty batch
            psi.add_adjoint(part, g_hat[0, : len(part)])


def _first_adjoint(
    x_hat: torch.Tensor,
    group: Group,
    n1: list[int],
    g_U_1_hat: torch.Tensor,
    g_S_1: torch.Tensor,
    g_x_hat: torch.Tensor,
) -> None:
    """Add the gradients of the rows of one group to that of the signal's spectrum."""
    if not n1:
        return
    g_U_1 = torch.fft.ifft(g_U_1_hat).real * group.length
    g_U_1 += average_adjoint(g_S_1, group.averaging, group.length)
    at = [n - group.rows.start for n in n1]
    z = torch.fft.ifft(first_bands(x_hat, group)[0, at])
    g_z = g_U_1 * phase(z, z.abs())
    for row, g in zip(at, g_z, strict=True):
        group.psi1[row].add_adjoint(g, g_x_hat)
