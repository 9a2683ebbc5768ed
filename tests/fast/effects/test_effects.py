"""Fears: zipper noise, clicks, a hall that never ends, echoes beside the beat, harsh aliases."""

# pyright: basic

import math
import subprocess
import sys

import numpy as np
import pytest

from mesosynth.effects import EFFECTS
from mesosynth.effects.delay import CROSSFADE, Delay
from mesosynth.effects.filter import Filter
from mesosynth.effects.reverb import Reverb
from mesosynth.effects.saturation import Saturation
from mesosynth.plugins.plugin import NO_EVENTS
from mesosynth.plugins.ramps import Ramps

RATE = 48000


def prepared(kind, max_block=4096, rate=RATE):
    effect = kind()
    effect.prepare(rate, max_block)
    return effect


def run(effect, values, sound, block=512):
    """`sound`, (2, n), through the effect; `values` may be a function of the block's number."""
    out = sound.astype(np.float32)
    for number, begin in enumerate(range(0, out.shape[1], block)):
        given = values(number) if callable(values) else values
        part = out[:, begin : begin + block]
        effect.process(effect.parameters.vector(given), NO_EVENTS, part)
    return out.astype(float)


def impulse(n, left=1.0, right=1.0):
    sound = np.zeros((2, n))
    sound[:, 0] = left, right
    return sound


def sine(hertz, n, amplitude=0.5):
    return np.tile(amplitude * np.sin(2 * np.pi * hertz * np.arange(n) / RATE), (2, 1))


def test_each_echo_is_darker_by_a_one_pole():
    values = {"time": 0.1, "feedback": 0.5, "damping": 1000.0, "mix": 1.0}
    out = run(prepared(Delay), values, impulse(RATE), 77)
    c = math.exp(-2 * math.pi * 1000.0 / RATE)
    expected = 0.5 * (1 - c) * c ** np.arange(400)
    np.testing.assert_allclose(out[0, 9600:10000], expected, atol=1e-7)


@pytest.mark.parametrize("name", ["delay", "reverb"])
def test_a_damping_that_jumps_does_not_step(name):
    kind, block = EFFECTS[name], 256

    def jumping(number):
        values = {"damping": (500.0, 20000.0)[number % 2], "mix": 1.0, "feedback": 0.9}
        return {id_: value for id_, value in values.items() if id_ in kind.parameters}

    steps = np.abs(np.diff(run(prepared(kind), jumping, sine(60, RATE), block)))
    assert (
        steps[:, block - 1 :: block].max()
        < 1.5 * np.delete(steps, np.s_[block - 1 :: block], axis=1).max()
    )


def test_ramps_end_where_they_should_and_say_when_nothing_changes():
    ramps = Ramps(2, 64)
    np.testing.assert_array_equal(ramps.move(np.array([1.0, 2.0]), 8), [[1.0] * 8, [2.0] * 8])
    ramps.move(np.array([1.0, 2.0]), 4)
    assert not ramps.changed
    np.testing.assert_allclose(ramps.move(np.array([2.0, 2.0]), 4)[0], [1.25, 1.5, 1.75, 2.0])
    assert ramps.changed
    np.testing.assert_array_equal(ramps.move(np.array([2.0, 2.0]), 16)[0], 2.0)


@pytest.mark.parametrize("shape", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("resonance", [0.7071, 8.0])
def test_the_filter_has_the_response_of_its_prototype(shape, resonance):
    cutoff, n = 1000.0, RATE
    values = {"cutoff": cutoff, "resonance": resonance, "shape": shape}
    response = np.abs(np.fft.rfft(run(prepared(Filter), values, impulse(n))[1]))
    hertz = np.array([50, 300, 900, 1000, 1200, 4000, 12000])
    # The bilinear transform's warp, and the analogue filter of the textbook.
    s = 1j * np.tan(np.pi * hertz / RATE) / math.tan(np.pi * cutoff / RATE)
    top = {0.0: 1.0, 0.5: s / resonance, 1.0: s**2}[shape]
    expected = np.abs(top / (s**2 + s / resonance + 1.0))
    np.testing.assert_allclose(response[hertz], expected, rtol=2e-3, atol=1e-5)


@pytest.mark.parametrize("block", [16, 128, 1000])
def test_a_swept_filter_has_no_zipper_noise(block):
    """All that a slow sine through a fast sweep contains lies near the sine."""
    n = RATE // 2

    def swept(number):
        return {"cutoff": 400.0 * 20.0 ** (number * block / n), "resonance": 2.0}

    out = run(prepared(Filter), swept, sine(300, n), block)[0] * np.blackman(n)
    spectrum = np.abs(np.fft.rfft(out))
    assert spectrum[1000:].max() < 1e-4 * spectrum.max()


def test_the_filter_stays_calm_when_everything_jumps():
    rng = np.random.default_rng(0)
    table = Filter.parameters

    def anywhere(_):
        return {id_: p.from_unit(float(rng.choice([0.0, 1.0]))) for id_, p in table.items()}

    noise = rng.uniform(-1, 1, (2, 40000))
    out = run(prepared(Filter), anywhere, noise, 64)
    assert np.abs(out).max() < 100.0


def test_echoes_come_on_their_sample():
    values = {"time": 0.1, "feedback": 0.5, "damping": 20000.0, "mix": 1.0}
    out = run(prepared(Delay), values, impulse(RATE, 1.0, 0.5), 1000)
    assert not out[:, :4800].any()
    np.testing.assert_allclose(out[:, 4800], [1.0, 0.5], atol=1e-6)
    echo = out[:, 9600 : 9600 + 50].sum(axis=1)
    np.testing.assert_allclose(echo, [0.5, 0.25], rtol=1e-3)


def test_ping_pong_goes_from_side_to_side():
    values = {"time": 0.1, "feedback": 0.8, "ping_pong": 1.0, "mix": 1.0}
    out = run(prepared(Delay), values, impulse(RATE))
    energy = [(out[:, k * 4800 - 5 : k * 4800 + 200] ** 2).sum(axis=1) for k in range(1, 6)]
    for k, (left, right) in enumerate(energy):
        near, far = (left, right) if k % 2 == 0 else (right, left)
        assert near > 1e-3
        assert far < 1e-12 * near


def test_a_delay_that_changes_its_time_does_not_click():
    hertz = 200

    def jumping(number):
        return {"time": (0.1, 0.3333)[number // 40 % 2], "mix": 1.0, "feedback": 0.3}

    swell = np.minimum(np.arange(2 * RATE) / RATE, 1.0)
    out = run(prepared(Delay), jumping, swell * sine(hertz, 2 * RATE), 256)[0]
    # A crossfade bends the sine a little more than it bends itself; a click would be of order 0.5.
    own = 0.5 * (1 + 0.3 + 0.1) * (2 * np.pi * hertz / RATE) ** 2
    fade = 2 * (1.0 / (CROSSFADE * RATE)) * 2 * np.pi * hertz / RATE
    assert np.abs(np.diff(out, 2)).max() < 2 * (own + fade)


@pytest.mark.parametrize("decay", [0.5, 2.0])
@pytest.mark.parametrize("rate", [22050, 48000, 192000])
def test_the_hall_decays_as_told(decay, rate):
    values = {"decay": decay, "damping": 20000.0, "mix": 1.0}
    n = int(decay * rate)
    out = run(prepared(Reverb, rate=rate), values, impulse(n), 4096)[0]
    # The lowest octaves are not damped: look at them alone.
    spectrum = np.fft.rfft(out)
    spectrum[int(0.05 * len(spectrum)) :] = 0.0
    energy = np.cumsum(np.fft.irfft(spectrum, n)[::-1] ** 2)[::-1]
    level = 10 * np.log10(energy / energy[0])
    begin, end = np.argmax(level < -5), np.argmax(level < -25)
    assert 3 * (end - begin) / rate == pytest.approx(decay, rel=0.15)


def test_the_hall_is_wide_or_not():
    wide = run(prepared(Reverb), {"mix": 1.0}, impulse(RATE))
    mono = run(prepared(Reverb), {"mix": 1.0, "width": 0.0}, impulse(RATE))
    assert abs(np.corrcoef(wide)[0, 1]) < 0.25
    np.testing.assert_allclose(mono[0], mono[1], atol=1e-7)
    np.testing.assert_allclose(mono[0], wide.mean(axis=0), atol=1e-6)


def test_a_long_silence_leaves_no_subnormals_behind():
    """Feedback lets numbers shrink for ever, and the smallest ones take a hundred times longer."""
    for kind in EFFECTS.values():
        effect = prepared(kind, rate=8000)
        top = {id_: p.maximum for id_, p in kind.parameters.items() if id_ != "decay"}
        run(effect, top, impulse(4096), 4096)
        run(effect, top, np.zeros((2, 8000 * 60)), 4096)
        out = run(effect, top, np.zeros((2, 8000)), 128).astype(np.float32)
        magnitude = np.abs(out[out != 0.0])
        assert len(magnitude) == 0 or magnitude.min() > np.finfo(np.float32).tiny


def test_saturation_folds_less_back_than_tanh_does():
    hertz, n, drive = 1243, RATE, 36.0
    values = {"drive": drive, "level": 0.0}
    smooth = run(prepared(Saturation), values, sine(hertz, n))[0]
    plain = np.tanh(10 ** (drive / 20) * sine(hertz, n)[0])

    def folded(sound):  # into the lowest 5 kHz, beside the harmonics
        power = np.abs(np.fft.rfft(sound * np.blackman(n))) ** 2
        own = np.zeros(len(power), bool)
        for k in range(1, 20):
            own[k * hertz - 6 : k * hertz + 7] = True
        return 10 * np.log10(power[:5000][~own[:5000]].sum() / power.sum())

    assert folded(smooth) < folded(plain) - 20.0
    assert np.abs(smooth).max() <= 1.0


def test_a_quiet_sound_passes_saturation_as_it_is():
    values = {"drive": 0.0, "level": 0.0}
    response = np.abs(np.fft.rfft(run(prepared(Saturation), values, impulse(RATE, 1e-3))[0])) / 1e-3
    np.testing.assert_allclose(response[[100, 1000, 10000, 15000]], 1.0, atol=0.12)


@pytest.mark.parametrize("name", [name for name in EFFECTS if "mix" in EFFECTS[name].parameters])
def test_dry_is_dry(name):
    noise = np.random.default_rng(0).uniform(-1, 1, (2, 5000)).astype(np.float32)
    np.testing.assert_allclose(run(prepared(EFFECTS[name]), {"mix": 0.0}, noise), noise, atol=1e-7)


def test_looking_at_the_tables_brings_neither_numba_nor_scipy():
    code = (
        "import mesosynth.effects, mesosynth.engine.rack_updater, sys;"
        "print(bool({'numba', 'scipy'} & set(sys.modules)))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "False"
