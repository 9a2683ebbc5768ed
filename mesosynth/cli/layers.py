"""`mesosynth match FILE --layers N`: a few arpeggios that together sound like a recording."""

import argparse
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from mesosynth.errors import ArgumentError

if TYPE_CHECKING:  # numpy and soundfile would slow every command down
    from mesosynth.audio.target import Target
    from mesosynth.matching.results import Layer, LayersResult

_ALONE = ("unknowns", "pin", "phi", "descent")  # options of a match with one arpeggio


def add_layers(match: argparse.ArgumentParser) -> None:
    """Describe the options that belong to layers."""
    match.add_argument(
        "--layers", metavar="N", type=int,
        help="match with up to N arpeggios, 1 to 8, that together sound like the file",
    )  # fmt: skip
    match.add_argument(
        "--seconds", metavar="S", type=float, default=60.0,
        help="with --layers: end after so long, with the best so far (default: %(default)g)",
    )  # fmt: skip


def run_layers(arguments: argparse.Namespace) -> dict[str, Any]:
    """Match, print the layers unless as JSON, and return them."""
    from mesosynth.audio.file import load_target
    from mesosynth.presets.matched import layered_preset
    from mesosynth.presets.preset import save_preset

    for name in _ALONE:
        if getattr(arguments, name):
            raise ArgumentError(f"--{name} does not go with --layers; leave one of them out.")
    target = load_target(arguments.file)
    result = _match(target, arguments)
    if arguments.output is not None:
        save_preset(arguments.output, layered_preset(result, target.name, target.sha256))
    if not arguments.json:
        _print(result)
    return {
        "target": target.name,
        "sha256": target.sha256,
        "layers": [asdict(layer) for layer in result.layers],
        "similarity": result.scores.as_dict(),
        **{name: getattr(result, name) for name in ("loss", "evaluations", "seconds", "converged")},
    }


def _match(target: "Target", arguments: argparse.Namespace) -> "LayersResult":
    from mesosynth.cli.progress import LayersBar

    with LayersBar(target.name) as bar:
        from mesosynth.matching.layers import match_target_layers  # brings torch in

        result = match_target_layers(
            target, arguments.layers, arguments.seconds, on_step=bar.show, seed=arguments.seed
        )
    return replace(result, layers=tuple(sorted(result.layers, key=lambda one: -one.share)))


def _print(result: "LayersResult") -> None:
    print("       at  share   carrier   notes     sweep   width  repeats")
    for number, layer in enumerate(result.layers, 1):
        print(f"{number}  {_line(layer)}")
    print(f"Similarity: {result.scores}; after {result.seconds:.0f} s.")
    if not result.converged:
        print("It was not done when the time was over; a larger --seconds may bring it closer.")


def _line(layer: "Layer") -> str:
    theta = layer.theta
    again = f"every {layer.period:.3f} s" if layer.period else "-"
    return (
        f"{layer.onset:5.2f} s {layer.share:5.0%} {theta['f_c']:6.0f} Hz {theta['f_m']:4.1f} Hz"
        f" {theta['gamma']:+6.2f} oct/s {theta['w']:4.2f} oct  {again}"
    )
