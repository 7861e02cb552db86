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
        description="Start PROGRAM with the Wasm-enabled HarfBuzz, and fonts for it to see besides "
        "those that are installed. Nothing on the system changes.",
    )
    parser.add_argument(
        "--font",
        action="append",
        type=Path,
        metavar="FILE",
        help="a font that the program shall see; again for more",
    )
    parser.add_argument(
        "--fonts",
        action="append",
        type=Path,
        metavar="DIR",
        help="directory of such fonts (default: fonts, if there are some, and no --font)",
    )
    parser.add_argument("program", metavar="PROGRAM")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="ARGUMENT")
    parser.set_defaults(handler="fontgen.cli.run:run")
