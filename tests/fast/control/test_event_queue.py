"""Fears: a note that is lost, late, early, torn or stuck; a callback that allocates or waits."""

# pyright: basic, reportArgumentType=false

import itertools
import multiprocessing
import os
import signal
import threading
import time

import numpy as np
import pytest
from allocation import tracing

from mesosynth.engine.callback import HOLD, MOST, BlockClock, Engine, EventInbox
from mesosynth.engine.rack import Rack
from mesosynth.engine.shared import MAX_EVENTS, MOVED, EventQueue, ParameterBlock, SoundRing
from mesosynth.plugins.parameters import Parameter, ParameterTable
from mesosynth.plugins.plugin import EventKind, Instrument

RATE, FRAMES = 48000, 128
BLOCK = FRAMES / RATE
KINDS = EventKind


class Clock:
    """Time as the inbox sees it, in a test's hands."""

    def __init__(self):
        self.now = 100.0

    def inbox(self, *queues):
        inbox = EventInbox(queues, clock=lambda: self.now)
        inbox.prepare(RATE, 4)
        return inbox


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def queue():
    with EventQueue() as made:
        yield made


def take_all(queue):
    taken = []
    while (record := queue.peek()) is not None:
        queue.take()
        taken.append(record)
    return taken


def push_numbers(queue, count):
    for i in range(count):
        while not queue.push(KINDS.PRESSURE, i % 16, i % 128, float(i)):
            time.sleep(0.0005)


def test_what_another_process_pushes_arrives_whole_and_in_order(queue):
    count = 20_000
    other = multiprocessing.get_context("spawn").Process(target=push_numbers, args=(queue, count))
    other.start()
    arrived, deadline = [], time.monotonic() + 120
    while len(arrived) < count and time.monotonic() < deadline:
        news = [r for r in take_all(queue) if r[3] != KINDS.ALL_OFF]
        assert all(r[1] % 16 == r[4] and r[1] % 128 == r[5] for r in news)
        arrived += [r[1] for r in news]
        time.sleep(0.001)
    other.join()
    assert arrived == list(range(count))


def test_a_writer_killed_in_the_middle_leaves_whole_events_and_its_heir_goes_on(queue):
    other = multiprocessing.get_context("spawn").Process(target=push_numbers, args=(queue, 10**9))
    other.start()
    deadline = time.monotonic() + 120
    while queue.peek() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(other.pid, signal.SIGKILL)
    other.join()
    first = take_all(queue)
    assert [r[1] for r in first] == list(range(len(first)))
    heir = EventQueue(queue.name)
    heir.push(KINDS.NOTE_ON, 0, 60, 1.0)
    assert [r[5] for r in take_all(queue)] == [60]
    heir.close()


def test_an_event_that_was_heard_before_it_was_counted_is_not_written_over(queue):
    """Its writer was killed between the two."""
    queue.push(KINDS.NOTE_ON, 0, 60, 1.0)
    queue._arrays["header"][0] = 0
    assert len(take_all(queue)) == 1
    heir, listener = EventQueue(queue.name), EventQueue(queue.name)
    listener.skip()
    assert listener.peek() is None
    heir.push(KINDS.NOTE_OFF, 0, 60)
    assert [r[3] for r in take_all(queue)] == [KINDS.NOTE_OFF]
    queue._arrays["header"][0] = 1
    queue.resume()
    queue.push(KINDS.NOTE_ON, 0, 61, 1.0)
    assert [r[5] for r in take_all(queue)] == [61]
    heir.close()
    listener.close()


def test_a_full_queue_refuses_and_then_ends_all_notes(queue):
    assert all(queue.push(KINDS.NOTE_ON, 0, 60, 0.5) for _ in range(MAX_EVENTS))
    assert not queue.push(KINDS.NOTE_OFF, 0, 60)
    assert len(take_all(queue)) == MAX_EVENTS
    assert queue.push(KINDS.NOTE_ON, 0, 61, 0.5)
    assert [r[3] for r in take_all(queue)] == [KINDS.ALL_OFF, KINDS.NOTE_ON]


def test_threads_may_push_at_once(queue):
    threads = [
        threading.Thread(target=push_numbers, args=(queue, 1000), daemon=True) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    records = take_all(queue)
    assert sorted(r[1] for r in records) == sorted(4 * list(range(1000)))
    assert [r[2] for r in records] == list(range(1, 4001))


def test_torn_records_are_not_believed(queue):
    """Bytes of the next record appear in any order; only the last one makes it real."""
    queue.push(KINDS.NOTE_ON, 3, 60, 0.7)
    records = queue._arrays["records"]
    whole = records[:28].copy()
    records[:28] = 0
    for place in np.random.default_rng(0).permutation(28):
        if whole[place]:
            assert queue.peek() is None
            records[place] = whole[place]
    assert queue.peek()[3:] == (KINDS.NOTE_ON, 3, 60)


def test_an_event_lies_one_block_later_at_its_own_distance(queue, clock):
    inbox, heard, stamps = clock.inbox(queue), [], []
    rng = np.random.default_rng(1)
    for n in range(2000):
        begin = 100.0 + n * BLOCK
        clock.now = begin + float(rng.uniform(0, 0.3 * BLOCK))  # callbacks jitter
        events = inbox.take(FRAMES, True)
        heard += [n * FRAMES + int(e["frame"]) for e in events]
        for offset in sorted(rng.random(n % 3)):
            stamps.append(begin + (0.3 + 0.7 * offset) * BLOCK)
            queue.push(KINDS.NOTE_ON, 0, 60, 0.5, stamp=stamps[-1])
    stamps = np.array(stamps[: len(heard)])
    delay = np.array(heard)[500:] / RATE - (stamps[500:] - 100.0)
    # A constant delay, give or take what filtering leaves of the callbacks' jitter.
    assert len(heard) > 1900
    assert np.ptp(delay) < 0.1 * BLOCK
    assert 0.8 * BLOCK < np.median(delay) < 1.3 * BLOCK


def delays_of(inbox, queue, clock, late):
    """Delays of events in the sound, s; one happens in the middle of each block.

    `late` is how late each callback is, in blocks.
    """
    delays, sent = np.zeros(len(late)), 0
    for n, callback in enumerate(100.0 + BLOCK * (np.arange(len(late)) + late)):
        while sent < len(late) and (stamp := 100.0 + BLOCK * (sent + 0.5)) < callback:
            queue.push(KINDS.PRESSURE, 0, 0, float(sent), stamp=stamp)
            sent += 1
        clock.now = callback
        for event in inbox.take(FRAMES, True):
            i = int(event["value"])
            delays[i] = n * BLOCK + int(event["frame"]) / RATE - BLOCK * (i + 0.5)
    return delays


def test_events_keep_their_distances_where_a_busy_machine_calls_late(queue, clock):
    late = np.random.default_rng(2).uniform(0.0, 0.8, 1000)
    for stall in range(300, 900, 100):  # of 27 ms; then the callbacks come in quick succession
        late[stall : stall + 10] = np.arange(10.0, 0.0, -1.0)
    delays = delays_of(clock.inbox(queue), queue, clock, late)[200:985]
    assert np.ptp(delays) < 0.0025


def test_events_are_soon_in_time_after_the_device_ran_dry(queue, clock):
    late = np.zeros(1000)
    late[400:] = 10.0
    delays = delays_of(clock.inbox(queue), queue, clock, late)
    assert delays[100:390] == pytest.approx(BLOCK, abs=0.1 * BLOCK)
    late_by = delays[400:985] + 9.0 * BLOCK  # the sound stood still for ten blocks
    assert late_by.max() < 10.5 * BLOCK
    assert np.abs(late_by[300:]).max() < 0.3 * BLOCK


def test_the_clock_starts_anew_after_a_pause():
    clock = BlockClock()
    clock.begin(1.0, BLOCK)
    assert clock.begin(9.0, BLOCK) == 9.0
    assert clock.begin(3.0, BLOCK) == 3.0


def test_two_queues_are_merged_by_time_and_frames_never_go_back(queue, clock):
    with EventQueue() as other:
        inbox = clock.inbox(queue, other)
        inbox.take(FRAMES, True)
        for i in range(40):
            source = (queue, other)[i % 2]
            source.push(KINDS.PRESSURE, 0, i, 0.0, stamp=clock.now + i / 40 * BLOCK)
        clock.now += BLOCK
        events = inbox.take(FRAMES, True)
    assert list(events["note"]) == list(range(40))
    assert (np.diff(events["frame"]) >= 0).all()
    assert events["frame"].max() < FRAMES


def test_a_flood_is_spread_over_blocks_and_nothing_is_lost(queue, clock):
    inbox = clock.inbox(queue)
    for i in range(3 * MOST):
        queue.push(KINDS.PRESSURE, 0, 0, float(i), stamp=clock.now - 1.0)
    taken = [list(inbox.take(FRAMES, True)["value"]) for _ in range(4)]
    assert [len(values) for values in taken] == [MOST, MOST, MOST, 0]
    assert list(itertools.chain(*taken)) == list(range(3 * MOST))


@pytest.mark.parametrize(("keys", "first"), [(4, 4), (10, 5), (40, 20)])
def test_of_many_keys_at_once_half_are_heard_a_block_later_and_none_later_still(
    queue, clock, keys, first
):
    inbox = clock.inbox(queue)
    inbox.take(FRAMES, True)
    for note in range(keys):
        queue.push(KINDS.NOTE_ON, 0, note, 0.5, stamp=clock.now + 0.5 * BLOCK)
    taken = []
    for _ in range(3):
        clock.now += BLOCK
        taken.append([(int(e["note"]), int(e["frame"])) for e in inbox.take(FRAMES, True)])
    assert [len(events) for events in taken] == [first, keys - first, 0]
    assert [note for events in taken for note, _ in events] == list(range(keys))
    assert {frame for _, frame in taken[0]} <= {FRAMES // 2 - 1, FRAMES // 2}
    assert {frame for _, frame in taken[1]} <= {0}


def test_a_long_block_takes_all_keys_that_came_in_it(queue, clock):
    inbox = clock.inbox(queue)
    inbox.take(4096, True)
    for note in range(100):
        queue.push(KINDS.NOTE_ON, 0, note, 0.5, stamp=clock.now + note / 100 * 4096 / RATE)
    clock.now += 4096 / RATE
    assert len(inbox.take(4096, True)) == 100


def test_what_was_meant_for_a_dead_reader_is_forgotten(queue, clock):
    queue.push(KINDS.NOTE_ON, 0, 60, 1.0, stamp=clock.now - 1)
    inbox = clock.inbox(EventQueue(queue.name))
    assert len(inbox.take(FRAMES, True)) == 0


def kinds(events):
    return [KINDS(kind).name for kind in events["kind"]]


def test_a_note_wakes_what_does_not_play_and_the_transport_takes_over(queue, clock):
    inbox = clock.inbox(queue)

    def heard(playing, *pushed):
        for kind in pushed:
            queue.push(kind, 0, 60, 1.0, stamp=clock.now - 1)
        return kinds(inbox.take(FRAMES, playing)), inbox.awake

    assert heard(False) == ([], False)
    assert heard(False, KINDS.NOTE_OFF) == (["NOTE_OFF"], False)
    assert heard(False, KINDS.NOTE_ON) == (["STOP", "NOTE_ON"], True)
    assert heard(False, KINDS.NOTE_ON) == (["STOP", "NOTE_ON"], True)
    assert heard(False) == (["STOP"], True)  # whoever plays by now has to know
    assert heard(True) == (["START"], False)
    assert heard(True, KINDS.NOTE_ON) == (["NOTE_ON"], False)
    assert heard(False) == ([], False)
    assert heard(False, KINDS.START) == (["START"], True)
    assert heard(True) == ([], False)  # it runs already


def test_a_panic_forgets_notes_that_are_on_their_way(queue, clock):
    inbox = clock.inbox(queue)
    queue.push(KINDS.NOTE_ON, 0, 60, 1.0, stamp=clock.now - 1)
    assert kinds(inbox.take(FRAMES, False)) == ["STOP", "NOTE_ON"]
    queue.push(KINDS.NOTE_ON, 0, 61, 1.0, stamp=clock.now - 1)
    inbox.sleep()
    assert kinds(inbox.take(FRAMES, False)) == []
    assert not inbox.awake
    queue.push(KINDS.NOTE_ON, 0, 62, 1.0, stamp=clock.now - 1)
    assert kinds(inbox.take(FRAMES, False)) == ["STOP", "NOTE_ON"]


def test_a_move_is_heard_at_once_and_yields_to_the_session(queue, clock):
    inbox = clock.inbox(queue)
    session = np.array([1.0, 2.0, 3.0, 4.0])

    def heard():
        inbox.take(FRAMES, True)
        return list(inbox.moves.apply(session, True))

    assert heard() == [1, 2, 3, 4]
    queue.push(MOVED, 0, 2, 9.0, stamp=clock.now - 1)
    queue.push(MOVED, 2000 >> 8, 2000 & 0xFF, 9.0, stamp=clock.now - 1)  # there is no such place
    assert heard() == [1, 2, 9, 4]
    session[2] = 8.0  # an older move, on its way through the session
    assert heard() == [1, 2, 9, 4]
    clock.now += 2 * HOLD
    assert heard() == [1, 2, 8, 4]
    queue.push(MOVED, 0, 2, 7.0, stamp=clock.now - 1)
    clock.now += 9 * HOLD
    assert heard() == [1, 2, 7, 4]
    clock.now += 9 * HOLD  # a session that is busy
    assert heard() == [1, 2, 7, 4]
    session[2] = 5.0
    assert heard() == [1, 2, 5, 4]


class Listener(Instrument):
    """Sounds as its parameter says while a note is held."""

    name = "Listener"
    parameters = ParameterTable([Parameter("level", "Level", "", 0.0, 1.0, 0.5, "The output.")])

    def prepare(self, sample_rate, max_block):
        self.reset()

    def reset(self):
        self.held = 0

    def process(self, values, events, block):
        for i in range(len(events)):
            kind = int(events["kind"][i])
            self.held += (kind == KINDS.NOTE_ON) - (kind == KINDS.NOTE_OFF)
        block.fill(values[0] if self.held else 0.0)


def test_the_engine_hears_notes_and_moves_and_allocates_nothing(queue):
    rack = Rack(Listener())
    with ParameterBlock(1) as parameters, SoundRing() as output:
        parameters.write(np.array([0.5]), False)
        engine = Engine(rack, parameters, output, EventInbox([queue]))
        engine.prepare(RATE, FRAMES)
        block, peaks, loudest = np.zeros((2, FRAMES), np.float32), [], []
        with tracing() as peak_of:
            for i in range(96):
                queue.push(KINDS.NOTE_ON if i % 2 else KINDS.NOTE_OFF, 0, 60, 1.0)
                queue.push(MOVED, 0, 0, 0.25)
                time.sleep(0.002)
                peaks.append(peak_of(engine.render, block, False))
                loudest.append(float(block.max()))
    assert max(loudest) == pytest.approx(0.25)
    assert np.reshape(peaks, (-1, 8)).min(axis=0).max() < 3000
