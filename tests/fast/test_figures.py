import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.image import imread

from mesosynth.cli.main import main
from mesosynth.errors import ArgumentError
from mesosynth.paper import convergence, maps
from mesosynth.paper.convergence import CONVERGENCE, REGIMES, draw_starts
from mesosynth.paper.descents import METHODS, Runner, bold_driver
from mesosynth.paper.figures import (
    FIGURES,
    FigureFolder,
    fingerprint,
    make_figures,
    paper_figure,
)
from mesosynth.paper.losses import CODE, F_M, GAMMA, PAPER, TARGET, PaperLoss


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_target_is_the_grids():
    assert pytest.approx((8.297, 1.494), abs=5e-4) == TARGET


def test_pictures_and_tables_are_made_once_and_again_when_asked(tmp_path):
    first = make_figures(tmp_path, (1, 2), quick=True)["figures"]
    assert [entry["made"] for entry in first] == [True, True]
    for entry in first:
        picture = imread(entry["picture"])
        assert min(picture.shape[:2]) > 200
        assert picture[..., :3].std() > 0.02
    chirps = rows(tmp_path / "figure_1_chirp_pairs.csv")
    jtfs = [float(row["jtfs_distance"]) for row in chirps]
    mss = [float(row["mss_distance"]) for row in chirps]
    assert jtfs[0] < 0.4 * jtfs[-1]  # alike but late is near
    assert mss[0] > 0.9 * max(mss)  # except to a spectrogram
    time = (tmp_path / "figure_1_chirp_pairs.png").stat().st_mtime_ns

    second = make_figures(tmp_path, (1, 2), quick=True)["figures"]
    assert [entry["made"] for entry in second] == [False, False]
    assert (tmp_path / "figure_1_chirp_pairs.png").stat().st_mtime_ns == time
    (tmp_path / "figure_2_wavelets.csv").unlink()
    third = make_figures(tmp_path, (1, 2), quick=True)["figures"]
    assert [entry["made"] for entry in third] == [False, True]
    assert make_figures(tmp_path, (2,), quick=True, again=True)["figures"][0]["made"]
    assert not list(tmp_path.glob(".*"))


def test_other_settings_or_a_torn_file_are_no_reason_to_keep_a_figure(tmp_path):
    store = FigureFolder(tmp_path)
    for suffix in (".csv", ".png"):
        store.path("f", suffix).write_text("x")
    store.path("f", ".json").write_text(json.dumps({"fingerprint": fingerprint({"grid": 4})}))
    assert store.has("f", {"grid": 4})
    assert not store.has("f", {"grid": 20})
    store.path("f", ".json").write_text('{"fingerp')
    assert not store.has("f", {"grid": 4})


def test_the_codes_gradient_is_that_of_its_loss():
    """Along f_m, that is: along gamma the code leaves the amplitude out of its gradient."""
    for phi in ("JTFS", "MSS"):
        loss = PaperLoss(CODE, phi)
        target, h = loss.target(), 1e-3
        _, gradient = loss.between(loss.features(6.0, 1.2), target)
        above, below = (
            loss.between(loss.features(6.0 * np.exp(s * h), 1.2), target)[0] for s in (1, -1)
        )
        assert gradient[0] == pytest.approx((above - below) / (2 * h), rel=0.05, abs=1e-5)


def test_the_papers_loss_sees_no_shift_where_a_spectrogram_does():
    losses = {}
    for phi in ("MSS", "JTFS averaged"):
        loss = PaperLoss(PAPER, phi)
        here = loss.target()
        far = loss.between(loss.features(4.0, 0.5), here)[0]
        losses[phi] = loss.between(loss.target(2**10), here)[0] / far
    assert losses["JTFS averaged"] < 1e-6
    assert losses["MSS"] > 0.3


def test_a_bold_driver_goes_down_and_only_the_oracle_looks_at_the_truth():
    def valley(theta):
        """A loss whose lowest point, (10, 2), is not the truth."""
        d = (theta - np.array([10.0, 2.0])) * np.array([1.0, 3.0])
        return float(d @ d), 2 * d * np.array([1.0, 3.0])

    start = np.array([5.0, 1.0])
    honest = bold_driver(valley, start, 100)
    assert np.all(np.diff(honest.loss) <= 0.0)
    assert honest.theta[-1] == pytest.approx([10.0, 2.0], abs=0.01)
    told = bold_driver(valley, start, 100, judge="oracle")
    assert np.all(np.diff(told.error) <= 0.0)
    assert told.error[-1] < honest.error[-1]


def test_ours_arrives_from_the_papers_start_at_a_shifted_target():
    runner = Runner(16)
    ours = next(method for method in METHODS if method.name == "ours")
    run = runner.run(ours, np.array([4.0, 0.5]), 2**10)
    assert run.theta[0] == pytest.approx([4.0, 0.5])
    assert run.error[-1] < 0.01
    assert len(run.error) <= 16


def test_starts_lie_where_their_regime_says():
    random = np.random.default_rng(CONVERGENCE.settings(False)["seed"])
    far, near = (np.array(draw_starts(random, 20, REGIMES[name])) for name in ("far", "near"))
    for starts in (far, near):
        assert np.all((starts >= [F_M[0], GAMMA[0]]) & (starts <= [F_M[1], GAMMA[1]]))
    octaves = [np.abs(np.log2(starts / TARGET)).max(axis=1) for starts in (far, near)]
    assert octaves[0].min() > 0.7 > 0.45 > octaves[1].max()


def test_the_command_line_tells_what_it_made(tmp_path, capsys):
    assert main(["figures", str(tmp_path / "new" / "out"), "--only", "2", "--quick", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)["figures"]
    assert [entry["figure"] for entry in made] == [2]
    assert main(["figures", str(tmp_path), "--only", "2,9"]) == 2
    assert "'2,9'" in capsys.readouterr().err


def test_a_folder_that_cannot_be_is_said_in_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ArgumentError, match="file"):
        make_figures(tmp_path / "file", (2,), quick=True)


@pytest.mark.parametrize("number", [4, 7])
def test_a_table_holds_every_method_and_draws(number, tmp_path, monkeypatch):
    """Descents of two evaluations; maps have a test of their own."""
    figure = paper_figure(number)
    quick = {**figure.settings(True), "evaluations": 2}
    few = [METHODS[1], METHODS[4]]  # the MSS, which takes milliseconds
    monkeypatch.setattr(convergence, "METHODS", few)
    shorter = replace(figure, settings=lambda quick_: quick)
    monkeypatch.setattr(convergence, FIGURES[number][1], shorter)
    (made,) = make_figures(tmp_path, (number,), quick=True)["figures"]
    table = rows(tmp_path / made["table"])
    assert {row["setting"] for row in table} == {"paper", "code"}
    assert imread(made["picture"]).shape[0] > 400


def test_maps_hold_every_cell_and_tell_how_many_arrows_point_home(tmp_path, monkeypatch):
    monkeypatch.setattr(maps, "PHIS", ("MSS",))
    (made,) = make_figures(tmp_path, (5,), quick=True)["figures"]
    table = rows(tmp_path / made["table"])
    assert len(table) == 2 * 16
    shifts = {int(row["shift_samples"]) for row in table if row["panel"] != "no shift"}
    assert shifts <= {2**n for n in range(8, 13)}
    assert len(shifts) > 1
    assert imread(made["picture"]).shape[0] > 400


def test_each_figure_of_descents_has_its_own_shifts():
    shifts = {number: paper_figure(number).settings(False)["shifts"] for number in (6, 7)}
    assert shifts[6] == (4, 8, 16, 128, 1024)
    assert shifts[7] == (0, 4, 8, 16, 64, 128, 256, 512, 1024, 2048, 4096)
