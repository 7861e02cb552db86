"""Add lookups to a font's GSUB and GPOS, behind those that it has."""

from __future__ import annotations

from typing import Any

from fontTools.feaLib.builder import addOpenTypeFeaturesFromString
from fontTools.feaLib.error import FeatureLibError
from fontTools.ttLib import TTFont, newTable
from fontTools.ttLib.tables import otTables
from fontTools.ttLib.tables.DefaultTable import DefaultTable

from fontgen.errors import FontgenError
from fontgen.font.features import write_features

_DEFAULT_FEATURES = {"GSUB": ("ccmp", "rclt", "clig", "calt"), "GPOS": ("dist", "kern", "mkmk")}
"""Features that every program applies unasked, the fittest first."""


def add_lookups(font: TTFont, features: str) -> None:
    """Compile feature code and append its lookups, so that the font's own go on to work.

    The lookups of all features in the code become those of one feature of each table, which every program applies and
    which the font did not have, so that it holds for all scripts and languages alike.

    Args:
        features: https://adobe-type-tools.github.io/afdko/OpenTypeFeatureFileSpecification.html

    Raises:
        FontgenError: the font's own table is damaged, or the lookups do not compile.
    """
    scratch = TTFont()
    scratch.setGlyphOrder(font.getGlyphOrder())
    try:
        addOpenTypeFeaturesFromString(scratch, features, tables=tuple(_DEFAULT_FEATURES))
    except FeatureLibError as error:
        raise FontgenError(f"the lookups do not compile: {error}") from error
    for table, candidates in _DEFAULT_FEATURES.items():
        if table not in scratch:
            continue
        present = _present(font, table)
        free = next((tag for tag in candidates if tag not in present), None)
        if free is None:
            raise FontgenError(
                f"table {table} of the base font has {', '.join(candidates)} already"
            )
        if table not in font:
            font[table] = empty_table(table)
        write_features(font, [free], table)
        _append(_parsed(font, table).table, scratch[table].table, free)


def _present(font: TTFont, table: str) -> set[str]:
    if table not in font:
        return set()
    return {record.FeatureTag for record in _parsed(font, table).table.FeatureList.FeatureRecord}


def _parsed(font: TTFont, tag: str) -> Any:
    """The table as fontTools's objects, of which a part may have been written as bytes."""
    if type(font[tag]) is DefaultTable:
        table = newTable(tag)
        table.decompile(font[tag].data, font)
        font[tag] = table
    return font[tag]


def _append(table: Any, added: Any, tag: str) -> None:
    lookups = table.LookupList.Lookup
    first = len(lookups)
    for lookup in added.LookupList.Lookup:
        for subtable in lookup.SubTable:
            _renumber(subtable, first)
        lookups.append(lookup)
    table.LookupList.LookupCount = len(lookups)
    records = added.FeatureList.FeatureRecord
    used = {index for record in records for index in record.Feature.LookupListIndex}
    for record in table.FeatureList.FeatureRecord:
        if record.FeatureTag == tag:
            record.Feature.ensureDecompiled()  # or what is set here is read over when it is written
            record.Feature.LookupListIndex = [first + index for index in sorted(used)]
            record.Feature.LookupCount = len(used)


def _renumber(node: Any, first: int) -> None:
    """Lookups that name others by their number, at any depth of a subtable."""
    if type(node).__name__ in ("SubstLookupRecord", "PosLookupRecord"):
        node.LookupListIndex += first
    elif isinstance(node, list):
        for item in node:
            _renumber(item, first)
    elif hasattr(node, "getConverters"):
        for value in list(vars(node).values()):
            _renumber(value, first)


def empty_table(tag: str) -> Any:
    """A GSUB or GPOS table of one script, DFLT, and nothing in it."""
    table = newTable(tag)
    gsub = table.table = getattr(otTables, tag)()
    gsub.Version = 0x00010000
    gsub.ScriptList = otTables.ScriptList()
    script = otTables.ScriptRecord()
    script.ScriptTag = "DFLT"
    script.Script = otTables.Script()
    script.Script.LangSysRecord, script.Script.LangSysCount = [], 0
    system = script.Script.DefaultLangSys = otTables.DefaultLangSys()
    system.LookupOrder, system.ReqFeatureIndex = None, 0xFFFF
    system.FeatureIndex, system.FeatureCount = [], 0
    gsub.ScriptList.ScriptRecord, gsub.ScriptList.ScriptCount = [script], 1
    gsub.FeatureList = otTables.FeatureList()
    gsub.FeatureList.FeatureRecord, gsub.FeatureList.FeatureCount = [], 0
    gsub.LookupList = otTables.LookupList()
    gsub.LookupList.Lookup, gsub.LookupList.LookupCount = [], 0
    return table
