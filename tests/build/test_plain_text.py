"""Plain text is shaped as the base font shapes it, in every script: HarfBuzz says what that is."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from fontTools.feaLib.builder import addOpenTypeFeaturesFromString
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont
from fontTools.ttLib.tables._c_m_a_p import CmapSubtable
from fontTools.ttLib.tables.DefaultTable import DefaultTable
from support.base_fonts import make_font, saved
from support.built_fonts import build_on
from support.plain_text import TEXTS, difference, glyphs

from fontgen.font.file import read_font

LIGATURE = "feature liga { sub uni0066 uni0069 by uni0078; } liga;"
GSUB = {
    "no GSUB": "",
    "GSUB for Latin": f"languagesystem latn dflt; {LIGATURE}",
    "GSUB for all": f"languagesystem DFLT dflt; {LIGATURE}",
    "GSUB for Devanagari": "languagesystem dev2 dflt; feature half { sub uni0930 by uni0915; } half;",
}
GPOS = "feature kern { pos uni006F uni0066 -50; } kern;"
GDEF = "table GDEF { GlyphClassDef [uni006F], , [uni0301], ; } GDEF;"


def _base(code: str) -> TTFont:
    """A box of its own width for every character of the texts."""
    characters = sorted({*"".join(TEXTS.values()), "x", "\u25cc"})
    names = [".notdef"] + [f"uni{ord(character):04X}" for character in characters]
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap(
        {ord(character): f"uni{ord(character):04X}" for character in characters}
    )
    builder.setupGlyf({name: TTGlyphPen(None).glyph() for name in names})
    builder.setupHorizontalMetrics({name: (300 + i, 0) for i, name in enumerate(names)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Boxes", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    if code:
        addOpenTypeFeaturesFromString(builder.font, code)
    return builder.font


def assert_unchanged(hb: ModuleType, base: Path, texts: list[str]) -> None:
    """Each text has the same glyphs in the font that is built, with its shaper and without."""
    built = build_on(base)
    for shaper in ("ot", "wasm"):
        assert difference(hb, read_font(base), built, texts, shaper) is None


@pytest.mark.parametrize("gdef", ["", GDEF], ids=["no GDEF", "GDEF"])
@pytest.mark.parametrize("gpos", ["", GPOS], ids=["no GPOS", "GPOS"])
@pytest.mark.parametrize("gsub", GSUB)
def test_every_script(
    uharfbuzz: ModuleType, tmp_path: Path, gsub: str, gpos: str, gdef: str
) -> None:
    base = tmp_path / "base.ttf"
    base.write_bytes(saved(_base(GSUB[gsub] + gpos + gdef)))
    assert_unchanged(uharfbuzz, base, [*TEXTS.values()])


def test_the_right_values_are_not_trivial(uharfbuzz: ModuleType, tmp_path: Path) -> None:
    """HarfBuzz's own shapers move the vowels of these texts, if no GSUB tells it to stand aside."""
    plain, empty = saved(_base("")), saved(_base(f"languagesystem DFLT dflt; {LIGATURE}"))
    differing = {
        script
        for script, text in TEXTS.items()
        if glyphs(uharfbuzz, plain, text) != glyphs(uharfbuzz, empty, text)
    }
    assert {"Beng", "Java", "Mlym", "Mymr", "Sinh", "Taml"} <= differing


# What HarfBuzz ignores does not hinder


def _damage_gsub(font: TTFont, kind: str) -> None:
    gsub = font["GSUB"].table
    system = gsub.ScriptList.ScriptRecord[0].Script.DefaultLangSys
    if kind == "feature index out of range":
        system.FeatureIndex.append(len(gsub.FeatureList.FeatureRecord))
    elif kind == "required feature out of range":
        system.ReqFeatureIndex = len(gsub.FeatureList.FeatureRecord) + 2
    elif kind == "no scripts":
        gsub.ScriptList = None
    elif kind == "no features":
        gsub.FeatureList = None
    elif kind == "no lookups":
        gsub.LookupList = None


def _replaced(data: bytes, tag: str, table: bytes) -> bytes:
    font = TTFont(io.BytesIO(data), recalcBBoxes=False, recalcTimestamp=False, lazy=True)
    font[tag] = DefaultTable(tag)
    font[tag].data = table
    return saved(font)


def _damaged_table(kind: str, tables: Any) -> tuple[str, bytes]:
    if kind.startswith("OS/2 of"):
        length = int(kind.split()[2])
        version = {68: 0, 78: 1, 96: 5}[length]
        return "OS/2", struct.pack(">H", version) + tables["OS/2"][2:length]
    if kind == "a short post":
        return "post", bytes.fromhex("00020000")
    if kind == "a lookup that cannot be read":
        data = bytearray(tables["GSUB"])
        lookups = struct.unpack_from(">H", data, 8)[0]
        struct.pack_into(">H", data, lookups + 2, 0xFFF0)
        return "GSUB", bytes(data)
    if kind == "GSUB cut short":
        return "GSUB", tables["GSUB"][:12]
    if kind == "GSUB of two bytes":
        return "GSUB", b"\0\1"
    data = tables["cmap"]
    n = struct.unpack_from(">H", data, 2)[0]
    records = [struct.unpack_from(">HHI", data, 4 + 8 * i) for i in range(n)]
    moved = [(platform, encoding, offset + 8) for platform, encoding, offset in records]
    moved.append((1, 0, len(data) + 8))
    packed = b"".join(struct.pack(">HHI", *record) for record in sorted(moved))
    too_long = struct.pack(">HHH", 4, 400, 0) + bytes(10)
    rest = data[4 + 8 * n :] + too_long
    return "cmap", data[:2] + struct.pack(">H", n + 1) + packed + rest


GSUB_DAMAGES = (
    "feature index out of range",
    "required feature out of range",
    "no scripts",
    "no features",
    "no lookups",
)
DAMAGES = (
    "a lookup that cannot be read",
    "GSUB cut short",
    "GSUB of two bytes",
    "OS/2 of 68 bytes",
    "OS/2 of 78 bytes",
    "OS/2 of 96 bytes",
    "a short post",
    "a bad cmap subtable beside a good one",
)


@pytest.mark.parametrize("kind", [*GSUB_DAMAGES, *DAMAGES])
def test_what_harfbuzz_ignores_is_carried_over(
    uharfbuzz: ModuleType, tmp_path: Path, kind: str
) -> None:
    font = _base(GSUB["GSUB for Latin"] + GPOS)
    if kind in GSUB_DAMAGES:
        _damage_gsub(font, kind)
    data = saved(font)
    if kind in DAMAGES:
        data = _replaced(data, *_damaged_table(kind, TTFont(io.BytesIO(data)).reader))
    base = tmp_path / "base.ttf"
    base.write_bytes(data)
    assert_unchanged(uharfbuzz, base, [*TEXTS.values()])


@pytest.mark.parametrize("platform, encoding", [(1, 0), (3, 0)], ids=["Mac Roman", "Symbol"])
def test_character_maps_that_are_not_unicode(
    uharfbuzz: ModuleType, tmp_path: Path, platform: int, encoding: int
) -> None:
    font = make_font()
    subtable = CmapSubtable.newSubtable(4 if platform == 3 else 0)
    subtable.platformID, subtable.platEncID, subtable.language = platform, encoding, 0
    offset = 0xF000 if platform == 3 else 0
    cmap = font["cmap"].getBestCmap()
    subtable.cmap = {code + offset: name for code, name in cmap.items()}
    font["cmap"].tables = [subtable]
    base = tmp_path / "base.ttf"
    base.write_bytes(saved(font))
    assert_unchanged(uharfbuzz, base, ["fox", "a b c!"])
    shown = glyphs(uharfbuzz, base.read_bytes(), "fox")
    assert len(shown) == 3 and all(glyph for glyph, *_ in shown)


def test_a_damaged_cff_keeps_its_bytes(tmp_path: Path) -> None:
    """It only loses the chance to be renamed within."""
    data = saved(make_font(cff=True))
    cff = bytearray(TTFont(io.BytesIO(data)).reader["CFF "])
    cff[4:6] = b"\0\0"  # no names
    base = tmp_path / "base.otf"
    base.write_bytes(_replaced(data, "CFF ", bytes(cff)))
    assert TTFont(io.BytesIO(build_on(base))).reader["CFF "] == bytes(cff)
