"""``fontgen inspect``"""

from __future__ import annotations

from pathlib import Path
from typing import Any


def register(commands: Any) -> None:
    """Add the command to what `argparse.ArgumentParser.add_subparsers` returned."""
    parser = commands.add_parser(
        "inspect",
        help="show what a font runs",
        description="Shows what FONT would run in a host: imports, exports, memory, sizes, hashes, "
        "the model and the licences. Nothing in the font is run.",
    )
    parser.add_argument("font", type=Path, metavar="FONT")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(handler="fontgen.cli.inspect:inspect")
