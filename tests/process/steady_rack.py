"""A rack of a steady tone, and a device that plays it while a test changes it."""

import threading
import time

import numpy as np

from mesosynth.engine.rack_updater import RackUpdater
from mesosynth.engine.slot import PluginSlot
from mesosynth.plugins.parameters import Parameter, ParameterTable
from mesosynth.plugins.plugin import NO_EVENTS, Instrument

RATE = 48000


class Tone(Instrument):
    """As steady as can be: whatever moves in the output is the rack's doing."""

    name = "Tone"
    parameters = ParameterTable([Parameter("level", "Level", "", 0.0, 1.0, 0.25, "The output.")])

    def prepare(self, sample_rate, max_block):
        pass

    def reset(self):
        pass

    def process(self, values, events, block):
        block.fill(values[0])


class Player(threading.Thread):
    """Calls a rack as a device would, faster than real time, and keeps what it played."""

    def __init__(self, rack, vector):
        super().__init__(daemon=True)
        self.rack, self.vector, self.ended = rack, vector, False
        self.blocks = []

    def run(self):
        while not self.ended:
            block = np.zeros((2, 256), np.float32)
            self.rack.process(self.vector, NO_EVENTS, True, block)
            self.blocks.append(block)
            time.sleep(0.002)

    def play(self, blocks):
        """Wait until that many more have been played, 2 ms or more each."""
        end = len(self.blocks) + blocks
        while len(self.blocks) < end:
            assert self.is_alive()
            time.sleep(0.002)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended = True
        self.join()

    @property
    def sound(self):
        return np.concatenate(self.blocks, axis=1).astype(float)[:, 1500:]


def slots_of(*effects):
    return [PluginSlot("", "tone", 0), *effects]


def updater_of(rack):
    updater = RackUpdater(rack, *slots_of())
    updater.prepare(lambda: rack.prepare(RATE, 512), RATE, 512)
    return updater
