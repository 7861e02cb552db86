"""Arguments of the commands that shape a text."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_text_options(parser: argparse.ArgumentParser) -> None:
    """FONT, TEXT, and what the caller of HarfBuzz can ask for."""
    parser.add_argument("font", type=Path, metavar="FONT")
    parser.add_argument("text", metavar="TEXT", help="the text to set; - reads it from stdin")
    parser.add_argument(
        "--features",
        default="",
        metavar="LIST",
        help="OpenType features, such as kern=0,-liga,ss01[2:5]",
    )
    parser.add_argument(
        "--variations", default="", metavar="LIST", help="axis values, such as wght=700,wdth=80"
    )
    parser.add_argument(
        "--direction", choices=("ltr", "rtl", "ttb", "btt"), help="default: guessed"
    )
    parser.add_argument(
        "--script", metavar="TAG", help="ISO 15924 tag, such as Cyrl; default: guessed"
    )
    parser.add_argument("--language", metavar="TAG", help="BCP 47 tag, such as nl")
    parser.add_argument(
        "--shaper",
        choices=("wasm", "ot"),
        help="wasm: the font's own shaper (default); ot: plain OpenType, as other hosts show it",
    )
