"""``fontgen page``"""

from __future__ import annotations

from pathlib import Path
from typing import Any


def register(commands: Any) -> None:
    """Add the command to what `argparse.ArgumentParser.add_subparsers` returned."""
    parser = commands.add_parser(
        "page",
        help="make a web page that runs a font in any browser",
        description="Writes a page that shows text in FONT and runs the font's Wasm module in the reader's browser: "
        "one file that works from disk, without a network, or, where the output is a folder, separate files for a "
        "web server.",
    )
    parser.add_argument(
        "fonts",
        nargs="+",
        type=Path,
        metavar="FONT",
        help="several make a folder with a page for each",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="PAGE",
        help="the file, a folder (with / at its end), or - for stdout (default: FONT with .html for its ending)",
    )
    parser.add_argument("--text", metavar="T", help="what the page shows at first")
    parser.add_argument(
        "--features",
        default="",
        metavar="LIST",
        help="OpenType features that are set at first, such as TEMP=80,SEED=7",
    )
    parser.add_argument("--open", action="store_true", help="open the page in the browser")
    parser.set_defaults(handler="fontgen.cli.page:page")
