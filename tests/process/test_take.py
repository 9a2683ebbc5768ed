"""The fear: a performance that was recorded, and is gone."""

import time

import numpy as np
import pytest
import soundfile

from mesosynth.session import Session, events

pytestmark = pytest.mark.usefixtures("real_time")


def test_a_take_is_kept_on_disk_and_becomes_the_target(pulse, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    session = Session(device="vsink")
    try:
        seen = []

        def until(condition, seconds):
            deadline = time.monotonic() + seconds
            while not condition() and time.monotonic() < deadline:
                seen.extend(session.poll())
                time.sleep(0.02)
            assert condition(), seen

        until(lambda: any(isinstance(e, events.Transport) for e in seen), 10)
        session.play()
        session.start_recording()
        until(lambda: any(isinstance(e, events.Recording) and e.seconds > 2.0 for e in seen), 15)
        session.stop_recording()
        until(lambda: any(isinstance(e, events.TargetLoaded) for e in seen), 5)
        assert session.target is not None
        assert not session.recording
    finally:
        session.close()
    (take,) = (tmp_path / "mesosynth" / "takes").glob("take *.wav")
    audio, _ = soundfile.read(take)
    assert len(audio) > 48000
    assert np.abs(audio).max() > 0.1
    levels = [e.level for e in seen if isinstance(e, events.Recording) and e.running]
    assert max(levels) > -30.0
