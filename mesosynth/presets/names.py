"""Names for files, of whatever a preset is called, and free ones beside those that are taken."""

import re
from collections.abc import Iterator

_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]+')  # by one system or another
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)")
_LONGEST = 80  # characters, of up to four bytes: no file system's limit is near
_NUMBERED = re.compile(r"(.*?) (\d{1,6})")


def file_stem(name: str) -> str:
    """A file's name without its ending, legal on every system, that looks like `name`."""
    stem = _FORBIDDEN.sub(" ", name).encode("utf-8", "ignore").decode()
    stem = " ".join(stem.split())[:_LONGEST].strip(" .")
    if not stem:
        return "preset"
    return f"_{stem}" if _RESERVED.match(stem) else stem


def alternatives(name: str) -> Iterator[str]:
    """`name`, "name 2", "name 3" and so on; after "name 2" comes "name 3"."""
    yield name
    numbered = _NUMBERED.fullmatch(name)
    stem, count = (numbered[1], int(numbered[2])) if numbered else (name, 1)
    while True:
        count += 1
        yield f"{stem} {count}"
