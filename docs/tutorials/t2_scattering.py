r"""
Scattering transforms
=====================

From the scalogram to the joint time-frequency scattering transform (JTFS): what the first and
second orders are, and what J, Q, T, J_fr, Q_fr and F decide. ``mesosynth.JTFS`` has the arguments
and the numbers of Kymatio 0.4's ``TimeFrequencyScattering``.
"""

# %%
# Scalogram and first order
# -------------------------
#
# The sound is an arpeggio that rises by 1.5 octaves a second in eight notes a second.

import matplotlib.pyplot as plt
import numpy as np
import torch

import mesosynth as ms
from mesosynth.instruments.chirplet_torch import chirplet
from mesosynth.scattering.scale_rate import scale_rate

RATE, N = 8192, 32768
theta = {"f_c": 512.0, "f_m": 8.0, "gamma": 1.5, "w": 2.0}
rising = chirplet(torch.tensor([*theta.values()]), N, RATE)
S = ms.JTFS(J=12, J_fr=5, Q=(8, 2), Q_fr=2, shape=N, T=4096, F=0)

U_1 = S.scalogram(rising).numpy()
frequencies = np.array([psi.xi for psi in S.psi1]) * RATE
seen = frequencies > 60.0
plt.figure(figsize=(9, 3))
times = np.linspace(0, N / RATE, U_1.shape[-1])
plt.pcolormesh(times, frequencies[seen], U_1[seen], cmap="magma")
plt.yscale("log")
plt.xlabel("time (s)")
plt.ylabel("frequency (Hz)")
plt.title("Scalogram: the moduli of the wavelet coefficients")
plt.tight_layout()

# %%
# The first order averages it over T = 4096 samples, half a second. The eight notes a second are
# gone. (In JTFS, the first order is then filtered along log-frequency, too.)

S_1 = S.scalogram(rising, hop=4096).numpy()
plt.figure(figsize=(9, 2.6))
plt.pcolormesh(np.linspace(0, N / RATE, S_1.shape[-1]), frequencies[seen], S_1[seen], cmap="magma")
plt.yscale("log")
plt.xlabel("time (s)")
plt.ylabel("frequency (Hz)")
plt.title("Averaged over half a second")
plt.tight_layout()

# %%
# Second order: rate, scale and spin
# ----------------------------------
#
# Wavelets along time and log-frequency filter the scalogram as it filters the sound. Their rate is
# in hertz, their scale in cycles an octave, and their spin tells rising from falling. Summed over
# time and frequency, the energy of the second order is a picture of the sound's patterns. The same
# arpeggio, falling, is the mirror image.

falling = rising.flip(0)
fig, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True)
whole = ms.JTFS(J=12, J_fr=5, Q=(8, 2), Q_fr=2, shape=N, T="global", F=0, boundary="periodic")
for axis, (title, sound) in zip(axes, {"rising": rising, "falling": falling}.items(), strict=True):
    picture = scale_rate(whole, sound, RATE)
    energy = np.concatenate([picture.energy[0][:, ::-1], picture.energy[1]], axis=1)
    axis.imshow(np.sqrt(energy), origin="lower", aspect="auto", cmap="magma")
    count = len(picture.rates)
    places = [count - 1 - count // 2, count + count // 2]
    axis.set_xticks(places, [f"{picture.rates[count // 2]:.2g} Hz"] * 2)
    axis.set_yticks(
        [0, len(picture.scales) - 1], [f"{scale:.2g}" for scale in picture.scales[[0, -1]]]
    )
    axis.set(title=f"{title} arpeggio", xlabel="falling  |  rising patterns (rate)")
axes[0].set_ylabel("scale (cycles per octave)")
fig.tight_layout()

# %%
# How much of the second order has the spin of the sound:

for title, sound in {"rising": rising, "falling": falling}.items():
    energy = scale_rate(whole, sound, RATE).energy.sum(axis=(1, 2))
    print(f"{title}: {energy[1] / energy.sum():.0%} rises, {energy[0] / energy.sum():.0%} falls")

# %%
# What the arguments decide
# -------------------------
#
# =========== =============================================== ======================
# argument    decides                                         more of it
# =========== =============================================== ======================
# ``J``       the slowest modulation, ``2 ** J`` samples      longer patterns
# ``Q``       wavelets an octave, first and second order      finer in frequency
# ``T``       time over which is averaged                     less where, more what
# ``J_fr``    the widest pattern along log-frequency          wider patterns
# ``Q_fr``    wavelets an octave of scale                     finer in scale
# ``F``       rows over which is averaged; 0: none            transposition forgotten
# =========== =============================================== ======================

for change in ({}, {"Q": (12, 2)}, {"J_fr": 3}, {"T": 1024}, {"F": 8}):
    arguments = {"J": 12, "J_fr": 5, "Q": (8, 2), "Q_fr": 2, "T": 4096, "F": 0, **change}
    shape = tuple(ms.JTFS(shape=N, **arguments)(rising).shape)
    print(f"{change or 'as above'!s:16} {shape[0]:6} paths x {shape[1]:3} frames")

# %%
# Shifts and deformations
# -----------------------
#
# Two properties make it a distance between sounds: a shift by less than T hardly matters, and a
# change of a parameter matters in proportion to it.


def distance(a, b):
    """Relative distance of two sounds, averaged over time."""
    a, b = (S(x).mean(-1) for x in (a, b))
    return float(torch.linalg.norm(a - b) / torch.linalg.norm(a))


for samples in (16, 256, 1024):
    print(
        f"shifted by {samples / RATE * 1e3:5.1f} ms: {distance(rising, rising.roll(samples)):.4f}"
    )
for percent in (1, 2, 4, 8):
    other = chirplet(torch.tensor([512.0, 8.0 * (1 + percent / 100), 1.5, 2.0]), N, RATE)
    print(f"notes {percent} % faster: {distance(rising, other):.4f}")

# %%
# Derivatives
# -----------
#
# ``S(x)`` is differentiable by autograd. Where a few parameters move the sound, ``S.jvp`` gives all
# derivatives in one pass and without a graph; :doc:`t5_dtfa` descends with them.

x, dx = torch.randn(N), torch.randn(4, N)
values, derivatives = S.jvp(x, dx)
print(tuple(values.shape), tuple(derivatives.shape))
