"""Fears: classes guessed by chance, a broken file that ends the work, relevance that points
elsewhere, and a tag that nobody accepted.
"""

import csv
import json
import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest
import soundfile
import torch

from benchmarks.classification import write_techniques
from mesosynth.cli.main import main
from mesosynth.engine.capture import takes_folder
from mesosynth.errors import ArgumentError, TargetError
from mesosynth.learning import classifier as classifiers
from mesosynth.learning.classifier import Classifier, TrainingSettings, convnet, sharpness, train
from mesosynth.learning.corpus import read_corpus, split
from mesosynth.learning.features import FeatureExtractor, FeatureSettings, FeatureTable, Scaling
from mesosynth.learning.relevance import propagate, relevance
from mesosynth.learning.tags import Suggestion, accept, suggest, withdraw
from mesosynth.presets.library import Library
from mesosynth.presets.preset import Preset, load_preset
from mesosynth.scattering.filterbank import wavelets

RATE, SAMPLES = 8192, 8192
SMALL = FeatureSettings(sample_rate=RATE, samples=SAMPLES, J=11, Q=8, J_fr=3, Q_fr=1, F=8, T=2048)


@pytest.fixture(scope="module")
def notes(tmp_path_factory):
    """Twelve notes of each technique, their corpus and their modulation rates."""
    folder = tmp_path_factory.mktemp("notes")
    corpus, rates = write_techniques(folder, 12, SAMPLES / RATE, RATE)
    return folder, corpus, rates


@pytest.fixture(scope="module")
def trained(notes, tmp_path_factory):
    return train(notes[1], tmp_path_factory.mktemp("features"), SMALL)


# --------------------------------------------------------------------------------------------------
# Corpora


@pytest.fixture(scope="module")
def medley(tmp_path_factory):
    """A tree like Medley-solos-DB's: one file is missing, one is broken, one is .wav.wav."""
    folder = tmp_path_factory.mktemp("medley")
    for name in ("annotation", "audio"):
        (folder / name).mkdir()
    rows, random = [], np.random.default_rng(0)
    for number, instrument in enumerate(("clarinet", "piano")):
        for subset in ("training", "validation", "test"):
            for copy in range(4):
                uuid = f"{number}{subset[:2]}{copy}"
                rows.append([subset, instrument, number, copy, uuid])
                t = np.arange(RATE) / RATE
                x = np.sin(2 * np.pi * random.uniform(400, 500) * t)
                x *= (np.exp(-8 * t), 1 + 0.9 * np.sin(2 * np.pi * 12 * t))[number]
                path = folder / "audio" / f"Medley-solos-DB_{subset}-{number}_{uuid}.wav"
                soundfile.write(path, 0.3 * x, RATE)
    audio = folder / "audio"
    (audio / "Medley-solos-DB_test-0_0te0.wav").unlink()
    (audio / "Medley-solos-DB_test-0_0te1.wav").write_bytes(b"RIFF, and then nothing")
    twice = audio / "Medley-solos-DB_test-1_1te3.wav"
    twice.rename(twice.with_name(twice.name + ".wav"))
    with (folder / "annotation" / "Medley-solos-DB_metadata.csv").open("w", newline="") as file:
        csv.writer(file).writerows([
            ["subset", "instrument", "instrument_id", "track_id", "uuid4"], *rows,
        ])  # fmt: skip
    return folder


def test_medley_solos_db_is_read_with_its_own_split(medley):
    corpus = read_corpus(medley)
    assert corpus.labels == ("clarinet", "piano")
    assert len(corpus.sounds) == 23
    assert [path for path in corpus.missing if path.endswith("test-0_0te0.wav")] == [
        *corpus.missing
    ]
    assert list(split(corpus, 0)) == [sound.subset for sound in corpus.sounds]


def test_missing_and_broken_files_are_listed_and_the_rest_goes_on(medley, tmp_path):
    found = train(read_corpus(medley), tmp_path, SMALL)
    assert len(found.left_out) == 2
    assert "test-0_0te0.wav does not exist" in found.left_out[0]
    assert "test-0_0te1.wav" in found.left_out[1]
    assert found.report.confusion.tolist() == [[2, 0], [0, 4]]
    again = train(read_corpus(medley), tmp_path, SMALL)  # with the features that are there
    assert again.left_out == found.left_out
    assert torch.equal(again.classifier.net[1].weight, found.classifier.net[1].weight)


def test_too_few_sounds_for_a_split_say_how_many_are_needed(tmp_path):
    for name, count in (("bell", 5), ("tabla", 3)):
        (tmp_path / name).mkdir()
        for i in range(count):
            soundfile.write(
                tmp_path / name / f"{i}.wav", np.random.default_rng(i).normal(size=RATE), RATE
            )
    corpus = read_corpus(tmp_path)
    with pytest.raises(ArgumentError, match="tabla has 3; each class needs at least 5 for 5 folds"):
        train(corpus, tmp_path / "features", SMALL)
    with pytest.raises(ArgumentError, match=r"tabla has 3.*at least 5 for training, validation"):
        train(corpus, tmp_path / "features", SMALL, TrainingSettings(model="convnet"))
    shutil.rmtree(tmp_path / "bell")
    with pytest.raises(ArgumentError, match="has 1 classes with sounds, and needs two"):
        read_corpus(tmp_path)


def test_a_split_has_all_classes_in_all_subsets(notes):
    folder, _, _ = notes
    corpus = read_corpus(folder)  # a folder of folders, which has no split of its own
    subsets = split(corpus, 3)
    assert list(subsets) == list(split(corpus, 3)) != list(split(corpus, 4))
    for label in range(5):
        counts = [int(np.sum(subsets[corpus.classes == label] == s))
                  for s in ("training", "validation", "test")]  # fmt: skip
        assert counts == [7, 3, 2]


# --------------------------------------------------------------------------------------------------
# Features


def test_a_stopped_table_goes_on_where_it_was(tmp_path):
    asked = []

    def read(n):
        asked.append(n)
        if n == 40:
            raise KeyboardInterrupt
        return np.sin(np.arange(SAMPLES) * (0.01 + 0.01 * n)), RATE

    settings = FeatureSettings(kind="mfcc", sample_rate=RATE, samples=SAMPLES)
    table = FeatureTable(tmp_path, settings, [str(n) for n in range(41)], read)
    with pytest.raises(KeyboardInterrupt):
        table.compute()
    asked.clear()
    table = FeatureTable(tmp_path, settings, table.names, lambda n: read(n + (n == 40)))
    table.compute()
    assert asked == [*range(32, 40), 41]
    first = table[3].copy()
    for content in (b"", b"garbage", sorted(tmp_path.iterdir())[0].read_bytes()[:99]):
        asked.clear()
        sorted(tmp_path.iterdir())[0].write_bytes(content)  # a cache, which is started anew
        table.compute()
        assert asked == [*range(32)]
        assert np.array_equal(table[3], first)
    assert table[40].shape == table[0].shape == (20, 17)
    assert not np.array_equal(table[1], table[2])


def test_axes_of_the_paths_are_where_a_sounds_energy_is():
    """An AM tone: carrier 1 kHz, rate 8 Hz."""
    t = np.arange(SAMPLES) / RATE
    x = (1.0 + 0.8 * np.sin(2 * np.pi * 8.0 * t)) * np.sin(2 * np.pi * 1000.0 * t)
    for kind in ("jtfs", "joint", "time"):
        extractor = FeatureExtractor(
            msgspec.structs.replace(SMALL, kind=kind)
        )  # fmt: skip
        S = extractor(x, RATE).mean(axis=-1)
        assert S.shape == extractor.paths.carrier.shape == extractor.shape[:-1]
        second = np.where(extractor.paths.rate > 0.0, S, 0.0)
        loudest = np.unravel_index(second.argmax(), S.shape)
        assert abs(np.log2(extractor.paths.rate[loudest] / 8.0)) < 0.5
        assert abs(np.log2(extractor.paths.carrier[loudest] / 1000.0)) < 0.6


def test_a_rising_sound_has_its_energy_at_positive_scales():
    t = np.arange(SAMPLES) / RATE
    x = np.sin(2 * np.pi * 300.0 / np.log(8.0) * 8.0**t) * np.hanning(SAMPLES)
    for kind in ("jtfs", "strf"):
        extractor = FeatureExtractor(msgspec.structs.replace(SMALL, kind=kind))
        S, scale = extractor(x, RATE).mean(axis=-1), extractor.paths.scale
        assert S[scale > 0.0].sum() > 1.5 * S[scale < 0.0].sum()


def test_time_scattering_is_that_of_its_formula_at_the_full_rate():
    """Means of |x * psi1| and ||x * psi1| * psi2|, which no decimation may change."""
    t = (np.arange(SAMPLES) - SAMPLES / 2) / RATE
    x = np.sin(2 * np.pi * 600.0 * t + 900.0 * t**2) * np.sin(2 * np.pi * 16.0 * t)
    x *= np.exp(-0.5 * (t / 0.08) ** 2)
    settings = msgspec.structs.replace(SMALL, kind="time", Q=1, Q2=1, T=0, keeps_level=True)
    expected = {}
    for one in wavelets(SAMPLES, SMALL.J, 1):
        U1 = np.abs(np.fft.ifft(np.fft.fft(x) * one.hat))
        expected[one.xi * RATE, 0.0] = U1.mean()
        for two in wavelets(SAMPLES, SMALL.J, 1):
            if two.j > one.j:
                U2 = np.abs(np.fft.ifft(np.fft.fft(U1) * two.hat))
                expected[one.xi * RATE, two.xi * RATE] = U2.mean()
    whole, local = (
        FeatureExtractor(msgspec.structs.replace(settings, T=T)) for T in (0, SAMPLES // 4)
    )
    paths = [*zip(whole.paths.carrier, whole.paths.rate, strict=True)]
    assert sorted(paths) == sorted(expected)
    S = whole(x, RATE)[:, 0]
    assert pytest.approx([expected[path] for path in paths], abs=2e-3 * float(S.max())) == S
    frames = local(x, RATE)
    assert frames.shape == (len(S), 4)
    # The sound has ended at the borders, and what is filtered slowly has not.
    inside = (S > 0.1 * S.max()) & ((local.paths.rate == 0.0) | (local.paths.rate > 10.0))
    assert frames.mean(axis=-1)[inside] == pytest.approx(S[inside], rel=0.03)


def test_scaling_has_mean_0_and_deviation_1_and_leaves_out_empty_paths():
    random = np.random.default_rng(0)
    features = [random.gamma(2.0, size=(6, 3)) * 10.0 ** np.arange(6)[:, None] for _ in range(50)]
    for S in features:
        S[5] = 0.0
    scaling = Scaling.of(features, log=True)
    z = np.stack([scaling(S) for S in features])
    assert z[:, :5].mean(axis=(0, 2)) == pytest.approx(0.0, abs=1e-4)
    assert z[:, :5].std(axis=(0, 2)) == pytest.approx(1.0, abs=1e-3)
    assert np.all(scaling(features[0] + 1.0)[5] == 0.0)


# --------------------------------------------------------------------------------------------------
# Classifiers


def test_techniques_are_told_on_other_pitches(trained):
    assert trained.report.confusion.sum() == 20
    assert trained.report.macro_recall >= 0.8


def test_a_convnet_learns_and_keeps_its_best_epoch(notes, tmp_path):
    epochs = []
    found = train(
        notes[1], tmp_path, SMALL, TrainingSettings(model="convnet", epochs=6),
        on_epoch=lambda *what: epochs.append(what),
    )  # fmt: skip
    assert epochs[-1][1] < 0.7 * epochs[0][1]  # the training's loss
    assert found.report.macro_recall > 0.5
    heard = soundfile.read(notes[1].sounds[0].path)
    why = relevance(found.classifier, *heard)
    assert why.values.sum() == pytest.approx(1.0, abs=0.01)
    assert why.values.min() >= -0.05 * why.values.max()


def test_a_convnet_of_two_axes_gives_scores_and_relevance():
    torch.manual_seed(0)
    net = convnet((16, 9, 5), 3)
    for _ in range(3):
        net(torch.randn(8, 16, 9, 5))
    z = torch.randn(2, 16, 9, 5, dtype=torch.float64)
    net.eval()
    start = torch.eye(3, dtype=torch.float64)[:2]
    for rule in ("epsilon", "epsilon plus", "amplitude"):
        R = propagate(net, z, start, rule, z.exp())
        assert R.shape == z.shape
        assert R.sum(dim=(1, 2, 3)) == pytest.approx(np.ones(2), abs=0.01)


def test_relevance_of_one_layer_is_what_each_input_gives():
    net = torch.nn.Sequential(torch.nn.Linear(3, 2))
    with torch.no_grad():
        net[0].weight.copy_(torch.tensor([[1.0, 2.0, -1.0], [0.0, 0.0, 1.0]]))
        net[0].bias.zero_()
    a = torch.tensor([[3.0, 1.0, 1.0]], dtype=torch.float64)
    R = propagate(net, a, torch.tensor([[1.0, 0.0]], dtype=torch.float64), "epsilon")
    assert R[0].tolist() == pytest.approx([0.75, 0.5, -0.25], abs=1e-5)


def test_batch_normalisation_is_folded_with_its_sign():
    """A normalisation of negative gain turns what speaks for a class into what speaks against."""
    conv, norm = torch.nn.Conv1d(2, 1, 1, bias=False), torch.nn.BatchNorm1d(1)
    with torch.no_grad():
        conv.weight.copy_(torch.tensor([[[1.0], [-2.0]]]))
        norm.weight.fill_(-1.0)
    net = torch.nn.Sequential(conv, norm, classifiers.Mean()).eval()
    a = torch.ones(1, 2, 4, dtype=torch.float64)
    R = propagate(net, a, torch.ones(1, 1, dtype=torch.float64), "epsilon plus")
    assert R[0].sum(dim=1).tolist() == pytest.approx([0.0, 1.0], abs=1e-4)


def test_a_saved_classifier_says_the_same(trained, notes, tmp_path):
    trained.classifier.save(tmp_path / "one.pt")
    loaded = Classifier.load(tmp_path / "one.pt")
    heard = soundfile.read(notes[1].sounds[0].path)
    said = trained.classifier.probabilities(*heard)
    assert loaded.probabilities(*heard) == pytest.approx(said)
    assert next(iter(said)) == "vibrato"
    assert sum(said.values()) == pytest.approx(1.0)


def test_a_classifier_takes_any_numbers_in_any_mode_of_torch(trained, notes, tmp_path):
    heard, rate = soundfile.read(notes[1].sounds[0].path)
    said = trained.classifier.probabilities(heard, rate)
    stereo = torch.from_numpy(np.stack([heard, heard])).requires_grad_()
    trained.classifier.save(tmp_path / "one.pt")
    with torch.device("meta"):
        assert Classifier.load(tmp_path / "one.pt").probabilities(heard, rate) == said
    for mode in (torch.inference_mode(), torch.autocast("cpu", torch.bfloat16)):
        with mode:
            assert trained.classifier.probabilities(stereo, rate) == pytest.approx(said, abs=1e-6)
    for audio, rate_, named in (
        (heard, None, "sample_rate=None"), (["a"], rate, "must hold real numbers"),
    ):  # fmt: skip
        with pytest.raises(ArgumentError, match=named):
            trained.classifier.probabilities(audio, rate_)
    for audio, named in ((0.0 * heard, "is silent"), (np.nan * heard, "not finite")):
        with pytest.raises(TargetError, match=named):
            trained.classifier.probabilities(audio, rate)


def test_other_files_are_no_classifiers(trained, tmp_path, monkeypatch):
    (tmp_path / "text.pt").write_text("no")
    with pytest.raises(ArgumentError, match=r"text\.pt is not a classifier"):
        Classifier.load(tmp_path / "text.pt")
    torch.save({"weights": 3}, tmp_path / "other.pt")
    with pytest.raises(ArgumentError, match=r"other\.pt is not a classifier"):
        Classifier.load(tmp_path / "other.pt")
    with pytest.raises(ArgumentError, match="cannot be read: No such file"):
        Classifier.load(tmp_path / "none.pt")
    monkeypatch.setattr(classifiers, "VERSION", 9)
    trained.classifier.save(tmp_path / "later.pt")
    monkeypatch.undo()
    with pytest.raises(
        ArgumentError, match="of version 9, and this program reads 1; train it anew"
    ):
        Classifier.load(tmp_path / "later.pt")


def test_sharpness_makes_scores_probabilities():
    random = np.random.default_rng(0)
    logits = random.normal(size=(4000, 3)) * 2.0
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    classes = np.array([random.choice(3, p=row) for row in p])
    assert sharpness(logits / 5.0, classes) == pytest.approx(5.0, rel=0.1)


def test_relevance_sums_to_its_start_and_has_both_maps(trained, notes):
    one = soundfile.read(notes[1].sounds[-1].path)
    maps = relevance(trained.classifier, *one)
    assert maps.label == "flatterzunge"
    assert maps.values.sum() == pytest.approx(1.0, abs=0.01)
    assert maps.rate_scale.columns.min() == -maps.rate_scale.columns.max()
    lines = maps.carrier_rate.as_csv().splitlines()
    assert len(lines) == 1 + len(maps.carrier_rate.rows)


def test_relevance_peaks_at_the_rate_of_the_modulation(trained, notes):
    """In the published rule faint harmonics count as much: it finds fewer."""
    near = {"amplitude": [], "epsilon plus": []}
    for sound, rate in zip(notes[1].sounds, notes[2], strict=True):
        if sound.subset == "test":
            for rule, found in near.items():
                why = relevance(trained.classifier, *soundfile.read(sound.path), rule)
                found.append(abs(np.log2(why.peak_rate / rate)) <= 0.5)
    assert np.mean(near["amplitude"]) >= 0.9
    assert np.mean(near["epsilon plus"]) < np.mean(near["amplitude"])


# --------------------------------------------------------------------------------------------------
# Tags and commands


def test_a_suggestion_becomes_a_tag_only_when_it_is_accepted(trained, tmp_path):
    library = Library(tmp_path / "factory", tmp_path / "user", tmp_path / "cache")
    path = library.save(Preset(name="Bird", parameters={"f_c": 600.0}))
    found = suggest(trained.classifier, path)
    assert found.label in trained.classifier.labels
    assert str(found) == f"Bird sounds like {found.label} {found.probability:.2f}"
    assert load_preset(path).tags.words == ()
    assert accept(library, found)
    assert not accept(library, found)
    assert load_preset(path).tags.words == (found.label,)
    assert library.search(f"tag:{found.label}")[0].name == "Bird"
    withdraw(library, found)
    assert load_preset(path).tags.words == ()


def test_takes_keep_tags_and_other_files_do_not(tmp_path):
    library = Library(tmp_path / "factory", tmp_path / "user", tmp_path / "cache")
    take = Suggestion(takes_folder() / "take 1.wav", "take 1", "bell", 0.9)
    assert accept(library, take)
    assert not accept(library, take)
    again = Library(tmp_path / "factory", tmp_path / "user", tmp_path / "cache")
    assert again.marks.takes == {"take 1.wav": ["bell"]}
    withdraw(again, take)
    assert again.marks.takes == {}
    with pytest.raises(ArgumentError, match=r"bell\.wav is no preset and no take"):
        accept(library, Suggestion(tmp_path / "bell.wav", "bell", "bell", 0.9))


def test_commands_train_and_classify(medley, trained, notes, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("MESOSYNTH_PRESETS", str(tmp_path / "presets"))
    out = tmp_path / "out"
    words = ["train", "classifier", str(medley), "-o", str(out), "--features", "mfcc", "--json"]
    assert main(words) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["labels"] == ["clarinet", "piano"]
    assert answer["macro_recall"] == pytest.approx(1.0)
    assert len(answer["left_out"]) == 2
    head, *rows = csv.reader((out / "confusion.csv").read_text().splitlines())
    assert head == ["true / guessed", "clarinet", "piano", "recall"]
    assert [row[0] for row in rows] == ["clarinet", "piano"]
    assert (out / "confusion.png").stat().st_size > 5000
    assert (out / "classifier.pt").is_file()

    trained.classifier.save(tmp_path / "one.pt")
    sounds = [str(one.path) for one in notes[1].sounds if one.path.stem == "011"][-2:]
    cut = tmp_path / "cut.wav"
    cut.write_bytes(Path(sounds[0]).read_bytes()[:-2000])
    words = ["classify", str(tmp_path / "one.pt"), *sounds, str(cut), str(tmp_path / "none.wav")]
    assert main([*words, "--relevance", str(tmp_path / "why"), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["found"][1]["label"] == "flatterzunge"
    assert "none.wav" in answer["left_out"][0]
    assert answer["found"][2]["remark"].startswith("cut.wav is cut short")
    assert {p.name for p in (tmp_path / "why").iterdir()} == {
        f"{name}{ending}"
        for name in ("bisbigliando-011.wav", "flatterzunge-011.wav", "cut")
        for ending in (".png", "_carrier_rate.csv", "_rate_scale.csv")
    }  # fmt: skip
    for wrong, said in (
        (["train", "classifier", str(medley), "-o", str(cut)], "File exists; choose another name"),
        (["train", "classifier", str(medley), "-o", str(out), "--seed", "-1"], "--seed -1 must"),
        ([*words, "--relevance", str(cut)], "File exists; choose another name"),
    ):
        assert main(wrong) == 2
        assert said in capsys.readouterr().err
