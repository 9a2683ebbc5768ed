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
        session.play_preset(preset)
        kept.append(session.snapshot())
    seen, tell = [], session._audio.set_rack

    def look(slots):
        seen.append(session._rack.vector(session.values))
        tell(slots)

    monkeypatch.setattr(session._audio, "set_rack", look)
    for snapshot in kept:
        session.recall(snapshot)
        np.testing.assert_array_equal(seen[-1], session._rack.vector(session.values))
        assert dict(session.values) == dict(snapshot.values)
    assert len(seen) == 2


def test_a_sound_goes_on_while_another_takes_its_place(session):
    for name in ("temple_bell.json", "aurora.json"):  # with and without a reverb of its own
        session.load_preset(resource("presets", name))
    bell = load_preset(resource("presets", "temple_bell.json"))
    session.play_preset(bell)
    session.play()
    kept = session.snapshot()
    wait(lambda: np.abs(session.scope(4800)).max(initial=0.0) > 0.01)
    session.set_instrument("ripple")
    session.recall(kept)
    session.poll()
    wait(lambda: np.abs(session.scope(2400)).max(initial=0.0) > 0.01)
    assert session.instrument == bell.instrument


def wait(true, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)
