"""Adds the glyphs of pictures to a base font: shapes, coloured by COLR and CPAL, and small letters.

Every glyph gets a private character (see `fontgen.pictures.table`), by which the shaper asks for it. Nothing that the
font could show before looks different.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fontTools.misc.psCharStrings import T2CharString
from fontTools.pens.boundsPen import BoundsPen
from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.recordingPen import DecomposingRecordingPen, RecordingPen
from fontTools.pens.t2CharStringPen import T2CharStringPen
from fontTools.pens.transformPen import TransformPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.svgLib.path import parse_path
from fontTools.ttLib import TTFont
from fontTools.ttLib.tables._c_m_a_p import cmap_format_12

from fontgen.errors import FontgenError
from fontgen.font.tables import read_anew
from fontgen.pictures.colours import add_colours
from fontgen.pictures.shapes import CELL, Drawing, Shape
from fontgen.pictures.table import MOST_SHAPES
from fontgen.shapers.sdk import BLANK, LETTERS, SHAPES

LETTER_SIZE = 0.7
"""Of a cell: the em of the small letters."""
_LARGEST = 32767  # of a 16-bit coordinate
_MOST_GLYPHS = 65535
_ASCII = range(0x21, 0x7F)

Draw = Callable[[Any], None]


def with_glyphs(font: TTFont, drawing: Drawing, cell: float, *, tall: bool, rows: float) -> TTFont:
    """A font with what a drawing needs; the given one is read anew, as others may have left tables as bytes.

    Args:
        cell: width of a cell in em.
        tall: whether lines become high enough for the picture.
        rows: cells above the baseline that lines have room for then.

    Raises:
        FontgenError: the font has no room for the glyphs or the colours, or the cells are so large that 16-bit
            coordinates cannot hold the picture; or a table of the font is damaged.
    """
    try:
        font = read_anew(font)
        _add_glyphs(font, drawing, cell, tall, rows)
    except FontgenError:
        raise
    except Exception as error:  # fontTools raises whatever the bytes lead it to
        raise FontgenError(f"a table of the base font is damaged: {error}") from error
    return font


def _add_glyphs(font: TTFont, drawing: Drawing, cell: float, tall: bool, rows: float) -> None:
    units = round(cell * font["head"].unitsPerEm)
    _check_sizes(font, drawing, cell, units, rows if tall else 0)
    adder = _GlyfAdder(font) if "glyf" in font else _CffAdder(font)
    characters = {BLANK: adder.add("picture.blank", lambda pen: None, units)}
    characters |= _add_letters(font, adder, units)
    layers: dict[str, list[tuple[str, str]]] = {}
    for index, shape in enumerate(drawing.shapes):
        name = adder.add(
            f"picture.{shape.name}", _outline(shape.outline, units), round(shape.advance * units)
        )
        characters[SHAPES + index] = name
        if shape.layers:
            layers[name] = [
                (
                    adder.add_layer(layer.outline, _outline(layer.outline, units), units),
                    layer.colour,
                )
                for layer in shape.layers
            ]
    adder.finish()
    _write_cmap(font, characters)
    if layers:
        add_colours(font, layers, [drawing.shade(p) for p in drawing.palettes.values()])
    if tall:
        _raise_lines(font, round(rows * units), round(drawing.rows_below * units))


def _check_sizes(
    font: TTFont, drawing: Drawing, cell: float, units: int, rows_of_line: float
) -> None:
    if len(drawing.shapes) > MOST_SHAPES:
        raise FontgenError(f"{len(drawing.shapes)} shapes are more than {MOST_SHAPES}")
    if units < 1:
        raise FontgenError(f"a cell of {cell:g} em is less than one unit of the font")
    largest = max((_reach(shape) for shape in drawing.shapes), default=1.0)
    cells = max(largest, rows_of_line + drawing.rows_below)
    if cells * units > _LARGEST:
        upem = font["head"].unitsPerEm
        raise FontgenError(
            f"a cell of {cell:g} em is {units} units, and {cells:g} of them {round(cells * units)}; "
            f"metrics of a font end at {_LARGEST}, so that a cell may have at most "
            f"{int(_LARGEST / cells / upem * 1000) / 1000:g} em"
        )


def _reach(shape: Shape) -> float:
    """Cells from the origin to the farthest point of a shape."""
    farthest = 0.0
    for outline in (shape.outline, *(layer.outline for layer in shape.layers)):
        pen = BoundsPen(None)
        _parse(outline, pen)
        farthest = max(farthest, *map(abs, pen.bounds or (0,)))
    return farthest / CELL


def _parse(outline: str, pen: Any) -> None:
    try:
        parse_path(outline, pen)
    except Exception as error:
        raise FontgenError(f"{outline[:40]!r} is no SVG path: {error}") from error


def _outline(outline: str, units: int) -> Draw:
    scale = units / CELL

    def draw(pen: Any) -> None:
        _parse(outline, TransformPen(pen, (scale, 0, 0, scale, 0, 0)))

    return draw


def _add_letters(font: TTFont, adder: _Adder, units: int) -> dict[int, str]:
    """Small letters for ASCII, as far as the font has them."""
    scale = LETTER_SIZE * units / font["head"].unitsPerEm
    cmap, glyphs = font.getBestCmap(), font.getGlyphSet()
    space = glyphs[cmap[0x20]].width if 0x20 in cmap else 0.25 * font["head"].unitsPerEm
    blank = adder.add("picture.space", lambda pen: None, round(space * scale))
    characters = {LETTERS: blank}
    for code in _ASCII:
        name = cmap.get(code)
        if name is None:
            characters[LETTERS + code - 0x20] = blank
            continue
        width = round(glyphs[name].width * scale)
        characters[LETTERS + code - 0x20] = adder.add_scaled(
            f"picture.letter{code}", name, scale, width
        )
    return characters


class _Adder:
    """Appends glyphs to a font. Equal outlines of layers become one glyph."""

    def __init__(self, font: TTFont):
        self.font = font
        self.order = list(font.getGlyphOrder())
        self._taken = set(self.order)
        self._layers: dict[str, str] = {}
        for tag in ("hdmx", "LTSH"):  # by glyph number, and only hints
            if tag in font:
                del font[tag]
        if "post" in font:
            font["post"]  # read before the order grows

    def add(self, name: str, draw: Draw, width: int) -> str:
        """A glyph drawn by a function; returns its name, which is another where glyphs have numbers for names."""
        if name in self._taken:
            raise FontgenError(f"has a glyph {name!r} already: choose another base font")
        if len(self.order) == _MOST_GLYPHS:
            raise FontgenError(f"has no room for more glyphs: the limit is {_MOST_GLYPHS}")
        name = self._known_as(name)
        bounds = self._draw(name, draw)
        self.order.append(name)
        self._taken.add(name)
        self.font["hmtx"].metrics[name] = (width, round(bounds[0]))
        if "vmtx" in self.font:
            self.font["vmtx"].metrics[name] = (self.font["head"].unitsPerEm, 0)
        self._grow(bounds, width)
        return name

    def add_layer(self, outline: str, draw: Draw, width: int) -> str:
        if outline not in self._layers:
            name = f"picture.layer{len(self._layers)}"
            self._layers[outline] = self.add(name, draw, width)
        return self._layers[outline]

    def add_scaled(self, name: str, base: str, scale: float, width: int) -> str:
        """A glyph of the font, smaller."""
        recording = DecomposingRecordingPen(self.font.getGlyphSet())
        self.font.getGlyphSet()[base].draw(recording)
        return self.add(
            name,
            lambda pen: recording.replay(TransformPen(pen, (scale, 0, 0, scale, 0, 0))),
            width,
        )

    def finish(self) -> None:
        self.font.setGlyphOrder(self.order)
        self.font["maxp"].numGlyphs = len(self.order)
        self.font["hhea"].numberOfHMetrics = 0  # counted anew

    def _known_as(self, name: str) -> str:
        return name

    def _draw(self, name: str, draw: Draw) -> tuple[float, float, float, float]:
        raise NotImplementedError

    def _grow(self, bounds: tuple[float, float, float, float], width: int) -> None:
        """Keep what `head` and `hhea` say of all glyphs true."""
        head, hhea = self.font["head"], self.font["hhea"]
        head.xMin, head.yMin = min(head.xMin, round(bounds[0])), min(head.yMin, round(bounds[1]))
        head.xMax, head.yMax = max(head.xMax, round(bounds[2])), max(head.yMax, round(bounds[3]))
        hhea.advanceWidthMax = max(hhea.advanceWidthMax, width)
        hhea.xMaxExtent = max(hhea.xMaxExtent, round(bounds[2]))
        hhea.minLeftSideBearing = min(hhea.minLeftSideBearing, round(bounds[0]))
        hhea.minRightSideBearing = min(hhea.minRightSideBearing, width - round(bounds[2]))


class _GlyfAdder(_Adder):
    def __init__(self, font: TTFont):
        super().__init__(font)
        self._glyf = font["glyf"]

    def add_scaled(self, name: str, base: str, scale: float, width: int) -> str:
        def draw(pen: Any) -> None:
            pen.addComponent(base, (scale, 0, 0, scale, 0, 0))

        return self.add(name, draw, width)

    def _draw(self, name: str, draw: Draw) -> tuple[float, float, float, float]:
        recording = RecordingPen()
        draw(recording)
        pen = TTGlyphPen(self.font.getGlyphSet())
        is_composite = any(command == "addComponent" for command, _ in recording.value)
        # Cubic curves become quadratic ones, to a thousandth of an em.
        error = self.font["head"].unitsPerEm / 1000
        recording.replay(pen if is_composite else Cu2QuPen(pen, error))
        glyph = pen.glyph(dropImpliedOnCurves=not is_composite)
        self._glyf.glyphs[name] = glyph
        self._glyf.glyphOrder = [*self.order, name]
        glyph.recalcBounds(self._glyf)
        self._count(glyph)
        if not glyph.numberOfContours:
            return (0, 0, 0, 0)
        return (glyph.xMin, glyph.yMin, glyph.xMax, glyph.yMax)

    def _count(self, glyph: Any) -> None:
        maxp = self.font["maxp"]
        if glyph.isComposite():
            values = glyph.getCompositeMaxpValues(self._glyf)
            maxp.maxCompositePoints = max(maxp.maxCompositePoints, values.nPoints)
            maxp.maxCompositeContours = max(maxp.maxCompositeContours, values.nContours)
            maxp.maxComponentDepth = max(maxp.maxComponentDepth, values.maxComponentDepth)
            maxp.maxComponentElements = max(maxp.maxComponentElements, len(glyph.components))
        elif glyph.numberOfContours:
            n_points, n_contours = glyph.getMaxpValues()
            maxp.maxPoints = max(maxp.maxPoints, n_points)
            maxp.maxContours = max(maxp.maxContours, n_contours)


class _CffAdder(_Adder):
    def __init__(self, font: TTFont):
        super().__init__(font)
        if "CFF " not in font:
            raise FontgenError("has neither glyf nor CFF outlines: choose another base font")
        self._top = font["CFF "].cff.topDictIndex[0]
        self._strings = self._top.CharStrings
        self._by_number = hasattr(self._top, "ROS")  # a CID-keyed font
        self._private = self._top.Private if not self._by_number else self._private_of_notdef()

    def _private_of_notdef(self) -> Any:
        """Hints of the font dictionary that new glyphs belong to: they have none of their own."""
        self._dictionary = self._top.FDSelect[0]
        self._next_number = 1 + max(int(name[3:]) for name in self.order[1:])
        return self._top.FDArray[self._dictionary].Private

    def _known_as(self, name: str) -> str:
        """In a CID-keyed font glyphs are numbers, which fontTools writes as ``cid00123``."""
        if not self._by_number:
            return name
        if self._next_number > _MOST_GLYPHS:
            raise FontgenError(
                f"has no room for more glyphs: its numbers (CIDs) end at {_MOST_GLYPHS}"
            )
        number, self._next_number = self._next_number, self._next_number + 1
        self._top.CIDCount = max(self._top.CIDCount, number + 1)
        self._top.FDSelect.gidArray.append(self._dictionary)
        return f"cid{number:05}"

    def _draw(self, name: str, draw: Draw) -> tuple[float, float, float, float]:
        recording = RecordingPen()
        draw(recording)
        pen = T2CharStringPen(None, None)
        recording.replay(pen)
        string: T2CharString = pen.getCharString(self._private, self._top.GlobalSubrs)
        # The width: nominalWidthX is not known to the pen, and hmtx is what programs read.
        self._top.charset.append(name)
        self._strings.charStrings[name] = len(self._strings.charStringsIndex)
        self._strings.charStringsIndex.append(string)
        bounds = BoundsPen(None)
        recording.replay(bounds)
        return bounds.bounds or (0, 0, 0, 0)


def _write_cmap(font: TTFont, characters: Mapping[int, str]) -> None:
    """Private characters lie beyond 16 bits: a subtable of format 12, with all else that the font has."""
    cmap, known = font["cmap"], font.getBestCmap()
    clash = next((code for code in characters if code in known), None)
    if clash is not None:
        raise FontgenError(f"has a character U+{clash:04X} of its own: choose another base font")
    full = [t for t in cmap.tables if t.format == 12 and t.isUnicode()]
    if not full:
        table = cmap_format_12(12)
        table.platformID, table.platEncID, table.language = 3, 10, 0
        table.format, table.reserved, table.length, table.nGroups = 12, 0, 0, 0
        table.cmap = dict(known)
        full = [table]
        cmap.tables = sorted([*cmap.tables, table], key=lambda t: (t.platformID, t.platEncID))
    for table in full:
        table.cmap.update(characters)


def _raise_lines(font: TTFont, above: int, below: int) -> None:
    """Lines as high as a picture. What programs read where: hhea, OS/2 and its Windows metrics."""
    hhea = font["hhea"]
    hhea.ascent, hhea.descent = max(hhea.ascent, above), min(hhea.descent, -below)
    if "OS/2" in font:
        os2 = font["OS/2"]
        os2.sTypoAscender = max(os2.sTypoAscender, above)
        os2.sTypoDescender = min(os2.sTypoDescender, -below)
        os2.usWinAscent, os2.usWinDescent = (
            max(os2.usWinAscent, above),
            max(os2.usWinDescent, below),
        )
