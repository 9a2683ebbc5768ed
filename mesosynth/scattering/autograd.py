"""Derivatives of the coefficients: forward mode, reverse mode, and each of the other.

Both modes keep the signals alone; each computes the transform again, wavelet by wavelet. So a
gradient costs about three times the value, and memory stays that of the first order. With the
Jacobian J(x) and the Hessian H_g(x) of <g, S(x)>::

    S(x)                tangent: J(x) dx            gradient: J(x)^T g
    J(x) dx             gradient of dx: J(x)^T g    gradient of x: H_g(x) dx
    J(x)^T g            gradient of g: J(x) v       gradient of x: H_g(x) v

so that these functions are differentiable in any order of modes, twice. Where a modulus is zero,
its derivatives count as zero.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from mesosynth.errors import ArgumentError
from mesosynth.scattering.forward import (
    FirstOrder,
    differentiable,
    first_bands,
    first_order,
    first_rows,
    forward,
    power_of_two,
    second_bands,
    second_slices,
    team,
    tiles,
    used_wavelets,
)
from mesosynth.scattering.joint import moduli_adjoint
from mesosynth.scattering.plan import SecondOrder, TransformPlan
from mesosynth.scattering.time import average_adjoint

# --------------------------------------------------------------------------------------------------
# Batches


def in_chunks(
    compute: Callable[..., torch.Tensor], plan: TransformPlan, *arguments: torch.Tensor
) -> torch.Tensor:
    """``compute(*arguments, plan)`` of a batch along axis 0, a chunk at a time.

    Within a tolerance threads share the chunks, else the paths of each chunk.

    Parameters
    ----------
    compute : callable
    plan : TransformPlan
        ``plan.chunk`` bounds the signals, and so the memory, of each part.
    *arguments : tensor
        Of the same length along axis 0.

    Returns
    -------
    tensor
    """
    parts = zip(*(y.detach().split(plan.chunk) for y in arguments), strict=True)
    tasks = [partial(compute, *part, plan) for part in parts]
    if len(tasks) == 1:
        return tasks[0]()
    if plan.tolerance == 0.0:
        return torch.cat([task() for task in tasks])
    with team(arguments[0], alone=False) as workers:
        return torch.cat(workers.run(tasks))


def _values(x: torch.Tensor, plan: TransformPlan) -> torch.Tensor:
    return forward(x[:, None], plan)[:, 0].clone()  # forward mode wants no views


def _tangents(x: torch.Tensor, dx: torch.Tensor, plan: TransformPlan) -> torch.Tensor:
    if dx.ndim == x.ndim:
        return forward(torch.stack([x, dx], dim=1), plan)[:, 1].clone()
    return forward(torch.cat([x[:, None], dx], dim=1), plan)[:, 1:].clone()


# --------------------------------------------------------------------------------------------------
# Functions of autograd and of torch.func


class _Derivative(torch.autograd.Function):
    """Function of tensors, signals along axis 0, and of the plan."""

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: torch.Tensor) -> None:  # noqa: ANN401 - torch's
        """Keep the tensors and the plan."""
        del output
        *tensors, ctx.plan = inputs
        ctx.save_for_backward(*tensors)
        ctx.save_for_forward(*tensors)

    @classmethod
    def vmap(  # pyright: ignore[reportIncompatibleMethodOverride]
        cls,
        info: Any,  # noqa: ANN401 - torch's
        in_dims: tuple[int | None, ...],
        *args: Any,  # noqa: ANN401
    ) -> tuple[torch.Tensor, int]:
        """One more axis of signals."""
        *tensors, plan = args
        batch = [
            tensor.expand(info.batch_size, *tensor.shape) if dim is None else tensor.movedim(dim, 0)
            for tensor, dim in zip(tensors, in_dims, strict=False)
        ]
        out: torch.Tensor = cls.apply(*(tensor.flatten(0, 1) for tensor in batch), plan)  # pyright: ignore[reportAssignmentType] - torch types it loosely
        return out.unflatten(0, batch[0].shape[:2]), 0


class _SecondDerivative(_Derivative):
    """Function that has no derivatives."""

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: torch.Tensor) -> None:  # noqa: ANN401
        """Keep nothing."""

    @staticmethod
    def backward(ctx: Any, *_: torch.Tensor) -> Any:  # noqa: ANN401, D102, RUF100
        raise _third()

    @staticmethod
    def jvp(ctx: Any, *_: torch.Tensor | None) -> Any:  # noqa: ANN401, D102, RUF100
        raise _third()


class Scatter(_Derivative):
    """Coefficients S(x) of padded signals, (signals, N) to (signals, rows, frames)."""

    @staticmethod
    def forward(x: torch.Tensor, plan: TransformPlan) -> torch.Tensor:  # pyright: ignore[reportIncompatibleMethodOverride] - torch types it loosely
        """Compute the coefficients."""
        return in_chunks(_values, plan, x)

    @staticmethod
    def backward(ctx: Any, g: torch.Tensor) -> tuple[torch.Tensor, None]:  # noqa: ANN401 # pyright: ignore[reportIncompatibleMethodOverride]
        """Gradient J(x)^T g."""
        (x,) = ctx.saved_tensors
        return _pull_back(x, g, ctx.plan), None

    @staticmethod
    def jvp(ctx: Any, dx: torch.Tensor, plan: None) -> torch.Tensor:  # noqa: ANN401 # pyright: ignore[reportIncompatibleMethodOverride]
        """Tangent J(x) dx."""
        del plan
        (x,) = ctx.saved_tensors
        return push_forward(x, dx, ctx.plan)  # no operation may follow: it would lose tangents


class PushForward(_Derivative):
    """Tangents J(x) dx: (signals, N), (signals, [p,] N) to (signals, [p,] rows, frames)."""

    @staticmethod
    def forward(x: torch.Tensor, dx: torch.Tensor, plan: TransformPlan) -> torch.Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Compute the tangents, in one pass with the values."""
        return in_chunks(_tangents, plan, x, dx)

    @staticmethod
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any,  # noqa: ANN401
        g: torch.Tensor,
    ) -> tuple[torch.Tensor | None, torch.Tensor | None, None]:
        """Gradients of x and dx."""
        x, dx = ctx.saved_tensors
        g_x = g_dx = None
        if ctx.needs_input_grad[1]:
            parts = [_pull_back(x, part, ctx.plan) for part in _each(g, 3)]
            g_dx = torch.stack(parts, dim=1) if dx.ndim > x.ndim else parts[0]
        if ctx.needs_input_grad[0]:
            pairs = zip(_each(g, 3), _each(dx, 2), strict=True)
            g_x = sum(_hessian(x, part, direction, ctx.plan) for part, direction in pairs)
        return g_x, g_dx, None  # pyright: ignore[reportReturnType] - the sum is of tensors

    @staticmethod
    def jvp(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any,  # noqa: ANN401
        dx_: torch.Tensor | None,
        ddx: torch.Tensor | None,
        plan: None,
    ) -> torch.Tensor:
        """Second derivative along dx and another direction."""
        del plan
        x, dx = ctx.saved_tensors
        out = None if ddx is None else push_forward(x, ddx, ctx.plan)
        if dx_ is not None:
            parts = [_curvature(x, one, dx_, ctx.plan) for one in _each(dx, 2)]
            second = torch.stack(parts, dim=1) if dx.ndim > x.ndim else parts[0]
            out = second if out is None else out + second
        assert out is not None
        return out

    @classmethod
    def vmap(  # pyright: ignore[reportIncompatibleMethodOverride]
        cls,
        info: Any,  # noqa: ANN401 - torch's
        in_dims: tuple[int | None, ...],
        *args: Any,  # noqa: ANN401
    ) -> tuple[torch.Tensor, int]:
        """One more axis of signals, or of tangents where the signals are the same."""
        x, dx, plan = args
        if in_dims[0] is not None:
            return super().vmap(info, in_dims, *args)
        dx = dx.movedim(in_dims[1] or 0, 1)
        if dx.ndim == x.ndim + 1:
            return push_forward(x, dx, plan), 1
        return push_forward(x, dx.flatten(1, 2), plan).unflatten(1, dx.shape[1:3]), 1


class PullBack(_Derivative):
    """Gradients J(x)^T g: (signals, N), (signals, rows, frames) to (signals, N)."""

    @staticmethod
    def forward(x: torch.Tensor, g: torch.Tensor, plan: TransformPlan) -> torch.Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Compute the gradients."""
        return in_chunks(pull_back, plan, x, g)

    @staticmethod
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any,  # noqa: ANN401
        v: torch.Tensor,
    ) -> tuple[torch.Tensor | None, torch.Tensor | None, None]:
        """Gradients of x and g."""
        x, g = ctx.saved_tensors
        g_x = _hessian(x, g, v, ctx.plan) if ctx.needs_input_grad[0] else None
        g_g = push_forward(x, v, ctx.plan) if ctx.needs_input_grad[1] else None
        return g_x, g_g, None

    @staticmethod
    def jvp(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any,  # noqa: ANN401
        dx: torch.Tensor | None,
        dg: torch.Tensor | None,
        plan: None,
    ) -> torch.Tensor:
        """Tangent of the gradient."""
        del plan
        x, g = ctx.saved_tensors
        out = None if dg is None else _pull_back(x, dg, ctx.plan)
        if dx is not None:
            second = _hessian(x, g, dx, ctx.plan)
            out = second if out is None else out + second
        assert out is not None
        return out


class Hessian(_SecondDerivative):
    """H_g(x) v: (signals, N), (signals, rows, frames), (signals, N) to (signals, N)."""

    @staticmethod
    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        x: torch.Tensor, g: torch.Tensor, v: torch.Tensor, plan: TransformPlan
    ) -> torch.Tensor:
        """Differentiate twice, a chunk at a time, which bounds the memory."""
        rows: list[torch.Tensor] = []
        size = plan.chunk
        for one in zip(x.split(size), g.split(size), v.split(size), strict=True):
            y, weights, direction = (part.detach() for part in one)
            with torch.enable_grad():
                y.requires_grad_()
                S = differentiable(y, plan)
                (slope,) = torch.autograd.grad(S, y, weights, create_graph=True)
                rows += torch.autograd.grad(slope, y, direction)
        return torch.cat(rows)


class Curvature(_SecondDerivative):
    """Second derivative of S along two directions: (signals, N) each to (signals, rows, frames)."""

    @staticmethod
    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        x: torch.Tensor, v: torch.Tensor, w: torch.Tensor, plan: TransformPlan
    ) -> torch.Tensor:
        """Differentiate <H_g(x) v, w>, which is linear in g, with respect to g."""
        rows: list[torch.Tensor] = []
        size = plan.chunk
        for one in zip(x.split(size), v.split(size), w.split(size), strict=True):
            y, direction, other = (part.detach() for part in one)
            with torch.enable_grad():
                y.requires_grad_()
                S = differentiable(y, plan)
                g = torch.zeros_like(S, requires_grad=True)
                (slope,) = torch.autograd.grad(S, y, g, create_graph=True)
                (turn,) = torch.autograd.grad(slope, y, direction, create_graph=True)
                rows += torch.autograd.grad(turn, g, other)
        return torch.cat(rows)


def scatter(x: torch.Tensor, plan: TransformPlan) -> torch.Tensor:
    """Coefficients of padded signals, differentiable.

    Parameters
    ----------
    x : (signals, N) tensor
    plan : TransformPlan

    Returns
    -------
    (signals, rows, frames) tensor
    """
    return Scatter.apply(x, plan)  # pyright: ignore[reportReturnType] - torch types it loosely


def push_forward(x: torch.Tensor, dx: torch.Tensor, plan: TransformPlan) -> torch.Tensor:
    """Tangents of the coefficients of padded signals, differentiable.

    Parameters
    ----------
    x : (signals, N) tensor
    dx : (signals, N) or (signals, p, N) tensor
    plan : TransformPlan

    Returns
    -------
    (signals, rows, frames) or (signals, p, rows, frames) tensor
    """
    return PushForward.apply(x, dx, plan)  # pyright: ignore[reportReturnType]


def _pull_back(x: torch.Tensor, g: torch.Tensor, plan: TransformPlan) -> torch.Tensor:
    return PullBack.apply(x, g, plan)  # pyright: ignore[reportReturnType]


def _hessian(
    x: torch.Tensor, g: torch.Tensor, v: torch.Tensor, plan: TransformPlan
) -> torch.Tensor:
    return Hessian.apply(x, g, v, plan)  # pyright: ignore[reportReturnType]


def _curvature(
    x: torch.Tensor, v: torch.Tensor, w: torch.Tensor, plan: TransformPlan
) -> torch.Tensor:
    return Curvature.apply(x, v, w, plan)  # pyright: ignore[reportReturnType]


def _each(tangents: torch.Tensor, ndim: int) -> tuple[torch.Tensor, ...]:
    """Each tangent along axis 1, or the only one, which has `ndim` axes."""
    return (tangents,) if tangents.ndim == ndim else tangents.unbind(1)


def _third() -> ArgumentError:
    return ArgumentError("JTFS has first and second derivatives; a third was asked for.")


# --------------------------------------------------------------------------------------------------
# Reverse mode


def pull_back(x: torch.Tensor, gradient: torch.Tensor, plan: TransformPlan) -> torch.Tensor:
    """Gradients of padded signals from those of their coefficients.

    Parameters
    ----------
    x : (signals, N) tensor
    gradient : (signals, rows, frames) tensor
        Of the coefficients.
    plan : TransformPlan

    Returns
    -------
    (signals, N) tensor
    """
    x = x / power_of_two(x)  # gradients do not change with the amplitude
    with team(x, alone=plan.tolerance > 0.0) as workers:
        first = first_order(x[:, None], plan, workers)
        with torch.enable_grad():
            S_1 = first.S_1.detach().requires_grad_()
            S_first = first_rows(S_1, plan)
        rows = [1, S_first.shape[2], *(n2.rows for n2 in plan.second)]
        g_zeroth, g_first, *g_second = gradient.split(rows, dim=1)
        (g_S_1,) = torch.autograd.grad(S_first, S_1, g_first[:, None])
        parts = zip(plan.second, g_second, strict=True)
        tasks = [partial(_second_adjoint, first, n2, g, plan) for n2, g in parts]
        g_U_1_hat = [torch.zeros_like(spectra[:, 0]) for spectra in first.U_1_hat]
        for n2, found in zip(plan.second, workers.run(tasks), strict=True):
            for signals, g in found:
                _add_bands(g, signals, n2, first, g_U_1_hat)
        x_hat = torch.fft.fft(x)
        pieces = [
            (g, *piece)
            for g, n1 in enumerate(first.rows)
            for piece in tiles(len(x), len(n1), 2**18 // plan.groups[g].length)
        ]
        g_x_hat = torch.zeros_like(x_hat)
        adjoint = partial(_first_adjoint, x_hat, first, g_U_1_hat, g_S_1[:, 0], plan)
        # In turn, as all of them add to the same spectrum.
        at_once = max(workers.threads, 1)
        for begin in range(0, len(pieces), at_once):
            some = pieces[begin : begin + at_once]
            found = workers.run([partial(adjoint, *piece) for piece in some])
            for (g, those, of_rows), g_z in zip(some, found, strict=True):
                group = plan.groups[g]
                for place, n1 in enumerate(first.rows[g][of_rows]):
                    group.psi1[n1 - group.rows.start].add_adjoint(g_z[:, place], g_x_hat[those])
        g_x = torch.fft.ifft(g_x_hat).real * x.shape[-1]
        return g_x + average_adjoint(g_zeroth, plan.zeroth_averaging, x.shape[-1])[:, 0]


def _second_adjoint(
    first: FirstOrder, second: SecondOrder, gradient: torch.Tensor, plan: TransformPlan
) -> list[tuple[slice | list[int], torch.Tensor]]:
    """Signals that use n2, and their gradients of Y_2, (signals, n1, length) complex."""
    found: list[tuple[slice | list[int], torch.Tensor]] = []
    for those in second_slices(first, second):
        bands = second_bands(first, second, those)
        used = used_wavelets(bands, first, second, plan, those)
        if used is None:
            continue
        g = gradient[those] if second.phi is None else second.phi.T @ gradient[those]
        signals: slice | list[int] = those
        if used.signals is not None:
            bands, g = bands[used.signals], g[used.signals]
            signals = [those.start + i for i in used.signals]
        g = g[:, used.rows] if used.mask is None else g[:, used.rows] * used.mask
        Y = torch.fft.ifft(bands[:, 0])
        g_Y = used.psi.scatter_adjoint(
            Y, g, second.averaging, plan.loops, is_mirrored=second.is_mirrored
        )
        found.append((signals, g_Y))
    return found


def _add_bands(
    g: torch.Tensor,
    signals: slice | list[int],
    second: SecondOrder,
    first: FirstOrder,
    g_U_1_hat: list[torch.Tensor],
) -> None:
    """Add the gradient of Y_2 to those of the spectra of U_1."""
    counts = second.counts(first.rows)
    for psi, part, g_hat in zip(second.bands, g.split(counts, dim=1), g_U_1_hat, strict=False):
        if part.shape[1] == 0:  # MKL transforms no empty batch
            continue
        if isinstance(signals, slice):
            psi.add_adjoint(part, g_hat[signals, : part.shape[1]])
        else:
            for i, one in zip(signals, part, strict=True):
                psi.add_adjoint(one, g_hat[i, : len(one)])


def _first_adjoint(
    x_hat: torch.Tensor,
    first: FirstOrder,
    g_U_1_hat: list[torch.Tensor],
    g_S_1: torch.Tensor,
    plan: TransformPlan,
    g: int,
    those: slice,
    some: slice,
) -> torch.Tensor:
    """Gradients of x * psi1 for some signals and rows of a group: (signals, rows, length)."""
    group, n1 = plan.groups[g], first.rows[g][some]
    g_U_1 = torch.fft.ifft(g_U_1_hat[g][those, some]).real * group.length
    g_U_1 += average_adjoint(g_S_1[those][:, n1], group.averaging, group.length)
    if first.kept is not None:
        g_U_1 *= torch.from_numpy(first.kept[those][:, n1]).to(g_U_1)[..., None]
    at = [n - group.rows.start for n in n1]
    z = torch.fft.ifft(first_bands(x_hat[those], group, at))
    return moduli_adjoint(z, g_U_1, plan.loops)
