"""Fears: a beat that drifts, swing that changes the tempo, a knob that restarts the beat."""

import pytest

from mesosynth.plugins.tempo import DIVISIONS, SHORTEST_PERIOD, Pulse, synced_period

SAMPLES = 1000  # a period


def starts(pulse, samples, swing=0.0, delays=(), samples_per_period=SAMPLES, stride=64):
    """The samples at which it starts, as an instrument would find them."""
    found, at, delays = [], 0, list(delays)
    while at < samples:
        wait = pulse.wait(samples_per_period)
        if wait <= 0:
            found.append(at)
            pulse.start(swing, delays.pop(0) if delays else 0.0)
            continue
        step = min(wait, stride, samples - at)
        pulse.advance(step / samples_per_period)
        at += step
    return found


@pytest.mark.parametrize(
    ("bpm", "division", "seconds"),
    [(120, "1/4", 0.5), (120, "1/8T", 1 / 6), (90, "1/8.", 0.5), (60, "1 bar", 4.0),
     (140, "1/16", 15 / 140), (30, "4 bars", 32.0), (300, "1/32", 0.025)],
)  # fmt: skip
def test_note_values(bpm, division, seconds):
    place = list(DIVISIONS).index(division)
    assert synced_period(bpm, place) == pytest.approx(max(seconds, SHORTEST_PERIOD))


def test_note_values_are_in_order_and_a_place_beyond_is_the_nearest():
    beats = list(DIVISIONS.values())
    assert beats == sorted(beats)
    assert synced_period(120, -3) == synced_period(120, 0)
    assert synced_period(120, 99) == synced_period(120, len(beats) - 1)
    assert synced_period(1e9, 0) == SHORTEST_PERIOD


def test_it_starts_at_once_and_then_by_the_period():
    assert starts(Pulse(), 3500) == [0, 1000, 2000, 3000]


def test_an_hour_later_it_has_not_drifted_by_a_sample():
    pulse, period = Pulse(), 0.1 * 48000
    pulse.start()
    for _ in range(36_000):
        assert pulse.wait(period) == 4800
        pulse.advance(4800 / period)
        pulse.start()


def test_swing_delays_every_other_start_and_keeps_the_pair():
    assert starts(Pulse(), 4500, swing=1 / 3) == [0, 1334, 2000, 3334, 4000]


def test_a_late_start_does_not_shift_the_next():
    assert starts(Pulse(), 3500, delays=[0.25, 0.0, 0.1]) == [0, 1250, 2000, 3100]


def test_a_change_of_period_keeps_the_place_in_the_beat():
    pulse = Pulse()
    pulse.start()
    pulse.advance(0.5)
    assert pulse.wait(1000) == 500
    assert pulse.wait(3000) == 1500


def test_restart_is_due_at_once():
    pulse = Pulse()
    pulse.start(0.5)
    pulse.advance(0.3)
    pulse.restart()
    assert pulse.wait(1000) <= 0
