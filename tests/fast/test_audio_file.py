import hashlib
import os
import resource
import struct
import subprocess
import sys

import numpy as np
import pytest
import soundfile
import torch
from bad_sounds import BAD_SOUNDS, tone

import mesosynth as ms
from mesosynth.audio.file import (
    ANALYSIS_RATE,
    ANALYSIS_SAMPLES,
    load_target,
    read_audio,
    read_channels,
    read_waveform_peaks,
    stream_audio,
    target_from_array,
    write_wav,
)
from mesosynth.errors import ArgumentError, AudioFileError, MesosynthError, TargetError
from mesosynth.system.paths import path_text, text_path


def pitch(audio):
    """Strongest frequency of an analysis window, Hz."""
    return np.abs(np.fft.rfft(audio)).argmax() * ANALYSIS_RATE / ANALYSIS_SAMPLES


@pytest.mark.parametrize("kind", BAD_SOUNDS)
@pytest.mark.parametrize("read", [load_target, read_audio])
def test_a_bad_file_is_refused_in_one_sentence_that_names_it(tmp_path, kind, read):
    make, cause = BAD_SOUNDS[kind]
    path = tmp_path / f"{kind}.wav"
    make(path)
    with pytest.raises((AudioFileError, TargetError), match=cause) as raised:
        read(path)
    assert path.name in str(raised.value)
    assert str(raised.value).endswith(".")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("hertz", "where"),
    [(30000.0, "above 10000 Hz"), (15000.0, "above 10000 Hz"), (17.3, "below 30 Hz")],
)
def test_a_sound_that_nobody_hears_is_no_target(hertz, where):
    x = 0.3 * np.sin(2 * np.pi * hertz * np.arange(96000) / 96000)
    with pytest.raises(TargetError, match=f"bat has all its energy {where}"):
        target_from_array(x, 96000, "bat")


def test_a_whistle_above_the_analysis_band_is_a_target_at_full_band():
    x = 0.3 * np.sin(2 * np.pi * 7000.0 * np.arange(44100) / 44100)
    target = target_from_array(x, 44100, "cicada")
    assert not target.audio.any()
    assert target.unanalysed == pytest.approx(1.0)
    assert target.left_out == pytest.approx(0.0, abs=1e-6)
    np.testing.assert_array_equal(target.recording.audio, x.astype(np.float32))
    assert any("leave out 100%" in remark for remark in target.remarks)


def test_a_constant_offset_and_clipping_are_no_obstacle():
    x = np.clip(2.0 * tone(1.0, 44100), -0.5, 0.5) + 0.5
    target = target_from_array(x, 44100)
    assert target.unanalysed < 0.02
    assert target.recording.sample_rate == 44100


def test_channels_that_cancel_are_noticed_and_one_is_taken(tmp_path):
    path = tmp_path / "phase.wav"
    soundfile.write(path, np.stack([0.5 * tone(), -tone()], axis=1), 8192, subtype="FLOAT")
    assert load_target(path).channel is None  # half of it is left
    soundfile.write(path, np.stack([-0.9 * tone(), tone()], axis=1), 8192, subtype="FLOAT")
    target = load_target(path)
    assert target.channel == 1
    assert "channel 2 alone is matched" in target.remarks[0]
    np.testing.assert_allclose(target.recording.audio, tone(), atol=1e-7)
    np.testing.assert_allclose(read_audio(path).audio, tone(), atol=1e-7)


@pytest.mark.parametrize("rate", [8192, 22050, 44100, 96000])
def test_a_recording_is_the_whole_sound_at_its_own_rate(rate):
    x = tone(9.0, rate)
    recording = target_from_array(x, rate).recording
    assert recording.sample_rate == min(rate, 44100)
    assert (recording.start, recording.duration) == (0.0, pytest.approx(9.0))
    if rate <= 44100:
        np.testing.assert_array_equal(recording.audio, x)


def test_what_a_window_leaves_out_is_told():
    x = tone(40.0, 8192)
    x[12 * 8192 : 18 * 8192] *= 3.0
    target = target_from_array(x, 8192, "long")
    recording = target.recording
    assert recording.duration == pytest.approx(10.0)
    assert recording.start <= 12.0 < 18.0 <= recording.start + recording.duration
    assert recording.start <= target.start <= recording.start + 6.0
    assert target.left_out == pytest.approx(1.0 - (6 * 9 + 4) / (6 * 9 + 34), abs=0.01)
    assert f"from {recording.start:.2f} s to" in target.remarks[0]


def test_a_pipe_is_refused(tmp_path):
    path = tmp_path / "pipe.wav"
    os.mkfifo(path)  # reading it would wait forever
    with pytest.raises(AudioFileError, match="is not a file"):
        load_target(path)


def test_a_wav_cut_anywhere_never_passes_for_whole(tmp_path):
    path = tmp_path / "cut.wav"
    soundfile.write(path, tone(0.2), 8192)
    whole = path.read_bytes()
    for length in [*range(100), *range(100, len(whole) - 70, 97)]:
        path.write_bytes(whole[:length])
        try:
            remarks = load_target(path).remarks
        except MesosynthError:
            continue
        assert length > 800  # there is enough of it
        assert remarks[0].startswith("cut.wav is cut short: it holds ")


@pytest.mark.parametrize("rate", [8000, 8192, 11025, 44100, 48000, 96000, 192000])
def test_every_rate_becomes_the_analysis_rate(tmp_path, rate):
    path = tmp_path / "tone.wav"
    soundfile.write(path, tone(4.0, rate), rate)
    target = load_target(path)
    assert target.audio.shape == (ANALYSIS_SAMPLES,)
    assert target.audio.dtype == np.float32
    assert target.start == 0.0
    assert pitch(target.audio) == 440.0
    assert np.abs(target.audio).max() == pytest.approx(0.5)
    assert target.scale == pytest.approx(0.5 / 0.3, rel=0.01)
    assert target.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("suffix", "subtype"),
    [("wav", "PCM_U8"), ("wav", "DOUBLE"), ("flac", "PCM_24"), ("aiff", "PCM_16"),
     ("ogg", "VORBIS"), ("mp3", "MPEG_LAYER_III"), ("caf", "PCM_16"), ("rf64", "PCM_16")],
)  # fmt: skip
def test_formats(tmp_path, suffix, subtype):
    path = tmp_path / f"tone.{suffix}"
    soundfile.write(path, tone(4.0, 44100), 44100, subtype=subtype)
    assert pitch(load_target(path).audio) == 440.0


def test_a_wav_of_a_streaming_writer_has_no_length_and_works(tmp_path):
    path = tmp_path / "streamed.wav"
    soundfile.write(path, tone(4.0), 8192, subtype="PCM_16")
    streamed = bytearray(path.read_bytes())
    streamed[4:8] = streamed[40:44] = b"\xff" * 4
    path.write_bytes(streamed)
    assert pitch(load_target(path).audio) == 440.0


N = 4 * 44100


def _wav(data, riff, length):
    at = data.index(b"data") + 4
    return _with(_with(data, 4, "<I", riff), at, "<I", length)


def _with(data, at, kind, value):
    size = struct.calcsize(kind)
    return data[:at] + struct.pack(kind, value) + data[at + size :]


def _caf(data, length):
    return _with(data, data.index(b"data") + 4, ">q", length)


def _flac(data, samples):
    described = int.from_bytes(data[18:26], "big") >> 36 << 36
    return data[:18] + (described | samples).to_bytes(8, "big") + data[26:]


def _without_first_frame(data):
    """An MP3 of which libsndfile's own first frame, which holds only the length, is missing."""
    return data[data.index(data[:2], 100) :]


HEADERS = {
    "wav, a recorder that died": ("wav", lambda d: _wav(d, 0, 0), "tells 0.00 s"),
    "wav, its last update": ("wav", lambda d: _wav(d, 1036, 1000), "tells 0.01 s"),
    "wav, RIFF twice as long": ("wav", lambda d: _wav(d, 2 * len(d), 2 * N), ""),
    "wav, RIFF of 0": ("wav", lambda d: _wav(d, 0, 2 * N), ""),
    "wav, 200 bytes too few": ("wav", lambda d: _wav(d, 236 + 2 * N, 200 + 2 * N), "cut short"),
    "wav, not known": ("wav", lambda d: _wav(d, 2**32 - 1, 2**31 - 1), ""),
    "wav, another chunk": (
        "wav",
        lambda d: d + b"LIST" + struct.pack("<I", 9000) + bytes(9000),
        "",
    ),
    "rf64, nothing told": ("rf64", lambda d: d[:20] + bytes(24) + d[44:], "tells 0.00 s"),
    "caf, not known": ("caf", lambda d: _caf(d, -1), ""),
    "caf, 0": ("caf", lambda d: _caf(d, 0), "tells 0.00 s"),
    "caf, too long": ("caf", lambda d: _caf(d, 10**9), "cut short"),
    "aiff, 0": ("aiff", lambda d: _with(d, d.index(b"SSND") + 4, ">I", 0), ""),
    "aiff, half": ("aiff", lambda d: _with(d, d.index(b"SSND") + 4, ">I", 8 + N), "tells 2.00 s"),
    "au, 0": ("au", lambda d: _with(d, 8, ">I", 0), ""),
    "au, half": ("au", lambda d: _with(d, 8, ">I", N), "tells 2.00 s"),
    "flac, not known": ("flac", lambda d: _flac(d, 0), ""),
    "flac, too long": ("flac", lambda d: _flac(d, 2 * N), "cut short"),
    "flac, too short": ("flac", lambda d: _flac(d, N // 3), ""),
    "mp3, no length": ("mp3", _without_first_frame, ""),
    "mp3, zeros in front": ("mp3", lambda d: bytes(700) + _without_first_frame(d), ""),
}


@pytest.mark.parametrize("case", HEADERS)
def test_all_that_is_there_is_read_whatever_the_header_says(case, tmp_path):
    suffix, change, told = HEADERS[case]
    path = tmp_path / f"x.{suffix}"
    sound = tone(4.0, 44100)
    kind = {"mp3": "MPEG_LAYER_III"}.get(suffix, "PCM_16")
    soundfile.write(path, sound, 44100, subtype=kind)
    path.write_bytes(change(path.read_bytes()))
    read = read_audio(path)
    assert read.duration == pytest.approx(4.0, abs=0.06 if suffix == "mp3" else 1e-3)
    if suffix != "mp3":
        np.testing.assert_allclose(read.audio, sound[: len(read.audio)], atol=1e-4)
    assert told in read.remark if told else not read.remark
    assert read_waveform_peaks(path).duration == read.duration
    assert stream_audio(path).duration == read.duration


@pytest.mark.parametrize(
    ("suffix", "kind"),
    [("wav", "PCM_16"), ("flac", "PCM_16"), ("aiff", "PCM_16"), ("caf", "PCM_16"),
     ("caf", "ALAC_16"), ("mp3", "MPEG_LAYER_III"), ("w64", "PCM_16"), ("au", "PCM_16")],
)  # fmt: skip
def test_of_a_file_that_was_cut_is_read_and_told_what_is_there(suffix, kind, tmp_path):
    path = tmp_path / f"x.{suffix}"
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 4 * 44100).astype(np.float32)
    soundfile.write(path, noise, 44100, subtype=kind)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    target = load_target(path)
    assert target.remarks[0].startswith(f"x.{suffix} is cut short: it holds ")
    read = read_audio(path)
    assert read.remark == target.remarks[0]
    assert read.duration == pytest.approx(2.0, abs=0.15)
    told = []
    channels, _ = read_channels(path, 1.0, tell=told.append)
    assert told == [read.remark]
    with pytest.warns(UserWarning, match="is cut short"):
        assert len(ms.load_audio(path)[0]) == len(read.audio)
    assert channels.shape[1] == pytest.approx(len(read.audio) - 44100, abs=1)


def test_a_variable_mp3_without_its_length_is_read_to_its_end(tmp_path):
    t = np.arange(8 * 44100) / 44100
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 8 * 44100)
    path = tmp_path / "x.mp3"
    soundfile.write(
        path, np.r_[noise, 0.2 * np.sin(2 * np.pi * 300 * t)], 44100, format="MP3",
        subtype="MPEG_LAYER_III", bitrate_mode="VARIABLE", compression_level=0.9,
    )  # fmt: skip
    data = path.read_bytes()
    path.write_bytes(b"ID3\3\0\0\0\0\1\0" + bytes(128) + _without_first_frame(data))
    assert read_audio(path).duration == pytest.approx(16.0, abs=0.1)


FFMPEG = """#!{python}
import sys, soundfile
soundfile.write(sys.argv[-1].removeprefix("file:"), [0.1, -0.2] * 8192, 8192, format="WAV")
"""


def test_other_formats_are_converted_where_a_program_can(tmp_path, monkeypatch):
    path = tmp_path / "phone.m4a"
    path.write_bytes(b"\0\0\0 ftypM4A " + bytes(3000))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(AudioFileError, match="is not a sound file that can be read"):
        load_target(path)
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "ffmpeg"
    program.write_text(FFMPEG.format(python=sys.executable))
    program.chmod(0o755)
    path.write_bytes(b"\0\0\0 ftypM4A " + bytes(3001))
    assert read_audio(path).duration == 2.0


def test_eight_channels_are_averaged(tmp_path):
    path = tmp_path / "eight.wav"
    channels = np.zeros((8192, 8), np.float32)
    channels[:, 3] = tone()
    soundfile.write(path, channels, 8192, subtype="FLOAT")
    sound = read_audio(path)
    assert (sound.channels, sound.sample_rate, sound.duration) == (8, 8192, 1.0)
    np.testing.assert_allclose(sound.audio, tone() / 8.0, atol=1e-7)
    assert load_target(path).scale == pytest.approx(8 * 0.5 / 0.3, rel=0.01)


def test_the_liveliest_four_seconds_of_a_long_sound_are_chosen():
    audio = np.zeros(60 * 44100, np.float32)
    audio[31 * 44100 : 34 * 44100] = tone(3.0, 44100)
    audio[10 * 44100 : 12 * 44100] = 0.5 * tone(2.0, 44100)
    target = target_from_array(audio, 44100)
    assert 30.0 <= target.start <= 31.0
    heard = np.flatnonzero(np.abs(target.audio) > 0.1) / ANALYSIS_RATE + target.start
    assert heard[0] == pytest.approx(31.0, abs=0.01)
    assert heard[-1] == pytest.approx(34.0, abs=0.01)


def test_a_window_that_cuts_through_sound_fades():
    target = target_from_array(tone(10.0), 8192)
    assert abs(target.audio[-1]) < 1e-3
    assert np.abs(target.audio[1000:-1000]).max() == pytest.approx(0.5, abs=1e-3)


def test_a_short_sound_is_trimmed_and_centred():
    audio = np.concatenate([np.zeros(8192, np.float32), tone(0.5), np.zeros(2048, np.float32)])
    target = target_from_array(audio, 8192)
    heard = np.flatnonzero(np.abs(target.audio) > 0.01)
    assert abs((heard[0] + heard[-1]) / 2 - ANALYSIS_SAMPLES / 2) < 10
    assert target.start + heard[0] / ANALYSIS_RATE == pytest.approx(1.0, abs=2e-3)


def test_a_window_of_the_right_length_stays_as_it_is():
    audio = np.zeros(ANALYSIS_SAMPLES, np.float32)
    audio[1000:3000] = 0.5 / 0.3 * tone()[:2000]
    target = target_from_array(audio, ANALYSIS_RATE)
    np.testing.assert_allclose(target.audio / target.scale, audio, atol=1e-7)
    again = target_from_array(target.audio, ANALYSIS_RATE)
    np.testing.assert_allclose(again.audio, target.audio, rtol=1e-6)


def test_arrays_are_checked_as_files_are():
    with pytest.raises(TargetError, match="drum holds 1 samples"):
        target_from_array(np.where(np.arange(8192) == 5, np.nan, tone()), 8192, "drum")
    with pytest.raises(TargetError, match="silent"):
        target_from_array(np.zeros(8192), 8192)
    with pytest.raises(TargetError, match="lasts 0 ms"):
        target_from_array(np.zeros(0), 8192)
    with pytest.raises(ArgumentError, match=r"audio\.shape=\(2, 2, 2\)"):
        target_from_array(np.zeros((2, 2, 2)), 8192)
    for rate in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(ArgumentError, match="sample_rate="):
            target_from_array(tone(), rate)


def test_any_numbers_are_taken_or_refused_by_name():
    mono = tone(4.0)
    stereo = np.stack([mono, mono])
    alike = [
        mono.tolist(), stereo, stereo.T, list(stereo), mono.astype(">f8"),
        torch.tensor(mono, requires_grad=True), torch.tensor(stereo),
    ]  # fmt: skip
    for audio in alike:
        target = target_from_array(audio, np.int64(8192))
        np.testing.assert_allclose(target.audio, target_from_array(mono, 8192).audio, atol=1e-6)
    for audio in ((20000 * mono).astype(np.int16), torch.tensor(mono).bfloat16(), 1e9 * mono):
        assert pitch(target_from_array(audio, 8192).audio) == 440.0
    for audio in (mono + 0j, mono > 0.0, ["a"], None, [[1.0], [1.0, 2.0]]):
        with pytest.raises(ArgumentError, match="must hold real numbers"):
            target_from_array(audio, 8192)
    for empty in ([], np.zeros((0, 2)), np.zeros((2, 0)), torch.zeros(0)):
        with pytest.raises(TargetError, match="lasts 0 ms"):
            target_from_array(empty, 8192)
    for rate in (None, "44100", [44100]):
        with pytest.raises(ArgumentError, match="sample_rate="):
            target_from_array(mono, rate)
    with pytest.raises(TargetError, match="1 samples a second"):
        target_from_array(mono, 1)
    with pytest.raises(TargetError, match=r"samples of up to 3e\+29, where 1 is full scale"):
        target_from_array(1e30 * mono, 8192)
    with pytest.raises(TargetError, match="not finite"):
        target_from_array(1e300 * mono.astype(float), 8192)


def test_evidence_that_is_left_out_or_distorted_is_told():
    n = np.arange(4 * 44100)
    low, other = (0.3 * np.hanning(len(n)) * np.sin(2 * np.pi * f * n / 44100) for f in (440, 700))
    plain = target_from_array(low, 44100)
    assert plain.remarks == ()
    offset = target_from_array(low + 0.5, 44100)
    assert offset.remarks == ("audio has a constant offset of 0.5, which is taken away.",)
    np.testing.assert_allclose(offset.audio, plain.audio, atol=1e-5)
    assert offset.scale == pytest.approx(plain.scale, rel=1e-4)
    clipped = target_from_array(np.clip(3.0 * low, -0.5, 0.5), 44100)
    assert clipped.remarks[0].startswith("audio is clipped, 23% of its samples")
    full = np.sin(2 * np.pi * 55 * n / 44100)
    for whole in (full, (32767 * full).astype(np.int16)):
        assert target_from_array(whole, 44100).clipped < 0.01
    (side,) = target_from_array(np.stack([low + 2 * other, low - 2 * other]), 44100).remarks
    assert side.startswith("80% of the energy of audio is in the difference of its channels")
    assert target_from_array(np.stack([low, low]), 44100).remarks == ()


def test_an_array_stays_untouched_and_any_float_goes():
    audio = tone(6.0).astype(np.float64)
    before = audio.copy()
    target_from_array(audio, 8192)
    np.testing.assert_array_equal(audio, before)
    stereo = np.stack([audio, audio], axis=1)
    np.testing.assert_allclose(
        target_from_array(stereo, 8192).audio, target_from_array(audio, 8192).audio, atol=1e-6
    )


_HOUR = """
import resource, sys
from mesosynth.audio.file import load_target
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
target = load_target(sys.argv[1])
print(target.start, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


def test_an_hour_needs_little_memory(tmp_path):
    path = tmp_path / "hour.flac"
    rate = 8192  # as it is analysed
    minute = np.zeros((60 * rate, 2), np.int16)
    loud = np.random.default_rng(0).integers(-9000, 9000, (3 * rate, 2), np.int16)
    with soundfile.SoundFile(path, "w", rate, 2) as file:
        for i in range(60):
            minute[10 * rate : 13 * rate] = loud if i == 47 else loud // 9
            file.write(minute)
    done = subprocess.run(
        [sys.executable, "-c", _HOUR, str(path)], capture_output=True, text=True, check=True
    )
    start, mebibytes = map(float, done.stdout.split())
    assert start == pytest.approx(47 * 60 + 9.5, abs=0.6)
    assert mebibytes < 100.0  # the whole of it would need 225


def test_write_wav_round_trip(tmp_path):
    path = tmp_path / "out.wav"
    write_wav(path, tone(), 8192)
    np.testing.assert_array_equal(read_audio(path).audio, tone())
    assert os.listdir(tmp_path) == ["out.wav"]


def test_write_wav_that_fails_leaves_what_was_there(tmp_path):
    with pytest.raises(AudioFileError, match="cannot be written: No such file"):
        write_wav(tmp_path / "nowhere" / "out.wav", tone(), 8192)
    path = tmp_path / "out.wav"
    write_wav(path, tone(), 8192)
    before = path.read_bytes()
    with pytest.raises(AudioFileError, match=r"out\.wav cannot be written"):
        write_wav(path, tone(), -5)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["out.wav"]


def test_a_name_that_is_not_utf8_is_read_shown_and_written(tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9.wav")
    write_wav(path, tone(), 8192)
    assert load_target(path).name == read_audio(path).name == "caf\ufffd.wav"
    assert text_path(path_text(path)) == path
    path_text(path).encode()  # goes into a document
    assert path_text(tmp_path) == str(tmp_path)


def test_a_full_disk_is_told_and_leaves_what_was_there(tmp_path):
    path = tmp_path / "out.wav"
    path.write_bytes(b"1")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        with pytest.raises(AudioFileError, match="cannot be written: the system refuses"):
            write_wav(path, tone(10.0), 8192)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_bytes() == b"1"
    assert os.listdir(tmp_path) == ["out.wav"]


def test_all_of_a_sound_of_ten_seconds_is_the_recording():
    time = np.arange(10 * 8192) / 8192
    sound = np.where(time < 6.0, 0.1, 0.5) * np.sin(2 * np.pi * 300 * time)
    target = target_from_array(sound.astype(np.float32), 8192)
    assert (target.recording.start, target.recording.duration) == (0.0, 10.0)
    assert target.start == pytest.approx(6.0, abs=0.05)
