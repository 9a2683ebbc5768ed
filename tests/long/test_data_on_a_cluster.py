"""Fear: a data set that differs, or stops, when a worker of the cluster is killed."""

import os
import signal
import subprocess
import sys
import time

import pytest

from mesosynth.learning.cluster import Cluster
from mesosynth.learning.dataset import DatasetSettings, make_dataset

SETTINGS = DatasetSettings("chirplet", cells=3, chunk=2, samples=4096)


@pytest.fixture
def cluster(tmp_path):
    """Dask's own scheduler, and the processes of three workers."""
    file = tmp_path / "scheduler.json"

    def start(what, *more):
        words = [sys.executable, "-m", f"distributed.cli.dask_{what}", "--scheduler-file", file]
        return subprocess.Popen([*words, *more], stderr=subprocess.DEVNULL)

    children = [start("scheduler", "--port", "0", "--no-dashboard", "--host", "127.0.0.1")]
    try:
        while not file.exists():
            assert children[0].poll() is None
            time.sleep(0.05)
        children += [
            start("worker", "--nthreads", "1", "--no-nanny", "--no-dashboard",
                  "--local-directory", tmp_path / str(number))
            for number in range(3)
        ]  # fmt: skip
        yield file, children[1:]
    finally:
        for child in children:
            child.kill()
            child.wait()


def test_a_killed_worker_changes_no_byte(cluster, tmp_path):
    import json

    from distributed import Client

    file, workers = cluster
    address = json.loads(file.read_text())["address"]
    with Client(address) as client:
        client.wait_for_workers(3, timeout=60)
    make_dataset(tmp_path / "alone", SETTINGS)

    def kill(done, total):
        if done == 2:
            os.kill(workers[0].pid, signal.SIGKILL)

    made = make_dataset(tmp_path / "spread", SETTINGS, Cluster(scheduler=address), kill)
    assert made == SETTINGS.chunks == 14
    assert workers[0].wait(5) == -signal.SIGKILL
    assert [worker.poll() for worker in workers[1:]] == [None, None]
    alone, spread = (
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}
        for name in ("alone", "spread")
    )
    assert alone == spread
