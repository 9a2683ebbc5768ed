"""Fears: half a preset is heard, samples are lost, memory stays behind, warnings at exit."""

import multiprocessing
import resource
import time
from pathlib import Path

import numpy as np
import pytest

from mesosynth.engine.meters import Load
from mesosynth.engine.shared import SOUND_FRAMES, ParameterBlock, Ring, SoundRing
from mesosynth.engine.status import COUNTED, AudioReport, AudioStatus, StatusBlock
from mesosynth.errors import ArgumentError

SHM = Path("/dev/shm")
PATTERN = np.array([1.0, 3.0, 5.0, 7.0, 11.0, 13.0, 17.0])


def keep_writing(block, seen_enough):
    k = 0
    while k % 100 or not seen_enough.is_set():
        k += 1
        block.write(k * PATTERN, k % 2 == 0)


def keep_ringing(ring, blocks, places):
    for i in range(blocks):
        places.acquire()
        ring.write(np.arange(i * 128, (i + 1) * 128, dtype=np.float32))


def test_no_vector_is_ever_torn():
    context = multiprocessing.get_context("spawn")
    with ParameterBlock(7) as block:
        seen, seen_enough = set(), context.Event()
        writer = context.Process(
            target=keep_writing, args=(ParameterBlock(7, block.name), seen_enough)
        )
        writer.start()
        while len(seen) < 5000 and writer.is_alive():
            values, playing = block.read()
            k = values[0]
            np.testing.assert_array_equal(values, k * PATTERN)
            assert k == 0 or playing == (k % 2 == 0)
            seen.add(k)
        seen_enough.set()
        writer.join()
        assert writer.exitcode == 0


def test_a_vector_caught_half_written_is_not_used():
    with ParameterBlock(7) as block, ParameterBlock(7, block.name) as reader:
        block.write(PATTERN, True)
        np.testing.assert_array_equal(reader.read()[0], PATTERN)
        whole = block._arrays["shared"].copy()
        block.write(2 * PATTERN, False)
        block._arrays["shared"][4:] = whole[4:]  # the writer has come no further than this
        values, playing = reader.read()
        np.testing.assert_array_equal(values, PATTERN)
        assert playing
        block.write(3 * PATTERN, False)
        np.testing.assert_array_equal(reader.read()[0], 3 * PATTERN)


def test_a_vector_of_another_length_is_refused():
    with ParameterBlock(7) as block, pytest.raises(ArgumentError, match=r"\(7,\)"):
        block.write(np.zeros(6), True)


def test_status_comes_back_as_it_was_told_and_counted():
    report = AudioReport(device="Bässe", silent=False, message="Ein Satz.")
    with StatusBlock() as block, StatusBlock(block.name) as reader:
        assert reader.read() == AudioStatus()
        block.publish(report)
        block.beat(3.5)
        load = Load(block.times)
        load.note(0.001, 0.25)
        numbers = dict.fromkeys(COUNTED, 0.0)
        numbers |= {"blocks": 2**40, "peak": 0.5, "audition": 1.5}
        numbers |= {"noted": load.noted, "longest": load.longest, "load_max": load.largest}
        block.count(*numbers.values())
        assert reader.report() == report
        assert reader.read() == AudioStatus(
            device="Bässe", silent=False, message="Ein Satz.", heartbeat=3.5, blocks=2**40,
            peak=0.5, audition=1.5, load=0.25, load_max=0.25, callback_ms_median=1.0,
            callback_ms_max=1.0,
        )  # fmt: skip
        del load


def _count_for_a_while(status: StatusBlock) -> None:
    end = time.monotonic() + 1.0
    while time.monotonic() < end:
        for _ in range(1000):
            status.count(*[7.0] * len(COUNTED))
    status.beat(1.0)


def test_no_count_is_read_as_zero_while_it_is_written():
    with StatusBlock() as status:
        status.count(*[7.0] * len(COUNTED))
        writer = multiprocessing.get_context("spawn").Process(
            target=_count_for_a_while, args=(status,)
        )
        writer.start()
        seen = set()
        counted = status._arrays["counted"]
        while not status._arrays["heartbeat"][0] and writer.is_alive():
            seen |= set(counted.tolist())
        writer.join()
        assert seen == {7.0}


def test_ring_keeps_every_sample_between_processes():
    context = multiprocessing.get_context("spawn")
    size = 4000  # comes round a dozen times
    places = context.Semaphore(size // 128 - 1)  # of blocks that are not read yet
    with Ring(size) as ring:
        writer = context.Process(target=keep_ringing, args=(Ring(size, ring.name), 400, places))
        writer.start()
        parts = []
        while writer.is_alive():
            parts.append(ring.read_new())
            for _ in range(len(parts[-1]) // 128):
                places.release()
            time.sleep(0.001)
        writer.join()
        parts.append(ring.read_new())
        np.testing.assert_array_equal(np.concatenate(parts), np.arange(400 * 128))


def test_ring_gives_the_latest_with_zeros_before_the_first():
    with Ring(10) as ring:
        ring.write(np.array([1, 2, 3], np.float32))
        np.testing.assert_array_equal(ring.latest(5), [0, 0, 1, 2, 3])
        ring.write(np.arange(4, 14, dtype=np.float32))
        np.testing.assert_array_equal(ring.latest(10), np.arange(4, 14))
        np.testing.assert_array_equal(ring.read_new(), np.arange(4, 14))
        assert len(ring.read_new()) == 0
        with pytest.raises(ArgumentError, match="frames=11"):
            ring.latest(11)


def test_nothing_stays_behind():
    blocks = [ParameterBlock(7), StatusBlock(), Ring(10)]
    assert all((SHM / block.name).exists() for block in blocks)
    for block in blocks:
        block.close()
        block.close()
    assert not any((SHM / block.name).exists() for block in blocks)


def test_nothing_stays_behind_a_script_that_forgets_to_close(script):
    process = script(
        "from mesosynth.engine.shared import Ring\n"
        "ring = Ring(10)\nview = ring._arrays['samples']\nprint(ring.name)\n"
    )
    out, err = process.communicate(timeout=100)
    assert not (SHM / out.strip()).exists()
    assert "resource_tracker" not in err


def test_the_sound_goes_on_where_the_ring_begins_again():
    with SoundRing() as ring:
        ring.begin(48000)
        block = np.zeros((2, 4096), np.float32)
        for _ in range(SOUND_FRAMES // 4096 - 1):
            ring.write(block)
        ring.write(block[:, :4000])
        sound = np.arange(256, dtype=np.float32).reshape(2, 128)
        ring.write(sound)  # 96 frames fit
        np.testing.assert_array_equal(ring.latest(128), sound.mean(axis=0))
        assert ring.read_new()[-1].frames[-128:].T.tolist() == sound.tolist()


def test_no_page_of_the_sound_is_mapped_while_it_is_written():
    def pages():
        return resource.getrusage(resource.RUSAGE_THREAD).ru_minflt

    with SoundRing() as session, SoundRing(session.name) as audio:
        audio.begin(48000)
        block, before = np.ones((2, 4096), np.float32), pages()
        for _ in range(SOUND_FRAMES // 4096):
            audio.write(block)
        assert pages() - before < 100  # of 2048
