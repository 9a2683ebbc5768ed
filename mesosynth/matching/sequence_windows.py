"""A long sound as overlapping windows, read as they are needed: an hour takes no more memory."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mesosynth.audio.file import SoundStream
from mesosynth.audio.target import ANALYSIS_RATE, ANALYSIS_SAMPLES, resampled


def windows(
    sound: SoundStream, hop: float, count: int, first: int = 0
) -> Iterator[tuple[float, NDArray[np.float32]]]:
    """Windows `first` to `count` of a sound.

    Parameters
    ----------
    sound : SoundStream
    hop : float
        s; the middle of window k lies at ``(k + 1/2) hop``.
    count : int
    first : int
        The sound is read from its beginning even so: what a filter has heard before is the same
        then, and so is every window, to the last bit.

    Yields
    ------
    float
        Time of the middle, s.
    (ANALYSIS_SAMPLES,) float32
        What is heard around it at ANALYSIS_RATE; silence beyond the sound's ends.
    """
    half = ANALYSIS_SAMPLES // 2
    blocks = resampled(sound.blocks, sound.sample_rate)
    buffer = np.zeros(half, np.float32)
    at = -half  # place in the sound of the buffer's first sample
    for k in range(count):
        begin = round((k + 0.5) * hop * ANALYSIS_RATE) - half
        while at + len(buffer) < begin + ANALYSIS_SAMPLES:
            block = next(blocks, None)
            if block is None:
                missing = begin + ANALYSIS_SAMPLES - at - len(buffer)
                block = np.zeros(missing, np.float32)
            buffer = np.concatenate([buffer, block])
        buffer, at = buffer[begin - at :], begin
        if k >= first:
            yield (k + 0.5) * hop, buffer[:ANALYSIS_SAMPLES].copy()
