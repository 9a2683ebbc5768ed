"""Files that are written whole or not at all, whatever happens meanwhile.

A file is written as a draft beside it, ``.NAME.PROCESS.RANDOM.part``, put on the disk, and renamed.
The file keeps its rights and its owner, and a link to it stays a link. A device, a pipe or a file
without the right to write is never replaced.
"""

import contextlib
import errno
import os
import stat
import time
from collections.abc import Generator, Iterable
from pathlib import Path

from mesosynth.errors import MesosynthError

PART = ".part"
"""Ending of a draft; its name begins with a dot."""

OLD = 3600.0
"""Age from which a draft is one that a killed process left behind, s; to write one takes less."""

_VERY_OLD = 7 * 86400.0  # s; the number of its process may be another's by then
_NAME = 40  # characters of the file's name in the draft's, which must not become too long

_ADVICE = {
    errno.ENOSPC: "make room on the disk",
    errno.EDQUOT: "make room on the disk",
    errno.EACCES: "check its rights",
    errno.EPERM: "check its rights",
    errno.EROFS: "choose another folder",
    errno.ENOENT: "make its folder first",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.EEXIST: "choose another name",
    errno.ENOTDIR: "choose another name",
}


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file; `path` holds the whole of it or what it held before.

    Parameters
    ----------
    path : Path
        Its folder must be there.
    content : bytes

    Raises
    ------
    OSError
        If it cannot be written; nothing is left behind.
    """
    with draft_of(path) as draft:
        draft.write_bytes(content)


def write_new(path: Path, content: bytes) -> None:
    """Write a file under a name that is free, as whole as :func:`write_atomically`.

    Parameters
    ----------
    path : Path
        Its folder must be there.
    content : bytes

    Raises
    ------
    FileExistsError
        If it does exist; the file stays as it is.
    OSError
        If it cannot be written; nothing is left behind.
    """
    draft = _draft(path)
    try:
        draft.write_bytes(content)
        _sync(draft)
        _claim(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


@contextlib.contextmanager
def draft_of(path: Path) -> Generator[Path]:
    """Path to write a file to; it takes the place of `path` when the block ends.

    The content is on the disk before it takes its name, and so is the name afterwards. After an
    error in the block the draft is removed, and `path` holds what it held before.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    path = Path(os.path.realpath(path))  # a link keeps leading to the file
    _check_replaceable(path)
    draft = _draft(path)
    try:
        yield draft
        with contextlib.suppress(FileNotFoundError):  # a new file has no rights yet
            _take_rights(draft, path.stat())
        _sync(draft)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def check_outputs(
    outputs: Iterable[Path], error: type[MesosynthError], inputs: Iterable[Path] = ()
) -> None:
    """Refuse files that cannot be written, or must not be, before the work rather than after it.

    Parameters
    ----------
    outputs : iterable of Path
        Files to be written, all different.
    error : type
        Raised, naming the file, the cause, and what to do.
    inputs : iterable of Path
        Files that the work reads: none may be an output, under whatever name.
    """
    taken = {_identity(path): path for path in inputs}
    for path in outputs:
        with writing(path, error):
            if path.is_dir() or not path.name:
                raise error(f"{str(path)!r} cannot be written: it is a folder; name a file in it.")
            if not path.parent.is_dir():
                raise error(f"{path} cannot be written: there is no folder {path.parent}.")
            place = Path(os.path.realpath(path))
            _check_replaceable(place)
            if not os.access(place.parent, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        same = taken.get(_identity(path))
        if same is not None:
            raise error(
                f"{path} cannot be written: it is also {same}, which would be lost; choose "
                "another name."
            )
        taken[_identity(path)] = path


def _identity(path: Path) -> object:
    """Number of a file, the same under all its names; its path where there is none."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return os.path.realpath(path)
    return status.st_dev, status.st_ino


def _check_replaceable(path: Path) -> None:
    """Raise OSError unless there is no such file, or a plain one that may be written."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    for is_kind, noun in _NO_FILES:
        if is_kind(mode):
            raise OSError(errno.EINVAL, f"it is {noun}, not a file; choose another name", str(path))
    if stat.S_ISREG(mode) and not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))


_NO_FILES = (
    (stat.S_ISCHR, "a device"), (stat.S_ISBLK, "a device"), (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
)  # fmt: skip


def _take_rights(draft: Path, status: os.stat_result) -> None:
    """Give a draft the owner and the rights of the file that it replaces."""
    if hasattr(os, "chown") and (os.getuid(), os.getgid()) != (status.st_uid, status.st_gid):
        with contextlib.suppress(OSError):  # only root may
            os.chown(draft, status.st_uid, status.st_gid)
    draft.chmod(stat.S_IMODE(status.st_mode))


@contextlib.contextmanager
def writing(path: Path, error: type[MesosynthError], make_folder: bool = False) -> Generator[None]:
    """Turn the system's errors while a file is written into one sentence.

    Parameters
    ----------
    path : Path
    error : type
        Raised, naming `path`, the system's cause, and what to do where that is known.
    make_folder : bool
        Whether the file's folder is made where there is none.
    """
    if not _is_name(path):
        raise error(f"{str(path)!r} cannot be written: no system takes such a name.")
    try:
        if make_folder:
            path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as cause:
        raise error(f"{path} cannot be written: {cause_of(cause)}.") from cause


def _is_name(path: Path) -> bool:
    try:
        return b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:
        return False


def cause_of(error: Exception, longest: int = 250) -> str:
    """Cause that an error tells, as a part of a sentence, with what to do where that is known.

    Parameters
    ----------
    error : Exception
    longest : int
        Characters, of which a file's own content may fill any number.
    """
    if isinstance(error, OSError) and error.strerror:
        advice = _ADVICE.get(error.errno or 0)
        return f"{error.strerror}; {advice}" if advice else error.strerror
    text = " ".join(str(error).split()).rstrip(".")
    return text if len(text) <= longest else f"{text[:longest]}…"


def unused(path: Path) -> Path:
    """`path`, or the first of ``name (2).wav``, ``name (3).wav`` … that does not exist."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.stem} ({number}){path.suffix}")
    return free


def sweep_drafts(folder: Path, old: float = OLD) -> int:
    """Remove drafts that killed processes left in a folder; return how many.

    One that cannot be removed stays.

    Parameters
    ----------
    folder : Path
        And all folders in it.
    old : float
        Age from which a draft is one that was left, s.
    """
    count = 0
    for draft in folder.rglob(f".*{PART}"):
        with contextlib.suppress(OSError):
            age = time.time() - draft.stat().st_mtime
            if age > (old if not _writer_lives(draft) else _VERY_OLD):
                draft.unlink()
                count += 1
    return count


def _writer_lives(draft: Path) -> bool:
    """Whether the process in a draft's name runs; the clock may have jumped meanwhile."""
    number = draft.name.split(".")[-3]
    if os.name != "posix" or not number.isdecimal():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return int(number) > 0


def _draft(path: Path) -> Path:
    """Name for a draft that no thread of any process uses."""
    name = f".{path.name[:_NAME]}.{os.getpid()}.{os.urandom(4).hex()}{PART}"
    return path.with_name(name)


def _claim(draft: Path, path: Path) -> None:
    """Give `draft` the name `path` unless that is taken; of two at once, one gets it."""
    try:
        os.link(draft, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        path.open("xb").close()
        draft.replace(path)
    else:
        draft.unlink()


def _sync(path: Path) -> None:
    """Put a file's content on the disk."""
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Put a folder's names on the disk; where a system cannot, the file is whole even so."""
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
