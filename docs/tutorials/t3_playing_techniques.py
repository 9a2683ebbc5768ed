r"""
Playing techniques
==================

Vibrato, trill, tremolo, bisbigliando and flutter-tongue differ in how a note is modulated, and
hardly in its spectrum. Which features tell them apart, on pitches that were not trained on? We make
the notes ourselves, so that everything runs offline, and compare three parts of one transform: the
first order (nearly a constant-Q spectrogram), the second order by rate only (what a time scattering
transform sees), and all of it (rate, scale and spin). The experiment follows Wang et al., ICASSP
2023, who used recorded notes.
"""

# %%
# The notes
# ---------
#
# Two seconds of eight harmonics. The rate of each modulation, its depth, and the decay of the
# harmonics are drawn at random.

import matplotlib.pyplot as plt
import numpy as np
import torch

import mesosynth as ms
from mesosynth.scattering.scale_rate import in_hertz

RATE, N = 8192, 16384
TECHNIQUES = ("vibrato", "trill", "tremolo", "bisbigliando", "flatterzunge")
t = np.arange(N) / RATE


def note(technique, hertz, rng):
    """A note, (N,) float32, of unit norm."""
    rate = rng.uniform(20, 30) if technique == "flatterzunge" else rng.uniform(4, 8)
    cycle = 2 * np.pi * (rate * t + rng.random())
    square = np.tanh(6 * np.sin(cycle))
    semitones, level, slope = np.zeros(N), np.ones(N), np.full(N, rng.uniform(1.0, 1.6))
    match technique:
        case "vibrato":
            semitones = rng.uniform(0.4, 1.0) * np.sin(cycle)
        case "trill":
            semitones = rng.uniform(0.5, 1.0) * (1 + square)
        case "tremolo":
            level = 1 + rng.uniform(0.5, 0.9) * np.sin(cycle)
        case "bisbigliando":  # the same note with another fingering: another timbre
            slope = slope + rng.uniform(0.4, 0.8) * square
        case "flatterzunge":
            level = 1 + rng.uniform(0.5, 0.9) * np.sin(cycle)
    phase = np.cumsum(hertz * 2 ** (semitones / 12)) / RATE
    x = level * sum(k**-slope * np.sin(2 * np.pi * k * phase) for k in range(1, 9)
                    if k * hertz < RATE / 2.2)  # fmt: skip
    x = x * np.minimum(1, t / 0.05) * np.minimum(1, (t[-1] - t) / 0.1)
    x = x + 0.02 * rng.standard_normal(N)
    return (x / np.linalg.norm(x)).astype(np.float32)


def notes(midi_keys, seed):
    """Notes of all techniques on some keys, and their classes."""
    rng = np.random.default_rng(seed)
    made = [(note(name, 440 * 2 ** ((key - 69) / 12), rng), place)
            for key in midi_keys for place, name in enumerate(TECHNIQUES)]  # fmt: skip
    return torch.from_numpy(np.stack([x for x, _ in made])), np.array([y for _, y in made])


train_x, train_y = notes([48, 50, 52, 53, 55, 57, 59, 60, 62, 64, 65, 67] * 2, seed=0)
test_x, test_y = notes([49, 51, 54, 56, 58, 61, 63, 66] * 2, seed=1)
print(len(train_y), "notes to train on,", len(test_y), "to test, on other keys")

# %%
# Features
# --------
#
# One transform, averaged over T = 2048 samples. Paths of the second order are grouped: "by rate"
# sums over scale and spin.

S = ms.JTFS(J=11, J_fr=3, Q=(8, 1), Q_fr=1, shape=N, T=2048, F=8, tolerance=1e-3)
meta = in_hertz(S, RATE)
first, second = meta["order"] == 1, meta["order"] == 2


def by_rate(coefficients):
    """Second order, summed over scales and spins: one row for each frequency and rate."""
    pairs = np.stack([meta["frequency"], meta["rate"]], axis=1)[second]
    _, group = np.unique(np.nan_to_num(pairs), axis=0, return_inverse=True)
    summed = torch.zeros(len(coefficients), group.max() + 1, coefficients.shape[-1])
    return summed.index_add(1, torch.from_numpy(group.ravel()), coefficients[:, second])


with torch.inference_mode():
    train_S, test_S = S(train_x), S(test_x)
FEATURES = {
    "first order": lambda c: c[:, first],
    "rates": lambda c: torch.cat([c[:, first], by_rate(c)], 1),
    "rates, scales and spins": lambda c: c[:, first | second],
}


def normalised(train, test):
    """Logarithm after the paths' means, then mean 0 and deviation 1: as in the paper."""
    mean = train.mean((0, 2), keepdim=True)
    train, test = (torch.log1p(c / (0.1 * mean + 1e-8)) for c in (train, test))
    centre, width = train.mean((0, 2), keepdim=True), train.std((0, 2), keepdim=True) + 1e-6
    return (train - centre) / width, (test - centre) / width


# %%
# A small convolutional network along time
# ----------------------------------------


def network(paths):
    """Two convolutions along time, averaged: (batch, paths, frames) to (batch, classes)."""
    return torch.nn.Sequential(
        torch.nn.Dropout(0.2),
        torch.nn.Conv1d(paths, 32, 3, padding=1), torch.nn.BatchNorm1d(32), torch.nn.ReLU(),
        torch.nn.Conv1d(32, 32, 3, padding=1), torch.nn.BatchNorm1d(32), torch.nn.ReLU(),
        torch.nn.AdaptiveAvgPool1d(1), torch.nn.Flatten(), torch.nn.Dropout(0.3),
        torch.nn.Linear(32, len(TECHNIQUES)),
    )  # fmt: skip


def predictions(train, test, epochs=40):
    """Classes of the test notes after a training."""
    torch.manual_seed(0)
    net = network(train.shape[1])
    optimiser = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=0.1)
    wanted = torch.from_numpy(train_y)
    for _ in range(epochs):
        for batch in torch.randperm(len(train)).split(24):
            loss = torch.nn.functional.cross_entropy(net(train[batch]), wanted[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    net.eval()
    with torch.inference_mode():
        return net(test).argmax(1).numpy()


found = {}
for name, chosen in FEATURES.items():
    train, test = normalised(chosen(train_S).clone(), chosen(test_S).clone())
    found[name] = predictions(train, test)
    recall = [np.mean(found[name][test_y == place] == place) for place in range(len(TECHNIQUES))]
    print(f"{name:26} {train.shape[1]:5} paths   macro recall {np.mean(recall):.0%}")

# %%
# Who is taken for whom
# ---------------------

fig, axes = plt.subplots(1, 3, figsize=(10, 3.6), sharey=True)
for axis, (name, guess) in zip(axes, found.items(), strict=True):
    confusion = np.zeros((len(TECHNIQUES),) * 2)
    np.add.at(confusion, (test_y, guess), 1)
    axis.imshow(confusion, cmap="Blues")
    for (row, column), count in np.ndenumerate(confusion):
        if count:
            axis.text(column, row, int(count), ha="center", va="center", fontsize=8)
    axis.set_title(name, fontsize=9)
    axis.set_xticks(range(5), [each[:4] for each in TECHNIQUES], fontsize=8)
    axis.set_yticks(range(5), TECHNIQUES, fontsize=8)
axes[1].set_xlabel("predicted")
fig.tight_layout()

# %%
# On recorded notes the published figures are: 80.6 % macro recall with the first order, 98.8 % with
# a time scattering transform, and 97 % with JTFS in Kymatio's tutorial, where the constant-Q
# transform has 72 %. These notes are easier than recorded ones, as nothing but the technique
# differs.
