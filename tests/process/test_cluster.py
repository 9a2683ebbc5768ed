"""Fears: a killed worker that takes results along, and errors that end the work of others."""

import os
import signal

import pytest
from job_functions import hashed, hashed_unless_odd

from mesosynth.errors import WorkerError
from mesosynth.learning.cluster import Cluster, spread

ITEMS = range(40)


def test_without_dask_items_are_done_here_one_after_another():
    one = Cluster(workers=1)
    assert dict(spread(hashed, ITEMS, one)) == {n: hashed(n) for n in ITEMS}
    found = dict(spread(hashed_unless_odd, range(3), one))
    assert str(found[1]) == "1 is odd"
    assert found[2] == hashed(2)


def test_a_killed_worker_costs_only_its_item():
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=3, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        there = Cluster(scheduler=cluster.scheduler_address)
        workers = list(client.run(os.getpid).values())
        assert len(set(workers)) == 3
        found = {}
        for item, result in spread(hashed, ITEMS, there):
            if not found:
                os.kill(workers[1], signal.SIGKILL)
            found[item] = result
        assert found == {n: hashed(n) for n in ITEMS}
        found = dict(spread(hashed_unless_odd, range(4), there))
        assert [str(found[n]) for n in (1, 3)] == ["1 is odd", "3 is odd"]
        assert found[2] == hashed(2)


def test_a_scheduler_that_is_not_there_is_told(monkeypatch):
    monkeypatch.setattr("mesosynth.learning.cluster._PATIENCE", 0.3)
    with pytest.raises(WorkerError, match="does not answer"):
        next(iter(spread(hashed, ITEMS, Cluster(scheduler="tcp://127.0.0.1:9"))))
