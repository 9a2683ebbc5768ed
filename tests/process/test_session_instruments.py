"""The fear: an instrument plays, and the matcher goes on looking for another one's parameters."""

import time

import numpy as np
import soundfile
import torch

from mesosynth.instruments.ripple_torch import ripple
from mesosynth.session import Session, events

THETA = {"f_0": 330.0, "f_m": 7.5, "gamma": -6.2, "w": 2.6, "depth": 0.6}


def test_the_instrument_that_plays_is_the_one_that_is_matched(tmp_path):
    x = ripple(torch.tensor(list(THETA.values()), dtype=torch.float64), 32768, 8192, 17.0)
    soundfile.write(tmp_path / "ripple.wav", 0.5 * x.numpy(), 8192)
    session = Session(device="silent")
    try:
        session.set_instrument("ripple")
        assert session.match_settings.unknowns == tuple(THETA)
        session.load_target(tmp_path / "ripple.wav")
        session.start_match()
        deadline = time.monotonic() + 60.0
        while session.result is None and time.monotonic() < deadline:
            errors = [e for e in session.poll() if isinstance(e, events.Message)]
            assert all(error.severity == "info" for error in errors)
            time.sleep(0.02)
        for id_, value in THETA.items():
            np.testing.assert_allclose(session.values[id_], value, rtol=0.02)
        session.set_instrument("chirplet")
        assert session.result is None
        assert "f_c" in session.match_settings.unknowns
    finally:
        session.close()
