r"""
Train an encoder
================

A match takes a tenth of a second to some seconds. A small network, the *encoder*, hears a sound
once and guesses its parameters in some milliseconds; a match takes the guess as one of its starts.
This tutorial makes a data set of arpeggios, trains an encoder with the perceptual-neural-physical
loss (PNP), and asks it. The extra ``learning`` is needed. For a useful encoder take more cells and
more epochs, by ``mesosynth data make`` and ``mesosynth train encoder``; those for the drum and the
chirplet come with the program.
"""

# %%
# A data set
# ----------
#
# Each parameter's range is cut into four cells, and one sound is drawn in each of the 64 boxes.
# Beside the parameters, the data set holds the features of each sound and the metric
# :math:`M = J^\top J`: how far the features move with the parameters.

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import mesosynth as ms
from mesosynth.learning.dataset import DatasetSettings, load_dataset, make_dataset
from mesosynth.matching.encoder import encoder_instruments, save_encoder
from mesosynth.learning.training import TrainingSettings, train
from mesosynth.system.steps import result_of

folder = Path(tempfile.mkdtemp())
make_dataset(folder / "chirplets", DatasetSettings("chirplet", cells=4))
dataset = load_dataset(folder / "chirplets")
print(len(dataset.values), "sounds, parameters", dataset.settings.domain.ids)

# %%
# The metric
# ----------
#
# P-loss weighs all parameters alike. The metric knows which of them are heard: its eigenvalues
# differ by orders of magnitude, from sound to sound and from direction to direction.

eigenvalues = np.linalg.eigvalsh(dataset.M)[:, ::-1]
plt.figure(figsize=(9, 3))
plt.semilogy(eigenvalues, "o", markersize=4)
plt.xlabel("sound")
plt.ylabel("eigenvalues of M")
plt.legend(["first", "second", "third"])
plt.tight_layout()

# %%
# Training
# --------
#
# One step costs what a step of P-loss costs, since M was computed before. Each epoch tells the
# error of the parameters on sounds that it was not trained on.

log = []
trained = result_of(train(dataset, TrainingSettings(epochs=24, batch=8)), log.append)
plt.figure(figsize=(9, 3))
plt.plot([epoch.epoch for epoch in log], [epoch.p for epoch in log], "o-")
plt.xlabel("epoch")
plt.ylabel("squared error of the parameters")
plt.tight_layout()

# %%
# A guess
# -------
#
# The small encoder of this page is hardly better than the middle of the range; the one that comes
# with the program was trained on far more sounds.

save_encoder(folder / "mine.pt", trained)
truth = {"f_c": 700.0, "f_m": 9.0, "gamma": 1.2, "w": 2.0}
sound = ms.render("chirplet", {**truth, "period": 16.0}, seconds=4.0, sample_rate=8192)[0]
encoders = {"this page's": folder / "mine.pt"}
if "chirplet" in encoder_instruments():
    encoders["mesosynth's"] = None
for name, file in encoders.items():
    guess = ms.guess(sound, 8192, instrument="chirplet", encoder=file)
    told = ", ".join(f"{id_} {guess.theta[id_]:.3g} ± {guess.std[id_]:.2g}" for id_ in guess.std)
    print(f"{name:12} {told}")

# %%
# And a match, which takes the guess as one of its starts:

found = ms.match(sound, 8192)
print({name: round(value, 3) for name, value in found.theta.items() if name in truth})
