"""The modulus with its tangents, and what happens around it while data is in cache.

Everywhere, axis 0 of a real tensor (1 + p, ...) holds a value and its derivatives along p tangents.
"""

import torch

from mesosynth.scattering.time_axis import AveragingBlock


def modulus(z: tuple[torch.Tensor, ...]) -> torch.Tensor:
    """|z| of row 0, and its derivatives along rows 1 and on, of (1 + p, ...) real and imaginary."""
    real, imaginary = z
    value = torch.hypot(real[:1], imaginary[:1])
    if len(real) == 1:
        return value
    # Where |z| = 0 the numerator is 0 as well: dividing by 1 gives the derivative 0.
    divisor = torch.where(value > 0.0, value, 1.0)
    tangents = (real[:1] * real[1:] + imaginary[:1] * imaginary[1:]) / divisor
    return torch.cat([value, tangents])


def average(u: torch.Tensor, blocks: list[AveragingBlock]) -> torch.Tensor:
    """Low-pass and decimate along time: (k, rows, time) to (k, rows, frames)."""
    out = u.new_zeros((*u.shape[:-1], frame_count(blocks)))
    for block in blocks:
        out[..., block.frames] += u[..., block.times] @ block.phi
    return out


def frame_count(blocks: list[AveragingBlock]) -> int:
    """Length of the averages that `blocks` make."""
    return max(block.frames.stop for block in blocks)


def scatter_blocks(
    psi: torch.Tensor, Y: torch.Tensor, blocks: list[AveragingBlock], frames: int
) -> torch.Tensor:
    """Convolve along log-frequency, take the modulus, and average in time, block by block.

    (2 rows, 2 n1) and (2 n1, 1 + p, time) to (1 + p, rows, frames).
    """
    columns = Y.shape[1]
    S = Y.new_zeros((columns, len(psi) // 2, frames))
    for block in blocks:
        y = Y[:, :, block.times]
        z = (psi @ y.flatten(1)).unflatten(1, (columns, -1))
        U = modulus(z.transpose(0, 1).unflatten(1, (2, -1)).unbind(1))
        S[:, :, block.frames] += U @ block.phi
    return S


def scatter_globally(
    psi: torch.Tensor, Y: torch.Tensor, blocks: list[AveragingBlock], frames: int
) -> torch.Tensor:
    """The same for a sum over all time, where tangents need no work sample by sample.

    With u = z / |z|, the sum over t of Re(conj(u) psi dy) is Re(psi G) with
    G[row, n1] = sum over t of conj(u[row, t]) dy[n1, t]: one matrix product for all tangents.
    """
    n1, tangents = len(Y) // 2, Y.shape[1] - 1
    rows = len(psi) // 2
    value = Y.new_zeros(rows)
    G = Y.new_zeros((rows, 2 * n1 * tangents))
    G_rotated = torch.zeros_like(G)
    for block in blocks:
        y = Y[:, :, block.times]
        z = psi @ y[:, 0]
        modulus = torch.hypot(z[:rows], z[rows:])
        value += modulus.sum(dim=1)
        if tangents:
            modulus.masked_fill_(modulus == 0.0, 1.0).reciprocal_()
            u_real, u_imaginary = z[:rows] * modulus, z[rows:] * modulus
            dy = y[:, 1:].flatten(0, 1).T
            G += u_real @ dy
            G_rotated += u_imaginary @ dy
    S = Y.new_empty((1 + tangents, rows, frames))
    S[0, :, 0] = value
    if tangents:
        real, imaginary = G.unflatten(1, (2, n1, tangents)).unbind(1)
        rotated_real, rotated_imaginary = G_rotated.unflatten(1, (2, n1, tangents)).unbind(1)
        psi_real, psi_imaginary = psi[:rows, :n1, None], psi[rows:, :n1, None]
        dS = psi_real * (real + rotated_imaginary) - psi_imaginary * (imaginary - rotated_real)
        S[1:, :, 0] = dS.sum(dim=1).T
    return S
