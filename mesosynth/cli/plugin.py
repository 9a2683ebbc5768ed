"""`mesosynth plugin`: list the plugins, and check one. What takes long is imported when used."""

import argparse
import contextlib
import json
from dataclasses import asdict
from typing import Any

FAILED = 1


def add_plugin_commands(parser: argparse.ArgumentParser) -> None:
    """Give `mesosynth plugin` its own commands and options."""
    commands = parser.add_subparsers(dest="plugin_command", required=True)
    check = commands.add_parser("check", help="test a plugin, as pluginval does")
    check.add_argument("file", metavar="FILE", help="a file, or a plugin's name in the rack")
    check.add_argument("--quick", action="store_true", help="fewer rates, blocks and permutations")
    listing = commands.add_parser("list", help="every plugin there is, without running any")
    for command in (check, listing):
        command.add_argument(
            "--json", action="store_true", help="one JSON object on standard output"
        )


def run_plugin_command(arguments: argparse.Namespace) -> dict[str, Any]:
    """Do what was asked for; a check that fails ends with the exit code FAILED."""
    return _check(arguments) if arguments.plugin_command == "check" else _list(arguments)


def _check(arguments: argparse.Namespace) -> dict[str, Any]:
    from mesosynth.engine.plugin_check import FULL, QUICK, Finding, check_plugin

    findings: list[Finding] = []
    for finding in check_plugin(arguments.file, QUICK if arguments.quick else FULL):
        findings.append(finding)
        if not arguments.json:
            print(f"{'✓' if finding.ok else '✗'} {finding.check:<38} {finding.found}", flush=True)
    failed = sum(not finding.ok for finding in findings)
    answer = {"ok": not failed, "checks": [asdict(finding) for finding in findings]}
    if failed:
        print(json.dumps(answer) if arguments.json else f"{failed} of {len(findings)} checks fail.")
        raise SystemExit(FAILED)
    return answer


def _list(arguments: argparse.Namespace) -> dict[str, Any]:
    from mesosynth.engine.plugin_registry import list_plugins, plugin_folder

    plugins = list_plugins()
    with contextlib.suppress(OSError):
        plugin_folder().mkdir(parents=True, exist_ok=True)  # so that there is where to put one
    if not arguments.json:
        for info in plugins:
            print(f"{info.name:<24}{info.kind or '?':<12}{info.origin:<10}{info.problem}".rstrip())
        print(f"Yours go into {plugin_folder()}.")
    return {
        "folder": str(plugin_folder()),
        "plugins": [{**asdict(info), "path": str(info.path or "")} for info in plugins],
    }
