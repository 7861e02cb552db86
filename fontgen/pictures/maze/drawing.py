"""How mazes look: walls, and what is found in them."""

from __future__ import annotations

from fontgen.pictures.shapes import CELL, Drawing, Layer, Shape, disc, polygon, rectangle

_WALL = 7  # half of a wall's thickness


def _shape(name: str, outline: str, colour: str) -> Shape:
    return Shape(name, outline, (Layer(outline, colour),))


_RING = disc(50, 50, 16) + disc(50, 50, 9, hole=True)
_FLAG = rectangle(30, 12, 37, 88) + polygon([(37, 88), (80, 70), (37, 52)])
_STAR = polygon(
    [(50, 92), (61, 64), (91, 62), (68, 43), (76, 14), (50, 30), (24, 14), (32, 43), (9, 62), (39, 64)]
)  # fmt: skip

DRAWING = Drawing(
    shapes=(
        _shape("across", rectangle(-_WALL, -_WALL, CELL + _WALL, _WALL), "wall"),
        _shape("upright", rectangle(-_WALL, -_WALL, _WALL, CELL + _WALL), "wall"),
        _shape("walker", disc(50, 50, 30), "walker"),
        _shape("winner", _STAR, "winner"),
        _shape("goal", _FLAG, "goal"),
        _shape("trail", disc(50, 50, 10), "trail"),
        _shape("way", _RING, "way"),
        _shape("fog", rectangle(21, 21, 29, 29) + rectangle(71, 71, 79, 79), "fog"),
    ),
    palettes={
        "day": {
            "wall": "#37474f", "walker": "#e53935", "winner": "#f9a825", "goal": "#2e7d32",
            "trail": "#fb8c00", "way": "#3949ab", "fog": "#b0bec5",
        },
        "night": {
            "wall": "#b0bec5", "walker": "#ff5252", "winner": "#ffd740", "goal": "#69f0ae",
            "trail": "#ffab40", "way": "#8c9eff", "fog": "#455a64",
        },
        "universal": {
            "wall": "#000000", "walker": "#d55e00", "winner": "#e69f00", "goal": "#009e73",
            "trail": "#56b4e9", "way": "#0072b2", "fog": "#999999",
        },
    },
    rows=20,
    rows_below=1.1,
    cell=0.5,
)  # fmt: skip
