"""Presets of earlier revisions, brought to the present one: a small function for each step.

A migration takes a JSON object of its revision, changes it in place, and asks nothing of what it
does not need: what is wrong in the document is found when it is validated.
"""

import re
from collections.abc import Callable
from typing import Any

Document = dict[str, Any]

SPDX = re.compile(
    r"\(*[A-Za-z0-9][A-Za-z0-9.+:-]*\)*( (AND|OR|WITH) \(*[A-Za-z0-9][A-Za-z0-9.+:-]*\)*)*"
)
"""What an SPDX expression looks like: "CC0-1.0", "MIT OR Apache-2.0", "LicenseRef-by-mail"."""

_CATEGORIES = {
    "animal": "animal",
    "water": "water",
    "descending": "arpeggio",
    "rising": "arpeggio",
    "paper": "arpeggio",
    "match": "matched",
}
"""The category that a word among the tags of revision 1 stands for; the first of these counts."""

_CHARACTERS = frozenset({"fast", "slow", "bright", "dark", "soft", "harsh", "dense", "sparse"})


def migrate(document: Document, revision: int) -> None:
    """Bring `document` from `revision` to the one that this mesosynth writes."""
    for step in _STEPS[revision - 1 :]:
        step(document)


def _to_2(document: Document) -> None:
    """Tags were a list of words, and a licence was any text."""
    document["revision"] = 2
    words = document.get("tags", [])
    if isinstance(words, list):
        document["tags"] = _sorted_words([word for word in words if isinstance(word, str)], words)
    licence = document.get("licence")
    if isinstance(licence, str) and licence and not SPDX.fullmatch(licence):
        document["licence"] = "LicenseRef-" + (_spelled(licence) or "unnamed")
        # Nothing that somebody asked for gets lost.
        comment = document.get("comment", "")
        if isinstance(comment, str):
            document["comment"] = f"{comment} Licence: {licence}".strip()


def _sorted_words(words: list[str], given: list[Any]) -> Document | list[Any]:
    """Words by what they say; a list that holds something else is left for the validation."""
    if len(words) != len(given):
        return given
    category = next((_CATEGORIES[word] for word in _CATEGORIES if word in words), "")
    return {
        "category": category,
        "character": [word for word in words if word in _CHARACTERS],
        "features": [word for word in words if word not in _CHARACTERS],
    }


def _spelled(text: str) -> str:
    """`text` with what an identifier may hold."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-.")


_STEPS: list[Callable[[Document], None]] = [_to_2]
