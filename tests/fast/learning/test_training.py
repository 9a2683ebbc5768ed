"""Fears: a loss that is not what it is called, digits that change when it goes on, wrong files."""

import dataclasses
import json
import math

import numpy as np
import pytest
import torch

from mesosynth.cli.main import main
from mesosynth.errors import ArgumentError, LearningError
from mesosynth.learning.dataset import Dataset, DatasetSettings, make_dataset
from mesosynth.learning.perception import features_and_metric
from mesosynth.learning.training import (
    Inputs,
    SpectralLoss,
    TrainingSettings,
    damped,
    distance,
    log_text,
    quadratic,
    train,
)
from mesosynth.matching.cqt import FRAMES, HOP, LOWEST, PER_OCTAVE, ROWS, as_input, cqt
from mesosynth.matching.encoder import load_encoder, save_encoder
from mesosynth.system.steps import result_of

SETTINGS = TrainingSettings(epochs=3, batch=8, rate=1e-3)


def dataset_of(settings, cut=None):
    """Data set with metrics that are drawn, and features of the first sound alone."""
    rng = np.random.default_rng(0)
    numbers = np.arange(settings.count)[:cut]
    drawn = [settings.sound(number) for number in numbers]
    d = len(settings.domain.ids)
    roots = rng.standard_normal((len(numbers), d, d))
    Phi, _ = features_and_metric(settings.domain, *drawn[0])
    return Dataset(
        settings=settings,
        numbers=numbers,
        values=np.array([values for values, _ in drawn]),
        seeds=np.array([seed for _, seed in drawn]),
        Phi=np.tile(Phi, (len(numbers), 1)),
        M=roots @ roots.transpose(0, 2, 1),
        missing=(),
    )


@pytest.fixture(scope="module")
def dataset():
    return dataset_of(DatasetSettings("chirplet", cells=3))


@pytest.fixture(scope="module")
def inputs(dataset):
    return Inputs(dataset)


def run_to_end(dataset, settings, inputs, run=None):
    log = []
    trained = result_of(train(dataset, settings, run, inputs=inputs), log.append)
    return trained, log


def digits(log):
    return [dataclasses.replace(epoch, seconds=0.0) for epoch in log]


@pytest.mark.parametrize("row", [0, 40, ROWS - 1])
def test_a_sine_is_loudest_in_its_row_all_the_time(row):
    hertz = LOWEST * 2.0 ** (row / PER_OCTAVE)
    cycles = round(hertz * 4.0)  # a whole number in the window
    x = torch.sin(2.0 * torch.pi * cycles * torch.arange(32768) / 32768)
    magnitude = cqt(x).abs()
    assert magnitude.shape == (ROWS, FRAMES)
    assert (magnitude.argmax(dim=0) == row).all()
    heard = as_input(magnitude)
    assert heard.max() == pytest.approx(1.0)
    assert torch.equal(as_input(3.0 * magnitude).argmax(0), heard.argmax(0))


def test_frames_are_samples_of_the_filtered_signal():
    """A click is loudest in the frame that it is in."""
    x = torch.zeros(32768)
    x[HOP * 100] = 1.0
    magnitude = cqt(x).abs()
    assert (magnitude[40:].argmax(dim=1) == 100).all()


def test_the_quadratic_form_is_that_of_the_paper_and_within_an_error_no_direction_counts_for_more():
    d = torch.tensor([[1.0, 2.0]])
    M = torch.tensor([[[3.0, 1.0], [1.0, 2.0]]], dtype=torch.float64)
    assert quadratic(d, M).item() == 3.0 + 2 * 2.0 + 8.0
    assert quadratic(d, -M).item() == 0.0
    assert distance(d, M).item() == pytest.approx(15.0**0.5)
    eye = torch.eye(2, dtype=torch.float64)
    assert torch.allclose(damped(M, 0.3), torch.linalg.inv(torch.linalg.inv(M) + 0.3 * eye))
    steep = torch.diag(torch.tensor([1e8, 1e-4], dtype=torch.float64))[None]
    within = 0.01 * damped(steep, 0.01)
    assert torch.allclose(within, torch.diag(torch.tensor([1.0, 1e-6]).double()), rtol=1e-3)


@pytest.mark.parametrize("loss", ["jtfs", "mss"])
def test_spectral_losses_vanish_at_the_truth_and_have_the_gradient_of_their_value(dataset, loss):
    spectral = SpectralLoss(dataset, loss)
    truth = torch.from_numpy(dataset.nu[:1])
    assert spectral(truth, np.array([0])).item() < 1e-3
    nu = (truth + 0.05).requires_grad_()
    spectral(nu, np.array([0])).backward()
    step = torch.tensor([[1.0, 0.0, 0.0]], dtype=torch.float64) * 1e-3
    with torch.no_grad():
        ends = [spectral.of((nu + sign * step)[0], 0).item() for sign in (1.0, -1.0)]
    assert (ends[0] - ends[1]) / 2e-3 == pytest.approx(nu.grad[0, 0].item(), rel=0.05)


def test_training_goes_on_to_the_same_digits(dataset, inputs, tmp_path):
    run = tmp_path / "x.run"
    trained, log = run_to_end(dataset, SETTINGS, inputs)
    steps = train(dataset, SETTINGS, run, inputs=inputs)
    next(steps), next(steps)
    steps.close()
    again, later = run_to_end(dataset, SETTINGS, inputs, run)
    assert digits(later) == digits(log)
    assert log_text(log).count("\n") == 4
    for one, other in zip(
        trained.encoder.state_dict().values(), again.encoder.state_dict().values(), strict=True
    ):
        assert torch.equal(one, other)
    other = dataclasses.replace(SETTINGS, loss="p")
    with pytest.raises(LearningError, match="its loss is 'pnp', not 'p'"):
        next(train(dataset, other, run, inputs=inputs))
    for name, another in (("version", 1), ("instrument", "drum")):
        stored = torch.load(run, weights_only=True)
        torch.save({**stored, "of": {**stored["of"], name: another}}, tmp_path / name)
        with pytest.raises(LearningError, match=f"its {name} is {another!r}, not"):
            next(train(dataset, SETTINGS, tmp_path / name, inputs=inputs))
    run.write_bytes(b"no checkpoint")
    with pytest.raises(LearningError, match="no training"):
        next(train(dataset, SETTINGS, run, inputs=inputs))


def test_damping_falls_from_a_loss_of_all_parameters_to_the_trusted_error(dataset, inputs):
    _, log = run_to_end(dataset, dataclasses.replace(SETTINGS, trust=0.3), inputs)
    assert [epoch.damping for epoch in log] == pytest.approx([1.0, 0.3 ** (2.0 / 1.8), 0.09])


def test_an_encoder_is_kept_and_another_is_refused_by_name(dataset, inputs, tmp_path):
    path = tmp_path / "chirplet.pt"
    trained, _ = run_to_end(dataset, dataclasses.replace(SETTINGS, epochs=1), inputs)
    save_encoder(path, trained)
    back = load_encoder(path, "chirplet")
    x = inputs.draw(np.array([0, 1]), np.random.default_rng(0))
    assert torch.equal(back.encoder(x), trained.encoder(x))
    assert back.about["data"] == dataclasses.asdict(dataset.settings)
    with pytest.raises(LearningError, match="of chirplet, not of drum"):
        load_encoder(path, "drum")
    stored = torch.load(path, weights_only=True)
    torch.save({**stored, "version": 0}, path)
    with pytest.raises(LearningError, match="another version"):
        load_encoder(path, "chirplet")
    path.write_bytes(b"nothing")
    with pytest.raises(LearningError, match="no encoder"):
        load_encoder(path, "chirplet")


def test_the_command_lists_missing_files_and_trains_on_the_others(tmp_path, capsys):
    folder, out = tmp_path / "data", tmp_path / "x.pt"
    make_dataset(folder, DatasetSettings("chirplet", cells=3, chunk=9, samples=4096))
    (folder / "chunk-00000.parquet").unlink()
    (folder / "chunk-00002.parquet").write_bytes(b"broken")
    words = ["train", "encoder", "--data", str(folder), "-o", str(out), "--epochs", "1"]
    assert main(words) == 2  # of three files, one is too few
    assert "7 sounds to train on and 1 to judge by are too few" in capsys.readouterr().err
    make_dataset(folder, DatasetSettings("chirplet", cells=3, chunk=9, samples=4096))
    (folder / "chunk-00000.parquet").unlink()
    assert main([*words, "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["missing"] == ["chunk-00000.parquet"]
    assert load_encoder(out, "chirplet").about["sounds"] == 18


def test_too_few_sounds_are_told_with_their_number():
    few = dataset_of(DatasetSettings("chirplet", cells=3), cut=5)
    with pytest.raises(LearningError, match="3 sounds to train on and 0 to judge by are too few"):
        next(train(few, SETTINGS, inputs=object()))


def test_settings_out_of_range_are_refused():
    for wrong in (
        {"loss": "mse"},
        {"epochs": 0},
        {"rate": 0.0},
        {"trust": 0.0},
        {"rate": math.inf},
        {"seed": -1},
    ):
        with pytest.raises(ArgumentError):
            TrainingSettings(**wrong)
