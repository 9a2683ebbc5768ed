"""How the session tells the audio process what is in the rack, and what it hears back.

All live values travel as one vector in shared memory. In it every plugin has a place of its own as
long as it lives, so that nothing moves when another one comes, goes, or changes its order. The
instrument has the first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mesosynth.plugins.parameters import ParameterTable

PLACE = 128
"""Values in a place: the most parameters that a plugin may have."""

PLACES = 16
"""The instrument's and those of effects."""

VECTOR = PLACE * PLACES
"""Length of the vector."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One plugin in the rack, as the session wants it.

    Attributes
    ----------
    uid : str
        What it is called in this rack, "delay" or "delay_2"; "" is the instrument.
    plugin : str
        Its name in the registry.
    place : int
        Where its values lie in the vector.
    ids : tuple of str
        The parameters whose values lie there, in order; the others stand at their defaults.
    bypassed : bool
    disabled : str
        Why it may not even be loaded, one sentence, or ""; saving its file anew forgives it.
    state : mapping
        What :meth:`mesosynth.plugins.plugin.Plugin.restore` takes when it enters.
    """

    uid: str
    plugin: str
    place: int
    ids: tuple[str, ...] = ()
    bypassed: bool = False
    disabled: str = ""
    state: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class SlotReport:
    """What became of a slot.

    Attributes
    ----------
    uid, plugin : str
    title : str
        The plugin's own name; "" if it could not be loaded.
    table : ParameterTable or None
    problem : str
        One sentence that says why it does not sound as it should, or "".
    traceback : str
        The whole story, or "".
    """

    uid: str
    plugin: str
    title: str = ""
    table: ParameterTable | None = None
    problem: str = ""
    traceback: str = ""
