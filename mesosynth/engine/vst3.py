"""VST3 effects through pedalboard, an optional dependency: `pip install mesosynth[vst3]`.

A VST3 is machine code: like a user plugin it is tried in another process first, since some hang
while they are loaded, and it may be shut out later. It allocates memory as it likes.
"""

import importlib.util
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mesosynth.engine.slot import PLACE
from mesosynth.errors import PluginError
from mesosynth.plugins.parameters import Parameter, ParameterTable
from mesosynth.plugins.plugin import CHANNELS, Effect, Events

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "vst3:"
"""Prefix of the names of these effects in racks and presets."""

SMALLEST = 3  # frames; shorter blocks, which no device asks for, pass unchanged


def vst3_folders() -> list[Path]:
    """Folders of VST3s on this system; the environment variable VST3_PATH overrides them."""
    if os.environ.get("VST3_PATH"):
        return [Path(folder) for folder in os.environ["VST3_PATH"].split(os.pathsep)]
    if sys.platform == "darwin":
        library = Path("Library/Audio/Plug-Ins/VST3")
        return [Path.home() / library, "/" / library]
    if sys.platform == "win32":
        common = os.environ.get("COMMONPROGRAMFILES", "C:/Program Files/Common Files")
        return [Path(common) / "VST3"]
    return [Path.home() / ".vst3", Path("/usr/lib/vst3"), Path("/usr/local/lib/vst3")]


def list_vst3() -> "Iterator[tuple[str, Path]]":
    """Name and file of every VST3, if pedalboard is installed."""
    if importlib.util.find_spec("pedalboard") is not None:
        for folder in vst3_folders():
            for path in sorted(folder.glob("*.vst3")):
                yield f"{PREFIX}{path.stem}", path


def load_vst3(path: Path) -> type[Effect]:
    """Class of a VST3 effect; its parameters run from 0 to 1.

    Raises
    ------
    PluginError
        If it cannot be loaded, or is not an effect.
    """
    try:
        found = _instance(path)
    except Exception as error:
        raise PluginError(f"{path.name} cannot be loaded ({error}).") from error
    if not found.is_effect:
        raise PluginError(f"{path.name} is no effect.")
    parameters = [(id_, p) for id_, p in found.parameters.items() if p.is_automatable][:PLACE]
    table = ParameterTable(
        [
            Parameter(id_, p.name, "", 0.0, 1.0, min(max(float(p.raw_value), 0.0), 1.0),
                      f"{p.name} of {found.name}.")
            for id_, p in parameters
        ]
    )  # fmt: skip
    return type(path.stem, (Vst3,), {"name": found.name, "parameters": table, "path": path})


class Vst3(Effect):
    """A VST3, or two instances where it has only one channel."""

    block_size_invariant = False  # unknown
    path: ClassVar[Path]

    def prepare(self, sample_rate: float, max_block: int) -> None:
        """[control] Load it, and let it allocate for blocks of up to `max_block` frames."""
        self._sample_rate, self._max_block = float(sample_rate), max_block
        self._plugins = [_instance(self.path)]
        try:
            self._plugins[0].process(
                np.zeros((CHANNELS, 64), np.float32), sample_rate, max_block, reset=False
            )
        except ValueError:  # it is mono
            self._plugins.append(_instance(self.path))
        each = CHANNELS // len(self._plugins)
        self._rows = [slice(begin, begin + each) for begin in range(0, CHANNELS, each)]
        self.latency = int(self._plugins[0].reported_latency_samples)
        self._parameters = [
            [plugin.parameters[id_] for plugin in self._plugins] for id_ in self.parameters
        ]
        self._last = np.full(len(self.parameters), np.nan)
        self.reset()

    def reset(self) -> None:
        """[control] Forget all sound."""
        for plugin in self._plugins:
            plugin.reset()

    def process(
        self, values: NDArray[np.float64], events: Events, block: NDArray[np.float32]
    ) -> None:
        """[audio] Process `block`, (2, frames) float32."""
        frames = block.shape[1]
        if frames < SMALLEST:
            return
        for place, parameters in enumerate(self._parameters):
            value = float(values[place])
            if value != self._last[place]:
                self._last[place] = value
                for parameter in parameters:
                    parameter.raw_value = value
        for plugin, rows in zip(self._plugins, self._rows, strict=True):
            part = block[rows]
            out = plugin.process(part, self._sample_rate, self._max_block, reset=False)
            missing = frames - out.shape[1]  # at first, while its latency fills
            part[:, missing:] = out
            part[:, :missing] = 0.0


def _instance(path: Path) -> Any:  # noqa: ANN401 - pedalboard is not always there to name its types
    from pedalboard import load_plugin  # pyright: ignore[reportPrivateImportUsage] - its public name

    return load_plugin(str(path))
