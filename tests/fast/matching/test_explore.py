from dataclasses import replace

import numpy as np
import pytest

from mesosynth.audio.target import ANALYSIS_RATE, ANALYSIS_SAMPLES, Target
from mesosynth.errors import ArgumentError
from mesosynth.instruments.chirplet import sweep_seconds
from mesosynth.matching.layers import render_layers
from mesosynth.matching.loss_map import map_steps, points, surface
from mesosynth.matching.model import Unknowns, state_of
from mesosynth.matching.operator import Operator
from mesosynth.matching.results import Cell, Layer, MapSettings

TARGET = {"f_c": 512.0, "f_m": 8.297, "gamma": 1.494, "w": 2.0}


@pytest.fixture(scope="module")
def operator():
    return Operator("mss")


def in_axes(point, state):
    """From the state to a point, with both axes, of two octaves each, as long."""
    return np.log([point.values[0] / state[1], point.values[1] / state[2]])


def test_cells_come_nearest_first_and_each_once():
    state = state_of(TARGET)
    found = points(state, ("f_m", "gamma"), (6, 5))
    distances = [np.linalg.norm(in_axes(point, state)) for point in found]
    assert np.all(np.diff(distances) > -1e-9)
    assert {(point.i, point.j) for point in found} == set(np.ndindex(6, 5))


def test_a_point_off_the_middle_is_where_the_map_begins():
    state = state_of({**TARGET, "f_m": 4.0, "gamma": 0.5})
    first, *_, last = points(state, ("f_m", "gamma"), (5, 4), ((4.0, 16.0), (0.5, 4.0)))
    assert first.values == pytest.approx((4.0, 0.5))
    assert last.values == pytest.approx((16.0, 4.0))


def test_a_map_may_be_of_any_two_parameters_and_of_falling_arpeggios():
    state = state_of({**TARGET, "gamma": -1.5, "am_shape": 0.1})
    found = points(state, ("gamma", "am_shape"), (3, 3))
    assert all(-3.001 <= point.values[0] <= -0.749 for point in found)
    assert all(0.0 <= point.values[1] <= 0.351 for point in found)
    assert all(point.state[1] == state[1] for point in found)  # f_m stays


def test_a_map_passes_a_chirp_rate_of_zero():
    state = state_of({**TARGET, "gamma": 0.0})
    found = points(state, ("f_m", "gamma"), (2, 5), ((4.0, 16.0), (-2.0, 2.0)))
    rates = sorted({round(point.values[1], 6) for point in found})
    assert rates[::2] == [-2.0, 0.0, 2.0]
    nearest = points(state, ("f_m", "gamma"), (5, 5))[0]
    assert nearest.values == pytest.approx((TARGET["f_m"], 0.0))


def test_loss_is_zero_at_the_target_and_its_gradient_is_that_of_finite_differences(operator):
    S_target = operator.analyse(operator.synthesize(state_of(TARGET)[:7]))
    state = state_of(TARGET)
    ranges = ((TARGET["gamma"], 2.0), (TARGET["f_m"], 10.0))
    steps = surface(operator, S_target, state, ("gamma", "f_m"), (2, 2), ranges)
    at_target, *_, far = (step for step in steps if step is not None)
    assert at_target.loss < 1e-9
    assert far.values == pytest.approx((2.0, 10.0))

    def loss(d_gamma, d_f_m):
        moved = Unknowns((1, 2)).moved(
            state_of({**TARGET, "gamma": 2.0, "f_m": 10.0}), np.array([d_f_m, d_gamma])
        )
        return 0.5 * np.square(operator.linearize(moved, (1,)).S - S_target).sum()

    h = 1e-3
    numeric = [(loss(h, 0) - loss(-h, 0)) / (2 * h), (loss(0, h) - loss(0, -h)) / (2 * h)]
    assert far.loss == pytest.approx(loss(0, 0), rel=1e-6)
    assert far.gradient == pytest.approx(numeric, rel=0.02, abs=1e-4)


def test_a_map_can_be_left_in_the_middle_of_a_cell(operator):
    S_target = operator.analyse(operator.synthesize(state_of(TARGET)[:7]))
    steps = list(surface(operator, S_target, state_of(TARGET), grid=(2, 2)))
    assert len(steps) == 4 * 7  # six looks up to each cell
    assert [isinstance(step, Cell) for step in steps[:14]] == 2 * [*6 * [False], True]


@pytest.mark.parametrize(
    ("axes", "grid", "ranges", "said"),
    [
        (("f_m", "nothing"), (3, 3), None, "'nothing'"),
        (("f_m", "f_m"), (3, 3), None, "two different"),
        (("f_m", "gamma"), (1, 3), None, r"grid=\(1, 3\)"),
        (("f_m", "gamma"), (3, 3), ((-4.0, 16.0), (0.5, 4.0)), "one sign"),
        (("f_m", "gamma"), (3, 3), ((4.0, 4.0), (0.5, 4.0)), "two different"),
        (("f_m", "gamma"), (3, 3), ((4.0, float("nan")), (0.5, 4.0)), "nan"),
    ],
)
def test_a_map_that_cannot_be_is_refused(axes, grid, ranges, said):
    with pytest.raises(ArgumentError, match=said):
        points(state_of(TARGET), axes, grid, ranges)


def test_the_map_of_a_layer_is_of_the_sum_of_all():
    theta = {"f_c": 700.0, "f_m": 8.0, "gamma": 2.0, "w": 2.0, "am_shape": 1.0, "am_depth": 1.0,
             "brightness": 0.0}  # fmt: skip
    lead = sweep_seconds(theta["w"], theta["gamma"]) / 2.0
    own = Layer(theta, onset=2.0, level=0.3)
    other = Layer({**theta, "f_c": 2000.0, "gamma": -4.0}, onset=1.5, level=0.3)
    audio = render_layers([own, other], ANALYSIS_SAMPLES, ANALYSIS_RATE)
    target = Target("two.wav", audio, 0.0, 1.0, "")
    moving = replace(own, theta={}, onset=own.onset - lead)
    settings = MapSettings(("f_m", "gamma"), theta, (3, 3), ((4.0, 16.0), (1.0, 4.0)))

    def losses(*layers):
        found = np.full((3, 3), np.nan)
        for step in map_steps(target, "chirplet", replace(settings, layers=layers)):
            if isinstance(step, Cell):
                found[step.i, step.j] = step.loss
        return found

    with_other = losses(moving, other)
    assert with_other[1, 1] < 1e-6  # f_m = 8 Hz and gamma = 2 oct/s
    assert np.delete(with_other, 4).min() > 1e-3
    assert losses(moving)[1, 1] > 1e-2  # without the other one nothing sounds like the target
