"""``fontgen host build`` and ``fontgen host path``"""

from __future__ import annotations

from typing import Any


def register(commands: Any) -> None:
    """Add the command to what `argparse.ArgumentParser.add_subparsers` returned."""
    parser = commands.add_parser(
        "host",
        help="build or find the HarfBuzz that runs these fonts",
        description="The Wasm-enabled HarfBuzz: built once from PyPI, kept in the user's cache.",
    )
    subcommands = parser.add_subparsers(dest="host_command", metavar="COMMAND", required=True)
    build = subcommands.add_parser("build", help="build it, unless it is there")
    build.add_argument("--force", action="store_true", help="build it again from scratch")
    build.add_argument(
        "--browser",
        action="store_true",
        help="build the one that pages carry, a WebAssembly module, and print where it is",
    )
    build.set_defaults(handler="fontgen.cli.host:build")
    path = subcommands.add_parser("path", help="print the directory of its libraries")
    path.add_argument("--json", action="store_true", help="print every path and version as JSON")
    path.set_defaults(handler="fontgen.cli.host:path")
