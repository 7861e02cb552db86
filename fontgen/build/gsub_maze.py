"""Build a font with a maze that OpenType alone walks: no Wasm, so any program shows it.

the maze's plan -> its glyphs -> feature code -> GSUB and GPOS of the base font
"""

from __future__ import annotations

from fontgen.config import Config
from fontgen.errors import FontgenError, naming
from fontgen.font import base, names, tables
from fontgen.font.lookups import add_lookups
from fontgen.pictures.glyphs import with_glyphs
from fontgen.pictures.gsub_maze import DEFAULT_MAZE, KEYS, drawing, features, read_plan
from fontgen.progress import Reporter

_DESCRIPTION = "A font that plays: behind its trigger a maze is walked by OpenType substitutions."


def build_font(config: Config, reporter: Reporter | None = None) -> bytes:
    """See `fontgen.build.build_font`."""
    config.check()
    picture = config.picture
    with (reporter or Reporter(quiet=True)).steps(total=3) as steps:
        steps.begin("Opening the base font")
        font = base.open_base(config.font.base, config.font.index)
        family = config.font.family or names.default_family(font, "Maze GSUB")

        steps.begin("Drawing")
        trigger = picture.trigger or "maze"
        credits = names.Credits(description=(_DESCRIPTION,), sample=f"{trigger}:dwdwdd")
        names.write_names(font, family, credits)
        cmap = font.getBestCmap()
        missing = next(
            (c for c in trigger + trigger.capitalize() + ":" + KEYS if ord(c) not in cmap), None
        )
        if missing:
            raise FontgenError(f"the base font lacks {missing!r}", path=config.path)
        with naming(config.path, "picture.maze"):
            plan = read_plan(picture.maze or DEFAULT_MAZE, trigger)
        drawn = drawing(plan)
        cell = drawn.cell if picture.cell is None else picture.cell
        rows = drawn.rows if picture.rows is None else picture.rows
        with naming(config.path, "picture"):
            font = with_glyphs(font, drawn, cell, tall=picture.lines == "tall", rows=rows)
        units = round(cell * font["head"].unitsPerEm)
        add_lookups(font, features(plan, font.getBestCmap(), units))

        steps.begin("Writing the font")
        tables.write_timestamps(font)
        tables.drop_signature(font)
        return tables.font_bytes(font)
