"""What a picture is drawn with: outlines in cells, and the colours that they are filled with.

An outline is SVG path data (https://www.w3.org/TR/SVG2/paths.html) in hundredths of a cell, from the cell's lower left
corner, y upwards as in a font. Where contours overlap, the nonzero rule holds: holes run the other way.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from fontgen.errors import FontgenError

CELL = 100
Palette = Mapping[str, str]
"""Colours by name: ``#rrggbb`` or ``#rrggbbaa``."""


@dataclass(frozen=True)
class Layer:
    """A part of a shape in one colour; ``colour`` is a name in the palettes, or empty for the text's colour."""

    outline: str
    colour: str = ""


@dataclass(frozen=True)
class Shape:
    """One glyph. ``outline`` is what programs without COLR show, in the colour of the text; ``advance`` is in cells."""

    name: str
    outline: str
    layers: tuple[Layer, ...] = ()
    advance: float = 1


@dataclass(frozen=True)
class Drawing:
    """All that a program draws with.

    palettes: by name, the first is the one that is shown unless a program chooses another.
    shade: adds to a palette the colours that follow from its others.
    rows, rows_below: cells above and below the baseline that a line must have room for.
    cell: width of a cell in em, unless the configuration says otherwise.
    """

    shapes: tuple[Shape, ...]
    palettes: Mapping[str, Palette]
    rows: float
    rows_below: float = 0
    cell: float = 0.5
    shade: Callable[[Palette], Palette] = dict


def rectangle(x0: float, y0: float, x1: float, y1: float) -> str:
    return f"M{x0:g} {y0:g}V{y1:g}H{x1:g}V{y0:g}Z"


def hole(x0: float, y0: float, x1: float, y1: float) -> str:
    """A rectangle that runs the other way."""
    return f"M{x0:g} {y0:g}H{x1:g}V{y1:g}H{x0:g}Z"


def frame(x0: float, y0: float, x1: float, y1: float, thickness: float) -> str:
    """The border inside a rectangle."""
    inner = (x0 + thickness, y0 + thickness, x1 - thickness, y1 - thickness)
    return rectangle(x0, y0, x1, y1) + hole(*inner)


def polygon(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in points) + "Z"


def disc(x: float, y: float, radius: float, *, hole: bool = False) -> str:
    """A circle of eight quadratic curves, which TrueType draws; as a hole it runs the other way."""
    turn = -1 if hole else 1
    bulge = radius / math.cos(math.pi / 8)
    path = f"M{x + radius:g} {y:g}"
    for i in range(8):
        control, end = -turn * (2 * i + 1) * math.pi / 8, -turn * (2 * i + 2) * math.pi / 8
        path += (
            f"Q{x + bulge * math.cos(control):.3f} {y + bulge * math.sin(control):.3f}"
            f" {x + radius * math.cos(end):.3f} {y + radius * math.sin(end):.3f}"
        )
    return path + "Z"


def parse_colour(text: str) -> tuple[float, float, float, float]:
    """Red, green, blue, alpha from 0 to 1.

    Raises:
        FontgenError: it is not ``#rrggbb`` or ``#rrggbbaa``.
    """
    if not re.fullmatch(r"#[0-9a-fA-F]{6}([0-9a-fA-F]{2})?", text):
        raise FontgenError(f"{text!r} is not a colour, #rrggbb or #rrggbbaa")
    digits = text[1:] + "ff"
    red, green, blue, alpha = (int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4, 6))
    return red, green, blue, alpha


def mix(colour: str, other: str, share: float) -> str:
    """``share`` of the way from a colour to another.

    >>> mix("#000000", "#ffffff", 0.5)
    '#808080'
    """
    pairs = zip(parse_colour(colour)[:3], parse_colour(other)[:3], strict=True)
    return "#" + "".join(f"{round(255 * (a + (b - a) * share)):02x}" for a, b in pairs)
