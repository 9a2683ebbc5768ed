"""The fears: files that say other than what was found, and a sound that comes at other times."""

import csv
from dataclasses import replace

import mido
import numpy as np
import pytest
import soundfile
from sequences import REST, matched, moving

from mesosynth.errors import ArgumentError, MesosynthError
from mesosynth.instruments.chirplet import PARAMETERS
from mesosynth.matching.automation import automation_of
from mesosynth.matching.sequence_export import FIRST_CONTROLLER, export_sequence, render_automation
from mesosynth.plugins.plugin import EventKind


def test_the_table_says_what_was_found(tmp_path):
    moments = [replace(m, std={"f_c": 1.5}) for m in moving()]
    export_sequence(tmp_path / "theta.csv", matched(moments=moments))
    with (tmp_path / "theta.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(moments)
    for row, moment in zip(rows, moments, strict=True):
        assert float(row["time"]) == moment.onset
        assert {id_: float(row[id_]) for id_ in moment.theta} == moment.theta
        assert (float(row["std_f_c"]), row["std_f_m"]) == (1.5, "")
        assert (float(row["gain"]), float(row["loss"])) == (moment.gain, moment.loss)


def test_midi_holds_the_pitches_and_the_times(tmp_path):
    moments = moving()
    export_sequence(tmp_path / "theta.mid", matched(moments=moments))
    now, bends, notes = 0.0, {}, []
    file = mido.MidiFile(tmp_path / "theta.mid")
    for message in mido.merge_tracks(file.tracks):
        now += mido.tick2second(message.time, file.ticks_per_beat, 500_000)
        if message.type == "pitchwheel":
            bends[message.channel] = message.pitch
        elif message.type == "note_on":
            key = message.note + 2.0 * bends[message.channel] / 8192
            notes.append((now, 440.0 * 2.0 ** ((key - 69) / 12)))
    assert len(notes) == len(moments)
    for (time, hertz), moment in zip(notes, moments, strict=True):
        assert time == pytest.approx(moment.onset - 2.0 * moment.sigma, abs=0.002)
        assert hertz == pytest.approx(moment.theta["f_c"], rel=1e-4)


def test_midi_controllers_are_the_knobs_in_fourteen_bits(tmp_path):
    moments = moving()
    export_sequence(tmp_path / "theta.mid", matched(moments=moments))
    automation = automation_of(moments, 20.0)
    track = mido.MidiFile(tmp_path / "theta.mid").tracks[1 + automation.ids.index("f_m")]
    assert track.name.startswith(PARAMETERS["f_m"].name)
    controller = FIRST_CONTROLLER + automation.ids.index("f_m")
    now, coarse, knob = 0.0, 0, []
    for message in track:
        now += mido.tick2second(message.time, 480, 500_000)
        if message.type == "control_change" and message.control == controller:
            coarse = message.value
        elif message.type == "control_change":
            assert message.control == controller + 32
            knob.append((now, (128 * coarse + message.value) / 16383))
    for time, travel in knob:
        value = PARAMETERS["f_m"].from_unit(travel)
        assert value == pytest.approx(automation.at(time)["f_m"], rel=0.01)


def test_notes_that_overlap_bend_on_channels_of_their_own(tmp_path):
    moments = moving(20.0, every=0.2, rest=(0.0, 0.0))
    export_sequence(tmp_path / "dense.mid", matched(moments=moments))
    sounding = set()
    for message in mido.merge_tracks(mido.MidiFile(tmp_path / "dense.mid").tracks):
        if message.type == "note_on":
            assert message.channel not in sounding
            sounding.add(message.channel)
        elif message.type == "note_off":
            sounding.discard(message.channel)


def test_the_instrument_plays_it_in_time_and_rests_where_it_rested(tmp_path):
    moments = moving()
    export_sequence(tmp_path / "theta.wav", matched(moments=moments))
    audio, rate = soundfile.read(tmp_path / "theta.wav")
    assert audio.shape == (21 * rate, 2)
    power = np.square(audio[:, 0])
    time = np.arange(len(power)) / rate
    for moment in moments:
        near = np.abs(time - moment.onset) < 0.45
        middle = np.average(time[near], weights=power[near])
        assert middle == pytest.approx(moment.onset, abs=0.01)
        # The modulation is zero in the very middle, so its envelope is never quite reached.
        assert 0.8 * moment.gain < np.abs(audio[near]).max() < 1.01 * moment.gain
    rest = (time > REST[0]) & (time < REST[1])
    assert np.abs(audio[rest]).max() < 1e-3
    assert np.abs(audio[time > 20.2]).max() < 1e-3


def test_falling_arpeggios_among_rising_ones_are_heard():
    moments = [
        replace(m, theta={**m.theta, "gamma": m.theta["gamma"] * (-1) ** k})
        for k, m in enumerate(moving(8.0, rest=(0.0, 0.0)))
    ]
    audio = np.concatenate([*render_automation(automation_of(moments, 8.0), 16000)], axis=1)[0]
    for moment in moments:
        begin = round((moment.onset - 0.2) * 16000)
        assert np.abs(audio[begin : begin + 6400]).max() > 0.5 * moment.gain


def test_narrow_and_wide_arpeggios_that_follow_each_other_closely_are_in_time():
    moments = moving(8.0, every=0.5, rest=(0.0, 0.0))
    shapes = [(-1.5, 0.8), (-4.0, 0.7), (2.5, 1.0), (3.0, 2.0)]
    moments = [
        replace(m, theta={**m.theta, "gamma": shapes[k % 4][0], "w": shapes[k % 4][1]})
        for k, m in enumerate(moments)
    ]
    audio = np.concatenate([*render_automation(automation_of(moments, 8.0), 16000)], axis=1)[0]
    power, time = np.square(audio), np.arange(len(audio)) / 16000
    for moment in moments:
        near = np.abs(time - moment.onset) < 0.25
        middle = np.average(time[near], weights=power[near])
        assert middle == pytest.approx(moment.onset, abs=0.05)


def test_every_theta_stands_still_while_it_is_heard():
    moments = moving(20.0, every=0.4, rest=(0.0, 0.0))
    automation = automation_of(moments, 20.0)
    for moment in moments:
        for time in (moment.onset - 1.5 * moment.sigma, moment.onset):
            for id_, value in automation.at(time).items():
                wanted = moment.theta.get(id_)
                assert wanted is None or value == pytest.approx(wanted, rel=1e-6)


def test_a_long_rest_is_one():
    first, second = moving(2.0, rest=(0.0, 0.0))
    automation = automation_of([first, replace(second, onset=60.0)], 70.0)
    kinds = [kind for _, kind in automation.events]
    assert kinds == [EventKind.START, EventKind.STOP, EventKind.START, EventKind.STOP]


@pytest.mark.parametrize("name", ["theta.txt", "theta"])
def test_other_endings_are_refused(tmp_path, name):
    with pytest.raises(ArgumentError, match=r"must end in \.csv, \.mid or \.wav"):
        export_sequence(tmp_path / name, matched())


def test_nothing_found_is_said_and_nothing_written(tmp_path):
    with pytest.raises(ArgumentError, match="no arpeggio was found"):
        export_sequence(tmp_path / "theta.csv", matched(moments=[]))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("ending", ["csv", "mid", "wav"])
def test_a_folder_that_is_missing_is_named(tmp_path, ending):
    with pytest.raises(MesosynthError, match="cannot be written"):
        export_sequence(tmp_path / "none" / f"theta.{ending}", matched(2.0))
