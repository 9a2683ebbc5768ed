"""Real sounds that mesosynth did not make, from the folder named by MESOSYNTH_RECORDINGS."""

import os
from pathlib import Path

import numpy as np

from mesosynth.audio.file import ANALYSIS_SAMPLES, load_target, read_audio

FOLDER = os.environ.get("MESOSYNTH_RECORDINGS")
RECORDINGS = sorted(Path(FOLDER).glob("*.flac")) if FOLDER else []


def test_every_recording_becomes_a_target():
    if FOLDER:
        assert RECORDINGS, f"{FOLDER} holds no recordings"
    for path in RECORDINGS:
        sound, target = read_audio(path), load_target(path)
        assert target.audio.shape == (ANALYSIS_SAMPLES,)
        assert np.abs(target.audio).max() == np.float32(0.5)
        assert -4.0 < target.start < sound.duration
        assert np.isfinite(target.audio).all()
