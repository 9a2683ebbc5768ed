r"""
Wavelets
========

A wavelet is a short oscillation. Filtering a sound with it asks: *where is there energy near this
frequency, at this time?* This tutorial looks at the Morlet wavelets that scattering is made of:
their centre frequency, their width, and what the number of wavelets an octave, Q, decides.
"""

# %%
# One wavelet
# -----------
#
# A Morlet wavelet is a complex sine under a Gaussian, corrected so that its mean is zero. In
# frequency it is a bump around the centre frequency :math:`\xi` with the width :math:`\sigma`, both
# in cycles per sample. The filter bank is that of Kymatio.

import matplotlib.pyplot as plt
import numpy as np

from mesosynth.scattering.filterbank import wavelets

N, RATE = 8192, 8192  # one second
bank = wavelets(N, J=9, Q=8)
psi = bank[16]
print(f"{len(bank)} wavelets; this one: {psi.xi * RATE:.0f} Hz wide {psi.sigma * RATE:.0f} Hz")

impulse = np.fft.fftshift(np.fft.ifft(psi.hat))
time = (np.arange(N) - N // 2) / RATE * 1e3
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3))
left.plot(time, impulse.real, label="real part")
left.plot(time, np.abs(impulse), label="modulus")
left.set(xlim=(-20, 20), xlabel="time (ms)", title="One wavelet in time")
left.legend()
right.semilogx(np.arange(1, N // 2), np.abs(psi.hat[1 : N // 2]))
right.set(xlabel="frequency (Hz)", title="and in frequency", xlim=(20, RATE / 2))
fig.tight_layout()

# %%
# A bank of them
# --------------
#
# Neighbours are a factor :math:`2^{1/Q}` apart, and all have the same shape on a logarithmic axis.
# Below :math:`2^{-J}` of the sample rate that would need wavelets longer than :math:`2^J` samples,
# so the lowest ones are spaced evenly.

fig, axes = plt.subplots(2, 1, figsize=(9, 4), sharex=True)
for axis, Q in zip(axes, (1, 8), strict=True):
    for filter_ in wavelets(N, J=9, Q=Q):
        axis.semilogx(np.arange(1, N // 2), np.abs(filter_.hat[1 : N // 2]), linewidth=1)
    axis.set(title=f"Q = {Q}", xlim=(4, RATE / 2))
axes[1].set_xlabel("frequency (Hz)")
fig.tight_layout()

# %%
# Time or frequency
# -----------------
#
# With a large Q wavelets are narrow in frequency, and therefore long: they tell neighbouring
# partials apart, and blur attacks. With a small Q it is the other way round. No choice is right for
# all sounds. Here are two tones a semitone apart, then a click, through both banks.

t = np.arange(N) / RATE
sound = (np.sin(2 * np.pi * 500 * t) + np.sin(2 * np.pi * 530 * t)) * (t < 0.6)
sound[int(0.8 * RATE)] += 30.0


def scalogram(x, bank):
    """Moduli of all wavelet coefficients, (wavelets, samples)."""
    return np.abs(np.fft.ifft(np.fft.fft(x) * np.stack([psi.hat for psi in bank])))


fig, axes = plt.subplots(1, 2, figsize=(9, 3.2), sharey=True)
for axis, Q in zip(axes, (2, 24), strict=True):
    bank = [psi for psi in wavelets(N, J=8, Q=Q) if psi.xi * RATE > 100]
    picture = scalogram(sound, bank)
    axis.pcolormesh(t[::16], [psi.xi * RATE for psi in bank], picture[:, ::16], cmap="magma")
    axis.set(yscale="log", title=f"Q = {Q}", xlabel="time (s)", ylim=(200, 2000))
axes[0].set_ylabel("frequency (Hz)")
fig.tight_layout()

# %%
# Why the modulus
# ---------------
#
# A wavelet coefficient turns its phase with every cycle of the sound, so its average over time is
# zero. Its modulus does not turn. The average of the modulus hardly changes when the sound is
# shifted, which is the first thing that we ask of a description of sounds.

bank = wavelets(N, J=9, Q=8)
tone = np.sin(2 * np.pi * 440 * t) * np.exp(-((t - 0.4) ** 2) / 0.01)
shifted = np.roll(tone, 100)
coefficients = [np.fft.ifft(np.fft.fft(x) * bank[24].hat) for x in (tone, shifted)]
change = np.linalg.norm(coefficients[0] - coefficients[1]) / np.linalg.norm(coefficients[0])
means = [np.abs(each).mean() for each in coefficients]
print(
    f"coefficients change by {change:.0%}, the mean of their modulus by "
    f"{abs(means[0] / means[1] - 1):.0e}"
)

# %%
# What the average loses, how energy moves, is what the second order of scattering brings back: see
# :doc:`t2_scattering`.
