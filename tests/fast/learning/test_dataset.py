"""Fears: sounds outside their cells, a wrong metric, and files that differ from run to run."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from mesosynth.errors import ArgumentError, LearningError
from mesosynth.learning.cluster import Cluster
from mesosynth.learning.dataset import (
    DatasetSettings,
    chunk_bytes,
    load_dataset,
    make_dataset,
)
from mesosynth.learning.perception import features_and_metric, perception
from mesosynth.matching.domain import DOMAINS, domain_named

SMALL = DatasetSettings("chirplet", cells=2, chunk=3, samples=4096)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    assert make_dataset(folder, SMALL) == 3
    return folder


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("name", DOMAINS)
def test_nu_and_parameters_are_inverse_and_inside_the_knobs(name):
    domain = domain_named(name)
    nu = np.random.default_rng(0).uniform(-1.0, 1.0, (50, len(domain.ids)))
    values = domain.values(torch.from_numpy(nu)).numpy()
    np.testing.assert_allclose(domain.nu(values), nu, atol=1e-12)
    step = 1e-6
    ahead = domain.values(torch.from_numpy(nu + step)).numpy()
    np.testing.assert_allclose((ahead - values) / step, domain.slope(values), rtol=1e-4)
    for id_, ends in domain.ranges.items():
        table = domain.model.parameters[id_]
        assert table.minimum <= ends[0] * 1.0000001
        assert ends[1] <= table.maximum * 1.0000001


def test_each_cell_holds_one_sound_whose_number_is_the_cell():
    settings = DatasetSettings("drum", cells=4)
    assert (settings.count, settings.chunks) == (1024, 32)
    for number in (0, 1, 5, 777, 1023):
        values, seed = settings.sound(number)
        digits = np.floor((settings.domain.nu(values) + 1.0) / 2.0 * 4).astype(int)
        assert int(digits @ 4 ** np.arange(5)[::-1]) == number
        assert np.array_equal(settings.sound(number)[0], values)
        assert 0 <= seed < 1 << 16


@pytest.mark.parametrize("name", DOMAINS)
def test_the_metric_is_the_square_of_the_jacobian_along_nu(name):
    """Phi at two near nus differs by d^T M d."""
    domain, samples = domain_named(name), 8192
    nu = np.full(len(domain.ids), 0.2)
    values = domain.values(torch.from_numpy(nu)).numpy()
    Phi, M = features_and_metric(domain, values, 3, samples)
    assert Phi.dtype == M.dtype == np.float64
    assert np.isfinite(M).all()
    d = np.random.default_rng(1).standard_normal(len(nu)) * 1e-6

    def features(nu):
        return features_and_metric(domain, domain.values(torch.from_numpy(nu)).numpy(), 3, samples)[
            0
        ]

    change = 0.5 * (features(nu + d) - features(nu - d))
    assert change @ change == pytest.approx(d @ M @ d, rel=1e-2)
    state = domain.state(values, 3)
    theta, onset = torch.from_numpy(state[:-2]), float(state[-2])
    heard = perception(samples)(domain.model.synthesize(theta, samples, 8192, onset))
    np.testing.assert_allclose(heard, Phi, atol=1e-2)  # within the transform's tolerance


def test_reading_gives_theta_metric_and_folds(folder):
    dataset = load_dataset(folder)
    assert dataset.numbers.tolist() == list(range(8))
    assert dataset.missing == ()
    assert dataset.M.shape == (8, 3, 3)
    for place in range(8):
        values, seed = SMALL.sound(place)
        assert np.array_equal(dataset.values[place], values)
        assert dataset.seeds[place] == seed
    folds = dataset.split()
    assert sorted(np.concatenate(folds)) == list(range(8))
    assert len(folds[1]) == 1


def test_broken_and_missing_files_are_listed_and_made_again(folder, tmp_path):
    whole = files(folder)
    for name, content in whole.items():
        (tmp_path / name).write_bytes(content)
    broken = bytearray(whole["chunk-00000.parquet"])
    broken[len(broken) // 3] ^= 0xFF
    (tmp_path / "chunk-00000.parquet").write_bytes(broken)
    (tmp_path / "chunk-00002.parquet").write_bytes(whole["chunk-00001.parquet"])
    dataset = load_dataset(tmp_path)
    assert dataset.missing == ("chunk-00000.parquet", "chunk-00002.parquet")
    assert dataset.numbers.tolist() == [3, 4, 5]
    assert make_dataset(tmp_path, SMALL) == 2
    assert files(tmp_path) == whole


def test_other_settings_do_not_mix(folder, tmp_path):
    with pytest.raises(LearningError, match="holds another data set"):
        make_dataset(folder, DatasetSettings("chirplet", cells=3, chunk=3, samples=4096))
    with pytest.raises(LearningError, match="holds no data set"):
        load_dataset(tmp_path)
    about = (folder / "dataset.json").read_text().replace('"version": 1', '"version": 0')
    (tmp_path / "dataset.json").write_text(about)
    with pytest.raises(LearningError, match="of version 0"):
        load_dataset(tmp_path)
    for wrong in ({"cells": 0}, {"cells": 30}, {"seed": -1}):
        with pytest.raises(ArgumentError):
            DatasetSettings("drum", **wrong)


def test_killed_it_goes_on_to_the_same_bytes(folder, tmp_path):
    """The first chunk is another process's."""
    code = (
        "from pathlib import Path; from mesosynth.learning.dataset import *;"
        f"make_dataset(Path({str(tmp_path)!r}), {SMALL!r})"
    )
    child = subprocess.Popen([sys.executable, "-c", code])
    try:
        while not (tmp_path / "chunk-00000.parquet").exists():
            assert child.poll() is None
            time.sleep(0.005)
        os.kill(child.pid, signal.SIGKILL)
    finally:
        child.wait()
    done: list[tuple[int, int]] = []
    assert make_dataset(tmp_path, SMALL, Cluster(workers=1), lambda *n: done.append(n)) <= 2
    assert done[0][0] >= 1
    assert done[-1] == (3, 3)
    whole = {k: v for k, v in files(tmp_path).items() if not k.startswith(".")}
    assert whole == files(folder)


def test_chunks_do_not_depend_on_threads():
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert chunk_bytes(SMALL, 2) == chunk_bytes(SMALL, 2)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
