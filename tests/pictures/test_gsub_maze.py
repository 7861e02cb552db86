"""The maze that OpenType alone walks, against the rules in Python, in HarfBuzz's own shaper."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from fontgen.build import build_font
from fontgen.config import read_config
from fontgen.errors import FontgenError
from fontgen.pictures.gsub_maze import DEFAULT_MAZE, KEYS, drawing, read_plan
from fontgen.pictures.maze.rules import Walk
from fontgen.shapers.sdk import SHAPES
from fontgen.text.shape import ShapeOptions, ShapingFont

OPENTYPE = ShapeOptions(shaper="ot")


def _place(font: ShapingFont, text: str, names: list[str]) -> tuple[str, int, int]:
    """What is shown of the walker: its shape, and where from the maze's lower left corner, in cells."""
    glyphs = font.shape(text, OPENTYPE).glyphs
    shapes = {font.font.get_nominal_glyph(SHAPES + i): name for i, name in enumerate(names)}
    cell = font.units_per_em // 2
    shown, pen, corner = [], 0, 0
    for glyph in glyphs:
        name = shapes.get(glyph.id, "")
        if name == "maze":
            corner = pen
        if name.startswith("column") or name == "won":
            x, y = (pen + glyph.x_offset - corner) / cell, glyph.y_offset / cell
            shown.append(("walker" if name != "won" else "won", round(x), round(y)))
        pen += glyph.x_advance
    assert len(shown) == 1
    return shown[0]


def test_walks_are_those_of_the_rules(pictures: dict[str, ShapingFont]) -> None:
    font, plan = pictures["gsub-maze"], read_plan(DEFAULT_MAZE, "maze")
    names = [shape.name for shape in drawing(plan).shapes]
    source, won = random.Random(6), 0
    for number in range(150):
        walk = Walk(plan.maze)
        way = plan.maze.way((0, 0), walk.goal)
        keys = [source.choice(KEYS) for _ in range(source.randrange(120))]
        if number % 5 == 0:  # all the way, with detours against walls
            steps = [(b[0] - a[0], b[1] - a[1]) for a, b in zip(way, way[1:], strict=False)]
            keys = [KEYS[[(0, 1), (1, 0), (0, -1), (-1, 0)].index(step)] for step in steps]
            keys += source.choices(KEYS, k=3)
        for key in keys:
            walk.key(key)
        won += walk.cell == walk.goal
        name = "won" if walk.cell == walk.goal else "walker"
        text = source.choice(("", "Go ")) + "maze:" + "".join(keys)
        assert _place(font, text, names) == (name, *walk.cell), text
    assert won >= 30


@pytest.mark.parametrize("text", ["was maze was", "maze wasd", "AVATAR fi", "amaze maze; wasd"])
def test_other_text_is_as_in_the_base_font(
    pictures: dict[str, ShapingFont], base_path: Path, uharfbuzz: object, text: str
) -> None:
    base = ShapingFont(uharfbuzz, base_path.read_bytes(), base_path)
    ours, theirs = (font.shape(text, OPENTYPE).glyphs for font in (pictures["gsub-maze"], base))
    assert [(g.id, g.x_advance) for g in ours] == [(g.id, g.x_advance) for g in theirs]


def test_it_has_no_wasm(pictures: dict[str, ShapingFont]) -> None:
    assert not pictures["gsub-maze"].has_wasm


@pytest.mark.parametrize(
    "maze, cause",
    [
        ("12", "does not begin with a size"),
        ("12x", "does not begin with a size"),
        ("1x12", "sides may have 2 to 24 cells"),
        ("12x25,prim", "sides may have 2 to 24 cells"),
    ],
)
def test_mazes_that_cannot_be(tmp_path: Path, maze: str, cause: str) -> None:
    path = tmp_path / "font.toml"
    path.write_text(f"[shaper]\nprogram = 'gsub-maze'\n[picture]\nmaze = '{maze}'\n")
    with pytest.raises(FontgenError, match="picture.maze") as refusal:
        build_font(read_config(path))
    assert cause in str(refusal.value)


def test_the_largest_fits(tmp_path: Path, uharfbuzz: object) -> None:
    path = tmp_path / "font.toml"
    path.write_text(
        "[shaper]\nprogram = 'gsub-maze'\n[picture]\nmaze = '24x24,prim,9'\ntrigger = 'labyrinth'\n"
    )
    font = ShapingFont(uharfbuzz, build_font(read_config(path)))
    plan = read_plan("24x24,prim,9", "labyrinth")
    names = [shape.name for shape in drawing(plan).shapes]
    walk = Walk(plan.maze)
    keys = "".join(random.Random(1).choices(KEYS, k=300))
    for key in keys:
        walk.key(key)
    assert _place(font, "Labyrinth:" + keys, names) == ("walker", *walk.cell)
