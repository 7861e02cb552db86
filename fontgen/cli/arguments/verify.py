"""``fontgen verify``"""

from __future__ import annotations

from pathlib import Path
from typing import Any


def register(commands: Any) -> None:
    """Add the command to what `argparse.ArgumentParser.add_subparsers` returned."""
    parser = commands.add_parser(
        "verify",
        help="prove a font's engine and glyphs against the references",
        description="Compares what a finished font computes and shows with a NumPy reference, bit for bit, "
        "and with onnxruntime. Exit code 1 if a comparison fails.",
    )
    parser.add_argument("font", type=Path, metavar="FONT", help="a font made by fontgen")
    parser.add_argument(
        "--tokens",
        type=int,
        metavar="N",
        help="after each prompt (default 64; 16 after fewer prompts where the model is large)",
    )
    parser.add_argument(
        "--prompt", action="append", metavar="TEXT", help="instead of the built-in ones"
    )
    parser.add_argument(
        "--content",
        type=Path,
        metavar="FILE",
        help="what a font without Wasm was built from, if that is not fontgen's own content",
    )
    parser.add_argument(
        "--texts",
        type=int,
        metavar="N",
        help="random texts for a font without Wasm (default 2000)",
    )
    parser.add_argument("--json", action="store_true", help="print the checks as JSON")
    parser.set_defaults(handler="fontgen.cli.verify:verify")
