"""Real sound servers for tests, each in folders and under a name of its own.

PortAudio reads the environment when a process first uses it, so a test starts its audio process
inside the ``with``. One server at a time.
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np


class Server:
    """A running sound server.

    `command` starts it, and `question` is a command that succeeds once it answers.
    """

    def __init__(self, command, question):
        self._command, self._question = command, question
        self.start()

    def start(self):
        self._process = subprocess.Popen(
            [str(part) for part in self._command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 10
        try:
            while subprocess.run(self._question, capture_output=True, check=False).returncode:
                assert self._process.poll() is None, f"{self._command[0]} ended at once"
                assert time.monotonic() < deadline, f"{self._command[0]} does not answer"
                time.sleep(0.05)
        except AssertionError:
            self.kill()
            raise

    @property
    def pid(self):
        return self._process.pid

    def kill(self):
        """End it as a crash would."""
        self._process.kill()
        self._process.wait()

    def stop(self):
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self.kill()


@contextlib.contextmanager
def environment(**values):
    """Environment variables for the time of a ``with``; None removes one."""
    before = {name: os.environ.get(name) for name in values}
    try:
        _set(values)
        yield
    finally:
        _set(before)


def _set(values):
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = str(value)


@contextlib.contextmanager
def silence(folder):
    """No sound server and no card: what a bare machine has."""
    empty = Path(folder) / "asoundrc"
    empty.write_text("")
    with environment(
        JACK_DEFAULT_SERVER=f"none{os.getpid()}", JACK_NO_START_SERVER="1",
        XDG_RUNTIME_DIR=folder, PULSE_RUNTIME_PATH=folder, PULSE_SERVER=f"unix:{folder}/none",
        ALSA_CONFIG_PATH=f"/usr/share/alsa/alsa.conf:{empty}",
    ):  # fmt: skip
        yield


@contextlib.contextmanager
def jack_server(rate=48000, block=128):
    """A JACK server with the dummy driver, which keeps the time of a sound card."""
    jackd, jack_lsp = program("jackd", "jackd2"), program("jack_lsp", "jackd2")
    # JACK's registry has eight places and gives that of a killed server only to its namesake.
    name = "mesotest"
    command = [jackd, "-R", "-P", 70, "-n", name, "-d", "dummy", "-r", rate, "-p", block]
    with (
        tempfile.TemporaryDirectory(prefix="meso") as folder,
        silence(folder),
        environment(JACK_DEFAULT_SERVER=name, JACK_NO_AUDIO_RESERVATION="1"),
    ):
        server = Server([*command, "-C", 2, "-P", 2], [jack_lsp, "-s", name])
        try:
            yield server
        finally:
            server.stop()
            for left in Path("/dev/shm").glob(f"jack*{name}_*"):  # by a killed server
                left.unlink(missing_ok=True)


@contextlib.contextmanager
def pulse_server(rate=48000):
    """PulseAudio with a null sink, whose monitor hears what a user would.

    PortAudio lists the sink as "vsink" and its monitor, as an input, as "vmon".
    """
    pulseaudio, pactl = program("pulseaudio", "pulseaudio"), program("pactl", "pulseaudio-utils")
    if not list(Path("/usr/lib").glob("*/alsa-lib/libasound_module_pcm_pulse.so")):
        _missing("ALSA's PulseAudio plugin", "libasound2-plugins")
    with tempfile.TemporaryDirectory(prefix="meso") as folder, silence(folder):
        devices = Path(folder) / "asoundrc"
        devices.write_text(
            "pcm.vsink { type pulse device vsink hint { show on description vsink } }\n"
            "pcm.vmon { type pulse device vsink.monitor hint { show on description vmon } }\n"
            "pcm.!default { type asym playback.pcm vsink capture.pcm vmon }\n"
        )
        command = [
            pulseaudio, "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no",
            "--disable-shm=true", "--realtime=no", "--high-priority=no",
            "-L", f"module-native-protocol-unix auth-anonymous=1 socket={folder}/native",
            # Without norewinds a stream stalls for two seconds.
            "-L", f"module-null-sink sink_name=vsink rate={rate} channels=2 format=float32le "
                  "norewinds=1",
        ]  # fmt: skip
        with environment(PULSE_SERVER=f"unix:{folder}/native", HOME=folder):
            server = Server(command, [pactl, "info"])
            try:
                yield server
            finally:
                server.stop()


class JackCapture:
    """What arrives at JACK's outputs from PortAudio, sample by sample.

    With `on_clock`, each sample lies where JACK's clock says, and cycles that we were too late for
    leave zeros.
    """

    def __init__(self, seconds, rate=48000, on_clock=False):
        import jack

        self._client = jack.Client("ear", no_start_server=True)
        self._ports = [self._client.inports.register(f"in_{i}") for i in range(2)]
        self._samples = np.zeros((2, int(seconds * rate)), np.float32)
        self._filled = 0
        self._first, self._on_clock = None, on_clock
        self._late = []  # beginnings of cycles that we were late for, in frames
        self.xruns = 0  # cycles that the server itself gave up
        self._client.set_process_callback(self._process)
        self._client.set_xrun_callback(self._xrun)

    def _xrun(self, _delay):
        self.xruns += 1

    def _process(self, frames):
        if self._first is None:
            self._first = self._client.last_frame_time
        begin = self._client.last_frame_time - self._first if self._on_clock else self._filled
        end = min(begin + frames, self._samples.shape[1])
        if begin < end:
            for port, samples in zip(self._ports, self._samples, strict=True):
                samples[begin:end] = port.get_array()[: end - begin]
        # We come after those whom we hear: that we are late, or a cycle is missing, tells of them.
        if begin != self._filled or self._client.frames_since_cycle_start > frames // 2:
            self._late.append(begin)
        self._filled = end

    def __enter__(self):
        self._client.activate()
        return self

    def connect(self):
        """Listen to PortAudio, which must be playing."""
        ports = self._client.get_ports("PortAudio", is_output=True, is_audio=True)
        assert len(ports) == 2, ports
        for port, ear in zip(ports, self._ports, strict=True):
            self._client.connect(port, ear)

    def now(self):
        """Where in `samples` the moment lies; it is being played, so it is not there yet."""
        return self._client.frame_time - self._first

    def in_time(self, begin, end):
        """Whether the machine let every cycle between these frames be played in time."""
        return not any(begin <= late <= end for late in self._late)

    @property
    def samples(self):
        """(2, frames) float32 so far."""
        return self._samples[:, : self._filled]

    def __exit__(self, *_):
        self._client.deactivate()
        self._client.close()


def program(name, package):
    """Path of a program, or a failure that says what to install."""
    path = shutil.which(name)
    if path is None:
        _missing(name, package)
    return path


def _missing(what, package):
    raise AssertionError(
        f"{what} is missing, which tests of real sound need; apt-get install {package}."
    )
