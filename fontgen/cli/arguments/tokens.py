"""``fontgen tokens``"""

from __future__ import annotations

from pathlib import Path
from typing import Any


def register(commands: Any) -> None:
    """Add the command to what `argparse.ArgumentParser.add_subparsers` returned."""
    parser = commands.add_parser(
        "tokens",
        help="show the tokens of a text, and what each was chosen among",
        description="Shows how FONT's model reads TEXT and goes on: each token with its bytes, its "
        "probability and its rank after the tokens before it, and what else could have come. "
        "Probabilities are those that tokens are drawn with, after temperature, top-k and top-p.",
    )
    parser.add_argument("font", type=Path, metavar="FONT", help="a font made by fontgen")
    parser.add_argument(
        "text", metavar="TEXT", help="with or without a run of marks; - reads it from stdin"
    )
    parser.add_argument(
        "--features", default="", metavar="LIST", help="such as TEMP=80,SEED=7,TOPP=90"
    )
    parser.add_argument(
        "--alternatives", type=int, default=3, metavar="N", help="for each token (default 3)"
    )
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(handler="fontgen.cli.tokens:tokens")
