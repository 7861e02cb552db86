"""``fontgen editor``"""

from __future__ import annotations

import pkgutil
from pathlib import Path
from typing import Any


def register(commands: Any) -> None:
    """Add the command to what `argparse.ArgumentParser.add_subparsers` returned."""
    parser = commands.add_parser(
        "editor",
        help="open a text editor with the font chosen",
        description="Open a text editor with the font chosen and a text that invites to type. Its settings "
        "are its own for this once: nothing on the system changes. A story that you save "
        "is put in the working directory.",
        late_epilog=lambda: pkgutil.resolve_name("fontgen.cli.editor:known_editors")(),
    )
    parser.add_argument(
        "program",
        nargs="?",
        metavar="PROGRAM",
        help="the editor (default: the first of those below that is installed)",
    )
    parser.add_argument(
        "--font",
        type=Path,
        metavar="FONT",
        help="font file (default: llama.ttf in fonts or here, else one that is installed)",
    )
    parser.add_argument(
        "--size", type=float, default=20, metavar="POINTS", help="default: %(default)s"
    )
    parser.set_defaults(handler="fontgen.cli.editor:editor")
