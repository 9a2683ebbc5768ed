"""
Features of many sounds
=======================

One vector a sound, for nearest neighbours, clustering or a classifier: the transform averaged over
time, in logarithms. Here for factory presets, whose nearest neighbours are listed.
"""

import numpy as np
import torch
from sklearn.neighbors import NearestNeighbors

import mesosynth as ms
from mesosynth.system.paths import factory_presets

RATE, N = 8192, 8192
S = ms.JTFS(J=9, J_fr=3, Q=(8, 1), shape=N, T="global", F=0, boundary="periodic", tolerance=1e-2)

presets = [ms.load_preset(path) for path in factory_presets()[::9]]
sounds = np.stack([ms.render(preset, seconds=N / RATE, sample_rate=RATE).mean(0)
                   for preset in presets])  # fmt: skip
with torch.inference_mode():
    features = S(sounds)[:, S.meta()["order"] > 0, 0]
features = np.log1p(features / (0.1 * features.mean(axis=0) + 1e-8))

near = NearestNeighbors(n_neighbors=2).fit(features).kneighbors(features, return_distance=False)
for preset, (_, other) in list(zip(presets, near, strict=True))[:8]:
    print(f"{preset.name:22} sounds like {presets[other].name}")
