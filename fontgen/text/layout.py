"""Set shaped text in lines: which glyph goes where, in font units, for `fontgen.text.draw` to draw.

A text is shaped whole, paragraph by paragraph, and broken into lines afterwards, among its glyphs:
what a language model shows depends on all the text before it, so no line could be shaped on its
own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from fontgen.text.options import ShapeOptions
from fontgen.text.shape import Glyph, ShapedText, ShapingFont


@dataclass(frozen=True)
class PlacedGlyph:
    """A glyph id and its origin, in font units from the layout's top left corner; y grows up."""

    id: int
    x: float
    y: float


@dataclass(frozen=True)
class Layout:
    """Text set in a box of ``width`` x ``height`` font units."""

    glyphs: list[PlacedGlyph]
    width: float
    height: float
    caret: tuple[float, float]
    """Baseline position of a caret after the last character, in the glyphs' coordinates."""
    visible: str
    reason: str
    """Why OpenType shaped a part where the font's program was asked to; else empty."""
    ascender: float
    descender: float
    """Of one line, from its baseline; the descender is negative."""


def layout_text(
    font: ShapingFont,
    text: str,
    options: ShapeOptions | None = None,
    width: float | None = None,
    line: tuple[float, float] | None = None,
) -> Layout:
    """Shape a text and set it in lines.

    Args:
        font: the font.
        text: paragraphs end at newlines; each is shaped on its own, as text editors do.
        options: for HarfBuzz.
        width: where lines wrap, in font units; None sets each paragraph in one line. Lines break
            after spaces and, in a word wider than a line, anywhere between glyphs.
        line: ascender and descender of a line, in font units; None takes the font's. Where glyphs reach higher or
            lower, as a picture does in a font whose lines are not made for it, the box grows.

    Raises:
        ShapeFailed, FontgenError: as `ShapingFont.shape`.
    """
    paragraphs = [font.shape(paragraph, options) for paragraph in text.split("\n")]
    if paragraphs[0].direction in ("ttb", "btt"):
        return _set_columns(font, paragraphs)
    return _set_lines(font, paragraphs, width, line)


def _set_lines(
    font: ShapingFont,
    paragraphs: list[ShapedText],
    width: float | None,
    height: tuple[float, float] | None,
) -> Layout:
    extents = font.font.get_font_extents("ltr")
    ascender, descender = height or (extents.ascender, extents.descender)
    lines = [(shaped, line) for shaped in paragraphs for line in _wrap(shaped, width)]
    widths = [_advance(line) for _, line in lines]
    # A space that hangs over the edge where the line was wrapped takes no room.
    box_width = max(min(w, width) if width else w for w in widths)
    line_height = ascender - descender + (0 if height else extents.line_gap)
    placed = []
    caret = (0.0, 0.0)
    for number, (shaped, line) in enumerate(lines):
        y = -ascender - number * line_height
        start = box_width - _advance(line) if shaped.backward else 0.0
        x = start
        for glyph in reversed(line) if shaped.backward else line:
            placed.append(PlacedGlyph(glyph.id, x + glyph.x_offset, y + glyph.y_offset))
            x += glyph.x_advance
        caret = (start if shaped.backward else x, y)
    box_height = ascender - descender + (len(lines) - 1) * line_height
    above, below = _overshoot(font, placed, box_height)
    placed = [PlacedGlyph(glyph.id, glyph.x, glyph.y - above) for glyph in placed]
    box = (box_width, above + box_height + below)
    caret = (caret[0], caret[1] - above)
    return _layout(paragraphs, placed, box, caret, ascender, descender)


def _overshoot(font: ShapingFont, placed: list[PlacedGlyph], height: float) -> tuple[float, float]:
    """How far glyphs reach above a box and below it."""
    extents = {glyph.id: font.font.get_glyph_extents(glyph.id) for glyph in placed}
    inked = [(glyph.y, extents[glyph.id]) for glyph in placed if extents[glyph.id]]
    above = max((y + ink.y_bearing for y, ink in inked), default=0.0)
    lowest = min((y + ink.y_bearing + ink.height for y, ink in inked), default=0.0)
    return max(above, 0.0), max(-height - lowest, 0.0)


def _set_columns(font: ShapingFont, paragraphs: list[ShapedText]) -> Layout:
    """Vertical text: a column for each paragraph, from right to left."""
    column = float(font.units_per_em)
    box_width = column * len(paragraphs)
    height = max(-sum(glyph.y_advance for glyph in shaped.glyphs) for shaped in paragraphs)
    placed = []
    caret = (0.0, 0.0)
    for number, shaped in enumerate(paragraphs):
        x, y = box_width - (number + 0.5) * column, 0.0
        for glyph in shaped.glyphs:
            placed.append(PlacedGlyph(glyph.id, x + glyph.x_offset, y + glyph.y_offset))
            y += glyph.y_advance
        caret = (x, 0.0 if shaped.backward else y)
    return _layout(paragraphs, placed, (box_width, height), caret, column, 0.0)


def _layout(
    paragraphs: list[ShapedText],
    placed: list[PlacedGlyph],
    box: tuple[float, float],
    caret: tuple[float, float],
    ascender: float,
    descender: float,
) -> Layout:
    visible = "\n".join(shaped.visible for shaped in paragraphs)
    reason = next((shaped.reason for shaped in paragraphs if shaped.reason), "")
    return Layout(placed, box[0], box[1], caret, visible, reason, ascender, descender)


def _wrap(shaped: ShapedText, width: float | None) -> Iterator[list[Glyph]]:
    """Lines of glyphs, in the order of the text."""
    glyphs = shaped.logical_glyphs()
    if width is None:
        yield glyphs
        return
    line: list[Glyph] = []
    for word in _words(glyphs):
        ink = _advance(word) - _trailing_space(word)
        if line and _advance(line) + ink > width:
            yield line
            line = []
        for glyph in word:
            # A word wider than a line breaks where it must, but not between a letter and its marks.
            if (
                line
                and _advance(line) + glyph.x_advance > width
                and ink > width
                and glyph.x_advance
            ):
                yield line
                line = []
            line.append(glyph)
    yield line


def _words(glyphs: list[Glyph]) -> Iterator[list[Glyph]]:
    """Each run of other glyphs together with the run of spaces behind it."""
    word: list[Glyph] = []
    for is_space, run in groupby(glyphs, lambda glyph: glyph.text == " "):
        word += run
        if is_space:
            yield word
            word = []
    if word:
        yield word


def _advance(glyphs: list[Glyph]) -> int:
    return sum(glyph.x_advance for glyph in glyphs)


def _trailing_space(word: list[Glyph]) -> int:
    return sum(glyph.x_advance for glyph in word if glyph.text == " ")
