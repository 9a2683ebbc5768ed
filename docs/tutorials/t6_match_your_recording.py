r"""
Match your recording
====================

From a sound file to parameters with error bars, a sound, and a preset. It uses the demo that comes
with the program: put the name of a file of yours in its place.
"""

# %%
# Read it
# -------

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Audio

import mesosynth as ms
from mesosynth.system.paths import resource

audio, sample_rate = ms.load_audio(resource("assets", "demo.wav"))
print(f"{len(audio) / sample_rate:.1f} s at {sample_rate} Hz")
Audio(audio, rate=sample_rate)

# %%
# Match it
# --------
#
# The matcher takes four seconds, by default the liveliest ones, at 8192 Hz.

found = ms.match(audio, sample_rate)
for name, error in found.std.items():
    print(f"{name:10} {found.theta[name]:8.3f} ± {error:.3f}")
print(f"loss {found.loss:.1e}, onset {found.onset:.2f} s, gain {found.gain:.2f}")

# %%
# Watch it
# --------
#
# ``iter_fit`` gives every step. The loss is half the squared distance of unit vectors: 0 is the
# same, 1 has nothing in common. Each colour is the descent from another start.

steps = list(ms.Matcher("chirplet").iter_fit(audio, sample_rate))
plt.figure(figsize=(9, 3))
for start in sorted({step.start for step in steps}):
    mine = [step for step in steps if step.start == start]
    plt.semilogy([step.evaluations for step in mine], [step.loss for step in mine], "o-")
plt.xlabel("evaluations of the transform")
plt.ylabel("loss")
plt.tight_layout()

# %%
# Compare
# -------
#
# What was found, rendered, beside the recording. Where the match is right, notes lie on notes.

rendered = ms.render("chirplet", {**found.theta, "period": 16.0}, seconds=4.0, sample_rate=8192)


def scalogram(x, n=32768):
    """Moduli of wavelet coefficients, relative to the loudest, and their frequencies."""
    import torch

    S = ms.JTFS(J=10, J_fr=3, Q=(12, 1), shape=n)
    picture = S.scalogram(torch.from_numpy(np.ascontiguousarray(x[:n], np.float32))).numpy()
    return picture / picture.max(), np.array([psi.xi for psi in S.psi1]) * 8192


def at_8192(x, rate):
    """A sound at 8192 Hz, four seconds long."""
    import soxr

    x = soxr.resample(x, rate, 8192)[:32768]
    return np.pad(x, (0, 32768 - len(x)))


fig, axes = plt.subplots(1, 2, figsize=(9.5, 3.4), sharey=True)
for axis, title, x in ((axes[0], "recording", at_8192(audio, sample_rate)),
                       (axes[1], "match", rendered.mean(axis=0))):  # fmt: skip
    picture, hertz = scalogram(x)
    seen = hertz > 100
    axis.pcolormesh(np.linspace(0, 4, picture.shape[1]), hertz[seen],
                    20 * np.log10(picture[seen] + 1e-3), cmap="magma")  # fmt: skip
    axis.set(yscale="log", xlabel="time (s)", title=title)
axes[0].set_ylabel("frequency (Hz)")
fig.tight_layout()
Audio(rendered, rate=8192)

# %%
# If you know something already
# -----------------------------
#
# Pin what is known, and name what is not. Fewer unknowns have smaller error bars.

known = {name: found.theta[name] for name in ("f_c", "w")}
settings = ms.MatchSettings(unknowns=("f_m", "gamma"), pinned=known)
fewer = ms.match(audio, sample_rate, settings=settings)
for name, error in fewer.std.items():
    print(f"{name:10} {fewer.theta[name]:8.3f} ± {error:.4f}")

# %%
# Keep it
# -------
#
# As a preset it can be opened on the desk, played by keys, and rendered by the command line.

preset = ms.Preset(name="From the demo", parameters=found.theta)
file = Path(tempfile.mkdtemp(), "demo.json")
ms.save_preset(file, preset)
print(file.read_text()[:300])

# %%
# If no arpeggio was found, the recording has more than one event: ``mesosynth match FILE --layers
# 12`` looks for several of different kinds; see the guide's page on layers.
