"""Files that are written whole or not at all, whatever happens meanwhile."""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

PART = ".part"
"""The ending of what is being written; its name begins with a dot and holds the process' number."""


OLD = 3600.0
"""Age at which nobody writes a part any more, s; to write one takes a moment."""


def write_atomically(path: Path, content: bytes) -> None:
    """Write `content` to `path`; whoever reads it finds the whole of it or what was there before.

    The bytes are on the disk before the name is theirs, and so is the name when this returns.

    Raises
    ------
    OSError
        If it cannot be written; nothing is left behind.
    """
    _write(path, content, lambda part: part.replace(path))


def write_new(path: Path, content: bytes) -> None:
    """Write `content` to a `path` that nobody has, as whole as :func:`write_atomically`.

    Raises
    ------
    FileExistsError
        If somebody has it; that file stays as it is.
    OSError
        If it cannot be written; nothing is left behind.
    """
    _write(path, content, lambda part: _claim(part, path))


def _write(path: Path, content: bytes, give_name: Callable[[Path], object]) -> None:
    # Threads of one process write beside each other too.
    part = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}{PART}")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        give_name(part)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _claim(part: Path, path: Path) -> None:
    """Give `part` the name `path` unless that is taken; two who try at once cannot both get it."""
    try:
        os.link(part, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        path.open("xb").close()
        part.replace(path)
    else:
        part.unlink()


def _sync_folder(folder: Path) -> None:
    """Let the disk know the folder's names; where a system cannot, the file is whole even so."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return  # Windows opens no folders
    try:
        os.fsync(handle)
    except OSError:
        pass  # nor does every file system write them
    finally:
        os.close(handle)


def sweep_parts(folder: Path, old: float = OLD) -> int:
    """Remove what processes that were killed had begun to write in a folder; return how many.

    Where that is not possible it stays; nobody is harmed.

    Parameters
    ----------
    folder : Path
        And all folders in it.
    old : float
        Age at which nobody writes a part any more, s.
    """
    count = 0
    for part in folder.rglob(f".*{PART}"):
        try:
            if time.time() - part.stat().st_mtime > old:
                part.unlink()
                count += 1
        except OSError:
            pass
    return count
