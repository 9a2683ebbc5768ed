"""The fear: a matcher that only knows its own sounds."""

import os
from pathlib import Path

import numpy as np
import pytest

from mesosynth.audio.file import load_target
from mesosynth.matching.match import Matcher
from mesosynth.matching.results import MatchSettings

FOLDER = os.environ.get("MESOSYNTH_RECORDINGS", "")
FILES = sorted(Path(FOLDER).glob("*.flac")) if FOLDER else []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_recording_comes_to_an_answer(path):
    target = load_target(path)
    # Starts and some of the descent; `benchmarks.recordings` takes them to the end.
    result = Matcher(settings=MatchSettings(max_evaluations=5)).match(target)
    assert np.isfinite([*result.theta.values(), *result.std.values(), result.loss]).all()
    # Better than the silence-agnostic worst: some cosine is left between the two.
    assert result.loss < 0.9
    assert result.loss <= result.trajectory[0].loss
