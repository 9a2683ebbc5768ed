"""The part of a session that chooses plugins: the instrument, its tuning, and the effects."""

from pathlib import Path

from mesosynth.engine.plugin_registry import find_plugin
from mesosynth.errors import ArgumentError
from mesosynth.instruments.keyboard import (
    EQUAL_TEMPERAMENT,
    MIDDLE_C,
    MIDDLE_C_HERTZ,
    load_scale,
    note_frequencies,
)
from mesosynth.session.core import Core


class Rack(Core):
    """Changes what is in the rack, after a short crossfade each time."""

    def set_instrument(self, plugin: str) -> None:
        """Let another instrument play, a user's as well, after a short crossfade.

        Its parameters stand at their defaults; a user's are known when `poll` reports RackChanged
        again. The matcher matches with it from now on, if it can be matched; a match of another
        instrument ends.

        Raises
        ------
        PluginError
            If there is no such plugin.
        ArgumentError
            If it is an effect.
        """
        if find_plugin(plugin).kind == "effect":
            raise ArgumentError(f"plugin {plugin!r} is an effect, not an instrument.")
        self._rack.set_instrument(plugin)
        self.instrument = plugin
        self.values = {id_: value for id_, value in self.values.items() if "." in id_}
        self._push_rack()

    def add_effect(self, plugin: str, index: int | None = None) -> str:
        """Put an effect into the rack, at the end if `index` is None; return its name there.

        A user's plugin is tried out first, elsewhere; what comes of it is in `effects` later, when
        `poll` reports RackChanged again.

        Raises
        ------
        PluginError
            If there is no such plugin.
        ArgumentError
            If it is an instrument, or the rack is full.
        """
        if find_plugin(plugin).kind == "instrument":
            raise ArgumentError(f"plugin {plugin!r} is an instrument, not an effect.")
        uid = self._rack.add(plugin, index)
        self._push_rack()
        return uid

    def remove_effect(self, uid: str) -> None:
        """Take an effect out of the rack.

        Raises
        ------
        ArgumentError
            If it is not there.
        """
        self._rack.remove(uid)
        self._push_rack()

    def move_effect(self, uid: str, index: int) -> None:
        """Put an effect at another place in the order, 0 for the first; raises as above."""
        self._rack.move(uid, index)
        self._push_rack()

    def bypass_effect(self, uid: str, bypassed: bool = True) -> None:
        """Let the sound go past an effect, or through it again; raises as above."""
        self._rack.bypass(uid, bypassed)
        self._push_rack()

    def parameter_place(self, id_: str) -> int:
        """Where a parameter lies in the vector that the audio process reads.

        Raises
        ------
        ArgumentError
            If there is no such parameter.
        """
        return self._rack.index(id_)

    def tune(
        self,
        path: Path | None,
        reference_note: int = MIDDLE_C,
        reference_hertz: float = MIDDLE_C_HERTZ,
    ) -> None:
        """Tune the keys to a scale, after a short crossfade; presets keep it.

        Parameters
        ----------
        path : Path or None
            A Scala file (.scl), whose degree 0 is middle C; None for the equal temperament.
        reference_note : int
            Key whose frequency is given.
        reference_hertz : float
            That frequency, Hz.

        Raises
        ------
        TuningError
            If the file cannot be read, or is no scale.
        ArgumentError
            If the reference is impossible.
        """
        scale = EQUAL_TEMPERAMENT if path is None else load_scale(path)
        note_frequencies(scale, MIDDLE_C, reference_note, reference_hertz)  # or it says why not
        self._rack.state = {
            "tuning": {
                "name": scale.name, "cents": list(scale.cents),
                "reference_note": reference_note, "reference_hertz": reference_hertz,
            }
        }  # fmt: skip
        self._push_rack()
        self._say(f"Keys are tuned to {scale.name}.")
