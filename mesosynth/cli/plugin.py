"""`mesosynth plugin`: check one plugin, or list all."""

import contextlib
from dataclasses import asdict
from json import dumps
from typing import Annotated, Any

from cyclopts import App, Parameter

from mesosynth.cli.options import Json
from mesosynth.errors import ArgumentError

FAILED = 1
"""Exit code of a check that fails."""

plugin = App("plugin")


@plugin.default
def no_command() -> None:
    """Test a plugin, or list all."""
    raise ArgumentError("plugin: name a command, check or list; see mesosynth plugin --help.")


@plugin.command
def check(
    file: Annotated[str, Parameter("FILE")], /, *, quick: bool = False, json: Json = False
) -> dict[str, Any]:
    """Test a plugin, as pluginval does, and leave with exit code 1 if it fails.

    Parameters
    ----------
    file : str
        A file, or a plugin's name in the rack.
    quick : bool
        Fewer rates, blocks and permutations.
    json : bool
        One JSON object on standard output.
    """
    from mesosynth.engine.plugin_check import FULL, QUICK, Finding, check_plugin

    findings: list[Finding] = []
    for finding in check_plugin(file, QUICK if quick else FULL):
        findings.append(finding)
        if not json:
            print(f"{'✓' if finding.ok else '✗'} {finding.check:<38} {finding.found}", flush=True)
    failed = sum(not finding.ok for finding in findings)
    answer = {"ok": not failed, "checks": [asdict(finding) for finding in findings]}
    if failed:
        print(dumps(answer) if json else f"{failed} of {len(findings)} checks fail.")
        raise SystemExit(FAILED)
    return answer


@plugin.command(name="list")
def list_all(*, json: Json = False) -> dict[str, Any]:
    """List all plugins, without running any."""
    from mesosynth.engine.plugin_registry import list_plugins, plugin_folder

    plugins = list_plugins()
    with contextlib.suppress(OSError):
        plugin_folder().mkdir(parents=True, exist_ok=True)  # so that there is where to put one
    if not json:
        for info in plugins:
            print(f"{info.name:<24}{info.kind or '?':<12}{info.origin:<10}{info.problem}".rstrip())
        print(f"Yours go into {plugin_folder()}.")
    return {
        "folder": str(plugin_folder()),
        "plugins": [{**asdict(info), "path": str(info.path or "")} for info in plugins],
    }
