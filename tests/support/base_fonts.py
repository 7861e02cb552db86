"""Small base fonts of every kind, made on the spot by fontTools."""

from __future__ import annotations

import io

from fontTools.cffLib import FDArrayIndex, FDSelect, FontDict
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.t2CharStringPen import T2CharStringPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTCollection, TTFont, newTable
from fontTools.ttLib.tables.TupleVariation import TupleVariation

LETTERS = "abcefghijklmnopqrstuvwxyz !.,"
CREATED = 3_000_000_000  # seconds since 1904


def _square(pen: object, side: int) -> None:
    pen.moveTo((50, 0))  # type: ignore[attr-defined]
    for corner in ((50 + side, 0), (50 + side, side), (50, side)):
        pen.lineTo(corner)  # type: ignore[attr-defined]
    pen.closePath()  # type: ignore[attr-defined]


def make_font(
    *,
    cff: bool = False,
    variable: bool = False,
    letters: str = LETTERS,
    family: str = "Square",
    copyright: str = "Copyright 2020 The Square Project Authors",
    trademark: str = "",
    mac_names: bool = False,
    signed: bool = False,
) -> TTFont:
    """A font of squares; `CREATED` is its date."""
    glyphs = [".notdef"] + [f"uni{ord(letter):04X}" for letter in letters]
    sides = {name: 0 if name == "uni0020" else 100 + 10 * i for i, name in enumerate(glyphs)}
    builder = FontBuilder(1000, isTTF=not cff)
    builder.setupGlyphOrder(glyphs)
    builder.setupCharacterMap(
        {ord(letter): name for letter, name in zip(letters, glyphs[1:], strict=True)}
    )
    if cff:
        _add_charstrings(builder, sides, family)
    else:
        _add_outlines(builder, sides)
    builder.setupHorizontalMetrics(
        {name: (side + 100, 50 if side else 0) for name, side in sides.items()}
    )
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    names = _names(family) | {"copyright": copyright}
    if trademark:
        names["trademark"] = trademark
    builder.setupNameTable(names, mac=mac_names)
    builder.setupOS2(sTypoAscender=800, sTypoDescender=-200, usWinAscent=800, usWinDescent=200)
    builder.setupPost()
    if variable:
        _add_weight_axis(builder, sides, family)
    font = builder.font
    if signed:
        font["DSIG"] = newTable("DSIG")
        font["DSIG"].ulVersion, font["DSIG"].usFlag = 1, 0
        font["DSIG"].usNumSigs, font["DSIG"].signatureRecords = 0, []
    font["head"].created = font["head"].modified = CREATED
    font.recalcTimestamp = False
    return font


def _add_charstrings(builder: FontBuilder, sides: dict[str, int], family: str) -> None:
    charstrings = {}
    for name, side in sides.items():
        pen = T2CharStringPen(side + 100, None)
        if side:
            _square(pen, side)
        charstrings[name] = pen.getCharString()
    full_names = {"FullName": f"{family} Regular", "FamilyName": family}
    builder.setupCFF(f"{family}-Regular", full_names, charstrings, {})


def _add_outlines(builder: FontBuilder, sides: dict[str, int]) -> None:
    outlines = {}
    for name, side in sides.items():
        pen = TTGlyphPen(None)
        if side:
            _square(pen, side)
        outlines[name] = pen.glyph()
    builder.setupGlyf(outlines)


def _names(family: str) -> dict[str, str]:
    return {
        "familyName": family,
        "styleName": "Regular",
        "uniqueFontIdentifier": f"{family}:2020",
        "fullName": f"{family} Regular",
        "psName": f"{family.replace(' ', '')}-Regular",
        "version": "Version 1.500",
        "licenseDescription": "Licensed under the SIL Open Font License, Version 1.1.",
    }


def _add_weight_axis(builder: FontBuilder, sides: dict[str, int], family: str) -> None:
    """An axis on which every square grows by 80 units, and a named instance at its end."""
    black = {
        "location": {"wght": 900},
        "stylename": "Black",
        "postscriptfontname": f"{family}-Black",
    }
    builder.setupFvar([("wght", 100, 400, 900, "Weight")], [black])
    wider = [(0, 0), (80, 0), (80, 80), (0, 80), (0, 0), (80, 0), (0, 0), (0, 0)]
    drawn = (name for name, side in sides.items() if side)
    builder.setupGvar({name: [TupleVariation({"wght": (0, 1, 1)}, wider)] for name in drawn})


def saved(font: TTFont) -> bytes:
    stream = io.BytesIO()
    font.save(stream)
    return stream.getvalue()


def collection(*fonts: TTFont) -> bytes:
    members = TTCollection()
    members.fonts = list(fonts)
    stream = io.BytesIO()
    members.save(stream)
    return stream.getvalue()


def with_cids(data: bytes) -> bytes:
    """A font with CFF outlines whose glyphs have numbers for names, as those for Chinese, Japanese and Korean have."""
    font = TTFont(io.BytesIO(data))
    cff, order = font["CFF "].cff, font.getGlyphOrder()
    top = cff.topDictIndex[0]
    numbered = {name: f"cid{i:05}" if i else name for i, name in enumerate(order)}
    strings = {numbered[name]: top.CharStrings[name] for name in order}
    for string in strings.values():
        string.decompile()
    private = top.Private
    dictionary = FontDict()
    dictionary.Private, dictionary.FontName = private, "All"
    top.FDArray, top.FDSelect = FDArrayIndex(), FDSelect()
    top.FDArray.append(dictionary)
    top.FDSelect.gidArray = [0] * len(order)
    top.ROS, top.CIDCount, top.charset = ("Adobe", "Identity", 0), len(order), [*numbered.values()]
    del top.Private
    index = top.CharStrings.charStringsIndex
    top.CharStrings.charStrings = {name: i for i, name in enumerate(strings)}
    top.CharStrings.fdArray, top.CharStrings.fdSelect = top.FDArray, top.FDSelect
    assert len(index) == len(order)
    tables = {tag: font[tag] for tag in ("hmtx", "cmap")}
    tables["hmtx"].metrics = {
        numbered[name]: value for name, value in tables["hmtx"].metrics.items()
    }
    for table in tables["cmap"].tables:
        table.cmap = {code: numbered[name] for code, name in table.cmap.items()}
    font.setGlyphOrder([*numbered.values()])
    return saved(font)
