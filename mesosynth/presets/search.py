"""What a line in the search field asks for.

Words are looked for in names, tags, authors, instruments and comments, and all must be there.
"tag:bell", "author:ada" and "instrument:ripple" look there only; "fav:" shows favourites,
"rating:3" what has three stars or more, "is:factory" and "is:user" what mesosynth brought and what
not. Quotes hold words together, and a minus in front of anything asks for the rest.
"""

import re
from collections.abc import Callable, Iterable

from mesosynth.presets.entry import Entry
from mesosynth.presets.marks import Marks

Test = Callable[[Entry], bool]

_TERM = re.compile(r'(-?)(?:([A-Za-z]+):)?(?:"([^"]*)"?|(\S*))')


def search(entries: Iterable[Entry], line: str, marks: Marks) -> list[Entry]:
    """The entries that `line` asks for, those first whose names begin with its words.

    Parameters
    ----------
    entries : iterable of Entry
        In the order in which equals stay.
    line : str
        What was typed; empty asks for all.
    marks : Marks
        The user's, for "fav:" and "rating:".
    """
    words: list[str] = []
    tests: list[Test] = []
    for minus, key, quoted, plain in _TERM.findall(line.casefold()):
        value = quoted or plain
        test = _test(key, value, marks) if key or value else None
        if test is None:
            continue
        tests.append(_negated(test) if minus else test)
        if not key and not minus:
            words.append(value)
    found = [entry for entry in entries if all(test(entry) for test in tests)]
    if words:
        found.sort(key=lambda entry: _distance(entry, words))
    return found


def _test(key: str, value: str, marks: Marks) -> Test | None:
    match key:
        case "":
            return lambda entry: value in entry.text
        case "tag" | "category":
            return lambda entry: any(value in tag.casefold() for tag in entry.tags)
        case "author":
            return lambda entry: value in entry.author.casefold()
        case "instrument":
            return lambda entry: value in entry.instrument.casefold()
        case "fav":
            return lambda entry: entry.key in marks.favourites
        case "rating":
            least = int(value) if value.isascii() and value.isdigit() else 1
            return lambda entry: marks.ratings.get(entry.key, 0) >= least
        case "is":
            return lambda entry: ("factory" if entry.factory else "user").startswith(value)
        case _:  # a word with a colon in it
            return lambda entry: f"{key}:{value}" in entry.text


def _negated(test: Test) -> Test:
    return lambda entry: not test(entry)


def _distance(entry: Entry, words: list[str]) -> int:
    """0 where a word begins the name, 1 where the name holds one, 2 elsewhere."""
    name = entry.name.casefold()
    if any(name.startswith(word) for word in words):
        return 0
    return 1 if any(word in name for word in words) else 2
