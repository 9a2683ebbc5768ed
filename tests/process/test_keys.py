"""Fears: a key, a bend or a controller that the whole instrument does not hear, or hears late."""

import itertools
import socket
import time

import numpy as np
import pytest
from midi_hands import JackKeyboard
from pythonosc.osc_message_builder import OscMessageBuilder
from recorder import Recorder
from servers import JackCapture

from mesosynth.session import Session

pytestmark = pytest.mark.usefixtures("real_time")

QUICK = {"gamma": 8.0, "f_m": 32.0, "w": 2.0, "gain": 0.0, "period": 16.0, "release": 0.05}


@pytest.fixture
def session(request, monkeypatch, tmp_path):
    monkeypatch.setenv("MESOSYNTH_CONFIG_DIR", str(tmp_path))
    made = Session(getattr(request, "param", "silent"), block=128)
    made.sound.set(QUICK)
    yield made
    made.close()


def wait(session, condition, what, seconds=15.0):
    """Poll until something is so; return all signals up to then."""
    seen = Recorder(session)
    seen.until(lambda: condition(seen), seconds, what)
    return seen


def loudest(session, frames=9600):
    return float(np.abs(session.device.scope(frames)).max())


def running(session, events):
    status = session.device.status()
    return status is not None and status.running


def test_the_sessions_own_keys_sound_while_the_transport_stands(no_card, session):
    wait(session, lambda e: running(session, e), "the audio process")
    assert loudest(session) == 0.0
    session.keys.note_on(69, 1.0)
    wait(session, lambda e: loudest(session) > 0.3, "the key")
    session.keys.note_off(69)
    wait(session, lambda e: loudest(session) == 0.0, "its end")
    time.sleep(0.3)
    assert loudest(session) == 0.0  # nothing plays by itself
    session.keys.sustain(True)
    session.keys.note_on(60, 1.0)
    session.keys.note_off(60)
    wait(session, lambda e: loudest(session) > 0.3, "the key that the pedal holds")
    session.sound.panic()
    wait(session, lambda e: loudest(session) == 0.0, "the panic")
    assert not session.sound.playing


def test_osc_moves_parameters_at_once_and_for_good(no_card, session):
    session.keys.listen(midi=None, osc=0)
    seen = wait(session, lambda e: session.keys.ports.osc, "the port")
    assert seen.of("keys.ports_changed")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect(("127.0.0.1", session.keys.ports.osc))

        def send(address, *arguments):
            builder = OscMessageBuilder(address)
            for argument in arguments:
                builder.add_arg(argument)
            sender.send(builder.build().dgram)

        send("/start")
        wait(session, lambda e: session.sound.playing and loudest(session) > 0.3, "the transport")
        send("/param/gain", -60.0)
        seen = wait(session, lambda e: session.sound.values["gain"] == -60.0, "the session's word")
        assert "midi" in [source for _, source in seen.of("sound.changed")]
        wait(session, lambda e: loudest(session, 4800) < 0.01, "the level")
        session.rack.add_effect("delay")
        wait(session, lambda e: "delay.time" in session.sound.parameters, "an effect")
        time.sleep(0.2)
        parameter = session.sound.parameters["delay.time"]
        send("/param/delay.time", parameter.maximum)
        wait(session, lambda e: session.sound.values["delay.time"] == parameter.maximum, "its time")
        send("/stop")
        seen = wait(session, lambda e: not session.sound.playing, "the stop")
        assert seen.of("sound.playing_changed") == [False]


def test_a_hand_on_theta_ends_that_a_match_drives_it(no_card, session, monkeypatch):
    session.keys.listen(midi=None, osc=0)
    wait(session, lambda e: session.keys.ports.osc, "the port")
    monkeypatch.setattr(type(session.match), "running", True)
    builder = OscMessageBuilder("/param/f_c")
    builder.add_arg(300.0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(builder.build().dgram, ("127.0.0.1", session.keys.ports.osc))
    wait(session, lambda e: session.sound.values["f_c"] == 300.0, "the controller")
    assert not session.match.follow


def pitch(session, frames=8192):
    sound = session.device.scope(frames)
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(frames)))
    return spectrum.argmax() * 48000 / frames


def test_a_scale_tunes_the_keys_and_a_preset_keeps_it(no_card, session, tmp_path):
    steady = {"gamma": 0.125, "w": 1.0, "f_m": 64.0, "am_depth": 0.0, "gain": -6.0}
    session.sound.set(steady)
    wait(session, lambda e: running(session, e), "the audio process")
    session.keys.note_on(69)
    # The arpeggio climbs by three seconds from 0.2 octaves below its key to 0.2 above.
    wait(session, lambda e: loudest(session) > 0.1, "the key")
    wait(session, lambda e: 370 < pitch(session) < 520, "its pitch")
    session.keys.note_off(69)
    path = tmp_path / "stretched.scl"
    path.write_text(
        "two octaves in twelve steps\n12\n" + "".join(f"{200.0 * step}\n" for step in range(1, 13))
    )
    session.rack.tune(path, reference_note=57, reference_hertz=220.0)
    wait(session, lambda e: loudest(session, 4800) == 0.0, "the end of what played before")
    time.sleep(0.3)
    session.keys.note_on(69)
    wait(session, lambda e: 740 < pitch(session) < 1040, "the pitch of the scale")
    preset = tmp_path / "p.json"
    session.presets.save(preset)
    session.rack.tune(None)
    session.presets.load(preset)
    assert session.presets.preset("x").state["tuning"]["name"] == "two octaves in twelve steps"


@pytest.mark.parametrize("session", ["system"], indirect=True)
def test_midi_is_in_the_captured_sound_within_two_blocks(jack, session):
    """From the frame at which JACK sends a key to the frame at which it arrives as sound."""
    session.keys.listen(midi="keys")
    with JackKeyboard() as keys, JackCapture(30, on_clock=True) as ear:
        wait(session, lambda e: running(session, e), "the audio process")
        wait(session, lambda e: session.keys.ports.heard, "the port")
        ear.connect()
        for port in ear._client.get_ports("PortAudio", is_output=True, is_audio=True)[1:]:
            ear._client.disconnect(port, ear._ports[1])
        ear._client.connect("keys:clicks", ear._ports[1])
        delays, undisturbed = [], []
        while len(undisturbed) < 12 and ear.now() < 25 * 48000:
            begin = ear.now()
            keys.send((0x90, 84, 127))
            time.sleep(0.12)
            keys.send((0x80, 84, 0))
            time.sleep(0.12 + 0.001 * (len(delays) % 7))
            sound, clicks = np.abs(ear.samples[:, begin : ear.now()])
            left, heard = np.flatnonzero(clicks > 0.5), np.flatnonzero(sound > 1e-4)
            if not (len(left) and len(heard) and left[0] <= heard[0]):
                continue  # JACK missed the click, or the last key is still heard
            delays.append(int(heard[0] - left[0]))
            # Where JACK was late, its blocks begin at other times than before.
            if ear.in_time(begin - 24000, begin + heard[0] + 256):
                undisturbed.append(delays[-1])
    print(sorted(undisturbed), sorted(delays))
    # Two blocks, the limiter's look-ahead included, and always alike; but what hands a key on may
    # be held up, too.
    if len(undisturbed) >= 8:
        second, median = np.sort(undisturbed)[[1, len(undisturbed) // 2]]
        assert median <= 2 * 128
        assert median - second <= 24
    assert np.median(delays) <= 3 * 128
    assert session.device.status().faults == 0


def test_a_thousand_events_a_second_leave_no_note(no_card, session):
    wait(session, lambda e: running(session, e), "the audio process")
    rng = np.random.default_rng(0)
    for second in itertools.count():
        for _ in range(50):
            note = int(rng.integers(36, 96))
            (session.keys.note_on if rng.random() < 0.5 else session.keys.note_off)(note)
        time.sleep(0.05)
        if second == 40:
            break
    assert loudest(session) > 0.05
    for note in range(36, 96):
        session.keys.note_off(note)
    wait(session, lambda e: loudest(session, 4800) == 0.0, "silence", 3)
    assert session.device.status().faults == 0
