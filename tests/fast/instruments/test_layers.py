"""Fears: layers drift apart, allocate, click or go on sounding; a silent one loses its place."""

import numpy as np
import pytest
from allocation import tracing

from mesosynth.errors import ArgumentError
from mesosynth.instruments import INSTRUMENTS
from mesosynth.instruments.chirplet import PARAMETERS as CHIRPLET
from mesosynth.instruments.chirplet import Chirplet
from mesosynth.instruments.layers import LAYERS, PARAMETERS, Layers
from mesosynth.plugins.plugin import EVENT, NO_EVENTS, EventKind

RATE = 48000
ONE = {"f_c": 400.0, "f_m": 9.0, "gamma": 5.0, "w": 1.5, "am_shape": 0.4, "am_depth": 0.9,
       "brightness": -14.0, "period": 0.5}  # fmt: skip
TWO = {"f_c": 1200.0, "f_m": 20.0, "gamma": -6.0, "w": 1.0, "am_shape": 0.0, "am_depth": 1.0,
       "brightness": -60.0, "period": 0.8}  # fmt: skip


def both(**more):
    first = {f"{id_}_1": value for id_, value in ONE.items()}
    third = {f"{id_}_3": value for id_, value in TWO.items()}
    return {**first, "level_1": -6.0, **third, "level_3": -12.0, "delay_3": 0.2, **more}


def prepared(kind=Layers, rate=RATE, max_block=4096):
    instrument = kind()
    instrument.prepare(rate, max_block)
    return instrument


def play(instrument, values, samples, block, events=NO_EVENTS):
    out = np.zeros((2, samples), np.float32)
    for begin in range(0, samples, block):
        piece = out[:, begin : begin + block]
        inside = (events["frame"] >= begin) & (events["frame"] < begin + piece.shape[1])
        mine = events[inside].copy()
        mine["frame"] -= begin
        instrument.process(values, mine, piece)
    return out


def chirplet(values, gain, samples, delay=0, events=NO_EVENTS):
    sound = play(
        prepared(Chirplet), CHIRPLET.vector({**values, "gain": gain}), samples - delay, 512, events
    )
    return np.pad(sound, ((0, 0), (delay, 0)))


@pytest.mark.parametrize("block", [64, 65, 1000, 4096])
def test_layers_are_the_sum_of_chirplets_each_as_late_as_it_says(block):
    samples = int(1.7 * RATE)
    values = PARAMETERS.vector(both())
    expected = chirplet(ONE, -6.0, samples) + chirplet(TWO, -12.0, samples, int(0.2 * RATE))
    np.testing.assert_allclose(
        play(prepared(), values, samples, block), expected, atol=1e-5 * np.abs(expected).max()
    )


def test_transpose_and_speed_move_all_of_them():
    faster = {**ONE, "f_c": 800.0, "f_m": 18.0, "gamma": 10.0, "period": 0.25}
    values = {f"{id_}_1": value for id_, value in ONE.items()}
    values = PARAMETERS.vector({**values, "level_1": -6.0, "transpose": 12.0, "speed": 2.0})
    expected = chirplet(faster, -6.0, RATE)
    np.testing.assert_allclose(
        play(prepared(), values, RATE, 512), expected, atol=1e-5 * np.abs(expected).max()
    )


def test_a_layer_comes_back_in_its_place():
    loud, quiet = PARAMETERS.vector(both()), PARAMETERS.vector(both(level_3=-60.0))
    never = play(prepared(), loud, 4 * RATE, 480)
    layers = prepared()
    first = play(layers, loud, RATE, 480)
    rest = play(layers, quiet, RATE, 480)
    back = play(layers, loud, 2 * RATE, 480)
    np.testing.assert_array_equal(first, never[:, :RATE])
    alone = play(prepared(), quiet, 2 * RATE, 480)
    assert np.abs(rest[:, 480:] - alone[:, RATE + 480 :]).max() < 1e-4
    # From its next start on, 0.8 s after the one at 1.8 s, it sounds as if it had not been away.
    np.testing.assert_allclose(back[:, int(0.7 * RATE) :], never[:, int(2.7 * RATE) :], atol=1e-4)


def test_a_key_plays_all_layers_transposed_and_the_first_at_once():
    note = np.array([(0, EventKind.NOTE_ON, 0, 72, 1.0)], EVENT)
    sound = play(prepared(), PARAMETERS.vector(both()), RATE, 512, note)
    # Layer 1 answers at once, an octave higher, like a chirplet that the same key plays.
    alone = play(prepared(), PARAMETERS.vector(both(level_3=-60.0)), RATE, 512, note)
    assert np.abs(alone[:, : RATE // 50]).max() > 0.01
    first = RATE // 10  # the other follows by 0.2 s, less what keys leave out of its way in
    np.testing.assert_allclose(sound[:, :first], alone[:, :first], atol=1e-5)
    assert np.abs(sound - alone)[:, : RATE // 2].max() > 0.01
    spectrum = np.abs(np.fft.rfft(alone[0, : RATE // 4]))
    peak = np.fft.rfftfreq(RATE // 4, 1 / RATE)[spectrum.argmax()]
    assert 600.0 < peak < 1100.0


def test_a_released_key_leaves_silence_once_it_has_faded():
    events = np.array(
        [(0, EventKind.NOTE_ON, 0, 60, 1.0), (RATE // 2, EventKind.NOTE_OFF, 0, 60, 0.0),
         (RATE // 2, EventKind.STOP, 0, 0, 0.0)], EVENT,
    )  # fmt: skip
    sound = play(prepared(), PARAMETERS.vector(both(release=0.1)), 2 * RATE, 512, events)
    assert np.abs(sound[:, : RATE // 2]).max() > 0.05
    assert np.abs(sound[:, RATE:]).max() == 0.0


def test_reset_forgets_everything():
    layers, values = prepared(), PARAMETERS.vector(both())
    first = play(layers, values, 30000, 128)
    layers.reset()
    np.testing.assert_array_equal(play(layers, values, 30000, 128), first)


@pytest.mark.parametrize("rate", [8000, 44100, 96000])
@pytest.mark.parametrize("seed", range(4))
def test_no_setting_makes_what_is_no_sound(rate, seed):
    rng = np.random.default_rng(seed)
    layers = prepared(rate=rate, max_block=512)
    for _ in range(12):
        values = PARAMETERS.vector({p.id: p.from_unit(rng.random()) for p in PARAMETERS.values()})
        sound = play(layers, values, 2048, 512)
        assert np.isfinite(sound).all()
        assert np.abs(sound).max() < 16 * LAYERS * 2.0 * 2.0


def test_process_allocates_no_arrays():
    layers, block = prepared(), np.zeros((2, 4096), np.float32)
    rng = np.random.default_rng(0)
    moving = [
        PARAMETERS.vector({p.id: p.from_unit(rng.random()) for p in PARAMETERS.values()})
        for _ in range(8)
    ]
    for values in moving:
        layers.process(values, NO_EVENTS, block)
    with tracing() as peak_of:
        peaks = [peak_of(layers.process, moving[i % 8], NO_EVENTS, block) for i in range(48)]
    peak = np.reshape(peaks, (-1, 8)).min(axis=0).max()
    assert peak < 6144, f"{peak} bytes: views are 3 KiB, but an array of the block is 16 KiB"


def test_presets_racks_and_plugins_know_it():
    assert INSTRUMENTS["layers"] is Layers
    assert len(PARAMETERS) == 10 * LAYERS + 5


DRUM = {"f_c": 150.0, "tau": 0.3, "alpha": 0.5}
MIXED = {"layers": {"2": {"instrument": "drum", "parameters": DRUM},
                    "4": {"instrument": "ripple", "parameters": {"depth": 0.5}},
                    "6": {"instrument": "grains", "parameters": {"density": 0.7}},
                    "12": {"instrument": "strike", "parameters": {"decay": 0.2}}}}  # fmt: skip


def mixed(**more):
    layers = Layers()
    layers.restore(MIXED)
    layers.prepare(RATE, 4096)
    return layers, PARAMETERS.vector(
        {"level_1": -60.0, "f_c_2": 200.0, "period_2": 0.25, "delay_2": 0.1, **more}
    )


def test_a_layer_may_be_another_instrument_with_its_own_parameters():
    layers, values = mixed(level_2=-6.0)
    drum = INSTRUMENTS["drum"]
    own = drum.parameters.vector({**DRUM, "f_c": 200.0, "period": 0.25, "gain": -6.0})
    alone = play(prepared(drum), own, RATE - RATE // 10, 512)
    sound = play(layers, values, RATE, 512)
    assert np.abs(alone).max() > 0.05
    np.testing.assert_allclose(sound[:, RATE // 10 :], alone, atol=1e-5 * np.abs(alone).max())


@pytest.mark.parametrize("block", [64, 1000])
def test_mixed_layers_are_the_sum_of_each_alone(block):
    levels = {f"level_{n}": -9.0 for n in (2, 3, 4, 6, 12)}
    layers, values = mixed(**levels)
    together = play(layers, values, RATE // 2, block)
    each = [play(*mixed(**{id_: level}), RATE // 2, 512) for id_, level in levels.items()]
    assert all(np.abs(sound).max() > 0.01 for sound in each)
    np.testing.assert_allclose(together, sum(each), atol=1e-5)


@pytest.mark.parametrize("block", [65, 1000])
def test_twelve_layers_of_five_kinds_are_the_sum_of_each_alone(block):
    kinds = ("strike", "drum", "chirplet", "grains", "ripple")
    others = {str(n): {"instrument": kinds[n % 5]} for n in range(1, LAYERS + 1) if n % 5 != 2}
    for n in ("3", "8"):
        others[n]["parameters"] = {"density": 1.0}  # so that it is heard at once

    def heard(numbers, block):
        layers = Layers()
        layers.restore({"layers": others})
        layers.prepare(RATE, 4096)
        values = {f"f_c_{n}": 100.0 * n for n in numbers}
        values |= {f"gamma_{n}": 5.0 for n in (2, 7, 12)}  # of the chirplets, short ones
        levels = {f"level_{n}": -12.0 if n in numbers else -60.0 for n in range(1, LAYERS + 1)}
        return play(layers, PARAMETERS.vector({**values, **levels}), RATE // 2, block)

    each = [heard([n], 512) for n in range(1, LAYERS + 1)]
    assert all(np.abs(sound).max() > 0.01 for sound in each)
    np.testing.assert_allclose(heard(range(1, LAYERS + 1), block), sum(each), atol=1e-5)


def test_what_layers_are_is_in_their_state_and_nonsense_changes_nothing():
    layers, _ = mixed()
    assert layers.state() == MIXED
    for nonsense in (
        {"13": {"instrument": "drum"}}, {"1": {"instrument": "layers"}}, {"1": {}}, [], {"1": 3},
        {"1": {"instrument": "drum", "parameters": {"w": 1.0}}}, {"1": {"instrument": "piano"}},
    ):  # fmt: skip
        if nonsense:
            with pytest.raises(ArgumentError):
                layers.restore({"layers": nonsense})
        assert layers.state() == MIXED
    layers.restore({})
    assert layers.state() == {}


def test_all_layers_have_the_scale_of_the_keys():
    scale = {"tuning": {"name": "whole", "cents": [200.0]}}
    layers, values = mixed(level_12=-6.0)
    layers.restore({**MIXED, **scale})
    assert layers.state() == {**MIXED, **scale}
    note = np.array([(0, EventKind.NOTE_ON, 0, 61, 1.0)], EVENT)
    tuned = play(layers, values, 4096, 512, note)
    note["note"] = 62
    np.testing.assert_allclose(play(*mixed(level_12=-6.0), 4096, 512, note), tuned, atol=1e-6)


# ---------------------------------------------------------------------- ripples, grains as events


ENVELOPE = {"attack": 0.01, "decay": 0.05}
EVENTS = {"ripple": {"f_0": 300.0, "f_m": 6.0, "gamma": -3.0, "w": 3.0, "depth": 0.8, **ENVELOPE},
          "grains": {"f_low": 400.0, "f_high": 900.0, "length": 0.03, "rate": 60.0, "density": 0.9,
                     **ENVELOPE}}  # fmt: skip


def events_of(kind, **more):
    layers = Layers()
    layers.restore({"layers": {"1": {"instrument": kind, "parameters": EVENTS[kind]}}})
    layers.prepare(RATE, 4096)
    pitch = EVENTS[kind].get("f_0", EVENTS[kind].get("f_low"))
    own = {id_: EVENTS[kind][id_] for id_ in ("f_m", "gamma", "w") if id_ in EVENTS[kind]}
    values = {f"{id_}_1": value for id_, value in {**own, "f_c": pitch}.items()}
    return layers, PARAMETERS.vector({**values, "level_1": 0.0, "period_1": 0.8, **more})


@pytest.mark.parametrize("kind", EVENTS)
def test_an_event_begins_with_its_delay_falls_and_comes_again_the_same(kind):
    layers, values = events_of(kind, delay_1=0.1)
    sound = play(layers, values, 2 * RATE, 4096)
    first, again = round(0.1 * RATE), round(0.9 * RATE)
    assert not sound[:, :first].any()
    np.testing.assert_allclose(
        sound[:, again : again + 4000], sound[:, first : first + 4000], atol=1e-5
    )
    heard = [np.abs(sound[:, first + begin : first + begin + 4800]).max() for begin in (0, 24000)]
    assert heard[0] > 0.05
    assert heard[1] < 1e-3 * heard[0]  # ten decays later
    for block in (64, 65, 1000):
        other = play(*events_of(kind, delay_1=0.1), 2 * RATE, block)
        np.testing.assert_allclose(other, sound, atol=1e-4 * np.abs(sound).max())


@pytest.mark.parametrize("kind", EVENTS)
def test_a_start_while_an_event_sounds_does_not_click(kind):
    alone = play(*events_of(kind), RATE // 2, 512)
    often = play(*events_of(kind, period_1=0.1), RATE // 2, 512)
    steps = [float(np.abs(np.diff(sound, axis=1)).max()) for sound in (alone, often)]
    assert steps[1] < 1.5 * steps[0]


def test_a_key_transposes_an_event_and_its_release_ends_it():
    layers, values = events_of("grains", release=0.02)
    events = np.array(
        [(0, EventKind.STOP, 0, 0, 0.0), (0, EventKind.NOTE_ON, 0, 72, 1.0),
         (4800, EventKind.NOTE_OFF, 0, 72, 0.0)], EVENT,
    )  # fmt: skip
    sound = play(layers, values, RATE // 2, 512, events).mean(axis=0)
    power = np.square(np.abs(np.fft.rfft(sound[:4800])))
    hertz = np.fft.rfftfreq(4800, 1.0 / RATE)
    inside = (hertz > 750.0) & (hertz < 1900.0)  # an octave above 400 to 900 Hz
    assert power[inside].sum() > 0.9 * power.sum()
    quiet = np.abs(sound[4800 + 1440 : 4800 + 4800]).max()
    assert quiet < 1e-3 * np.abs(sound).max()


@pytest.mark.parametrize("kind", EVENTS)
def test_an_event_allocates_no_arrays(kind):
    layers, values = events_of(kind, period_1=0.1)
    block = np.zeros((2, 4096), np.float32)
    for _ in range(8):
        layers.process(values, NO_EVENTS, block)
    with tracing() as peak_of:
        peaks = [peak_of(layers.process, values, NO_EVENTS, block) for _ in range(12)]
    assert max(peaks) < 8192  # views; an array of the block is 16 KiB


def test_without_an_envelope_it_sounds_all_the_time():
    layers = Layers()
    plain = {id_: value for id_, value in EVENTS["ripple"].items() if id_ not in ENVELOPE}
    layers.restore({"layers": {"1": {"instrument": "ripple", "parameters": plain}}})
    layers.prepare(RATE, 4096)
    values = PARAMETERS.vector({"level_1": 0.0, "delay_1": 5.0, "f_c_1": 300.0})
    assert np.abs(play(layers, values, 4096, 512)).max() > 0.01
