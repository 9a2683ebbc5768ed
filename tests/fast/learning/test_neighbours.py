"""Fears: ratios of a sound with itself, and a figure that shows another feature's numbers."""

import numpy as np
import pytest

from mesosynth.paper.drawing import FigureTable
from mesosynth.paper.neighbours import BARS, FEATURES, RANGES, draw_ratios, grid, neighbour_ratios


def test_neighbours_of_a_chart_of_the_parameters_have_like_parameters():
    theta = grid(8)
    step = np.log(theta[-1] / theta[0]) / 7
    ratios, places = neighbour_ratios(np.log(theta) / step, theta, 8)
    assert places.shape == theta.shape
    assert np.abs(np.log(ratios) / step).max() < 1.0  # within one step of the grid
    inner = np.all((theta > theta[0] * 1.01) & (theta < theta[-1] * 0.99), axis=1)
    assert ratios[inner] == pytest.approx(1.0, abs=0.15)


def test_a_feature_that_is_blind_to_the_rate_is_far_off_in_it_alone():
    theta = grid(8)
    random = np.random.default_rng(0)
    ratios, _ = neighbour_ratios(
        np.log(theta)[:, [0, 2]] + 1e-3 * random.standard_normal((512, 2)), theta, 7
    )
    assert ratios[:, 1].min() < 0.6
    assert ratios[:, 1].max() > 1.6
    assert ratios[:, [0, 2]] == pytest.approx(1.0, abs=0.2)


def test_no_feature_holds_all_published_extremes_at_the_largest_parameters():
    """40 other sounds with the least weighted distance from that corner are too far for them."""
    theta = np.log2(grid(16))
    step = (theta[-1] - theta[0]) / 15.0
    weights = np.array([0.35, 0.18, 0.47])
    allowed = -np.log2([BARS[name][0] for name in RANGES]) / step
    nearest = np.sort(((theta[-1] - theta) / step) @ weights)[1:41]
    assert nearest.mean() > 1.02 * (allowed @ weights)


def test_violins_are_drawn_from_the_table_alone():
    table = FigureTable(("feature", *RANGES, *(f"ratio_{name}" for name in RANGES)))
    random = np.random.default_rng(0)
    for name in FEATURES:
        table.rows += [(name, *row) for row in np.exp(0.1 * random.standard_normal((20, 6)))]
    figure = draw_ratios(table, 8)
    assert len(figure.axes) == len(RANGES)
    names = [t.get_text().replace("\n", " ") for t in figure.axes[0].get_xticklabels()]
    assert names == [*FEATURES]
