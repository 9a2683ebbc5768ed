"""Has itself killed at random points of saving a preset, and counts what is left.

``python kill_saving.py FOLDER KILLS`` forks a child for each kill, which is light then: all has
been imported once. It prints how often each of two sounds was found, and how often a draft that was
not finished.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

from mesosynth.presets.preset import Preset, load_preset, save_preset


def main(folder: Path, kills: int) -> None:
    dice = random.Random(0)
    path = folder / "p.json"
    # A comment of some length: to write it takes a while.
    sounds = [Preset(name="", comment=letter * 200_000) for letter in "ab"]
    order = list(sounds)
    save_preset(path, sounds[0])
    found = {"a": 0, "b": 0}
    parts = 0
    for _ in range(kills):
        dice.shuffle(order)
        has_saved, saved = os.pipe()
        child = os.fork()
        if child == 0:
            while True:
                for sound in order:
                    save_preset(path, sound)
                    os.write(saved, b"1")
        os.read(has_saved, 1)
        time.sleep(dice.uniform(0.0005, 0.01))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(has_saved)
        os.close(saved)
        loaded = load_preset(path)
        assert loaded in sounds
        found[loaded.comment[0]] += 1
        for part in folder.glob(".*.part"):
            parts += 1
            part.unlink()
    print(found["a"], found["b"], parts)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
