"""Which scale an instrument's keys are tuned to, as state that presets keep."""

from collections.abc import Mapping
from typing import Any

from mesosynth.errors import ArgumentError
from mesosynth.instruments.keyboard import Scale, note_frequencies


class KeyTuning:
    """The keys' frequencies; in equal temperament until :meth:`restore` says otherwise.

    Attributes
    ----------
    hertz : (128,) float64
        Of each MIDI key, Hz. Another tuning is another array, so who plays reads it anew.
    """

    def __init__(self) -> None:
        self.hertz = note_frequencies()
        self._scale: dict[str, Any] = {}

    def state(self) -> dict[str, Any]:
        """[control] The scale, if it is not the equal temperament."""
        return {"tuning": dict(self._scale)} if self._scale else {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """[control] Tune the keys: `state` as :meth:`state` gave it.

        Its key "tuning" holds name and cents of a scale and, where they are not the usual ones,
        root, reference_note and reference_hertz as in
        :func:`mesosynth.instruments.keyboard.note_frequencies`.

        Raises
        ------
        ArgumentError
            If it is no scale; the keys stay as they were.
        """
        tuning = state.get("tuning") or {}
        if not tuning:
            self.hertz, self._scale = note_frequencies(), {}
            return
        try:
            scale = Scale(str(tuning.get("name", "")), tuple(float(c) for c in tuning["cents"]))
            rest = {k: v for k, v in tuning.items() if k not in ("name", "cents")}
            hertz = note_frequencies(scale, **rest)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise ArgumentError(f"tuning={tuning!r} is not a scale ({error}).") from error
        self.hertz, self._scale = hertz, dict(tuning)
