"""The fear: one message of a million that crashes or hangs a port."""

from fast.control import test_midi, test_osc

port, quiet = test_midi.port, test_osc.quiet


def test_a_million_of_midi(port):
    test_midi.test_random_messages(port, 1_000_000)


def test_a_million_of_osc(quiet):
    test_osc.test_random_messages(quiet, 1_000_000)
