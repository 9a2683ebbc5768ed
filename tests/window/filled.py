"""A window with something in every view, without an engine behind it."""

from types import SimpleNamespace

import numpy as np

from mesosynth.audio.target import Target
from mesosynth.audio.waveform_peaks import WaveformPeaks
from mesosynth.matching.results import (
    Analysis,
    Attribution,
    Candidate,
    MatchResult,
    MatchStep,
    Scores,
)

RATES = (2.0 ** np.arange(-2, 8)).astype(np.float32)
SCALES = np.array([0.0625, 0.125, 0.25, 0.5, 1.0, 2.0, 4.0], np.float32)
THETA = {
    "f_c": 620.04, "f_m": 9.505, "gamma": 1.7, "w": 2.199, "rest": 0.0, "depth": 1.0,
    "brightness": -60.0,
}  # fmt: skip


def fill(window):
    """Load a target, match it, and let it be heard, as far as what is painted goes."""
    noise = np.random.default_rng(0)
    time = np.linspace(0.0, 1.0, 400, dtype=np.float32)
    wave = np.sin(time * 300.0) * np.exp(-((time - 0.5) ** 2) * 40.0)
    target = Target("demo.wav", np.zeros(32768, np.float32), 0.0, 1.0, "")
    window.scalograms.set_file(target, WaveformPeaks(-abs(wave), abs(wave), 4.0))
    for pictures in (window.scalograms, window.scale_rate):
        for show in (pictures.set_target, pictures.set_sound):
            show(
                Analysis(
                    noise.random((96, 80), np.float32) * np.exp(-(((time[:80] - 0.1) * 30) ** 2)),
                    np.geomspace(4000.0, 32.0, 96).astype(np.float32), 4.0,
                    noise.random((2, len(SCALES), len(RATES)), np.float32), SCALES, RATES,
                )
            )  # fmt: skip
    theta = {id_: THETA.get(id_, 1.0) for id_ in window.desk.parameters.matchable}
    std = {id_: abs(value) * 5e-4 for id_, value in theta.items()}
    steps = [
        MatchStep(theta, std, 10.0 ** -(0.5 * place), 1 + place, 1.1 * place, 0, 0.1 * place)
        for place in range(10)
    ]
    for view in (window.loss, window.match):
        view.start()
        for step in steps:
            view.add(step)
    for step in steps:
        window.pad.add_step(step)
    window.match.hear.setEnabled(True)
    window.match_page._on_started()
    window.match_page._on_progress(steps[-1])
    scores = Scores(0.998, 0.997, 0.993)
    result = MatchResult(
        theta, std, 3.2e-5, 10, 11.6, True, 2.0, 0.4, steps,
        [Candidate(theta, std, 3.2e-5, 0, scores)], scores,
    )  # fmt: skip
    for view in (window.loss, window.match):
        view.end(result)
    window.match.judge(result)
    window.match_page._on_ended(result)
    window.match_page._on_judged(result)
    pulls = noise.standard_normal((4, 2, len(SCALES), len(RATES))).astype(np.float32)
    window.scale_rate.attribution.show_attribution(
        Attribution(("f_c", "f_m", "gamma", "w"), pulls, 0.1, SCALES, RATES)
    )
    window.status.show_device("", True)
    window.status.show_audio(
        SimpleNamespace(
            sample_rate=48000, block=256, latency=0.0066, latency_in=0.0, load=0.11,
            load_max=0.2, underflows=0, overruns=0, peak=0.3, true_peak=0.3, peak_left=-9.0,
            peak_right=-9.0, rms_left=-20.0, rms_right=-20.0,
        )
    )  # fmt: skip
