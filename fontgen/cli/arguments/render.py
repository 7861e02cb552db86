"""``fontgen render``"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fontgen.cli.arguments.text_options import add_text_options


def register(commands: Any) -> None:
    """Add the command to what `argparse.ArgumentParser.add_subparsers` returned."""
    parser = commands.add_parser(
        "render",
        help="draw a text as PNG, SVG or GIF",
        description="Draws TEXT set in FONT. A GIF types it and shows the typed keys beneath.",
    )
    add_text_options(parser)
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="IMAGE",
        help="*.png, *.svg or *.gif; - is stdout",
    )
    parser.add_argument(
        "--format", choices=("png", "svg", "gif"), help="default: by the output's name"
    )
    parser.add_argument(
        "--size", type=float, default=48, metavar="PX", help="pixels per em (default 48)"
    )
    parser.add_argument("--width", type=int, metavar="PX", help="wrap lines at this width")
    parser.add_argument(
        "--margin", type=int, default=20, metavar="PX", help="space around (default 20)"
    )
    parser.add_argument(
        "--foreground", default="black", metavar="COLOUR", help="such as black or #336699"
    )
    parser.add_argument(
        "--background", default="white", metavar="COLOUR", help="#RRGGBBAA may be transparent"
    )
    parser.set_defaults(handler="fontgen.cli.render:render")
