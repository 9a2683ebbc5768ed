"""Comparison of the sound of this checkout's presets with that of an earlier one.

``python -m benchmarks.same_sound --before CHECKOUT [--tolerance-db DB]``

Both checkouts render the earlier one's factory presets by ``mesosynth render --all``, four seconds
each with their effects, and every sample is compared. Two checkouts sound the same where no sample
differs by more than -100 dB of full scale, or the tolerance that is given: compiled mathematics may
differ in the last bit of a float32, -144 dB. The exit status is 1 where a preset differs.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile

HERE = Path(__file__).resolve().parents[1]
SECONDS = 4.0
TOLERANCE_DB = -100.0  # of full scale


def main() -> int:
    """Compare, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.same_sound", description=__doc__)
    parser.add_argument(
        "--before", metavar="CHECKOUT", type=Path, required=True, help="for example a git worktree"
    )
    parser.add_argument(
        "--tolerance-db", metavar="DB", type=float, default=TOLERANCE_DB,
        help="largest difference of a sample, of full scale (default: %(default)g)",
    )  # fmt: skip
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folders = Path(scratch) / "before", Path(scratch) / "after"
        presets = arguments.before.resolve() / "presets"
        for checkout, folder in zip((presets.parent, HERE), folders, strict=True):
            render(checkout, presets, folder)
        differences = compare(*folders)
    differs = sum(level > arguments.tolerance_db for level in differences.values())
    for name, level in sorted(differences.items(), key=lambda item: item[1]):
        print(f"{name:<42} {level:8.1f} dBFS{'  DIFFERS' * (level > arguments.tolerance_db)}")
    print(f"{len(differences)} presets, {differs} differ.")
    return int(bool(differs))


def render(checkout: Path, presets: Path, folder: Path) -> None:
    """Render presets by a checkout's own command line.

    Parameters
    ----------
    checkout, presets, folder : Path
        The last is made.

    Raises
    ------
    subprocess.CalledProcessError
        If it fails; what it wrote to standard error was shown already.
    """
    words = ["-m", "mesosynth", "render", "--all", presets, folder, "--seconds", str(SECONDS)]
    subprocess.run(
        [sys.executable, *words], cwd=checkout, check=True, stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def compare(before: Path, after: Path) -> dict[str, float]:
    """Largest difference of a sample of each WAV file, dB of full scale.

    Parameters
    ----------
    before, after : Path
        Folders of WAV files of the same names.

    Returns
    -------
    dict
        By name; -inf for none, inf where they cannot be compared or a sample is not finite.
    """
    differences: dict[str, float] = {}
    for path in sorted(before.glob("*.wav")):
        one, other = (
            soundfile.read(folder / path.name)[0] if (folder / path.name).exists() else np.zeros(0)
            for folder in (before, after)
        )
        differences[path.stem] = np.inf
        if one.shape == other.shape and np.isfinite(one - other).all():
            with np.errstate(divide="ignore"):
                differences[path.stem] = float(20.0 * np.log10(np.abs(one - other).max()))
    return differences


if __name__ == "__main__":
    sys.exit(main())
