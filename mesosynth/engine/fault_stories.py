"""What went wrong with a plugin: in a sentence, as a person reads it, and in full in a log."""

import contextlib
import time

from mesosynth.engine.plugin_registry import failure, plugin_folder
from mesosynth.engine.slot import Fault, PluginHangs
from mesosynth.errors import PluginError

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
    """A fault of the plugin of that name in a sentence, with its traceback if there is one."""
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
    """Keep the whole story beside the plugins' folder, where it can be read at leisure."""
    path = plugin_folder().parent / LOG
    with contextlib.suppress(OSError):  # a log that cannot be written must not stop the music
        mode = "a" if path.exists() and path.stat().st_size < LONGEST_LOG else "w"
        with path.open(mode, encoding="utf-8") as file:
            file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {error}\n{error.traceback}\n")
