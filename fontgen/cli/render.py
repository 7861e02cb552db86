"""``fontgen render``: a text drawn."""

from __future__ import annotations

import argparse
import sys

from fontgen.cli.common import read_text, reporter
from fontgen.cli.text_options import open_shaping, shape_options
from fontgen.files import STDOUT, check_output, write_output
from fontgen.text.draw import RenderOptions
from fontgen.text.render import image_format
from fontgen.text.render import render as render_text
from fontgen.text.shape import ShapeFailed


def render(args: argparse.Namespace) -> int:
    """Draw TEXT and write the image; 1: HarfBuzz did not shape it."""
    text = read_text(args)
    kind = image_format(args.output, args.format)
    options = RenderOptions(
        size=args.size,
        width=args.width,
        margin=args.margin,
        foreground=args.foreground,
        background=args.background,
    )
    check_output(args.output, [args.font])
    report = reporter(args)
    try:
        data = render_text(open_shaping(args), text, kind, shape_options(args), options, report)
    except ShapeFailed as error:
        print(f"fontgen: {error}", file=sys.stderr)
        return 1
    write_output(args.output, data)
    if args.output != STDOUT:
        report.note(f"wrote {args.output} ({len(data):,} bytes)")
    return 0
