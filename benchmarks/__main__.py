"""List of the benchmarks: ``python -m benchmarks``."""

import ast
from pathlib import Path


def names() -> dict[str, str]:
    """First line of the docstring of each module that is a program, by its name."""
    found: dict[str, str] = {}
    for path in sorted(Path(__file__).parent.glob("*.py")):  # children are started by others
        text = path.read_text()
        if "\nif __name__ == " in text and path.name != "__main__.py":
            found[path.stem] = (ast.get_docstring(ast.parse(text)) or "").splitlines()[0]
    return found


if __name__ == "__main__":
    for name, about in names().items():
        print(f"python -m benchmarks.{name:<16} {about}")
