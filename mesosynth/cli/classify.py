"""`mesosynth classify`: what sounds and presets sound like, and why."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from mesosynth.cli.options import Json
from mesosynth.cli.progress import ProgressBar
from mesosynth.errors import ArgumentError, MesosynthError
from mesosynth.system.atomic_file import check_outputs, writing


def classify(
    classifier: Annotated[Path, Parameter("CLASSIFIER")],
    /,
    *files: Annotated[Path, Parameter("FILE")],
    relevance: Annotated[Path | None, Parameter(metavar="DIR")] = None,
    accept: Annotated[float | None, Parameter(metavar="P")] = None,
    json: Json = False,
) -> dict[str, Any]:
    """Suggest tags for sounds and presets, by a classifier of `mesosynth train classifier`.

    Parameters
    ----------
    classifier : Path
        A classifier.pt.
    files : Path
        Sounds and presets; without any, all presets and recordings of the user.
    relevance : Path, optional
        Write there which modulations speak for the class: maps of carrier by rate and of rate by
        signed scale, as PNG and CSV.
    accept : float, optional
        Add suggestions of this probability or more to the tags of the user's presets and takes.
    json : bool
        One JSON object on standard output.
    """
    if accept is not None and not 0.0 <= accept <= 1.0:
        raise ArgumentError(f"--accept {accept:g} must be 0 to 1.")
    found: list[dict[str, Any]] = []
    left_out: list[str] = []
    lines: list[str] = []
    with ProgressBar("Listening", None, counts=True) as bar:
        from mesosynth.cli.class_pictures import save_relevance
        from mesosynth.learning import tags
        from mesosynth.learning.classifier import Classifier
        from mesosynth.learning.relevance import relevance as relevance_of
        from mesosynth.presets.library import Library

        loaded, library = Classifier.load(classifier), Library()
        if not files:
            library.refresh()
            files = tuple(tags.own_sounds(library))
        stems = _stems(files)
        if relevance is not None:
            _check(relevance, stems, [classifier, *files])
        bar.restart("Listening", len(files))
        for path, stem in zip(files, stems, strict=True):
            bar.advance()
            entry: dict[str, Any] = {"file": str(path)}
            try:
                one = tags.suggest(loaded, path)
                entry |= {"label": one.label, "probability": one.probability, "accepted": False}
                entry["remark"] = one.remark
            except MesosynthError as error:  # the others go on
                left_out.append(str(error))
                continue
            try:
                if accept is not None and one.can_be_tagged and one.probability >= accept:
                    entry["accepted"] = tags.accept(library, one)
            except MesosynthError as error:
                left_out.append(str(error))
            if one.remark:
                bar.say(one.remark)
            if relevance is not None:
                seconds = loaded.features.samples / loaded.features.sample_rate
                sound = tags.sound_of(path, seconds)
                why = relevance_of(loaded, sound.audio, sound.sample_rate)
                written = save_relevance(relevance / stem, one.name, why)
                entry["pictures"] = [str(p) for p in written]
            found.append(entry)
            lines.append(f"{one}{', tagged' if entry['accepted'] else ''}")
    if not json:
        print("\n".join(lines))
        for sentence in left_out:
            print(f"left out: {sentence}")
    if files and not found:
        raise ArgumentError(left_out[0])
    return {"found": found, "left_out": left_out}


def _check(folder: Path, stems: Sequence[str], given: Sequence[Path]) -> None:
    """Make the folder of the pictures, and refuse those that cannot be written."""
    with writing(folder / "pictures", ArgumentError, make_folder=True):
        endings = (".png", "_carrier_rate.csv", "_rate_scale.csv")
        outputs = (folder / f"{stem}{ending}" for stem in stems for ending in endings)
        check_outputs(outputs, ArgumentError, given)


def _stems(files: Sequence[Path]) -> list[str]:
    """Name for the pictures of each file; those of like files are told apart by their folders."""
    names = [path.stem for path in files]
    count = Counter(name.casefold() for name in names)
    names = [
        f"{path.absolute().parent.name}-{path.name}" if count[name.casefold()] > 1 else name
        for path, name in zip(files, names, strict=True)
    ]
    taken = Counter[str]()
    for i, name in enumerate(names):
        taken[name.casefold()] += 1
        if (number := taken[name.casefold()]) > 1:
            names[i] = f"{name} {number}"
    return names
