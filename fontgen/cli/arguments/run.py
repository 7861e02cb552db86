"""``fontgen run``"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def register(commands: Any) -> None:
    """Add the command to what `argparse.ArgumentParser.add_subparsers` returned."""
    parser = commands.add_parser(
        "run",
        help="start a program that shapes text with it",
        description="Start PROGRAM with the Wasm-enabled HarfBuzz and the fonts of a directory. "
        "Nothing on the system changes.",
    )
    parser.add_argument(
        "--fonts",
        action="append",
        type=Path,
        metavar="DIR",
        help="directory of fonts that the program shall see (default: fonts, if there is one)",
    )
    parser.add_argument("program", metavar="PROGRAM")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="ARGUMENT")
    parser.set_defaults(handler="fontgen.cli.run:run")
