"""How mazes look: walls, and what is found in them.

Cells beside each other are drawn as one glyph, a tile: a large maze has thousands of cells, and a shaper needs time for
each glyph. So there is one for each set of walls, or of marks, that a tile may have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fontgen.pictures.shapes import CELL, Drawing, Layer, Shape, disc, polygon, rectangle

TILE = 3
"""Cells of a tile."""
_WALL = 7  # half of a wall's thickness


def _shape(name: str, outline: str, colour: str) -> Shape:
    return Shape(name, outline, (Layer(outline, colour),))


def wall_across(x: float, y: float, cells: int = 1) -> str:
    """A wall under as many cells, from the lower left corner of the first."""
    return rectangle(x - _WALL, y - _WALL, x + cells * CELL + _WALL, y + _WALL)


def wall_upright(x: float, y: float) -> str:
    """A wall left of a cell, from its lower left corner."""
    return rectangle(x - _WALL, y - _WALL, x + _WALL, y + CELL + _WALL)


def tile_walls(number: int) -> tuple[list[int], list[int]]:
    """Of the tile of that number: the cells with a wall on the left, and those with one under them."""
    return _cells(number), _cells(number >> TILE)


def _cells(bits: int) -> list[int]:
    return [x for x in range(TILE) if bits >> x & 1]


def _runs(cells: list[int]) -> Iterator[tuple[int, int]]:
    """Where cells beside each other begin, and how many they are."""
    for x in cells:
        if x - 1 not in cells:
            yield x, next(n for n in range(1, TILE + 1) if x + n not in cells)


def _walls() -> Iterator[Shape]:
    """``walls_1`` to ``walls_63``."""
    for number in range(1, 1 << 2 * TILE):
        left, under = tile_walls(number)
        outlines = [wall_across(CELL * x, 0, n) for x, n in _runs(under)]
        outlines += [wall_upright(CELL * x, 0) for x in left]
        yield _shape(f"walls_{number}", "".join(outlines), "wall")


def _marks(name: str, outline: Callable[[float], str]) -> Iterator[Shape]:
    """``trail_1`` to ``trail_7`` and so on: a mark in some cells of a tile, drawn by a function of the cell's place."""
    for number in range(1, 1 << TILE):
        yield _shape(f"{name}_{number}", "".join(outline(CELL * x) for x in _cells(number)), name)


def _trail(x: float) -> str:
    return disc(x + 50, 50, 10)


def _way(x: float) -> str:
    return disc(x + 50, 50, 16) + disc(x + 50, 50, 9, hole=True)


def _fog(x: float) -> str:
    return rectangle(x + 21, 21, x + 29, 29) + rectangle(x + 71, 71, x + 79, 79)


_FLAG = rectangle(30, 12, 37, 88) + polygon([(37, 88), (80, 70), (37, 52)])
_STAR = polygon(
    [(50, 92), (61, 64), (91, 62), (68, 43), (76, 14), (50, 30), (24, 14), (32, 43), (9, 62), (39, 64)]
)  # fmt: skip

DRAWING = Drawing(
    shapes=(
        _shape("walker", disc(50, 50, 30), "walker"),
        _shape("winner", _STAR, "winner"),
        _shape("goal", _FLAG, "goal"),
        *_walls(),
        *_marks("trail", _trail),
        *_marks("way", _way),
        *_marks("fog", _fog),
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
