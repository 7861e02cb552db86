"""The font and the options of the commands that shape a text."""

from __future__ import annotations

import argparse

from fontgen.errors import FontgenError
from fontgen.llama.marks import TAGS
from fontgen.pictures.programs import FEATURES
from fontgen.text.options import Features, ShapeOptions, parse_features
from fontgen.text.shape import ShapingFont

_OWN_FEATURES = {*TAGS, *FEATURES}
"""In capitals, as OpenType wants the features of private use."""


def open_shaping(args: argparse.Namespace) -> ShapingFont:
    """FONT, open in the Wasm-enabled HarfBuzz."""
    return ShapingFont.open(args.font, variations=args.variations)


def features_of(args: argparse.Namespace) -> Features:
    """``--features``; those of fontgen's own programs must be in capitals, as they are in the font.

    Raises:
        FontgenError: it is not, or no list of features.
    """
    features = parse_features(args.features)
    for tag in features:
        if tag not in _OWN_FEATURES and tag.upper() in _OWN_FEATURES:
            raise FontgenError(f"there is no feature {tag!r}: the font's own is {tag.upper()!r}")
    return features


def shape_options(args: argparse.Namespace) -> ShapeOptions:
    """What the caller of HarfBuzz asks for."""
    return ShapeOptions(
        features=features_of(args),
        direction=args.direction,
        script=args.script,
        language=args.language,
        shaper=args.shaper,
    )
