"""A keyboard on JACK, in a process of its own: a client may fall with a server that is killed."""

import collections
import multiprocessing
import os


def _keyboard(name, connection):
    """Send what comes through the connection, with a click for every message, and answer."""
    import jack

    client = jack.Client(name, no_start_server=True)
    port = client.midi_outports.register("out")
    clicks = client.outports.register("clicks")
    waiting, sent = collections.deque(), collections.deque()

    def process(frames):
        port.clear_buffer()
        sound = clicks.get_array()
        sound.fill(0.0)
        for _ in range(min(len(waiting), 64)):
            port.write_midi_event(0, bytes(waiting.popleft()))
            sound[0] = 1.0
            sent.append(frames)

    client.set_process_callback(process)
    client.activate()
    connection.send("ready")
    while True:
        if connection.poll(0.005):
            messages = connection.recv()
            if messages is None:
                os._exit(0)
            waiting.extend(messages)
        while sent:
            connection.send(sent.popleft())


class JackKeyboard:
    """A JACK client with one MIDI output, "<name>:out".

    Its audio output "<name>:clicks" sounds at the very frame at which a message leaves.
    """

    def __init__(self, name="keys"):
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_keyboard, args=(name, theirs), daemon=True)
        self._process.start()
        theirs.close()
        assert self._connection.poll(10)
        self._connection.recv()

    def send(self, *messages):
        """Send messages, each a sequence of bytes, and wait until they have left."""
        self._connection.send([list(message) for message in messages])
        for _ in messages:
            assert self._connection.poll(5)
            self._connection.recv()

    def close(self):
        self._process.kill()
        self._process.join()
        self._connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
