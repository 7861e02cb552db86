"""A maze that is walked by OpenType alone: GSUB and GPOS, so it works in programs that know nothing of Wasm.

Two glyphs without ink but for the walker tell where one is: a row and a column. A key becomes two glyphs, and one
chaining lookup, which a shaper applies from left to right, turns them into the row and column that they lead to, by
the pair before them and by the walls. Of all pairs only the last one is shown, at its place by GPOS. The walls are in
the font.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fontTools.pens.svgPathPen import SVGPathPen
from fontTools.pens.transformPen import TransformPen
from fontTools.svgLib.path import parse_path

from fontgen.errors import FontgenError
from fontgen.pictures.maze.drawing import DRAWING, wall_across, wall_upright
from fontgen.pictures.maze.rules import DIRECTIONS, LEAST_SIDE, METHODS, Maze
from fontgen.pictures.randomness import hash_text
from fontgen.pictures.shapes import CELL, Drawing, Layer, Shape
from fontgen.shapers.sdk import SHAPES

DEFAULT_MAZE = "12x12,wilson"
MOST_SIDE = 24
"""Chaining lookups of larger mazes do not fit 16-bit offsets."""
KEYS = "wdsa"
"""One for each of `DIRECTIONS`."""
_SHAPES = {shape.name: shape for shape in DRAWING.shapes}


@dataclass(frozen=True)
class Plan:
    """A maze that a font is made for."""

    maze: Maze
    trigger: str

    @property
    def goal(self) -> tuple[int, int]:
        return self.maze.cells[-1]


def read_plan(text: str, trigger: str) -> Plan:
    """A plan by its words: ``12x12``, then, divided by commas, a method and a seed.

    Raises:
        FontgenError: there is no such maze.
    """
    size, *words = text.split(",")
    sides = size.split("x")
    if len(sides) != 2 or not all(side.isascii() and side.isdigit() for side in sides):
        raise FontgenError(f"{text!r} does not begin with a size, such as 12x12")
    columns, rows = map(int, sides)
    if not all(LEAST_SIDE <= side <= MOST_SIDE for side in (columns, rows)):
        raise FontgenError(f"{columns}x{rows}: sides may have {LEAST_SIDE} to {MOST_SIDE} cells")
    method, seed = METHODS[0], hash_text("")
    for word in words:
        if word in METHODS:
            method = word
        else:
            seed = hash_text(word, seed)
    return Plan(Maze(columns, rows, method, seed), trigger)


def drawing(plan: Plan) -> Drawing:
    """The glyphs of a maze; all but the maze itself have no width."""
    maze = plan.maze
    walls = "".join(_walls(maze))
    way = _at(_SHAPES["goal"].outline, *plan.goal)
    layers = (Layer(walls, "wall"), Layer(way, "goal"))
    shapes = [Shape("maze", walls + way, layers, advance=maze.columns + 1)]
    shapes += [Shape(f"row{y}", "", advance=0) for y in range(maze.rows)]
    shapes += [_without_width("walker", f"column{x}") for x in range(maze.columns)]
    shapes.append(_without_width("winner", "won"))
    shapes += [Shape(f"key_{key}{part}", "", advance=0) for key in KEYS for part in (1, 2)]
    shapes += [Shape("gone", "", advance=0), Shape("corner", "", advance=0)]
    return Drawing(tuple(shapes), DRAWING.palettes, rows=maze.rows + 0.2, rows_below=0.2, cell=0.5)


def _without_width(shape: str, name: str) -> Shape:
    return Shape(name, _SHAPES[shape].outline, _SHAPES[shape].layers, advance=0)


def _walls(maze: Maze) -> Iterator[str]:
    """Each wall once: those up and to the right are drawn by the cell beyond, if there is one."""
    for (x, y), sides in zip(maze.cells, maze.open_sides(), strict=True):
        beyond = set(maze.neighbours((x, y)))
        for direction, (dx, dy) in enumerate(DIRECTIONS):
            by_another = direction < 2 and (x + dx, y + dy) in beyond
            if not (sides >> direction & 1 or by_another):
                wall = wall_upright if dx else wall_across
                yield wall(CELL * (x + max(dx, 0)), CELL * (y + max(dy, 0)))


def _at(outline: str, x: float, y: float) -> str:
    """An outline, moved by cells."""
    pen = SVGPathPen(None)
    parse_path(outline, TransformPen(pen, (1, 0, 0, 1, x * CELL, y * CELL)))
    return pen.getCommands()


def features(plan: Plan, cmap: Mapping[int, str], cell: int) -> str:
    """Feature code (https://adobe-type-tools.github.io/afdko/OpenTypeFeatureFileSpecification.html).

    Args:
        cmap: glyph names by code point of the font that has the glyphs of `drawing`.
        cell: width of a cell in font units.
    """
    maze = plan.maze
    rows = [f"picture.row{y}" for y in range(maze.rows)]
    columns = [f"picture.column{x}" for x in range(maze.columns)]
    lines = [
        f"@row = [{' '.join(rows)}];",
        f"@column = [{' '.join(columns)}];",
        *(f"@{key}{part} = [picture.key_{key}{part}];" for key in KEYS for part in "12"),
        f"@second = [{' '.join(f'picture.key_{key}2' for key in KEYS)}];",
        f"@key = [{' '.join(cmap[ord(key)] for key in KEYS)}];",
        *_simple_lookups(plan, rows, columns),
        *_begin(plan, cmap),
        *_walk(plan),
        "feature ccmp { lookup begin; lookup unfold; lookup keys; lookup walk; lookup last; } ccmp;",
        *_positions(plan, rows, columns, cell),
    ]
    # Where glyphs have numbers for names (CID-keyed fonts), the cmap knows them.
    known = {f"picture.{s.name}": cmap[SHAPES + i] for i, s in enumerate(drawing(plan).shapes)}
    return re.sub(r"picture\.\w+", lambda match: known[match[0]], "\n".join(lines))


def _simple_lookups(plan: Plan, rows: Sequence[str], columns: Sequence[str]) -> Iterator[str]:
    """Lookups that others call: a key's glyphs become a row and a column."""
    first, second = (" ".join(f"picture.key_{key}{part}" for key in KEYS) for part in (1, 2))
    for y, row in enumerate(rows):
        yield f"lookup to_row{y} {{ sub [{first}] by {row}; }} to_row{y};"
    for x, column in enumerate(columns):
        yield f"lookup to_column{x} {{ sub [{second}] by {column}; }} to_column{x};"
    yield "lookup hide { sub @column by picture.gone; } hide;"
    yield f"lookup win {{ sub {columns[-1]} by picture.won; }} win;"


def _begin(plan: Plan, cmap: Mapping[int, str]) -> Iterator[str]:
    """The trigger becomes the maze with the first pair, and keys behind a pair become pairs."""
    forms = dict.fromkeys((plan.trigger, plan.trigger.capitalize()))
    yield "lookup begin {"
    for form in forms:
        yield f"sub {' '.join(cmap[ord(c)] for c in form + ':')} by picture.maze;"
    yield "} begin;"
    # The corner shows nothing: cairo takes a line to be as large as the places of its glyphs say, and no larger.
    yield (
        "lookup unfold "
        "{ sub picture.maze by picture.corner picture.maze picture.row0 picture.column0; } unfold;"
    )
    yield "lookup expand {"
    for key in KEYS:
        yield f"sub {cmap[ord(key)]} by picture.key_{key}1 picture.key_{key}2;"
    yield "} expand;"
    yield "lookup keys {"
    yield "sub picture.maze picture.row0 picture.column0 @key' lookup expand;"
    yield "sub @second @key' lookup expand;"
    yield "} keys;"


def _walk(plan: Plan) -> Iterator[str]:
    """Two rules for each cell and key; at the goal keys change nothing."""
    maze = plan.maze
    yield "lookup walk {"
    for x, y in maze.cells:
        for key, (dx, dy) in zip(KEYS, DIRECTIONS, strict=True):
            beyond = (x + dx, y + dy)
            is_open = ((x, y), beyond) in maze.passages and (x, y) != plan.goal
            to_x, to_y = beyond if is_open else (x, y)
            before = f"picture.row{y} picture.column{x}"
            yield f"sub {before} @{key}1' lookup to_row{to_y};"
            yield f"sub {before} picture.row{to_y} @{key}2' lookup to_column{to_x};"
    yield "} walk;"
    yield "lookup last {"
    yield "sub @column' lookup hide @row;"
    yield f"sub picture.row{maze.rows - 1} picture.column{maze.columns - 1}' lookup win;"
    yield "} last;"


def _positions(plan: Plan, rows: Sequence[str], columns: Sequence[str], cell: int) -> Iterator[str]:
    """The walker stands behind the maze: back to its column, and up to the row before it."""
    back = -plan.maze.columns - 1
    yield "lookup columns {"
    for x, column in enumerate(columns):
        yield f"pos {column} <{(x + back) * cell} 0 0 0>;"
    yield f"pos picture.won <{(plan.goal[0] + back) * cell} 0 0 0>;"
    width, height = plan.maze.columns * cell, plan.maze.rows * cell
    yield f"pos picture.corner <{width} {height} 0 0>;"
    yield "} columns;"
    for y in range(len(rows)):
        yield f"lookup up{y} {{ pos [@column picture.won] <0 {y * cell} 0 0>; }} up{y};"
    yield "lookup rows {"
    for y, row in enumerate(rows):
        yield f"pos {row} [@column picture.won]' lookup up{y};"
    yield "} rows;"
    yield "feature kern { lookup columns; lookup rows; } kern;"
