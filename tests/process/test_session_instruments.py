"""The fear: an instrument plays, and the matcher goes on looking for another one's parameters."""

import numpy as np
import soundfile
import torch
from recorder import Recorder

from mesosynth.instruments.ripple_torch import ripple
from mesosynth.session import Session

THETA = {"f_0": 330.0, "f_m": 7.5, "gamma": -6.2, "w": 2.6, "depth": 0.6}


def test_the_instrument_that_plays_is_the_one_that_is_matched(tmp_path):
    x = ripple(torch.tensor(list(THETA.values()), dtype=torch.float64), 32768, 8192, 17.0)
    soundfile.write(tmp_path / "ripple.wav", 0.5 * x.numpy(), 8192)
    session = Session(device="silent")
    try:
        session.rack.set_instrument("ripple")
        assert session.match.settings.unknowns == tuple(THETA)
        session.target.load(tmp_path / "ripple.wav")
        session.match.start()
        seen = Recorder(session)
        seen.until(lambda: session.match.result is not None, 60.0)
        assert not seen.texts("warning", "error")
        for id_, value in THETA.items():
            np.testing.assert_allclose(session.sound.values[id_], value, rtol=0.02)
        session.rack.set_instrument("chirplet")
        assert session.match.result is None
        assert "f_c" in session.match.settings.unknowns
    finally:
        session.close()


def test_a_sampler_whose_file_is_gone_says_so_and_plays_once_it_is_there(tmp_path):
    file = tmp_path / "crow.wav"
    session = Session(device="silent")
    try:
        seen = Recorder(session)
        session.rack.set_instrument("sampler")
        session.rack.set_state({"sound": str(file)})
        seen.until(lambda: session.rack.instrument_plugin.problem, 60.0)
        assert str(file) in session.rack.instrument_plugin.problem
        assert any(str(file) in text for text in seen.texts("warning", "error"))
        assert session.rack.state == {"sound": str(file)}
        soundfile.write(file, 0.5 * np.sin(np.arange(8192)), 8192)
        seen.until(lambda: not session.rack.instrument_plugin.problem, 60.0)
    finally:
        session.close()
