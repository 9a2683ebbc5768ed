"""Files that are written whole or not at all, whatever happens meanwhile."""

import os
import threading
from pathlib import Path

PART = ".part"
"""The ending of what is being written; its name begins with a dot and holds the process' number."""


def write_atomically(path: Path, content: bytes) -> None:
    """Write `content` to `path`; whoever reads it finds the whole of it or what was there before.

    The bytes are on the disk before the name is theirs, and so is the name when this returns.

    Raises
    ------
    OSError
        If it cannot be written; nothing is left behind.
    """
    # Threads of one process write beside each other too.
    part = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}{PART}")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


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
