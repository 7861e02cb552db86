"""List the shaper's own OpenType features in GSUB, so that programs offer them beside the font's.

The features have no lookups: OpenType itself does nothing for them, and text is shaped as before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from fontTools.ttLib import TTFont, newTable
from fontTools.ttLib.tables import otTables

from fontgen.errors import FontgenError

_REPACKER = "fontTools.ttLib.tables.otBase:USE_HARFBUZZ_REPACKER"


def write_features(font: TTFont, tags: Iterable[str], table: str = "GSUB") -> None:
    """Add features without lookups to every script and language of GSUB, or of GPOS.

    Tags that the font has already are left as they are. A font that is shaped by Apple's ``morx``
    gets no GSUB, which HarfBuzz would then prefer.

    Raises:
        FontgenError: the table is damaged.
    """
    if table not in font:
        if "morx" in font or "mort" in font:
            return
        font[table] = _empty_table(table)
    # fontTools's own packer: what HarfBuzz's gives depends on its version.
    font.cfg[_REPACKER] = False
    try:
        layout = font[table].table
        languages = list(_languages(layout))
        present = {record.FeatureTag for record in layout.FeatureList.FeatureRecord}
    except Exception as error:
        raise FontgenError(f"table {table} of the base font is damaged: {error}") from error
    added = [_feature(tag) for tag in sorted(set(tags) - present)]
    records = layout.FeatureList.FeatureRecord
    order = sorted(
        [*added, *records], key=lambda record: record.FeatureTag
    )  # stable, as it must be
    index_of = {id(record): index for index, record in enumerate(order)}
    moved = [index_of[id(record)] for record in records]
    new = [index_of[id(record)] for record in added]
    for language in languages:
        old = [moved[index] for index in language.FeatureIndex]
        language.FeatureIndex = sorted(old + new) if old == sorted(old) else old + new
        language.FeatureCount = len(language.FeatureIndex)
        if language.ReqFeatureIndex != 0xFFFF:
            language.ReqFeatureIndex = moved[language.ReqFeatureIndex]
    for substitution in _substitutions(layout):
        substitution.FeatureIndex = moved[substitution.FeatureIndex]
    layout.FeatureList.FeatureRecord = order
    layout.FeatureList.FeatureCount = len(order)


def _languages(layout: Any) -> Iterator[Any]:
    """Every LangSys table, once."""
    seen: set[int] = set()
    for script in layout.ScriptList.ScriptRecord:
        systems = [record.LangSys for record in script.Script.LangSysRecord]
        for system in [script.Script.DefaultLangSys, *systems]:
            if system is not None and id(system) not in seen:
                seen.add(id(system))
                yield system


def _substitutions(layout: Any) -> Iterator[Any]:
    """The records of a variable font's FeatureVariations, which count features too."""
    variations = getattr(layout, "FeatureVariations", None)
    for record in variations.FeatureVariationRecord if variations else ():
        yield from record.FeatureTableSubstitution.SubstitutionRecord


def _feature(tag: str) -> Any:
    record = otTables.FeatureRecord()
    record.FeatureTag = tag
    record.Feature = otTables.Feature()
    record.Feature.FeatureParams = None
    record.Feature.LookupListIndex = []
    record.Feature.LookupCount = 0
    return record


def _empty_table(tag: str) -> Any:
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
