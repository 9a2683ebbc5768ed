"""The fears: ratios of things that were not measured side by side, and a machine out of memory.

Kymatio and SCRAPL themselves are too large to install here: the script that measures them runs on
stand-ins with their interfaces, and the contest on children whose seconds are known.
"""

import importlib.util
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from benchmarks import peers
from benchmarks.child import Child, Measured
from benchmarks.jtfs_case import Case
from benchmarks.peers import SCRIPT
from mesosynth.errors import WorkerError

# ------------------------------------------------------------------ the script


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory):
    """A folder with a scrapl that brings a kymatio, as the real one does."""
    folder = tmp_path_factory.mktemp("peers")
    module = folder / "scrapl" / "kymatio" / "kymatio" / "torch.py"
    module.parent.mkdir(parents=True)
    (folder / "scrapl" / "__init__.py").touch()
    (module.parent / "__init__.py").touch()
    stand_in = """
        import torch

        class {name}:
            def __init__(self, shape, J, Q, J_fr, Q_fr, T, F, **more):
                assert more == {more} and isinstance(shape, tuple) and len(Q) == 2
                self.weights = torch.arange(1.0, shape[0] + 1)

            def __call__(self, x):
                return (self.weights * x).square()

            def meta(self):
                return {{"key": [(0,), (1,), (2, 0), (2, 1), (3, 0), (3, 1)]}}

            def scattering_singlepath(self, x, n2, n_fr):
                return {{"coef": (10 * n2 + n_fr) * self(x)}}
        """
    module.write_text(
        textwrap.dedent(stand_in.format(name="TimeFrequencyScattering", more={"format": "time"}))
    )
    (folder / "scrapl" / "single_path_jtfs.py").write_text(
        textwrap.dedent(stand_in.format(name="TimeFrequencyScrapl", more={}))
    )
    return folder


@pytest.fixture(scope="module")
def theirs(stand_ins):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(stand_ins))
        child = Child("the peers", [sys.executable, str(SCRIPT), "1"], 1)
    with child:
        yield child


def case(sound, **changes):
    return {"program": "kymatio", "work": "gradient", "shape": 4, "J": 12, "Q": (8, 2), "J_fr": 5,
            "Q_fr": 2, "T": None, "F": 0, "sound": str(sound), **changes}  # fmt: skip


def test_the_script_differentiates_the_norm_along_the_tangents(theirs, tmp_path):
    x, dx = np.array([1.0, -2.0, 3.0, 0.5], np.float32), np.eye(4, dtype=np.float32)[:2]
    np.savez(tmp_path / "sound.npz", x=x, dx=dx)
    weights = np.arange(1.0, 5.0)
    S = (weights * x) ** 2
    for changes, factor in (
        ({}, 1.0), ({"work": "value"}, 1.0),
        # four paths: (2, 0), (2, 1), (3, 0), (3, 1)
        ({"program": "scrapl", "F": None, "path": 0.8}, 31.0),
        ({"program": "scrapl", "F": None, "path": 0.3}, 21.0),
    ):  # fmt: skip
        theirs.prepare("it", case(tmp_path / "sound.npz", **changes))
        assert theirs.run("it", 1).seconds
        theirs.save("it", str(tmp_path / "result.npz"))
        with np.load(tmp_path / "result.npz") as result:
            np.testing.assert_allclose(result["S"].ravel(), factor * S, rtol=1e-6)
            if changes.get("work") != "value":
                slope = factor * (S * 2 * weights**2 * x)[:2] / np.linalg.norm(S)
                np.testing.assert_allclose(result["gradient"].ravel(), slope, rtol=1e-5)


def test_the_script_differentiates_the_distance_to_a_target(theirs, tmp_path):
    x, target = (np.array(v, np.float32) for v in ([1.0, -2.0, 3.0, 0.5], [1.0, 2.0, 1.0, 0.0]))
    dx = np.eye(4, dtype=np.float32)[:3]
    np.savez(tmp_path / "sound.npz", x=x, dx=dx, target=target)
    theirs.prepare("it", case(tmp_path / "sound.npz", program="scrapl", work="distance", F=None,
                              path=0.3))  # fmt: skip
    weights = np.arange(1.0, 5.0)
    residual = 21.0 * weights**2 * (x**2 - target**2)
    loss = np.linalg.norm(residual)
    answer = theirs.report("it")
    assert answer["loss"] == pytest.approx(loss, rel=1e-5)
    slope = residual * 42.0 * weights**2 * x / loss
    np.testing.assert_allclose(answer["gradient"], slope[:3], rtol=1e-5)


# ------------------------------------------------------------------ the contest


class Slowing:
    """A child on a machine that gets slower with everything it does; ours is 10 times as fast."""

    clock = 0

    def __init__(self, cost, answers=None):
        self.cost, self.answers, self.log = cost, answers or {}, []

    def prepare(self, name, case):
        return 0.0

    def run(self, name, repeats):
        Slowing.clock += 1
        self.log.append((name, repeats, Slowing.clock))
        return Measured([self.cost * 2.0 ** (Slowing.clock // 100)] * repeats, float(self.cost))

    def save(self, name, path):
        np.savez(path, **self.answers.get(name, {"x": np.zeros(1)}))


def test_ratios_are_of_neighbours_in_time(tmp_path):
    S = np.array([3.0, 4.0])
    dS = np.array([[1.0, 0.0], [0.0, 5.0]])
    ours = Slowing(1.0, {"frames/value/exact": {"S": S}, "frames/jvp2/exact": {"S": S, "dS": dS}})
    theirs = Slowing(
        10.0,
        {
            "kymatio/frames/value": {"S": S * 1.01},
            "kymatio/frames/gradient": {"gradient": dS @ S / 5.0},
        },
    )
    cases = [Case("frames", work, "exact") for work in ("value", "jvp2", "jvp4")]
    both = {"kymatio": theirs, "scrapl": theirs}
    contest = peers._Contest(ours, both, str(tmp_path), cases)
    for round_ in range(3):
        for rival in peers.RIVALS:
            contest.meet(rival, round_)
            Slowing.clock += 100  # the machine is half as fast from here on
    outcome = contest.outcome()
    ratios = {(row["ours"], row["theirs"]): row for row in outcome["ratios"]}
    assert set(ratios) == {
        ("frames/value/exact", "kymatio/frames/value"),
        ("frames/jvp2/exact", "kymatio/frames/gradient"),
        ("frames/jvp4/exact", "kymatio/frames/gradient"),
        ("frames/jvp2/exact", "scrapl/frames/gradient"),
        ("frames/jvp4/exact", "scrapl/frames/gradient"),
    }
    for row in ratios.values():
        assert row["ratio"]["median"] == pytest.approx(10.0)
        assert row["rounds"] == 3
    value = ratios["frames/value/exact", "kymatio/frames/value"]
    assert value["error"] == pytest.approx(0.01 / 1.01)
    assert ratios["frames/jvp2/exact", "kymatio/frames/gradient"]["error"] < 1e-12
    assert ratios["frames/jvp4/exact", "kymatio/frames/gradient"]["error"] is None
    assert ratios["frames/jvp2/exact", "scrapl/frames/gradient"]["error"] is None
    assert {(row["name"], row["peak_mb"]) for row in outcome["theirs"]} == {
        ("kymatio/frames/value", 10.0),
        ("kymatio/frames/gradient", 10.0),
        ("scrapl/frames/gradient", 10.0),
    }
    # A minute's gradient is never run to warm up, and SCRAPL's paths differ from round to round.
    assert [n for name, n, _ in theirs.log if name == "kymatio/frames/gradient"] == [1, 1, 1]


def test_paths_of_scrapl_are_spread_and_change_with_the_round():
    rival = next(r for r in peers.RIVALS if r.program == "scrapl")
    rounds = [[c["path"] for c in rival.cases("sound.npz", r)] for r in range(3)]
    assert len({tuple(paths) for paths in rounds}) == 3
    for paths in rounds:
        assert np.all(np.diff(paths) == pytest.approx(1 / len(paths)))
        assert 0.0 <= min(paths)
        assert max(paths) < 1.0


def test_too_little_memory_is_refused_before_anything_starts(monkeypatch):
    monkeypatch.setattr(peers, "memory_bytes", lambda: (24_000_000_000, 3_000_000_000))
    with pytest.raises(WorkerError, match=r"16 GB of memory and 3\.0 GB are free.*--gradients 0"):
        peers.check_memory()
    for enough in (24_000_000_000, None):
        monkeypatch.setattr(peers, "memory_bytes", lambda enough=enough: (None, enough))
        peers.check_memory()


# ------------------------------------------------------------------ the environment


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(peers, "user_cache_path", lambda *a, **k: tmp_path)
    return tmp_path


def test_an_environment_that_cannot_be_made_says_why_and_is_not_taken_for_done(
    cache, monkeypatch, tmp_path
):
    # pip without an index: as on a machine without a network, but at once.
    for name, value in (("NO_INDEX", "1"), ("FIND_LINKS", ""), ("CONFIG_FILE", "/dev/null")):
        monkeypatch.setenv(f"PIP_{name}", value)
    said = []
    with pytest.raises(WorkerError, match=r"cannot be made; -m pip install said: ERROR: .*numpy"):
        peers.peers_python(said.append)
    assert any("numpy" in line for line in said)
    assert not peers.is_complete(peers.environment_folder())


def test_an_environment_that_is_there_is_used_again_and_finds_our_torch(cache):
    folder = peers.environment_folder()
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    (folder / "complete.txt").write_text(peers._contents())
    said = []
    python = peers.peers_python(said.append)
    assert said == []
    where = "import importlib.util as util; print(util.find_spec('torch').origin)"
    found = subprocess.run(
        [python, "-E", "-s", "-c", where], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == importlib.util.find_spec("torch").origin
    (folder / "complete.txt").write_text("scrapl-loss==0.0.9")
    assert not peers.is_complete(folder)


def test_a_python_without_wheels_is_refused_at_once(cache, monkeypatch):
    monkeypatch.setattr(peers, "_NEWEST_PYTHON", (3, 10))
    with pytest.raises(WorkerError, match=r"needs Python 3\.10 or older"):
        peers.peers_python(print)
    assert list(cache.iterdir()) == []
