"""``fontgen shape``"""

from __future__ import annotations

from typing import Any

from fontgen.cli.arguments.text_options import add_text_options


def register(commands: Any) -> None:
    """Add the command to what `argparse.ArgumentParser.add_subparsers` returned."""
    parser = commands.add_parser(
        "shape",
        help="show what a font makes of a text",
        description="Shapes TEXT with FONT in the Wasm-enabled HarfBuzz and shows the text that a "
        "reader sees, recovered from the glyphs, and the glyphs. Clusters count code points of "
        "TEXT from 0; advances and offsets are in font units.",
    )
    add_text_options(parser)
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(handler="fontgen.cli.shape:shape")
