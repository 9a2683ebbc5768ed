"""Plugin registry: built-in plugins, the user's files, installed packages, and VST3s.

Listing runs no plugin's code: files are parsed, packages are only named by their entry points.
Loading runs it, which the audio process does after a trial in another process.
"""

import ast
import importlib.metadata
import inspect
import os
import sys
import traceback
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import platformdirs

from mesosynth.effects import EFFECTS
from mesosynth.engine.slot import PLACE
from mesosynth.engine.vst3 import list_vst3, load_vst3
from mesosynth.errors import PluginError
from mesosynth.instruments import INSTRUMENTS
from mesosynth.plugins import parameters, ramps, tempo
from mesosynth.plugins import plugin as plugin_contract
from mesosynth.plugins.parameters import ParameterTable
from mesosynth.plugins.plugin import Effect, Instrument, Plugin

ENTRY_POINTS = "mesosynth.plugins"
BUILT_IN: dict[str, type[Plugin]] = {**INSTRUMENTS, **EFFECTS}

Kind = Literal["instrument", "effect", ""]


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """Entry of a plugin in the list.

    Attributes
    ----------
    name : str
        Name in racks and presets; of a file its name without ".py".
    title : str
        Name for people.
    kind : {"instrument", "effect", ""}
        Empty where it is known only after loading.
    origin : {"built-in", "file", "package", "vst3"}
    path : Path or None
        The file.
    problem : str
        Why it cannot be loaded, one sentence, or "".
    """

    name: str
    title: str
    kind: Kind
    origin: Literal["built-in", "file", "package", "vst3"]
    path: Path | None = None
    problem: str = ""


# User plugins written for version 0.1 import the contract under these names.
sys.modules.setdefault("mesosynth.plugin", plugin_contract)
sys.modules.setdefault("mesosynth.parameters", parameters)
sys.modules.setdefault("mesosynth.ramps", ramps)
sys.modules.setdefault("mesosynth.tempo", tempo)


def plugin_folder() -> Path:
    """Folder of user plugins; the environment variable MESOSYNTH_PLUGINS overrides it."""
    folder = os.environ.get("MESOSYNTH_PLUGINS")
    if folder:
        return Path(folder)
    return platformdirs.user_data_path("mesosynth", appauthor=False) / "plugins"


def list_plugins() -> list[PluginInfo]:
    """All plugins: built-in ones first, then files, then packages, then VST3s, each by name."""
    built_in = [_built_in(name) for name in BUILT_IN]
    files = [_look_into(path) for path in sorted(plugin_folder().glob("*.py"))]
    packages = [
        PluginInfo(entry.name, entry.name, "", "package")
        for entry in sorted(importlib.metadata.entry_points(group=ENTRY_POINTS))
    ]
    vst3 = [PluginInfo(name, path.stem, "", "vst3", path) for name, path in list_vst3()]
    return built_in + files + packages + vst3


def find_plugin(name: str) -> PluginInfo:
    """Entry of a plugin.

    Raises
    ------
    PluginError
        If there is none of that name.
    """
    if name in BUILT_IN:
        return _built_in(name)
    plugins = list_plugins()
    for info in plugins:
        if info.name == name:
            return info
    names = ", ".join(info.name for info in plugins)
    raise PluginError(f"plugin {name!r} does not exist; there are {names}.")


def load_plugin(name: str) -> type[Plugin]:
    """Class of a plugin; a file is loaded again each time. This runs its code.

    Raises
    ------
    PluginError
        If there is none of that name, or it is not a plugin.
    """
    if name in BUILT_IN:
        return BUILT_IN[name]
    info = find_plugin(name)
    if info.origin == "vst3" and info.path is not None:
        return load_vst3(info.path)
    if info.path is not None:
        return load_file(info.path)
    (entry,) = importlib.metadata.entry_points(group=ENTRY_POINTS, name=name)
    try:
        return check_class(entry.load(), name)
    except (Exception, SystemExit) as error:
        raise failure(name, error) from error


def load_file(path: Path) -> type[Plugin]:
    """Plugin class of a file, which is run.

    Raises
    ------
    PluginError
        If it cannot be read, raises, or does not define exactly one plugin.
    """
    module = types.ModuleType(f"mesosynth_plugin_{path.stem}")
    module.__file__ = str(path)
    try:
        code = compile(path.read_bytes(), str(path), "exec")
        sys.modules[module.__name__] = module  # dataclasses and pickle look there
        exec(code, module.__dict__)
    except (Exception, SystemExit) as error:
        raise failure(path.name, error) from error
    found = [
        thing for thing in vars(module).values()
        if inspect.isclass(thing) and issubclass(thing, Plugin)
        and thing.__module__ == module.__name__ and not inspect.isabstract(thing)
    ]  # fmt: skip
    if len(found) != 1:
        what = f"{len(found)} plugins" if found else "no complete Instrument or Effect"
        raise PluginError(f"{path.name} defines {what}; it must define one.")
    return check_class(found[0], path.name)


def check_class(thing: object, whose: str) -> type[Plugin]:
    """`thing`, checked to be a plugin class that a rack can hold.

    Parameters
    ----------
    thing : object
    whose : str
        Name in messages.

    Returns
    -------
    type of Plugin

    Raises
    ------
    PluginError
        If it is not.
    """
    if not (inspect.isclass(thing) and issubclass(thing, (Instrument, Effect))):
        raise PluginError(f"{whose}: {thing!r} is neither an Instrument nor an Effect.")
    table = getattr(thing, "parameters", None)
    if not isinstance(table, ParameterTable):
        raise PluginError(f"{whose}: parameters={table!r} must be a ParameterTable.")
    if len(table) > PLACE:
        raise PluginError(f"{whose} has {len(table)} parameters; at most {PLACE} are possible.")
    if any("." in id_ for id_ in table):
        raise PluginError(f"{whose}: parameter ids may hold no dot: {', '.join(table)}.")
    if not isinstance(getattr(thing, "name", None), str):
        raise PluginError(f"{whose} must have a name, which people read in the rack.")
    return thing


def failure(whose: str, error: BaseException) -> PluginError:
    """PluginError for `error`: one sentence that names the line, with the traceback.

    Parameters
    ----------
    whose : str
        Name of the plugin or its file.
    error : BaseException

    Returns
    -------
    PluginError
    """
    if isinstance(error, PluginError):
        return error
    story = "".join(traceback.format_exception(error))
    line = error.lineno if isinstance(error, SyntaxError) else _last_line(whose, error)
    where = f", line {line}" if line else ""
    what = traceback.format_exception_only(error)[-1].strip().rstrip(".")
    return PluginError(f"{whose}{where}: {what}.", story)


def _last_line(whose: str, error: BaseException) -> int | None:
    """Last line of the file `whose` in the traceback of `error`."""
    lines = [
        frame.lineno for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).name == whose
    ]  # fmt: skip
    return lines[-1] if lines else None


def _built_in(name: str) -> PluginInfo:
    thing = BUILT_IN[name]
    kind: Kind = "instrument" if issubclass(thing, Instrument) else "effect"
    return PluginInfo(name, thing.name, kind, "built-in")


def _look_into(path: Path) -> PluginInfo:
    """Entry of a file, read without running it."""
    if path.stem in BUILT_IN:
        problem = f"{path.name} has the name of a built-in plugin; rename it."
        return PluginInfo(f"{path.stem}.py", path.stem, "", "file", path, problem)
    try:
        tree = ast.parse(path.read_bytes(), str(path))
    except (OSError, SyntaxError, ValueError) as error:
        return PluginInfo(path.stem, path.stem, "", "file", path, str(failure(path.name, error)))
    for thing in ast.walk(tree):
        if isinstance(thing, ast.ClassDef):
            for base in _names(thing.bases):
                if base in ("Instrument", "Effect"):
                    kind: Kind = "instrument" if base == "Instrument" else "effect"
                    return PluginInfo(path.stem, _title(thing) or path.stem, kind, "file", path)
    problem = f"{path.name} defines no Instrument and no Effect."
    return PluginInfo(path.stem, path.stem, "", "file", path, problem)


def _names(bases: list[ast.expr]) -> Iterator[str]:
    for base in bases:
        if isinstance(base, ast.Name):
            yield base.id
        elif isinstance(base, ast.Attribute):
            yield base.attr


def _title(thing: ast.ClassDef) -> str:
    for statement in thing.body:
        match statement:
            case ast.Assign([ast.Name("name")], ast.Constant(str(title))):
                return title
            case _:
                pass
    return ""
