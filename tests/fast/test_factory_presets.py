"""The presets that mesosynth brings, each rendered once.

At half the usual sample rate, which changes their loudness by 0.3 LU at most.
"""

from collections import Counter

import numpy as np
import pytest

from mesosynth.audio.loudness import loudness
from mesosynth.engine.limiter import CEILING_DB, MARGIN_DB
from mesosynth.engine.rack import render
from mesosynth.presets.preset import load_preset
from mesosynth.system.paths import factory_presets

RATE, BLOCK, SECONDS = 24000, 2048, 6.0
TARGET, TOLERANCE = -18.0, 2.0  # LUFS


@pytest.fixture(scope="module")
def presets():
    return [load_preset(path) for path in factory_presets()]


@pytest.fixture(scope="module")
def sounds(presets):
    return {
        preset.name: render(
            preset.instrument,
            preset.values,
            SECONDS,
            RATE,
            BLOCK,
            effects=preset.effects,
            state=preset.state,
        )
        for preset in presets
    }


def test_there_are_many_in_families(presets):
    assert len(presets) >= 64
    families = {preset.tags.category for preset in presets}
    assert {
        "arpeggio", "animal", "siren", "laser", "water", "drone", "rhythm", "bass", "bell", "sweep",
        "matched",
    } <= families  # fmt: skip
    of = Counter(preset.instrument for preset in presets)
    assert of.keys() >= {"chirplet", "ripple", "layers"}
    assert min(of["drum"], of["grains"]) >= 12
    used = {effect.plugin for preset in presets for effect in preset.effects}
    assert used >= {"filter", "delay", "reverb", "saturation"}


def test_each_says_what_it_is(presets):
    assert len({preset.name.casefold() for preset in presets}) == len(presets)
    for preset in presets:
        assert preset.comment.endswith((".", "?", "!")), preset.name
        assert preset.tags.character, preset.name
        assert preset.tags.features, preset.name
        assert preset.author, preset.name
        assert preset.licence == "CC0-1.0", preset.name
        assert len(preset.name) <= 24, f"{preset.name} is too long for a list"


def test_those_that_were_matched_say_from_what(presets):
    matched = [preset for preset in presets if preset.tags.category == "matched"]
    assert len(matched) >= 3
    for preset in matched:
        assert preset.match is not None
        assert len(preset.match.sha256) == 64
        assert "/" not in preset.match.target


def test_all_are_heard_and_finite(sounds):
    for name, sound in sounds.items():
        assert np.isfinite(sound).all(), name
        assert np.abs(sound).max() > 0.05, name


def test_all_are_as_loud_as_each_other(sounds):
    levels = {name: loudness(sound, RATE) for name, sound in sounds.items()}
    odd = {name: level for name, level in levels.items() if abs(level - TARGET) > TOLERANCE}
    assert not odd


def test_the_limiter_has_nothing_to_do(sounds):
    limit = 10.0 ** ((CEILING_DB - MARGIN_DB) / 20.0)
    peaks = {name: float(np.abs(sound).max()) for name, sound in sounds.items()}
    assert not {name: peak for name, peak in peaks.items() if peak > limit}


def test_none_begins_with_a_long_wait(sounds):
    for name, sound in sounds.items():
        loud = np.abs(sound).max(axis=0) > 0.1 * np.abs(sound).max()
        assert int(loud.argmax()) / RATE < 3.0, name
