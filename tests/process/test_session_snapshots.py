"""The fear: going back to a sound of another instrument, it enters with values of nobody's."""

import time

import numpy as np
import pytest

from mesosynth.presets.preset import load_preset
from mesosynth.session import Session
from mesosynth.system.paths import resource


@pytest.fixture
def session():
    session = Session(device="silent")
    yield session
    session.close()


def test_what_enters_finds_its_values_in_their_place(session, monkeypatch):
    presets = [load_preset(resource("presets", name)) for name in ("bird.json", "aurora.json")]
    assert len({preset.instrument for preset in presets}) == 2
    kept = []
    for preset in presets:
        session.presets.play(preset)
        kept.append(session.presets.snapshot())
    seen, tell = [], session._audio.set_rack

    def look(slots):
        seen.append(session.rack._model.vector(session.sound.values))
        tell(slots)

    monkeypatch.setattr(session._audio, "set_rack", look)
    for snapshot in kept:
        session.presets.recall(snapshot)
        np.testing.assert_array_equal(seen[-1], session.rack._model.vector(session.sound.values))
        assert dict(session.sound.values) == dict(snapshot.values)
    assert len(seen) == 2


def test_a_sound_goes_on_while_another_takes_its_place(session):
    for name in ("temple_bell.json", "aurora.json"):  # with and without a reverb of its own
        session.presets.load(resource("presets", name))
    bell = load_preset(resource("presets", "temple_bell.json"))
    session.presets.play(bell)
    session.sound.play()
    kept = session.presets.snapshot()
    wait(lambda: np.abs(session.device.scope(4800)).max(initial=0.0) > 0.01)
    session.rack.set_instrument("ripple")
    session.presets.recall(kept)
    session.poll()
    wait(lambda: np.abs(session.device.scope(2400)).max(initial=0.0) > 0.01)
    assert session.rack.instrument == bell.instrument


def wait(true, seconds=100.0):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)
