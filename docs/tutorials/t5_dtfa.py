r"""
Spectrogram and JTFS losses
===========================

Differentiable time-frequency analysis: a loss between spectrograms is flat or misleading where
sounds differ in their *mesostructure*, how notes follow each other, and all the more when they are
shifted in time. We draw both losses over two parameters of an arpeggio, with the directions
downhill, and descend. After Vahidi et al., JAES 2023; ``mesosynth figures`` makes the figures of
that paper.
"""

# %%
# Target and losses
# -----------------

import time

import matplotlib.pyplot as plt
import numpy as np
import torch

import mesosynth as ms
from mesosynth.instruments.chirplet_torch import chirplet, chirplet_and_tangents
from mesosynth.scattering.mss import MultiScaleSpectrogram

RATE, N = 8192, 32768
F_C, W = 512.0, 2.0
TARGET = (8.49, 1.49)  # notes a second, octaves a second
jtfs = ms.JTFS(J=12, J_fr=5, Q=(8, 2), Q_fr=2, shape=N, T="global", F=0, boundary="periodic",
               tolerance=1e-3)  # fmt: skip
mss = MultiScaleSpectrogram(N)


def sound(f_m, gamma):
    """The arpeggio, (N,)."""
    return chirplet(torch.tensor([F_C, f_m, gamma, W]), N, RATE)


# %%
# A shift in time
# ---------------
#
# How far is the target from itself, moved by some milliseconds? Compare with a change of the note
# rate by 5 %.

target = sound(*TARGET)
faster = sound(TARGET[0] * 1.05, TARGET[1])
for name, features in {"JTFS": jtfs, "spectrograms": mss}.items():
    scale = torch.linalg.norm(features(target))
    distances = [float(torch.linalg.norm(features(target) - features(x)) / scale)
                 for x in (faster, target.roll(256), target.roll(1024))]  # fmt: skip
    print(
        "{:13} 5 % faster {:.3f}, moved by 31 ms {:.3f}, by 125 ms {:.3f}".format(name, *distances)
    )

# %%
# Loss surfaces
# -------------
#
# Loss and gradient on a grid of note rate and chirp rate, with a target that is 125 ms late. The
# derivatives of the sound are written in closed form, and ``jvp`` carries both of them through the
# transform at once. Axes and gradients are in logarithms.

late = target.roll(1024)
rates, chirps = np.geomspace(4, 16, 9), np.geomspace(0.5, 4, 9)


def loss_and_gradient(features, wanted, f_m, gamma):
    """Half the squared distance of unit vectors, and its gradient along log f_m and log gamma."""
    theta = torch.tensor([F_C, f_m, gamma, W])
    S, dS = features.jvp(*chirplet_and_tangents(theta, N, RATE, free=(1, 2)))
    S, dS = S.flatten(), dS.flatten(1)
    unit, length = S / S.norm(), S.norm()
    dS = (dS - (dS @ unit)[:, None] * unit) / length
    residual = unit - wanted
    return 0.5 * float(residual @ residual), (dS @ residual).numpy()


began = time.process_time()
surfaces = {}
for name, features in {"JTFS": jtfs, "multi-scale spectrograms": mss}.items():
    wanted = features(late).flatten()
    wanted = wanted / wanted.norm()
    surfaces[name] = [[loss_and_gradient(features, wanted, f_m, gamma) for f_m in rates]
                      for gamma in chirps]  # fmt: skip
print(
    f"{2 * rates.size * chirps.size} losses with gradients in "
    f"{time.process_time() - began:.0f} s of processor time"
)

fig, axes = plt.subplots(1, 2, figsize=(9.5, 4.2))
for axis, (name, cells) in zip(axes, surfaces.items(), strict=True):
    losses = np.array([[loss for loss, _ in row] for row in cells])
    downhill = -np.array([[gradient for _, gradient in row] for row in cells])
    downhill /= np.linalg.norm(downhill, axis=-1, keepdims=True)
    axis.contourf(rates, chirps, losses, 16, cmap="viridis")
    axis.quiver(rates, chirps, downhill[..., 0], downhill[..., 1], color="white", scale=22)
    axis.plot(*TARGET, "r*", markersize=14)
    axis.set(xscale="log", yscale="log", xlabel="f_m (Hz)", title=name)
    home = np.log(np.array(TARGET)) - np.log(np.stack(np.meshgrid(rates, chirps), -1))
    towards = np.mean((home * downhill).sum(-1) > 0)
    print(f"{name}: {towards:.0%} of the arrows point towards the target")
axes[0].set_ylabel("gamma (octaves/s)")
fig.tight_layout()

# %%
# Descents
# --------
#
# Three starts, twenty steps of gradient descent each, with a step that grows while the loss falls
# and shrinks when it rises, by the loss alone. (The driver of the authors' code decides by the
# distance to the true parameters, which nobody has.)


def descend(features, wanted, start, steps=20):
    """States, (steps + 1, 2), from a start down."""
    here = np.log(start)
    loss, gradient = loss_and_gradient(features, wanted, *np.exp(here))
    rate, way = 0.1, [here]
    for _ in range(steps):
        there = here - rate * gradient / np.linalg.norm(gradient)
        there = np.clip(there, np.log([4, 0.5]), np.log([16, 4]))
        new_loss, new_gradient = loss_and_gradient(features, wanted, *np.exp(there))
        if new_loss < loss:
            here, loss, gradient, rate = there, new_loss, new_gradient, 1.2 * rate
        else:
            rate *= 0.5
        way.append(here)
    return np.exp(way)


STARTS = [(6.0, 1.0), (12.0, 2.5), (5.0, 3.0)]
for axis, (name, features) in zip(axes, {"JTFS": jtfs, "spectrograms": mss}.items(), strict=True):
    wanted = features(late).flatten()
    wanted = wanted / wanted.norm()
    for start in STARTS:
        way = descend(features, wanted, start)
        axis.plot(*way.T, ".-", color="orange", markersize=3)
        print(f"{name:13} from {start}: to f_m {way[-1, 0]:5.2f}, gamma {way[-1, 1]:.2f}")
fig

# %%
# ``mesosynth.match`` goes down on the same loss with Levenberg-Marquardt steps from many starts,
# and needs neither a start nor a step size.

settings = ms.MatchSettings(pinned={"f_c": F_C, "w": W})
found = ms.match(late.numpy(), RATE, settings=settings)
print({name: round(found.theta[name], 3) for name in ("f_m", "gamma")}, f"loss {found.loss:.1e}")
