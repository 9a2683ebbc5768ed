"""
Hear a parameter move
=====================

One parameter in eight steps, side by side as pictures and one after another as sound.
"""

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Audio

import mesosynth as ms

RATE = 22050
sounds = [ms.render("drum", {"D": stiffness, "period": 8.0}, seconds=1.0, sample_rate=RATE)
          for stiffness in np.geomspace(1e-4, 0.3, 8)]  # fmt: skip
hiss = 1e-6 * np.random.default_rng(0).standard_normal(RATE)  # no logarithm of zero
fig, axes = plt.subplots(1, 8, figsize=(10, 2.4), sharey=True)
for axis, sound in zip(axes, sounds, strict=True):
    axis.specgram(sound[0] + hiss, NFFT=512, Fs=RATE, noverlap=384, vmin=-120)
    axis.set(xticks=[], ylim=(0, 6000))
axes[0].set_ylabel("frequency (Hz)")
fig.suptitle("From a skin to a metal plate: the drum's stiffness")
fig.tight_layout()
Audio(np.concatenate(sounds, axis=1), rate=RATE)
