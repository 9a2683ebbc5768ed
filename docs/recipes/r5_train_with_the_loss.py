"""
JTFS as a training loss
=======================

``JTFSLoss`` takes (batch, channels, time), as auraloss does, and goes wherever a loss goes. Here
the level of a tone is learned: the loss hears the rate and the depth of its beats, not their phase.
"""

import torch

import mesosynth as ms

RATE, N = 8192, 8192
t = torch.arange(N) / RATE
loss = ms.JTFSLoss(shape=N, J=10, J_fr=2, Q=(8, 1), T=8192, F=4, log=1e-3)


def beating(rate, depth, phase=0.0):
    """A tone whose level beats, (1, 1, N)."""
    level = 1 - depth * (0.5 + 0.5 * torch.cos(2 * torch.pi * rate * t + phase))
    return (level * torch.sin(2 * torch.pi * 440 * t)).reshape(1, 1, N)


target = beating(torch.tensor(6.0), torch.tensor(0.8), phase=1.0)
log_rate = torch.tensor(1.4, requires_grad=True)  # exp(1.4) is about 4
depth = torch.tensor(0.3, requires_grad=True)
optimiser = torch.optim.Adam([log_rate, depth], lr=0.1)
for step in range(60):
    value = loss(beating(log_rate.exp(), depth), target)
    optimiser.zero_grad()
    value.backward()
    optimiser.step()
    if step % 15 == 0:
        print(f"{step:3} loss {value.item():.4f}")
print(f"rate {log_rate.exp().item():.2f} Hz (6), depth {depth.item():.2f} (0.8)")
