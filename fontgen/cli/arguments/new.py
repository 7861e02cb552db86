"""``fontgen new``"""

from __future__ import annotations

from pathlib import Path
from typing import Any


def register(commands: Any) -> None:
    """Add the command to what `argparse.ArgumentParser.add_subparsers` returned."""
    parser = commands.add_parser(
        "new",
        help="begin a font with a program of your own",
        description="Writes a folder with a small program in C and a configuration, which "
        "`fontgen build FOLDER/font.toml` makes a font of. The folder must be empty or new.",
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.set_defaults(handler="fontgen.cli.new:new")
