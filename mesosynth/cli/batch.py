"""`mesosynth batch`: match every file of a folder."""

import functools
import hashlib
import importlib.util
import io
import json as json_format
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from mesosynth.cli.data import Scheduler, Workers
from mesosynth.cli.options import Json, Whole
from mesosynth.cli.progress import ProgressBar
from mesosynth.errors import ArgumentError, MesosynthError
from mesosynth.matching.results import MatchSettings
from mesosynth.system.atomic_file import check_outputs, write_atomically, writing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mesosynth.audio.target import Target

_SOUNDS = (".wav", ".flac", ".ogg", ".mp3", ".aiff", ".aif", ".m4a", ".opus", ".webm")
_DEFAULTS = MatchSettings()
TABLE = "matches.parquet"


def batch(
    folder: Annotated[Path, Parameter("FOLDER")],
    /,
    *,
    out: Annotated[Path, Parameter(metavar="DIR")],
    instrument: Annotated[
        Literal["chirplet", "ripple", "drum", "grains", "strike"], Parameter(metavar="NAME")
    ] = "chirplet",
    seed: Annotated[Whole, Parameter(metavar="N")] = _DEFAULTS.seed,
    scheduler: Scheduler = None,
    workers: Workers = None,
    json: Json = False,
) -> dict[str, Any]:
    """Match every sound of a folder: a JSON file for each, and matches.parquet.

    Files that were matched by an earlier call, and are as they were, are not matched again.

    Parameters
    ----------
    folder : Path
        With sounds; folders in it count as well.
    out : Path
        Folder of the results.
    instrument : str
        What to match with.
    seed : int
        Of the noises of the matches.
    scheduler : str, optional
        Compute on a cluster.
    workers : int, optional
        Processes on this machine.
    json : bool
        One JSON object on standard output.
    """
    sounds = sorted(
        path for path in folder.rglob("*") if path.suffix.lower() in _SOUNDS and path.is_file()
    )
    if not sounds:
        raise ArgumentError(f"{folder} holds no sound ({', '.join(_SOUNDS)}).")
    if importlib.util.find_spec("pyarrow") is None:
        raise ArgumentError("batch writes a table by pyarrow: install mesosynth[learning].")
    results = {path: out / f"{path.relative_to(folder)}.json" for path in sounds}
    outputs = [*results.values(), out / TABLE]
    for path in outputs:
        with writing(path, ArgumentError, make_folder=True):
            pass
    check_outputs(outputs, ArgumentError, sounds)
    settings = MatchSettings(seed=seed)
    about = {"instrument": instrument, "seed": seed}
    failed: dict[str, str] = {}
    with ProgressBar(folder.name, len(sounds), counts=True, remaining=True) as bar:
        from mesosynth.learning.cluster import Cluster, spread

        left = [path for path in sounds if _kept(path, results[path], about) is None]
        bar.restart(folder.name, len(sounds), len(sounds) - len(left))

        def targets() -> "Iterator[tuple[Path, Target]]":
            """Targets of what is left, each read when there is room for it."""
            from mesosynth.audio.file import load_target

            for path in left:
                try:
                    yield path, load_target(path)
                except (MesosynthError, OSError) as error:
                    fail(path, error)

        def fail(path: Path, error: Exception) -> None:
            name = str(path.relative_to(folder))
            failed[name] = str(error)
            bar.say(f"{name}: {error}")
            bar.advance()

        match = functools.partial(match_target, instrument=instrument, settings=settings)
        for (path, _), found in spread(match, targets(), Cluster(scheduler, workers)):
            if isinstance(found, Exception):
                fail(path, found)
                continue
            content = json_format.dumps({**about, **found}, indent=1, allow_nan=False).encode()
            with writing(results[path], ArgumentError):
                write_atomically(results[path], content)
            bar.advance()
        rows = [
            {"file": os.fsencode(path.relative_to(folder)).decode("utf-8", "replace"), **kept}
            for path in sounds
            if (kept := _kept(path, results[path], about)) is not None
        ]
        with writing(out / TABLE, ArgumentError):
            write_atomically(out / TABLE, _table(rows))
    if not json:
        print(f"{out / TABLE}: {len(rows)} of {len(sounds)} sounds, {len(left)} of them new.")
    return {
        "written": str(out / TABLE),
        "sounds": len(sounds),
        "matched": len(rows),
        "failed": failed,
    }


def match_target(
    item: "tuple[Path, Target]", instrument: str, settings: MatchSettings
) -> dict[str, Any]:
    """Match one target, in whatever process: theta and what goes with it, without times.

    Parameters
    ----------
    item : (Path, Target)
        A file and its target.
    instrument : str
    settings : MatchSettings

    Returns
    -------
    dict
        Of JSON values, the same in every process.
    """
    import torch

    from mesosynth.matching.match import Matcher

    torch.set_num_threads(1)
    _, target = item
    result = Matcher(instrument, settings).match(target)
    keys = ("found", "theta", "loss", "evaluations", "converged", "onset", "gain")
    std = {id_: value if math.isfinite(value) else None for id_, value in result.std.items()}
    found = {key: getattr(result, key) for key in keys}
    return {"sha256": target.sha256, **found, "std": std, "remarks": list(target.remarks)}


def _kept(path: Path, result: Path, about: dict[str, Any]) -> dict[str, Any] | None:
    """Result of an earlier call for a file that is as it was; None where there is none."""
    try:
        kept: dict[str, Any] = json_format.loads(result.read_bytes())
        with path.open("rb") as file:
            same = kept["sha256"] == hashlib.file_digest(file, "sha256").hexdigest()
        whole = {"theta", "std", "remarks"} <= kept.keys()
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return kept if same and whole and about.items() <= kept.items() else None


def _table(rows: list[dict[str, Any]]) -> bytes:
    """Parquet table with a row for each sound and a column for each parameter."""
    from pyarrow import Table, parquet

    flat = [
        {
            **{key: value for key, value in row.items() if not isinstance(value, (dict, list))},
            "remarks": " ".join(row["remarks"]),
            **row["theta"],
            **{f"{id_}_std": value for id_, value in row["std"].items()},
        }
        for row in rows
    ]
    names = dict.fromkeys(name for row in flat for name in row)
    file = io.BytesIO()
    parquet.write_table(Table.from_pylist([{n: row.get(n) for n in names} for row in flat]), file)
    return file.getvalue()
