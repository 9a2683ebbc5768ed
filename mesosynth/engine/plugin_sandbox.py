"""Plugin sandbox: a plugin's first blocks in a child process, and the log of what went wrong."""

import contextlib
import time

import numpy as np

from mesosynth.engine.plugin_registry import failure, load_plugin, plugin_folder
from mesosynth.engine.slot import Fault, PluginHangs
from mesosynth.errors import PluginError, WorkerError, WorkerTimeoutError
from mesosynth.plugins.plugin import CHANNELS, NO_EVENTS
from mesosynth.system.worker import call

# --------------------------------------------------------------------------------------------------
# Trial: the first blocks of a plugin, in a child process, which may hang or crash


TIME_LIMIT = 15.0  # s; most of it is for plugins that compile loops, or load a model or a table
BLOCKS = 4  # of each size
_NICE = 5  # there is no hurry


def try_plugin(name: str, sample_rate: float, max_block: int) -> None:
    """Load and play a plugin in a child process.

    Parameters
    ----------
    name : str
        As in the rack.
    sample_rate : float
        Hz.
    max_block : int
        Frames.

    Raises
    ------
    PluginError
        If it raises, hangs, crashes, or makes samples that are not finite.
    """
    try:
        call(play_first_blocks, name, sample_rate, max_block, timeout=TIME_LIMIT, nice=_NICE)
    except WorkerTimeoutError as error:
        raise PluginError(
            f"{name} did not play its first blocks within {TIME_LIMIT:.0f} seconds."
        ) from error
    except WorkerError as error:
        raise PluginError(f"{name} crashed while it was tried out.") from error


def play_first_blocks(name: str, sample_rate: float, max_block: int) -> None:
    """Load a plugin here and let it play at its defaults and at both ends of its ranges.

    Parameters
    ----------
    name, sample_rate, max_block
        As in :func:`try_plugin`.

    Raises
    ------
    PluginError
        As :func:`try_plugin`.
    """
    kind = load_plugin(name)
    table = kind.parameters
    try:
        plugin = kind()
        plugin.prepare(sample_rate, max_block)
        for frames in {max_block, min(max_block, 128), 1}:
            for position in ("default", "minimum", "maximum"):
                values = table.vector({p.id: getattr(p, position) for p in table.values()})
                for _ in range(BLOCKS):
                    block = np.full((CHANNELS, frames), 0.1, np.float32)
                    plugin.process(values, NO_EVENTS, block)
                    if not np.isfinite(block).all():
                        raise PluginError(
                            f"{name} makes samples that are not finite, with every parameter at "
                            f"its {position} and blocks of {frames}."
                        )
        plugin.reset()
    except (Exception, SystemExit) as error:
        whose = f"{name}.py" if kind.__module__.startswith("mesosynth_plugin_") else name
        raise failure(whose, error) from error


# --------------------------------------------------------------------------------------------------
# Faults: a sentence for the user, and the traceback in a log


LOG = "plugins.log"
LONGEST_LOG = 1_000_000  # bytes; then it begins anew

_FATES = {
    "reset": "it was reset",
    "out": "it is bypassed until it is saved anew",
    "refused": "the version before plays on",
}
_SENTENCES = {
    "not finite": "{} made samples that are not finite numbers, or far too loud ones",
    "slow": "{} took more than half of a block's time, again and again",
}


def fault_story(fault: Fault, plugin: str) -> PluginError:
    """Describe a fault in a sentence, with its traceback if there is one.

    Parameters
    ----------
    fault : Fault
    plugin : str
        Name of the plugin.

    Returns
    -------
    PluginError
        Not raised.
    """
    if isinstance(fault.error, PluginHangs):
        told = PluginError(
            f"{plugin} does not return from {fault.call}", failure("", fault.error).traceback
        )
    elif fault.error is not None:
        told = failure(f"{plugin}.py", fault.error)
    else:
        told = PluginError(_SENTENCES[fault.kind].format(plugin))
    return PluginError(f"{str(told).rstrip('.')}; {_FATES[fault.fate]}.", told.traceback)


def log_story(error: PluginError) -> None:
    """Append a fault with its traceback to the log beside the plugins' folder."""
    path = plugin_folder().parent / LOG
    with contextlib.suppress(OSError):  # a log that cannot be written must not stop the music
        mode = "a" if path.exists() and path.stat().st_size < LONGEST_LOG else "w"
        with path.open(mode, encoding="utf-8") as file:
            file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {error}\n{error.traceback}\n")
