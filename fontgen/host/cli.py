"""``fontgen host``: build the Wasm-enabled HarfBuzz, and say where it is."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from fontgen.errors import FontgenError


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
    build.set_defaults(handler=_build)
    path = commands.add_parser("path", help="print the directory of its libraries")
    path.add_argument("--json", action="store_true", help="print every path and version as JSON")
    path.set_defaults(handler=_path)


def _build(args: argparse.Namespace) -> int:
    from fontgen import host

    built = host.build(force=args.force, quiet=args.quiet)
    print(built.directory)
    return 0


def _path(args: argparse.Namespace) -> int:
    from fontgen import host

    found = host.find()
    if found is None:
        raise FontgenError("the Wasm-enabled HarfBuzz is not built: run `fontgen host build`")
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
