"""Joins the compiled automaton with a base font: new glyphs, GSUB, GDEF.

The base font's own lookups stay. They come after the automaton's, so that they see the story's
letters as they see typed ones; their numbers in contextual rules grow by the automaton's count. GPOS,
outlines and metrics stay as they are: new glyphs are appended.

fontTools writes what it has objects for. The automaton's lookups are bytes (see `subtables`), so the
two lookup lists are spliced: all lookup tables of both lie behind extensions, whose offsets have 32
bits and are relative, so that the base font's list can be moved as it is.
"""

from __future__ import annotations

import struct
import unicodedata
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

from fontTools.misc.psCharStrings import T2CharString
from fontTools.ttLib import TTFont, newTable
from fontTools.ttLib.tables import otTables
from fontTools.ttLib.tables._g_l_y_f import Glyph
from fontTools.ttLib.tables.otBase import USE_HARFBUZZ_REPACKER

from fontgen.automaton.opentype.program import BASE, MARK, MARK_FILTERING, Lookup, Program
from fontgen.automaton.opentype.subtables import EXTENSION, coverage, u16
from fontgen.errors import FontgenError
from fontgen.font.lookups import empty_table
from fontgen.font.tables import write_table

MOST_SUBTABLES = 256
"""Of a lookup."""
DROPPED = ("LTSH", "hdmx", "DSIG")
"""Tables of one entry for each glyph that do without the new ones, or that a changed font may not have."""


def add_glyphs(font: TTFont, program: Program, space: int) -> None:
    """Append the program's glyphs to the font, empty; ``space`` is as wide as the font's space."""
    old = list(font.getGlyphOrder())  # of a CFF font it is the charset itself
    names = [f"llama{glyph:05}" for glyph in range(len(old), program.n_glyphs)]
    width = font["hmtx"][font.getBestCmap()[0x20]][0]
    metrics = font["hmtx"].metrics
    vertical = font["vmtx"].metrics if "vmtx" in font else None
    height = max((advance for advance, _ in vertical.values()), default=0) if vertical else 0
    _add_outlines(font, names)
    font.setGlyphOrder([*old, *names])
    for glyph, name in enumerate(names, len(old)):
        metrics[name] = (width if glyph == space else 0, 0)
        if vertical is not None:
            vertical[name] = (height if glyph == space else 0, 0)
    if "gvar" in font:
        font["gvar"].variations.update({name: [] for name in names})
    font["maxp"].numGlyphs = program.n_glyphs
    font["post"].formatType = 3.0
    for tag in DROPPED:
        if tag in font:
            del font[tag]


def _add_outlines(font: TTFont, names: list[str]) -> None:
    if "glyf" in font:
        glyf = font["glyf"]
        glyf.glyphs.update({name: Glyph() for name in names})
        glyf.setGlyphOrder([*glyf.glyphOrder, *names])
        return
    tag = "CFF2" if "CFF2" in font else "CFF "
    if tag not in font:
        raise FontgenError("the base font has neither TrueType nor CFF outlines")
    top = font[tag].cff.topDictIndex[0]
    strings = top.CharStrings
    program = b"" if tag == "CFF2" else b"\x0e"  # endchar
    private = top.Private if hasattr(top, "Private") else top.FDArray[0].Private
    for name in names:
        empty = T2CharString(bytecode=program, private=private, globalSubrs=top.GlobalSubrs)
        strings.charStrings[name] = len(strings.charStringsIndex)
        strings.charStringsIndex.append(empty)
        if tag == "CFF ":
            top.charset.append(name)
        if getattr(top, "FDSelect", None) is not None:
            top.FDSelect.append(0)


def write_gdef(font: TTFont, program: Program) -> int:
    """Classes of all glyphs and the program's mark filtering sets; returns how many sets the base font has."""
    order = font.getGlyphOrder()
    if "GDEF" not in font:
        font["GDEF"] = newTable("GDEF")
        font["GDEF"].table = otTables.GDEF()
        for part in ("GlyphClassDef", "AttachList", "LigCaretList", "MarkAttachClassDef"):
            setattr(font["GDEF"].table, part, None)
    gdef = font["GDEF"].table
    classes = dict(gdef.GlyphClassDef.classDefs) if gdef.GlyphClassDef else _classes(font)
    for name in order[: program.first_new]:
        classes.setdefault(name, BASE)
    classes.update({order[glyph]: number for glyph, number in program.classes.items()})
    gdef.GlyphClassDef = otTables.ClassDef()
    gdef.GlyphClassDef.classDefs = classes
    sets = getattr(gdef, "MarkGlyphSetsDef", None)
    own = [[font.getGlyphID(name) for name in c.glyphs] for c in sets.Coverage] if sets else []
    gdef.MarkGlyphSetsDef = None
    gdef.Version = max(getattr(gdef, "Version", 0), 0x00010002)
    data = bytearray(font["GDEF"].compile(font))
    if len(data) > 0xFFFF:
        raise FontgenError("table GDEF of the base font is too large to add to")
    struct.pack_into(">H", data, 12, len(data))
    coverages = [coverage(glyphs) for glyphs in (*own, *program.mark_sets)]
    head, tail = bytearray(u16(1, len(coverages))), b""
    for one in coverages:
        head += struct.pack(">I", 4 + 4 * len(coverages) + len(tail))
        tail += one
    write_table(font, "GDEF", bytes(data + head) + tail)
    return len(own)


def _classes(font: TTFont) -> dict[str, int]:
    """GDEF classes as HarfBuzz makes them up where a font has none."""
    marks = ("Mn",)
    return {
        name: MARK if unicodedata.category(chr(code)) in marks else BASE
        for code, name in font.getBestCmap().items()
    }


def write_gsub(font: TTFont, program: Program, own_sets: int) -> None:
    """The program's lookups before the base font's, its features in every script and language.

    own_sets: mark filtering sets of the base font, which come first in GDEF.
    """
    if "GSUB" not in font:
        font["GSUB"] = empty_table("GSUB")
    # fontTools's own packer: what HarfBuzz's gives depends on its version.
    font.cfg[USE_HARFBUZZ_REPACKER] = False
    gsub = font["GSUB"].table
    _join_features(gsub, program)
    count = len(program.lookups)
    lookups = gsub.LookupList.Lookup if gsub.LookupList else []
    for record in _records(lookups):
        record.LookupListIndex += count
    base = _lookup_list(font, lookups)
    gsub.LookupList = otTables.LookupList()
    gsub.LookupList.Lookup, gsub.LookupList.LookupCount = [], 0
    data = bytearray(font["GSUB"].compile(font))
    if len(data) > 0xFFFF:
        raise FontgenError("the features of the base font are too many to add to")
    struct.pack_into(">H", data, 8, len(data))
    write_table(font, "GSUB", bytes(data) + _splice(program, own_sets, base, len(lookups)))


def _join_features(gsub: Any, program: Program) -> None:
    """Put the program's lookups into the features; a language without a feature that others have gets one."""
    count = len(program.lookups)
    records = gsub.FeatureList.FeatureRecord
    variations = getattr(gsub, "FeatureVariations", None)
    substituted = [
        substitution.Feature
        for variation in (variations.FeatureVariationRecord if variations else ())
        for substitution in variation.FeatureTableSubstitution.SubstitutionRecord
    ]
    own = {tag: sorted(lookups) for tag, lookups in program.features.items()}
    for feature in [*(record.Feature for record in records), *substituted]:
        feature.LookupListIndex = [index + count for index in feature.LookupListIndex]
    for record in records:
        record.Feature.LookupListIndex[:0] = own.get(record.FeatureTag, [])
        record.Feature.LookupCount = len(record.Feature.LookupListIndex)
    for tag, lookups in own.items():
        at = {index for index, record in enumerate(records) if record.FeatureTag == tag}
        lacking = [
            language for language in _languages(gsub) if at.isdisjoint(language.FeatureIndex)
        ]
        if not lacking:
            continue
        record = otTables.FeatureRecord()
        record.FeatureTag, record.Feature = tag, otTables.Feature()
        record.Feature.FeatureParams = None
        record.Feature.LookupListIndex, record.Feature.LookupCount = lookups, len(lookups)
        place = next((n for n, other in enumerate(records) if other.FeatureTag > tag), len(records))
        _insert(gsub, record, place, lacking)


def _insert(gsub: Any, record: Any, place: int, languages: list[Any]) -> None:
    """Insert a feature record, which moves those behind it, and list it in some languages."""
    records = gsub.FeatureList.FeatureRecord
    for language in _languages(gsub):
        language.FeatureIndex = [i + (i >= place) for i in language.FeatureIndex]
        if language.ReqFeatureIndex != 0xFFFF and language.ReqFeatureIndex >= place:
            language.ReqFeatureIndex += 1
        if any(language is other for other in languages):
            language.FeatureIndex = sorted([*language.FeatureIndex, place])
            language.FeatureCount = len(language.FeatureIndex)
    variations = getattr(gsub, "FeatureVariations", None)
    for variation in variations.FeatureVariationRecord if variations else ():
        for substitution in variation.FeatureTableSubstitution.SubstitutionRecord:
            substitution.FeatureIndex += substitution.FeatureIndex >= place
    records.insert(place, record)
    gsub.FeatureList.FeatureCount = len(records)


def _languages(gsub: Any) -> Iterator[Any]:
    seen: set[int] = set()
    for script in gsub.ScriptList.ScriptRecord:
        for system in (
            script.Script.DefaultLangSys,
            *(r.LangSys for r in script.Script.LangSysRecord),
        ):
            if system is not None and id(system) not in seen:
                seen.add(id(system))
                yield system


def _records(value: Any) -> Iterator[Any]:
    """Every lookup record of contextual rules in some lookups."""
    if isinstance(value, list):
        for item in value:
            yield from _records(item)
    elif isinstance(value, otTables.SubstLookupRecord):
        yield value
    elif hasattr(value, "ensureDecompiled"):
        value.ensureDecompiled()
        for item in list(vars(value).values()):
            yield from _records(item)


def _lookup_list(font: TTFont, lookups: list[Any]) -> bytes:
    """The base font's lookup list, all of it behind extensions."""
    for lookup in lookups:
        if lookup.LookupType == EXTENSION:
            continue
        lookup.LookupType = EXTENSION
        for index, subtable in enumerate(lookup.SubTable):
            extension = otTables.lookupTypes["GSUB"][EXTENSION]()
            extension.Format, extension.ExtSubTable = 1, subtable
            lookup.SubTable[index] = extension
    table = newTable("GSUB")
    table.table = otTables.GSUB()
    table.table.Version = 0x00010000
    table.table.ScriptList = table.table.FeatureList = None
    table.table.LookupList = otTables.LookupList()
    table.table.LookupList.Lookup = lookups
    table.table.LookupList.LookupCount = len(lookups)
    data = table.compile(font)
    return data[struct.unpack_from(">H", data, 8)[0] :]


def _splice(program: Program, own_sets: int, base: bytes, base_count: int) -> bytes:
    """A lookup list of the program's lookups and the base font's.

    An offset to a lookup is of 16 bits, so all that stands before the last of them is the lookups themselves; their
    extensions, each 8 bytes, stand behind the base font's lookups, as far as the first lookup's own offset reaches.
    """
    count = len(program.lookups) + base_count
    rest = base[2 + 2 * base_count :]
    places = list(accumulate(map(_header, program.lookups), initial=2 + 2 * count))
    links_of = list(accumulate((8 * len(one.subtables) for one in program.lookups), initial=0))
    stop, extensions = places.pop(), links_of.pop()
    farthest = stop + max(link - place for link, place in zip(links_of, places, strict=True))
    behind = farthest + len(rest) + 8 * MOST_SUBTABLES <= 0xFFFF
    moved = stop + (0 if behind else extensions) - (2 + 2 * base_count)
    places += [moved + place for place in struct.unpack_from(f">{base_count}H", base, 2)]
    if max(places) > 0xFFFF or farthest + 8 * MOST_SUBTABLES > 0xFFFF:
        raise FontgenError(f"the font would have {count} lookups, more than fit: tell it less")
    link = stop + (len(rest) if behind else 0)
    data = stop + len(rest) + extensions
    tables, links, subtables = bytearray(), bytearray(), bytearray()
    where: dict[bytes, int] = {}
    for place, lookup in zip(places, program.lookups, strict=False):
        n = len(lookup.subtables)
        tables += u16(EXTENSION, lookup.flag, n, *(link + 8 * i - place for i in range(n)))
        if lookup.flag & MARK_FILTERING:
            tables += u16(lookup.mark_set + own_sets)  # type: ignore[operator]
        for subtable in lookup.subtables:
            if subtable.data not in where:
                where[subtable.data] = len(subtables)
                subtables += subtable.data + bytes(len(subtable.data) % 2)
            links += struct.pack(">HHI", 1, subtable.kind, data + where[subtable.data] - link)
            link += 8
    return b"".join(
        (u16(count, *places), tables, *((rest, links) if behind else (links, rest)), subtables)
    )


def _header(lookup: Lookup) -> int:
    """Bytes of a lookup without its subtables."""
    return 6 + 2 * len(lookup.subtables) + (2 if lookup.flag & MARK_FILTERING else 0)
