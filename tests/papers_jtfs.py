"""The paper's JTFS in any size: Q=(8, 2), Q_fr=2, no averaging along log-frequency."""

from mesosynth.scattering import JTFS


def jtfs_of(shape, **config):
    return JTFS(shape=shape, **{"J_fr": 5, "Q": (8, 2), "Q_fr": 2, "F": 0, **config})
