"""Fears: riddles in docstrings, and public functions whose arguments are not described."""

import importlib
import inspect
import pkgutil
import re

import pytest

import mesosynth

RIDDLE = re.compile(r"^(What|Who|Where|That which)\b|\b(nobody|whoever|somebody|lest)\b")

MODULES = sorted(
    info.name
    for info in pkgutil.walk_packages(mesosynth.__path__, "mesosynth.")
    if not info.name.endswith("__main__")
)


def own(module, thing):
    return getattr(thing, "__module__", None) == module.__name__


def documented(module):
    """Every class and function of a module: name, object, and the class it is of."""
    for name, thing in vars(module).items():
        if inspect.isfunction(thing) and own(module, thing):
            yield name, thing, None
        elif inspect.isclass(thing) and own(module, thing):
            yield name, thing, None
            for attribute, member in vars(thing).items():
                function = getattr(member, "__func__", getattr(member, "fget", member))
                if inspect.isfunction(function) and own(module, function):
                    yield f"{name}.{attribute}", function, thing


def is_public(name):
    return not any(part.startswith("_") for part in name.split("."))


def inherited(name, owner):
    """Whether a base class has the method, whose docstring then holds for it."""
    method = name.rpartition(".")[2]
    return owner is not None and any(hasattr(base, method) for base in owner.__mro__[1:])


def arguments(function):
    return [name for name in inspect.signature(function).parameters if name not in ("self", "cls")]


@pytest.mark.parametrize("name", MODULES)
def test_first_lines_name_the_thing(name):
    module = importlib.import_module(name)
    things = [("module", module), *((name, thing) for name, thing, _ in documented(module))]
    lines = {label: (inspect.getdoc(thing) or "").partition("\n")[0] for label, thing in things}
    assert not {label: line for label, line in lines.items() if RIDDLE.search(line)}


@pytest.mark.parametrize("name", MODULES)
def test_public_functions_describe_their_arguments(name):
    module = importlib.import_module(name)
    assert not [
        f"{label}({', '.join(arguments(thing))})"
        for label, thing, owner in documented(module)
        if inspect.isfunction(thing) and is_public(label) and not inherited(label, owner)
        and len(arguments(thing)) >= 2
        and not re.search(r"^Parameters\n---", inspect.getdoc(thing) or "", re.MULTILINE)
    ]  # fmt: skip


def test_modules_are_found():
    assert len(MODULES) > 40
    assert "mesosynth.scattering.jtfs" in MODULES
