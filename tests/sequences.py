"""Long sounds that are known: arpeggios whose theta moves, with a rest in the middle."""

import numpy as np
import soundfile

from mesosynth.matching.automation import automation_of
from mesosynth.matching.results import LongSound, MatchedSequence, Moment, SequenceSettings
from mesosynth.matching.sequence_export import render_automation

REST = (9.0, 12.0)


def moving(seconds=20.0, every=1.0, rest=REST):
    """An arpeggio every second; f_c climbs an octave, the others swing."""
    moments = []
    for onset in np.arange(0.5, seconds, every):
        if rest[0] <= onset < rest[1]:
            continue
        way = onset / seconds
        theta = {
            "f_c": 400.0 * 2.0**way,
            "f_m": 10.0 * 2.0 ** (0.5 * np.sin(6.3 * way)),
            "gamma": 3.0 * 2.0 ** (0.4 * np.cos(6.3 * way)),
            "w": 2.0,
            "am_shape": 0.0, "am_depth": 1.0, "brightness": -60.0,
        }  # fmt: skip
        theta = {id_: float(value) for id_, value in theta.items()}
        moments.append(Moment(float(onset), theta, loss=0.01, onset=float(onset), gain=0.3))
    return moments


def matched(seconds=20.0, moments=None, hop=1.0):
    """What a perfect match of that sound would be."""
    moments = moving(seconds) if moments is None else moments
    return MatchedSequence(
        LongSound("moving.wav", "0" * 64, seconds), SequenceSettings(hop=hop), moments
    )


def write_moving(path, seconds=20.0, rate=16000, moments=None):
    """The sound of it, as a file of exactly that many seconds."""
    moments = moving(seconds) if moments is None else moments
    blocks = list(render_automation(automation_of(moments, seconds), rate))
    audio = np.concatenate([block[0] for block in blocks])[: round(seconds * rate)]
    soundfile.write(path, audio, rate)
    return path
