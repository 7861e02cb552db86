"""``fontgen text``"""

from __future__ import annotations

from pathlib import Path
from typing import Any


def register(commands: Any) -> None:
    """Add the command to what `argparse.ArgumentParser.add_subparsers` returned."""
    parser = commands.add_parser(
        "text",
        help="turn typed text into the text that a font shows",
        description="Reads a document and writes what its reader sees when it is set in FONT: each line is a "
        "paragraph, and goes on with its own story.",
    )
    parser.add_argument("font", type=Path, metavar="FONT")
    parser.add_argument(
        "file", nargs="?", default="-", metavar="FILE", help="UTF-8; - is stdin, as is none"
    )
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("-"), metavar="FILE", help="default: stdout"
    )
    parser.add_argument(
        "--features",
        default="",
        metavar="LIST",
        help="OpenType features, such as TEMP=80,SEED=7",
    )
    parser.add_argument(
        "--variations", default="", metavar="LIST", help="axis values, such as wght=700,wdth=80"
    )
    parser.add_argument("--language", metavar="TAG", help="BCP 47 tag, such as nl")
    parser.set_defaults(handler="fontgen.cli.text:text")
