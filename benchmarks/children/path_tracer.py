"""Recorder of the functions that a value passes, in every process of the running program.

:mod:`benchmarks.structure` counts files with it and tells the counting rule. The recorder is a
profile function (:func:`sys.setprofile`); a ``sitecustomize`` module starts it in each process, and
a file of 4096 bytes that all of them map says when to record and which number to look for. It
imports nothing of the program and nothing but the standard library.

What is recognised as "the value" is a set of bits: NUMBER, a float equal to the wanted one, as
itself, in an array, or in a container or plain record up to six levels deep; PATH, the dropped
file's path; SOUND, a floating array, or bytes, as large as a sound.
"""

import dataclasses
import json
import math
import mmap
import os
import struct
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

NUMBER, PATH, SOUND = 1, 2, 4
ROOT, FOLDER, DROPPED = "MESOSYNTH_TRACED", "MESOSYNTH_TRACE_FOLDER", "MESOSYNTH_TRACE_DROPPED"
LEARNT = "MESOSYNTH_TRACE_NUMBER"
CONTROL = "control"
OFF, RECORD, LEARN = range(3)

_SAMPLES = 16384  # floats that make a sound
_DEPTH = 6
_MOST = 300  # elements that are looked at in one container
_TOLERANCE = 1e-6
_PLAIN = 12  # attributes of a record without dataclass


class Control:
    """Shared switch of the recorders: mode, and the number to look for.

    Parameters
    ----------
    path : Path
        The file that all processes map; created where it does not exist.
    """

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(4096))
        with path.open("r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 4096)

    def arm(self, mode: int, number: float = math.nan) -> None:
        """Start in a mode, or stop with OFF."""
        self.memory[8:16] = struct.pack("<d", number)
        self.memory[1] = 0
        self.memory[0] = mode

    @property
    def arrived(self) -> bool:
        """Whether the pad was seen to take what is looked for."""
        return bool(self.memory[1])

    @property
    def number(self) -> float:
        """The number to look for; NaN for none."""
        return struct.unpack("<d", self.memory[8:16])[0]


@dataclasses.dataclass(eq=False, slots=True)
class _Call:
    """One call of a function of the program."""

    file: str
    name: str
    giving: "list[tuple[_Call, int, set[str]]]" = dataclasses.field(default_factory=list)
    """Calls that returned the value to this one, what of it, and the files of its records."""


class Tracer:
    """Profile function of a process.

    Parameters
    ----------
    root : str
        The checkout.
    folder : Path
        Where the control file is, and where each process writes what it saw.
    dropped : str
        Path of the dropped file, or "".
    """

    def __init__(self, root: str, folder: Path, dropped: str) -> None:
        self._roots = tuple(f"{root}/{package}/" for package in ("mesosynth", "gui"))
        self._length = len(root) + 1
        self._control = Control(folder / CONTROL)
        self._out = folder / f"{os.getpid()}.jsonl"
        self._dropped = dropped
        self._bytes = dropped.encode()
        self._files: dict[CodeType, str | None] = {}
        self._primitives = _primitives()
        self._calls = threading.local()
        self._seen: set[tuple[object, ...]] = set()
        self._learnt: set[float] = set()
        self._shared = _SharedMemory()
        self._modules: dict[type, str | None] = {}
        self._records: set[str] = set()

    def start(self) -> None:
        """Record this thread, and those that start from here on."""
        threading.setprofile(self.profile)
        sys.setprofile(self.profile)

    def profile(self, frame: FrameType, event: str, returned: object) -> None:
        """[profile function] Look at a call or a return."""
        mode = self._control.memory[0]
        if mode == OFF or event not in ("call", "return"):
            return
        code = frame.f_code
        primitive = self._primitives.get(code)
        file = self._file(code)
        if primitive is None and file is None:
            return
        sys.setprofile(None)  # what this looks at may have properties of the program
        self._records = set()
        try:
            if mode == LEARN:
                if file is not None and event == "call" and "pad" in file:
                    self._learn(frame)
            elif primitive is not None:
                self._cross(frame, event, primitive, returned)
            elif event == "call":
                self._enter(frame, file or "")
            else:
                self._leave(frame, file or "", returned)
        finally:
            sys.setprofile(self.profile)

    # ------------------------------------------------------------------ events

    def _cross(self, frame: FrameType, event: str, way: str, returned: object) -> None:
        """A hand-over of the standard library: the value leaves a thread, or arrives in one."""
        if (event == "call") != (way == "leave"):
            return
        bits = self._arguments(frame) if way == "leave" else self._bits(returned)
        if bits:
            self._snapshot(way, frame.f_back, bits)

    def _enter(self, frame: FrameType, file: str) -> None:
        self._alive[id(frame)] = _Call(file, frame.f_code.co_name)
        bits = self._arguments(frame)
        if not bits:
            return
        if self._caller(frame) is None:
            self._snapshot("root", frame, bits)
        if "/instruments/" in file:
            self._snapshot("instrument", frame, bits)
            self._kernels(frame, bits)
        if file.startswith("gui/") and "pad" in file and bits & NUMBER:
            self._snapshot("pad", frame, bits)

    def _leave(self, frame: FrameType, file: str, returned: object) -> None:
        alive = self._alive
        call = alive.pop(id(frame), None) or _Call(file, frame.f_code.co_name)
        bits = self._bits(returned)
        caller = self._caller(frame)
        if bits and caller is not None and id(caller) in alive:
            alive[id(caller)].giving.append((call, bits, self._records))
        if bits and caller is None:
            alive[id(frame)] = call
            self._snapshot("root return", frame, bits)
            alive.pop(id(frame))
        by_hand = not self._dropped and threading.current_thread() is threading.main_thread()
        if by_hand and self._shared.holds(self._control.number):
            alive[id(frame)] = call
            self._snapshot("shared", frame, NUMBER)
            alive.pop(id(frame))

    def _learn(self, frame: FrameType) -> None:
        for value in _named(_locals(frame), "f_m", _DEPTH):
            if value not in self._learnt:
                self._learnt.add(value)
                self._control.memory[1] = len(self._learnt) > 1
                self._write({"learnt": value})

    def _kernels(self, frame: FrameType, bits: int) -> None:
        """Compiled functions that this one names: they have no frames of their own."""
        for name in frame.f_code.co_names:
            function = getattr(frame.f_globals.get(name), "py_func", None)
            file = None if function is None else self._file(function.__code__)
            if file is not None and ("kernel", file) not in self._seen:
                self._seen.add(("kernel", file))
                self._write({"way": "instrument", "bits": bits, "stack": [[file, name]]})

    # ------------------------------------------------------------------ stacks

    @property
    def _alive(self) -> dict[int, _Call]:
        """Calls that have not returned yet, by their frame's id, of this thread."""
        if not hasattr(self._calls, "alive"):
            self._calls.alive = {}
        return self._calls.alive

    def _file(self, code: CodeType) -> str | None:
        """File of a function relative to the checkout; None if it is not the program's."""
        try:
            return self._files[code]
        except KeyError:
            ours = code.co_filename.startswith(self._roots)
            # An import runs module and class bodies, which are no part of a path.
            ours = ours and code.co_name != "<module>"
            self._files[code] = code.co_filename[self._length :] if ours else None
            return self._files[code]

    def _caller(self, frame: FrameType) -> FrameType | None:
        """The nearest frame of the program below this one."""
        below = frame.f_back
        while below is not None and self._file(below.f_code) is None:
            below = below.f_back
        return below

    def _snapshot(self, way: str, frame: FrameType | None, bits: int) -> None:
        """Write the stack, innermost first, with the calls that gave the value to it.

        Once for each way and each stack.
        """
        stack: list[_Call] = []
        at = frame
        while at is not None:
            # Loops that ran before recording began, as those of Qt and of threads, are no part.
            if id(at) in self._alive:
                stack.append(self._alive[id(at)])
            at = at.f_back
        key = (way, bits, tuple((call.file, call.name) for call in stack))
        if not stack or key in self._seen:
            return
        self._seen.add(key)
        if way == "pad":
            self._control.memory[1] = 1
        giving: dict[tuple[str, str], int] = {(file, "class"): bits for file in self._records}
        waiting = list(stack)
        looked: set[int] = set()
        while waiting:
            call = waiting.pop()
            if id(call) in looked:
                continue
            looked.add(id(call))
            for given, what, records in call.giving:
                for place in ((given.file, given.name), *((file, "class") for file in records)):
                    giving[place] = giving.get(place, 0) | what
                waiting.append(given)
        self._write(
            {
                "way": way, "bits": bits, "stack": [[call.file, call.name] for call in stack],
                "giving": [[file, name, what] for (file, name), what in giving.items()],
            }
        )  # fmt: skip

    def _write(self, event: dict[str, Any]) -> None:
        event |= {"time": time.time(), "pid": os.getpid(), "thread": threading.get_ident()}
        with self._out.open("a") as file:
            file.write(json.dumps(event) + "\n")

    # ------------------------------------------------------------------ recognising the value

    def _arguments(self, frame: FrameType) -> int:
        return self._bits(_locals(frame))

    def _bits(self, thing: object, depth: int = _DEPTH) -> int:
        """Bits of the value that are in `thing`."""
        if thing is None or isinstance(thing, bool | int):
            return 0
        if isinstance(thing, float):
            return NUMBER if self._is_number(thing) else 0
        if isinstance(thing, str | os.PathLike):
            return PATH if self._dropped and os.fspath(thing) == self._dropped else 0
        if isinstance(thing, bytes | bytearray | memoryview):
            return self._of_bytes(bytes(thing))
        shape = getattr(thing, "shape", None)
        if shape is not None:
            return self._of_array(thing, shape)
        if depth == 0:
            return 0
        bits = 0
        for part in _parts(thing):
            bits |= self._bits(part, depth - 1)
        if bits and (file := self._record(type(thing))) is not None:
            self._records.add(file)
        return bits

    def _record(self, cls: type) -> str | None:
        """File of a class of the program; None for another one."""
        if cls not in self._modules:
            file = getattr(sys.modules.get(cls.__module__), "__file__", None) or ""
            self._modules[cls] = file[self._length :] if file.startswith(self._roots) else None
        return self._modules[cls]

    def _is_number(self, value: float) -> bool:
        wanted = self._control.number
        return abs(value - wanted) <= _TOLERANCE * abs(wanted)

    def _of_bytes(self, data: bytes) -> int:
        bits = SOUND if self._dropped and len(data) >= 4 * _SAMPLES else 0
        if self._dropped and self._bytes in data:
            bits |= PATH
        return bits | (NUMBER if struct.pack("<d", self._control.number) in data else 0)

    def _of_array(self, array: Any, shape: Any) -> int:  # noqa: ANN401 - NumPy's or torch's
        try:
            size = math.prod(shape)
            if not size or "float" not in str(array.dtype):
                return 0
            if size >= _SAMPLES:
                return SOUND if self._dropped else 0
            values = array.detach().numpy() if hasattr(array, "detach") else array
            wanted = self._control.number
            low, high = wanted - _TOLERANCE * abs(wanted), wanted + _TOLERANCE * abs(wanted)
            return NUMBER if ((values >= low) & (values <= high)).any() else 0
        except (TypeError, ValueError, AttributeError, RuntimeError):
            return 0


class _SharedMemory:
    """Small blocks of shared memory of this process, searched for a number."""

    def __init__(self) -> None:
        self._number = math.nan
        self._before = 0
        self._found = False

    def holds(self, number: float) -> bool:
        """Whether `number` has come since the first call that asked for it; once only."""
        if math.isnan(number):
            return False
        count = self._count(struct.pack("<d", number))
        if number != self._number:
            self._number, self._before, self._found = number, count, False
        if self._found or count <= self._before:
            return False
        self._found = True
        return True

    @staticmethod
    def _count(wanted: bytes) -> int:
        count = 0
        lines = Path("/proc/self/maps").read_text().splitlines()
        with Path("/proc/self/mem").open("rb") as memory:
            for line in lines:
                if "/dev/shm/" not in line and "memfd:" not in line:
                    continue
                begin, end = (int(text, 16) for text in line.split()[0].split("-"))
                if end - begin <= 1 << 20:
                    memory.seek(begin)
                    count += memory.read(end - begin).count(wanted)
        return count


def _primitives() -> dict[CodeType, str]:
    """Functions of the standard library that hand things over between threads and processes."""
    import queue
    from concurrent.futures import Future, ThreadPoolExecutor
    from multiprocessing.connection import Connection
    from multiprocessing.queues import Queue

    leaving: list[Any] = [
        ThreadPoolExecutor.submit, queue.Queue.put, Queue.put, Connection.send,
        Connection.send_bytes, threading.Thread.__init__,
    ]  # fmt: skip
    arriving: list[Any] = [
        Future.result, queue.Queue.get, Queue.get, Connection.recv, Connection.recv_bytes,
    ]  # fmt: skip
    ways = {function.__code__: "leave" for function in leaving}
    return ways | {function.__code__: "arrive" for function in arriving}


def _locals(frame: FrameType) -> list[object]:
    """Arguments of a call, without the object whose method it is."""
    code = frame.f_code
    count = code.co_argcount + code.co_kwonlyargcount
    count += bool(code.co_flags & 0x04) + bool(code.co_flags & 0x08)
    names = [name for name in code.co_varnames[:count] if name not in ("self", "cls")]
    values = frame.f_locals
    return [values[name] for name in names if name in values]


def _parts(thing: Any) -> Iterable[object]:  # noqa: ANN401 - whatever a function is given
    """Contents of a container or a plain record; nothing of other objects."""
    if isinstance(thing, Mapping):
        if len(thing) > _MOST:
            return ()
        return list(thing.values()) if type(thing) is dict or _is_plain_mapping(thing) else ()
    if isinstance(thing, list | tuple | set | frozenset):
        return list(thing) if len(thing) <= _MOST else ()
    fields = getattr(type(thing), "__struct_fields__", None)
    if fields is None and dataclasses.is_dataclass(type(thing)):
        fields = [field.name for field in dataclasses.fields(type(thing))]
    if fields is not None:
        return [getattr(thing, name, None) for name in fields]
    if hasattr(thing, "__func__"):  # a bound method, handed over as something to call
        return ()
    if hasattr(thing, "func") and hasattr(thing, "args"):  # functools.partial
        return [thing.args, thing.keywords]
    attributes: dict[str, object] = dict(getattr(thing, "__dict__", {}))
    for name in getattr(type(thing), "__slots__", ()):
        attributes[name] = getattr(thing, name, None)
    if closure := getattr(thing, "__closure__", None):
        return [cell.cell_contents for cell in closure if _filled(cell)]
    if len(attributes) <= _PLAIN and all(map(_is_data, attributes.values())):
        return list(attributes.values())
    return ()


def _is_plain_mapping(thing: Mapping[Any, Any]) -> bool:
    return type(thing).__module__ in ("types", "collections", "builtins")


def _filled(cell: Any) -> bool:  # noqa: ANN401 - a cell has no public type
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False


def _is_data(thing: object) -> bool:
    return thing is None or isinstance(thing, int | float | str) or hasattr(thing, "shape")


def _named(thing: object, key: str, depth: int) -> Iterable[float]:
    """Floats that stand under `key` in mappings."""
    if isinstance(thing, Mapping) and isinstance(thing.get(key), float):
        yield thing[key]
    if depth and not isinstance(thing, str | bytes) and not hasattr(thing, "shape"):
        for part in _parts(thing):
            yield from _named(part, key, depth - 1)


def start() -> None:
    """Start the recorder where the environment asks for it; ``sitecustomize`` calls this."""
    root, folder = os.environ.get(ROOT), os.environ.get(FOLDER)
    if root and folder:
        Tracer(root, Path(folder), os.environ.get(DROPPED, "")).start()
