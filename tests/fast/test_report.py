import numpy as np
from matplotlib.image import imread

from mesosynth.cli.report import draw_report, save_report
from mesosynth.matching.results import Analysis, MatchResult, MatchStep

THETA = {"f_c": 500.0, "f_m": 8.0, "gamma": -1.5, "w": 2.0}


def analysis(seed):
    random = np.random.default_rng(seed)
    return Analysis(
        scalogram=random.random((60, 256), np.float32),
        frequencies=np.geomspace(4000.0, 30.0, 60).astype(np.float32),
        duration=4.0,
        scale_rate=random.random((2, 9, 18), np.float32),
        scales=np.geomspace(0.06, 3.0, 9).astype(np.float32),
        rates=np.geomspace(0.5, 300.0, 18).astype(np.float32),
    )


def result(trajectory, std=0.1):
    return MatchResult(THETA, dict.fromkeys(THETA, std), 1e-3, 9, 1.0, True, 2.0, 0.5, trajectory)


def steps(count):
    return [
        MatchStep(
            {**THETA, "f_m": 8.0 * 1.1**i}, dict.fromkeys(THETA, 0.1), 0.1**i, i, 0.1, i // 2, 0.5
        )
        for i in range(count)
    ]


def test_the_picture_shows_every_part(tmp_path):
    path = tmp_path / "match.png"
    save_report(path, "crow.flac", result(steps(4)), analysis(0), analysis(1))
    image = imread(path)
    assert image.shape[:2] == (1320, 1560)
    # No panel is empty: each sixth of the picture holds more than its ground.
    for rows in np.array_split(image[..., :3], 3):
        for part in np.array_split(rows, 2, axis=1):
            assert part.std() > 0.02


def test_a_match_without_steps_bounds_or_plain_name_is_drawn():
    name = "50$ or $\\frac{ [bold]"
    figure = draw_report(name, result([], np.inf), analysis(0), analysis(1))
    figure.canvas.draw()
    figure = draw_report(name, result(steps(1)), analysis(0), analysis(0))
    figure.canvas.draw()
