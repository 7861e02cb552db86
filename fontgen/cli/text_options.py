"""The font and the options of the commands that shape a text."""

from __future__ import annotations

import argparse

from fontgen.text.options import ShapeOptions, parse_features
from fontgen.text.shape import ShapingFont


def open_shaping(args: argparse.Namespace) -> ShapingFont:
    """FONT, open in the Wasm-enabled HarfBuzz."""
    return ShapingFont.open(args.font, variations=args.variations)


def shape_options(args: argparse.Namespace) -> ShapeOptions:
    """What the caller of HarfBuzz asks for."""
    return ShapeOptions(
        features=parse_features(args.features),
        direction=args.direction,
        script=args.script,
        language=args.language,
        shaper=args.shaper,
    )
