"""The fears: an export that does not exist, and an import that drags torch or Qt along."""

import doctest
import inspect
import json
import re
import subprocess
import sys

import numpy as np
import pytest
import soundfile

import mesosynth as ms
from mesosynth.errors import ArgumentError, AudioFileError
from mesosynth.system.paths import resource


def python(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_every_export_exists_and_dir_shows_it():
    assert sorted(ms.__all__) == sorted(set(ms.__all__))
    for name in ms.__all__:
        assert getattr(ms, name) is not None
    assert set(ms.__all__) <= set(dir(ms))
    assert "__version__" in dir(ms)
    with pytest.raises(AttributeError, match="'mesosynth' has no attribute 'JTSF'"):
        ms.JTSF  # noqa: B018


def test_exports_are_what_they_are_called():
    for name in ms.__all__:
        value = getattr(ms, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert value.__name__ == name
            assert value.__doc__


def test_type_checkers_and_the_interpreter_see_the_same_exports():
    """Names imported under TYPE_CHECKING come from the modules that are imported when asked."""
    source = inspect.getsource(ms)
    typed = source.partition("if TYPE_CHECKING:")[2].partition("__version__")[0]
    imported = dict(re.findall(r"from mesosynth\.([\w.]+) import ([\w, ]+)", typed))
    names = {name: module for module, line in imported.items() for name in line.split(", ")}
    assert names == ms._MODULES


@pytest.mark.usefixtures("real_time")
def test_importing_the_package_takes_no_time_and_imports_nothing():
    code = (
        "import sys, time; before = set(sys.modules); began = time.perf_counter();"
        "import mesosynth; took = time.perf_counter() - began;"
        "import json; print(json.dumps([took, sorted(set(sys.modules) - before)]))"
    )
    tries = [python(code) for _ in range(5)]
    assert min(took for took, _ in tries) < 0.03  # s
    imported = {name.partition(".")[0] for name in tries[0][1]}
    assert not imported - sys.stdlib_module_names - {"mesosynth"}


def test_only_what_needs_torch_brings_it_and_nothing_brings_qt():
    code = (
        "import json, sys, mesosynth as ms;"
        "heavy = ('JTFS', 'JTFSLoss', 'MSSLoss', 'Matcher', 'match', 'resynthesise', 'Guess',"
        "'guess', 'Classifier');"
        "light = [n for n in ms.__all__ if n not in heavy];"
        "[getattr(ms, n) for n in light];"
        "ms.render('chirplet', seconds=0.1);"
        "light = sorted({'torch', 'PySide6'} & set(sys.modules));"
        "[getattr(ms, n) for n in ms.__all__];"
        "print(json.dumps([light, 'PySide6' in sys.modules]))"
    )
    assert python(code) == [[], False]


def test_examples_of_the_docstrings():
    assert doctest.testmod(ms).failed == 0


def test_render_plays_presets_and_instruments_with_other_parameters():
    bird = ms.load_preset(resource("presets", "bird.json"))
    audio = ms.render(bird, seconds=0.5, sample_rate=22050)
    assert audio.shape == (2, 11025)
    assert audio.dtype == np.float32
    assert np.abs(audio).max() > 0.01
    assert not np.array_equal(
        audio, ms.render(bird, {"f_c": 200.0}, seconds=0.5, sample_rate=22050)
    )
    chirplet = ms.Preset(name="mine", parameters={"f_m": 12.0})
    np.testing.assert_array_equal(
        ms.render("chirplet", {"f_m": 12.0}, seconds=0.5), ms.render(chirplet, seconds=0.5)
    )


@pytest.mark.parametrize(
    ("sound", "parameters", "more", "cause"),
    [
        ("lute", {}, {}, "lute"),
        ("chirplet", {"loudness": 1.0}, {}, "loudness"),
        ("chirplet", {"f_c": None}, {}, "f_c=None must be a number"),
        ("chirplet", {"f_c": "high"}, {}, "f_c='high' must be a number"),
        ("chirplet", {"f_c": np.ones(2)}, {}, "f_c=array"),
        ("chirplet", {}, {"seconds": 0.0}, "seconds=0"),
        ("chirplet", {}, {"sample_rate": 10}, "sample_rate=10"),
        ("chirplet", {}, {"sample_rate": None}, "sample_rate=None"),
        ("chirplet", {}, {"seconds": 1e12}, r"seconds=1e\+12"),
    ],
)
def test_render_names_what_is_wrong(sound, parameters, more, cause):
    with pytest.raises(ArgumentError, match=cause):
        ms.render(sound, parameters, **more)


@pytest.mark.parametrize("name", ["seed", "iterations", "variations", "average", "length", "J"])
def test_settings_that_are_no_numbers_are_refused_by_name(name):
    settings = ms.Filters if name == "J" else ms.ResynthesisSettings
    wrong = ["x", float("nan"), -1, [1]] + [None] * (name != "length")
    for value in wrong + [1.5] * (name not in ("average", "length")):
        with pytest.raises(ArgumentError, match=rf"^{name}={re.escape(repr(value))} must be "):
            settings(**{name: value})
    assert getattr(settings(**{name: np.int64(6)}), name) == 6


def test_the_seed_of_a_match_is_a_whole_number():
    for seed in (-1, 1.5, None, "1"):
        with pytest.raises(ArgumentError, match=f"^seed={re.escape(repr(seed))} must be "):
            ms.MatchSettings(seed=seed)


def test_what_is_rendered_is_read_and_saved_as_it_was(tmp_path):
    audio = ms.render("chirplet", {"period": 16.0}, seconds=0.5)
    soundfile.write(tmp_path / "a.wav", audio.T, 48000, subtype="FLOAT")
    read, sample_rate = ms.load_audio(tmp_path / "a.wav")
    assert sample_rate == 48000
    np.testing.assert_allclose(read, audio.mean(axis=0), atol=1e-7)
    with pytest.raises(AudioFileError, match=r"none\.wav"):
        ms.load_audio(str(tmp_path / "none.wav"))
    ms.save_preset(tmp_path / "p.json", ms.Preset(name="p", parameters={"f_m": 9.0}))
    assert ms.load_preset(tmp_path / "p.json").parameters == {"f_m": 9.0}


def test_plugin_authors_find_what_they_need():
    class Louder(ms.Effect):
        name = "Louder"
        parameters = ms.ParameterTable([ms.Parameter("gain", "Gain", "", 0.0, 2.0, 1.5, "Factor.")])

        def prepare(self, sample_rate, max_block):
            pass

        def reset(self):
            pass

        def process(self, values, events, block):
            block *= np.float32(values[0])

    block = np.ones((2, 4), np.float32)
    Louder().process(Louder.parameters.vector({}), (), block)
    assert (block == 1.5).all()
