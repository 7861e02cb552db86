"""``fontgen shape``: what a font makes of a text."""

from __future__ import annotations

import argparse
import sys

from fontgen.cli.common import print_json, read_text, reporter
from fontgen.cli.text_options import open_shaping, shape_options
from fontgen.text.shape import ShapeFailed, format_table


def shape(args: argparse.Namespace) -> int:
    """Shape TEXT and print the visible text and the glyphs; 1: not the shaper that was asked for did."""
    text, options = read_text(args), shape_options(args)
    font = open_shaping(args)
    if not font.has_wasm and args.shaper != "ot":
        reporter(args).note(f"{args.font}: has no Wasm table, so OpenType shapes it")
    try:
        shaped = font.shape(text, options)
    except ShapeFailed as error:
        print(f"fontgen: {error}", file=sys.stderr)
        return 1
    if shaped.reason:
        reporter(args).note(f"{args.font}: OpenType shaped this: {shaped.reason}")
    if args.json:
        print_json(shaped.as_dict())
    else:
        print(format_table(shaped))
    return 1 if args.shaper == "wasm" and shaped.shaper != "wasm" else 0
