"""How the falling-block game looks. Each piece has a colour and, for programs without COLR, a pattern."""

from __future__ import annotations

from fontgen.pictures.shapes import (
    CELL,
    Drawing,
    Layer,
    Palette,
    Shape,
    frame,
    hole,
    mix,
    polygon,
    rectangle,
)
from fontgen.pictures.tetromino.rules import COLUMNS, KINDS, VISIBLE_ROWS

_GAP, _BEVEL = 4, 10
_LOW, _HIGH = _GAP, CELL - _GAP
_BLOCK = rectangle(_LOW, _LOW, _HIGH, _HIGH)
_LIGHT = polygon(
    [
        (_LOW, _LOW),
        (_LOW, _HIGH),
        (_HIGH, _HIGH),
        (_HIGH - _BEVEL, _HIGH - _BEVEL),
        (_LOW + _BEVEL, _HIGH - _BEVEL),
        (_LOW + _BEVEL, _LOW + _BEVEL),
    ]
)
_DARK = polygon(
    [
        (_HIGH, _HIGH),
        (_HIGH, _LOW),
        (_LOW, _LOW),
        (_LOW + _BEVEL, _LOW + _BEVEL),
        (_HIGH - _BEVEL, _LOW + _BEVEL),
        (_HIGH - _BEVEL, _HIGH - _BEVEL),
    ]
)
_PATTERNS = {  # holes in a block, as like the letter as two rectangles can be
    "I": hole(42, 18, 58, 82),
    "J": hole(56, 18, 72, 82) + hole(28, 18, 56, 34),
    "L": hole(28, 18, 44, 82) + hole(44, 18, 72, 34),
    "O": hole(30, 30, 70, 70),
    "S": hole(20, 24, 50, 46) + hole(50, 54, 80, 76),
    "T": hole(20, 60, 80, 76) + hole(42, 20, 58, 60),
    "Z": hole(20, 54, 50, 76) + hole(50, 24, 80, 46),
}

_BORDER = 10
_WIDTH, _HEIGHT = COLUMNS * CELL, VISIBLE_ROWS * CELL
_WALLS = (
    rectangle(-_BORDER, -_BORDER, 0, _HEIGHT)
    + rectangle(_WIDTH, -_BORDER, _WIDTH + _BORDER, _HEIGHT)
    + rectangle(0, -_BORDER, _WIDTH, 0)
)
_DOTS = "".join(
    rectangle(x * CELL - 3, y * CELL - 3, x * CELL + 3, y * CELL + 3)
    for x in range(1, COLUMNS)
    for y in range(1, VISIBLE_ROWS + 1)
)


def _shapes() -> tuple[Shape, ...]:
    field = rectangle(0, 0, _WIDTH, _HEIGHT)
    well = (Layer(field, "field"), Layer(_DOTS, "dots"), Layer(_WALLS, "border"))
    ghost = frame(_LOW, _LOW, _HIGH, _HIGH, 8)
    return (
        Shape("well", _WALLS + _DOTS, well),
        Shape("grey", _BLOCK, _block("grey")),
        *(Shape(kind, _BLOCK + _PATTERNS[kind], _block(kind)) for kind in KINDS),
        *(Shape(f"ghost_{kind}", ghost, (Layer(ghost, kind),)) for kind in KINDS),
    )


def _block(colour: str) -> tuple[Layer, ...]:
    return (
        Layer(_BLOCK, colour),
        Layer(_LIGHT, f"{colour}.light"),
        Layer(_DARK, f"{colour}.dark"),
    )


def _palette(field: str, dots: str, border: str, grey: str, pieces: str) -> dict[str, str]:
    """``pieces`` are the colours of `KINDS`, in order."""
    colours = {"grey": grey, **dict(zip(KINDS, pieces.split(), strict=True))}
    return {"field": field, "dots": dots, "border": border, **colours}


def shaded(palette: Palette) -> dict[str, str]:
    """A palette with the lighter and darker colours of the blocks' edges."""
    shades = {}
    for name in ("grey", *KINDS):
        shades[f"{name}.light"] = mix(palette[name], "#ffffff", 0.4)
        shades[f"{name}.dark"] = mix(palette[name], "#000000", 0.3)
    return {**palette, **shades}


PALETTES = {
    # The guideline's colours: cyan, blue, orange, yellow, green, purple, red.
    "night": _palette(
        "#12151d", "#2b3040", "#5c6378", "#868c9a",
        "#00bcd4 #3d5afe #fb8c00 #fdd835 #43a047 #ab47bc #e53935",
    ),
    "day": _palette(
        "#f4f5f8", "#d9dce4", "#7b8296", "#9ba1ad",
        "#0097a7 #304ffe #ef6c00 #f9a825 #2e7d32 #8e24aa #c62828",
    ),
    # Eight colours that all eyes tell apart: Okabe and Ito, "Color Universal Design" (2008).
    "universal": _palette(
        "#101010", "#333333", "#777777", "#999999",
        "#56b4e9 #0072b2 #e69f00 #f0e442 #009e73 #cc79a7 #d55e00",
    ),
    "pocket": _palette(
        "#c4cfa1", "#a9b58a", "#4d533c", "#8b956d",
        "#1f2a1f #37452f #4d5a3f #2a3a2a #5c6b4a #42503a #2f3b2f",
    ),
}  # fmt: skip

DRAWING = Drawing(
    shapes=_shapes(),
    palettes=PALETTES,
    shade=shaded,
    rows=22,
    rows_below=0.3,
    cell=0.5,
)
