"""The fear: a machine that is held up is blamed on us, or an excuse is found for what is ours."""

import time

import numpy as np
import pytest

from benchmarks import stage
from benchmarks.soak import calm, cyclictest, slow_core, spans_in
from benchmarks.stage import Hands, Stage

STEP = 0.05
MISSED = [0, 0, 0, 7, 7, 7, 9, 9]
BOOKS = np.array([(STEP * n, 20 * n, missed, missed // 7) for n, missed in enumerate(MISSED)])


def test_only_time_in_which_and_before_which_the_machine_was_not_late_counts():
    # From 0.10 to 0.15 and, as it comes before that, from 0.15 to 0.20; not from 0.05 to 0.10.
    told = calm(BOOKS, np.array([[0.11, 0.12]]))
    assert told == {
        "share": pytest.approx(5 / 7), "blocks": 5 * 20, "underflows": 2,
        "per_100000": pytest.approx(2000.0),
    }  # fmt: skip


def test_a_long_stop_spoils_all_that_it_touches():
    assert calm(BOOKS, np.array([[0.06, 0.24], [0.07, 0.08]]))["blocks"] == (1 + 1) * 20
    assert calm(BOOKS, np.array([[-1.0, 1.0]])) == {
        "share": 0.0, "blocks": 0, "underflows": 0, "per_100000": 0.0
    }  # fmt: skip


def test_where_nothing_held_it_up_all_of_it_counts():
    told = calm(BOOKS, np.zeros((0, 2)))
    assert (told["share"], told["blocks"], told["underflows"]) == (pytest.approx(1.0), 140, 9)


def test_blocks_that_take_little_by_themselves_ran_on_a_slow_core():
    count, spans = slow_core(BOOKS, 0.2)
    assert count == 1
    np.testing.assert_allclose(spans, [[0.10, 0.15]])
    assert calm(BOOKS, spans)["underflows"] == 2


def test_blocks_that_take_long_by_themselves_are_ours():
    count, spans = slow_core(BOOKS, 0.6)
    assert (count, len(spans)) == (0, 0)


def test_what_cyclictest_says_is_understood():
    told = """# /dev/cpu_dma_latency set to 0us
T: 0 (21329) P:80 I:1000 C:  79782 Min:      7 Act:   32 Avg:   24 Max:    8666
T: 0 Spike:     317: TS:  12714640841
T: 1 Spike:    9220: TS:  12719154132
spikes = 2
"""
    np.testing.assert_allclose(
        spans_in(told), [[12714.640524, 12714.640841], [12719.144912, 12719.154132]], rtol=1e-12
    )
    assert spans_in("spikes = 0").shape == (0, 2)


@pytest.mark.usefixtures("real_time")
def test_it_watches_by_the_clock_of_the_books():
    began = time.monotonic()
    with cyclictest() as seen:
        time.sleep(1.0)
        assert seen.spans is None
    if seen.spans is None:
        pytest.skip("cyclictest is missing, or may not have real-time priority")
    assert ((seen.spans > began) & (seen.spans < time.monotonic())).all()


def test_own_work_does_not_count_what_interrupts_a_block_now_and_then(monkeypatch):
    took = np.full((stage.REPLAYS, 4), 0.1875)
    for i, once in enumerate(took):
        once[i % 4] = 40.0
    replays = iter(took)
    monkeypatch.setattr(stage, "_replay", lambda *_: next(replays))
    share = stage.own_work(lambda: pytest.fail("not needed"), 0.0, 4 * 128 / 48000)
    assert set(share.values()) == {0.1875}


def test_the_stage_is_played_as_hands_play_it():
    heard = []
    with Stage({}, (), 48000, 128) as played:
        hands = Hands(played, played.set_parameters)
        for i in range(200):
            if i % 4 == 0:
                hands.play()
            played.render()
            heard.append(float(np.abs(played.block).max()))
        voices = played.engine.rack.instrument.voices
    assert hands.count == {"events": 500, "moves": 50}
    assert max(heard) > 0.05
    assert voices > 8
