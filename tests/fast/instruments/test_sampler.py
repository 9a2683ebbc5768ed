"""Fears: a sample is played at a wrong speed, aliases, clicks at its loop, or its file is gone."""

# pyright: basic

import math

import numpy as np
import pytest
import soundfile
from allocation import tracing

from mesosynth.engine.rack import render
from mesosynth.errors import ArgumentError, PluginError
from mesosynth.instruments.layers import Layers
from mesosynth.instruments.sampler import PARAMETERS, Sampler
from mesosynth.plugins.plugin import EVENT, EventKind
from mesosynth.presets.preset import Preset, load_preset, save_preset

RATE, FILE_RATE, N = 48000.0, 44100, 22050
PARTIALS = (1000.0, 3100.0)  # Hz, left and right


def at(place):
    """The file's sound at places between its samples, (2, n)."""
    t = np.asarray(place) / FILE_RATE
    envelope = np.sin(np.pi * np.clip(t * FILE_RATE / N, 0.0, 1.0)) ** 2
    return np.array([0.5 * envelope * np.sin(2 * np.pi * hertz * t) for hertz in PARTIALS])


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("sounds") / "two tones.wav"
    soundfile.write(path, at(np.arange(N)).T, FILE_RATE, subtype="FLOAT")
    return path


def prepared(file, block=4096, rate=RATE):
    instrument = Sampler()
    instrument.restore({"sound": str(file)})
    instrument.prepare(rate, block)
    return instrument


def play(instrument, values, frames, block, events=()):
    vector = PARAMETERS.vector({"gain": 0.0, "period": 16.0} | values)
    out = np.zeros((2, frames), np.float32)
    for begin in range(0, frames, block):
        end = min(begin + block, frames)
        now = [(f - begin, *rest) for f, *rest in events if begin <= f < end]
        instrument.process(vector, np.array(now, EVENT), out[:, begin:end])
    return out.astype(float)


def key(frame, note, velocity=1.0):
    kind = EventKind.NOTE_ON if velocity else EventKind.NOTE_OFF
    return (frame, kind, 0, note, velocity)


def pitch(sound):
    window = sound * np.hanning(len(sound))
    return np.argmax(np.abs(np.fft.rfft(window, 1 << 18))) * RATE / (1 << 18)


LOOPED = {"loop_begin": 0.3, "loop_end": 0.7, "fade": 0.03, "f_c": 400.0, "root": 300.0}


@pytest.mark.parametrize("block", [1, 64, 65, 128, 1000, 4096])
def test_live_is_the_formula_at_every_block_size(file, block):
    frames = 2048 if block == 1 else 40000
    sound = play(prepared(file), LOOPED | {"attack": 0.05, "sustain": 0.4}, frames, block)
    n = np.arange(frames)
    place, first, last, fade = n * 4 / 3 * FILE_RATE / RATE, 0.3 * N, 0.7 * N, 0.03 * FILE_RATE
    back = last - first - fade
    place = np.where(place < last, place, first + fade + (place - last) % back)
    u = np.clip((place - last + fade) / fade, 0.0, 1.0)
    wanted = np.cos(np.pi * u / 2) * at(place) + np.sin(np.pi * u / 2) * at(place - back)
    wanted *= -np.expm1(-3 * n / (0.05 * RATE)) * (0.4 + 0.6 * np.exp(-n / RATE))
    assert np.abs(sound - wanted).max() < 1e-4 * 0.5  # -80 dB


def test_once_it_is_the_files_own_samples_and_starts_again_by_the_period(file):
    values = {"loop": 0.0, "attack": 0.001, "period": 0.75}
    sound = play(prepared(file, rate=FILE_RATE), values, 60000, 1000)
    again = round(0.75 * FILE_RATE)
    for begin in (0, again):
        part = sound[:, begin : begin + N]
        assert np.abs(part - at(np.arange(N)))[:, 500:].max() < 1e-6
    assert not sound[:, N:again].any()


def test_keys_are_in_tune_and_nothing_aliases_above(file):
    for note, ratio in ((72, 2.0), (53, 2.0 ** (-7 / 12))):
        sound = play(prepared(file), {}, 12000, 500, [key(0, note)])
        assert pitch(sound[0, 2000:]) == pytest.approx(1000.0 * ratio, rel=1e-3)
    bright = file.with_name("bright.wav")
    t = np.arange(N) / FILE_RATE
    soundfile.write(bright, 0.5 * np.sin(2 * np.pi * 15000.0 * t), FILE_RATE, subtype="FLOAT")
    assert np.abs(play(prepared(bright), {}, 8000, 500, [key(0, 74)])[:, 2000:6000]).max() < 5e-4


def test_a_loop_gives_way_to_keys_and_ends_with_them(file):
    events = [key(10000, 72), key(30000, 76), key(40000, 72, 0.0), key(60000, 76, 0.0)]
    instrument = prepared(file)
    sound = play(instrument, LOOPED | {"release": 0.1, "period": 0.5}, 90000, 100, events)[0]
    mean = 1000.0 * 4.0 / 3.0
    assert pitch(sound[2000:10000]) == pytest.approx(mean, rel=0.01)
    assert pitch(sound[16000:30000]) == pytest.approx(1000.0 * 523.25 / 300.0, rel=0.01)
    assert pitch(sound[46000:60000]) == pytest.approx(1000.0 * 659.26 / 300.0, rel=0.01)
    assert pitch(sound[78000:]) == pytest.approx(mean, rel=0.01)
    assert instrument.voices == 1
    assert np.abs(np.diff(sound)).max() < 0.3  # no click


def test_a_block_allocates_no_array(file):
    instrument, out = prepared(file, 8192), np.zeros((2, 8192), np.float32)
    bend = (30, EventKind.PITCH_BEND, 0, 0, 1.0)
    events = np.array([key(10, 60), key(20, 72), bend, key(5000, 60, 0.0)], EVENT)
    values = [PARAMETERS.vector({"loop_end": value}) for value in (0.4, 0.7)]
    for number in range(4):
        instrument.process(values[number % 2], events, out)
    with tracing() as peak_of:
        peaks = [peak_of(instrument.process, values[n % 2], events, out) for n in range(6)]
    assert max(peaks) < 8192


def test_a_missing_file_is_silence_and_a_sentence_and_nothing_is_lost(tmp_path):
    gone = tmp_path / "gone.wav"
    sampler = prepared(gone)
    assert not play(sampler, {}, 2000, 500, [key(0, 60)]).any()
    assert sampler.problem.startswith("The sampler is silent: ")
    assert str(gone) in sampler.problem
    layers = Layers()
    layers.restore({"layers": {"2": {"instrument": "sampler", "state": sampler.state()}}})
    layers.prepare(RATE, 64)
    assert layers.problem == sampler.problem
    preset = Preset(name="x", instrument="sampler", state=sampler.state())
    save_preset(tmp_path / "x.json", preset)
    assert load_preset(tmp_path / "x.json").state == {"sound": str(gone)}
    with pytest.raises(PluginError, match=r"gone\.wav"):
        render("sampler", {}, 0.1, state=sampler.state())
    with pytest.raises(ArgumentError, match="path of a sound file"):
        sampler.restore({"sound": 3.0})
    assert sampler.sound == str(gone)


def test_a_layer_plays_the_file_of_its_state(file):
    one = {"instrument": "sampler", "parameters": {"loop": 0.0}, "state": {"sound": str(file)}}
    state, values = {"layers": {"1": one}}, {"f_c_1": 261.6256, "level_1": 0.0, "period_1": 4.0}
    alone = render("sampler", {"loop": 0.0, "gain": 0.0, "period": 4.0}, 0.5, state=one["state"])
    layered = render("layers", values, 0.5, state=state)
    assert np.abs(layered - alone).max() < 1e-3
    assert np.abs(alone).max() > 0.3
    layers = Layers()
    layers.restore(state)
    assert layers.state()["layers"]["1"]["state"] == one["state"]
    assert math.isclose(layers.state()["layers"]["1"]["parameters"]["loop"], 0.0)
