"""``fontgen host``, ``fontgen run``, ``fontgen editor`` and ``fontgen doctor``."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fontgen.errors import FontgenError
from fontgen.host.native import editor

if TYPE_CHECKING:
    from fontgen.host.native import Host


def register(subparsers: Any) -> None:
    """Adds the host's subcommands; each sets ``handler``, which returns the exit code.

    Args:
        subparsers: what :meth:`argparse.ArgumentParser.add_subparsers` returned.
    """
    host = subparsers.add_parser(
        "host",
        help="build or find the HarfBuzz that runs these fonts",
        description="The Wasm-enabled HarfBuzz: built once from PyPI, kept in the user's cache.",
    )
    commands = host.add_subparsers(dest="host_command", metavar="COMMAND", required=True)
    build = commands.add_parser("build", help="build it, unless it is there")
    build.add_argument("--force", action="store_true", help="build it again from scratch")
    build.add_argument(
        "--browser",
        action="store_true",
        help="build the one that pages carry, a WebAssembly module, and print where it is",
    )
    build.set_defaults(handler=_build)
    path = commands.add_parser("path", help="print the directory of its libraries")
    path.add_argument("--json", action="store_true", help="print every path and version as JSON")
    path.set_defaults(handler=_path)

    run = subparsers.add_parser(
        "run",
        help="start a program that shapes text with it",
        description="Start PROGRAM with the Wasm-enabled HarfBuzz and the fonts of a directory. "
        "Nothing on the system changes.",
    )
    run.add_argument(
        "--fonts",
        action="append",
        type=Path,
        metavar="DIR",
        help="directory of fonts that the program shall see (default: fonts, if there is one)",
    )
    run.add_argument("program", metavar="PROGRAM")
    run.add_argument("arguments", nargs=argparse.REMAINDER, metavar="ARGUMENT")
    run.set_defaults(handler=_run)

    editor.register(subparsers)

    doctor = subparsers.add_parser(
        "doctor",
        help="say what is built and whether a program would use it",
        description="Say what is built and, for each PROGRAM, whether `fontgen run` makes it use "
        "that. Exit code 1: one of them would not, or nothing is built.",
    )
    doctor.add_argument("programs", nargs="*", metavar="PROGRAM")
    doctor.add_argument("--json", action="store_true", help="print the findings as JSON")
    doctor.set_defaults(handler=_doctor)


def _found() -> Host:
    from fontgen.host import native as host

    found = host.find()
    if found is None:
        raise FontgenError("the Wasm-enabled HarfBuzz is not built: run `fontgen host build`")
    return found


def _build(args: argparse.Namespace) -> int:
    from fontgen.host import native as host

    if args.browser:
        from fontgen.host.browser import builder
        from fontgen.progress import Reporter

        print(builder.ensure_built(Reporter(quiet=args.quiet), force=args.force))
        return 0
    built = host.build(force=args.force, quiet=args.quiet)
    print(built.directory)
    return 0


def _path(args: argparse.Namespace) -> int:
    found = _found()
    if args.json:
        description = {
            "directory": str(found.directory),
            "library": str(found.library),
            "library_directory": str(found.library_directory),
            "python_directory": str(found.python_directory) if found.has_uharfbuzz else None,
            "versions": found.versions,
        }
        json.dump(description, sys.stdout, indent=1)
        print()
    else:
        print(found.library_directory)
    return 0


def _run(args: argparse.Namespace) -> int:
    from fontgen.host import native as host
    from fontgen.host.native import run

    directories = args.fonts if args.fonts is not None else [Path("fonts")]
    for directory in directories:
        if args.fonts is not None and not directory.is_dir():
            raise FontgenError("is not a directory", path=directory)
    directories = [directory for directory in directories if directory.is_dir()]
    run.find_program(args.program)
    built = host.build(quiet=args.quiet)
    run.precompile(built, directories, verbose=bool(args.verbose))
    arguments = args.arguments[1:] if args.arguments[:1] == ["--"] else args.arguments
    sys.stdout.flush()
    return run.run(built, args.program, arguments, directories)


def _doctor(args: argparse.Namespace) -> int:
    from fontgen.host import native as host
    from fontgen.host.native import doctor

    found = host.find()
    findings = [] if found is None else [doctor.examine(name, found) for name in args.programs]
    settings = doctor.settings_in_force()
    if args.json:
        report = {
            "host": None if found is None else str(found.directory),
            "versions": None if found is None else found.versions,
            "settings": settings,
            "programs": [dataclasses.asdict(finding) for finding in findings],
        }
        json.dump(report, sys.stdout, indent=1)
        print()
    else:
        for line in doctor.host_summary():
            print(line)
        for name, value in settings.items():
            print(f"setting: {name}={value}")
        for finding in findings:
            verdict = "uses it" if finding.uses_host else "does not use it"
            print(f"{finding.program} ({finding.path}): {verdict}")
            for reason in finding.reasons:
                print(f"  {reason}")
            for advice in finding.advice:
                print(f"  -> {advice}")
    return 0 if found is not None and all(finding.uses_host for finding in findings) else 1
