"""``fontgen install``"""

from __future__ import annotations

from pathlib import Path
from typing import Any


def register(commands: Any) -> None:
    """Add the command to what `argparse.ArgumentParser.add_subparsers` returned."""
    parser = commands.add_parser(
        "install",
        help="install a font for the user's programs",
        description="Copy FONT to the user's fonts, where programs find it by its name. Without "
        "FONT: list what was installed in this way.",
    )
    parser.add_argument("fonts", nargs="*", type=Path, metavar="FONT")
    parser.add_argument(
        "--remove", action="store_true", help="remove fonts that were installed, by file name"
    )
    parser.set_defaults(handler="fontgen.cli.install:install")
