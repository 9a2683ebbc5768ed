"""
Turn rising into falling
========================

Resynthesis with edited coefficients: a sound whose patterns fall where those of the original rise,
at the same loudness in each band.
"""

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Audio

import mesosynth as ms

RATE = 8192
rising = ms.render("chirplet", {"f_c": 700.0, "f_m": 9.0, "gamma": 2.0, "w": 2.5, "period": 8.0},
                   seconds=2.0, sample_rate=RATE).mean(0)  # fmt: skip
settings = ms.ResynthesisSettings(iterations=30, edits=("reverse-spin",))
result = ms.resynthesise(rising, RATE, settings)
print(f"error {result.error:.1%} after {result.iterations} iterations, {result.seconds:.1f} s")

hiss = 1e-5 * np.random.default_rng(0).standard_normal(len(rising))  # no logarithm of zero
fig, axes = plt.subplots(1, 2, figsize=(9, 3), sharey=True)
for axis, title, x in ((axes[0], "original", rising), (axes[1], "reversed", result.audio[0])):
    axis.specgram(x + hiss, NFFT=512, Fs=RATE, noverlap=448, vmin=-100)
    axis.set(title=title, xlabel="time (s)", ylim=(100, 3000))
fig.tight_layout()
Audio(result.audio, rate=RATE)
