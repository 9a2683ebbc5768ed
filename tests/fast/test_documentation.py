"""Fears: a public name without a page, a page outside the contents, a tutorial that is not run."""

import re
from pathlib import Path

import mesosynth as ms
from mesosynth import plugins

DOCS = Path(__file__).parents[2] / "docs"


def names_with_a_page():
    """Full names in the lists of the API from which the site makes a page each."""
    module = ""
    for line in (DOCS / "api" / "index.rst").read_text(encoding="utf-8").splitlines():
        if found := re.match(r"\.\. currentmodule:: (\S+)", line):
            module = found[1]
        elif found := re.match(r"   ([\w.]+)$", line):
            yield f"{module}.{found[1]}"


def public_names():
    """Everything that `import mesosynth` offers, and the contract of plugins.

    Errors are on the page of their module.
    """
    yield from (f"mesosynth.{name}" for name in ms.__all__ if not hasattr(ms.errors, name))
    own = {name for name in ms.__all__ if hasattr(plugins, name)}
    yield from (f"mesosynth.plugins.{name}" for name in set(plugins.__all__) - own)


def test_every_public_name_has_a_page():
    listed = [*names_with_a_page()]
    assert len(listed) == len(set(listed))
    assert not set(public_names()) - set(listed)


def test_every_script_of_the_galleries_has_a_title():
    scripts = [*DOCS.glob("tutorials/*.py"), *DOCS.glob("recipes/*.py")]
    assert len(scripts) >= 11
    for script in scripts:
        assert re.match(r'r?"""\n(.+)\n=+\n', script.read_text(encoding="utf-8")), script


def test_the_version_of_the_citation():
    text = (DOCS.parent / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {ms.__version__}\n" in text
