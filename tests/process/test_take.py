"""The fear: a performance that was recorded, and is gone."""

import numpy as np
import pytest
import soundfile
from recorder import Recorder

from mesosynth.session import Session

pytestmark = pytest.mark.usefixtures("real_time")


def test_a_take_is_kept_on_disk_and_becomes_the_target(pulse, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    session = Session(device="vsink")
    try:
        seen = Recorder(session)
        seen.wait("device.changed", 10)
        session.sound.play()
        session.capture.start_take()
        seen.wait("capture.take_changed", 15, where=lambda take: take.seconds > 2.0)
        session.capture.stop_take()
        seen.wait("target.loaded", 5)
        assert session.target.sound is not None
        assert not session.capture.recording
    finally:
        session.close()
    (take,) = (tmp_path / "mesosynth" / "takes").glob("take *.wav")
    audio, _ = soundfile.read(take)
    assert len(audio) > 48000
    assert np.abs(audio).max() > 0.1
    levels = [take.level for take in seen.of("capture.take_changed") if take.running]
    assert max(levels) > -30.0
