"""``fontgen build``"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fontgen.llama.quantise.methods import METHODS
from fontgen.shapers.flavours import MODULES


def register(commands: Any) -> None:
    """Add the command to what `argparse.ArgumentParser.add_subparsers` returned."""
    parser = commands.add_parser(
        "build",
        help="compile a program and a base font into a font",
        description="Compiles a program, by default the language model with its checkpoint, and a "
        "base font into a font. Without CONFIG, the default model in Roboto is written to "
        "llama.ttf. Flags override the configuration.",
    )
    parser.add_argument(
        "config", nargs="?", type=Path, metavar="CONFIG.toml", help="font configuration"
    )
    parser.add_argument(
        "--model",
        type=Path,
        help="checkpoint: a file, a folder or a known name, such as stories15M",
    )
    parser.add_argument(
        "--tokenizer", type=Path, help="its tokenizer, unless it is found beside it"
    )
    parser.add_argument(
        "--context",
        type=int,
        metavar="N",
        help="tokens that the model reads and writes at most, by default its own number up to 2048",
    )
    parser.add_argument(
        "--base", type=Path, metavar="FONT", help="base font; FILE.ttc#1 is a collection's member"
    )
    parser.add_argument(
        "--base-index", type=int, metavar="N", help="member of a collection, from 0"
    )
    parser.add_argument("--family", metavar="NAME", help="family name of the new font")
    parser.add_argument("--bits", type=int, metavar="N", help="bits of a weight: 8 or 4")
    parser.add_argument(
        "--kv-cache-bits",
        type=int,
        choices=(32, 16),
        help="bits of what the model remembers of each token: 16 takes half the memory",
    )
    parser.add_argument(
        "--method",
        choices=METHODS,
        help="how 4 bits are chosen: gptq takes longest and loses least (the default)",
    )
    parser.add_argument("--flavour", choices=MODULES, help="instruction set of the shaper")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FONT", help="the font to write; - is stdout"
    )
    parser.set_defaults(handler="fontgen.cli.build:build")
