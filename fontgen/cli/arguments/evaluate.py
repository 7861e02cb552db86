"""``fontgen eval``"""

from __future__ import annotations

from pathlib import Path
from typing import Any


def register(commands: Any) -> None:
    """Add the command to what `argparse.ArgumentParser.add_subparsers` returned."""
    parser = commands.add_parser(
        "eval",
        help="measure how well a font's model predicts a text",
        description="Prints nats per token and bits per byte of TEXTFILE under the font's own "
        "weights, as quantised, by the engine in the font. Documents between lines "
        "<|endoftext|> stand alone, each after BOS. Tokens past the context length are not counted, "
        "nor are their bytes.",
    )
    parser.add_argument("font", type=Path, metavar="FONT", help="a font made by fontgen")
    parser.add_argument(
        "text", type=Path, metavar="TEXTFILE", help="UTF-8 text; - reads it from stdin"
    )
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N documents")
    parser.add_argument(
        "--whole",
        action="store_true",
        help="count tails of long documents too, in windows of their own",
    )
    parser.add_argument("--stories", action="store_true", help="also the figures of each document")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(handler="fontgen.cli.evaluate:evaluate")
