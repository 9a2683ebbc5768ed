"""Fear: pages of docs/contributing that cannot be followed to the letter.

Each page is followed in a copy of the repository. Blocks of code say what to do with them: `python
FILE` is written to the file; of a `diff`, each part is changed where it stands, exactly once; `sh`
is run.
"""

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "contributing").glob("*.md"))
BLOCK = re.compile(r"^( *)```(\w+) ?(\S*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def copy(tmp_path):
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True,
                            capture_output=True, text=True).stdout.splitlines()  # fmt: skip
    compiled = [str(path.relative_to(ROOT)) for path in ROOT.glob("mesosynth/*/__pycache__/*.nb?")]
    for name in [*listed, *compiled]:
        if (ROOT / name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tmp_path / name)
    return tmp_path


def apply(diff, folder):
    """Make the changes of a diff without line numbers."""
    _, to, *hunks = re.split(r"^(?:---.*\n\+\+\+ b/(.*)\n)?@@.*\n", diff, flags=re.MULTILINE)
    file = folder / to
    text = file.read_text(encoding="utf-8")
    for hunk in hunks:
        if hunk is None:
            continue
        lines = hunk.splitlines(keepends=True)
        old = "".join(line[1:] or "\n" for line in lines if line[0] in " -")
        new = "".join(line[1:] or "\n" for line in lines if line[0] in " +")
        assert text.count(old) == 1, f"{to}: {old}"
        text = text.replace(old, new)
    file.write_text(text, encoding="utf-8")


def follow(page, folder):
    tools = folder / "tools"
    tools.mkdir()
    for name, module in {"python": "", "mesosynth": "-m mesosynth"}.items():
        (tools / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {module} "$@"\n')
        (tools / name).chmod(0o755)
    environment = {**os.environ, "PYTHONPATH": str(folder), "PATH": f"{tools}:{os.environ['PATH']}"}
    for _, language, file, block in BLOCK.findall(page.read_text(encoding="utf-8")):
        code = textwrap.dedent(block)
        match language:
            case "python":
                (folder / file).write_text(code, encoding="utf-8")
            case "diff":
                apply(code, folder)
            case "sh":
                subprocess.run(["bash", "-e", "-c", code], cwd=folder, env=environment, check=True)
            case _:
                pass


@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_page_can_be_followed(page, copy):
    follow(page, copy)
    ruff = [sys.executable, "-m", "ruff"]
    new = [file for _, language, file, _ in BLOCK.findall(page.read_text()) if language == "python"]
    subprocess.run([*ruff, "check", "--no-cache", *new], cwd=copy, check=True)
    subprocess.run([*ruff, "format", "--no-cache", "--check", *new], cwd=copy, check=True)
