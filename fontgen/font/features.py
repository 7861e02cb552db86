"""List the shaper's own OpenType features in GSUB, so that programs offer them beside the font's.

The features have no lookups: OpenType itself does nothing for them, and text is shaped as before. Only the lists of
scripts and features are read and written anew; lookups, whatever is wrong with them, are carried over as they are.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import uharfbuzz
from fontTools.ttLib import TTFont
from fontTools.ttLib.tables import otTables
from fontTools.ttLib.tables.otBase import OTTableReader, OTTableWriter
from fontTools.varLib.featureVars import remapFeatures

from fontgen.font.tables import write_table

_HEADER = struct.Struct(">5H")  # version; offsets of ScriptList, FeatureList, LookupList
_OFFSET = struct.Struct(">I")  # of FeatureVariations, since version 1.1
_NO_FEATURE = _DEFAULT_LANGUAGE = 0xFFFF


def write_features(font: TTFont, tags: Iterable[str], table: str = "GSUB") -> None:
    """Add features without lookups to every script and language of GSUB, or of GPOS.

    Tags that the font has already are left as they are. Nothing is changed where the font has no such table, or
    none that could be read: an empty one would turn HarfBuzz's shapers for Indic and other scripts off, which
    stand aside for a font that says how it wants to be shaped, if only for the script ``DFLT``.
    """
    if table not in font:
        return
    data, tags = font.getTableData(table), set(tags)
    try:
        changed = _with_features(data, tags, font, table)
        before, after = (_listed(font, table, version) for version in (data, changed))
    except Exception:
        # Whatever the bytes lead fontTools to: HarfBuzz ignores what is broken, and so do we.
        return
    # What is damaged means to HarfBuzz what it meant before, or it is left as it is.
    if before.keys() == after.keys() and all(
        not before[key] - after[key] and (after[key] - before[key]).keys() <= tags for key in before
    ):
        write_table(font, table, changed)


def _listed(font: TTFont, table: str, data: bytes) -> dict[tuple[int, str, int, str], Counter[str]]:
    """The features of each script and language as HarfBuzz reads the table; nothing where it refuses to."""

    def table_of(face: uharfbuzz.Face, tag: str, _: object) -> bytes:
        needed = tag in ("maxp", "head") and tag in font
        return data if tag == table else font.getTableData(tag) if needed else b""

    face = uharfbuzz.Face.create_for_tables(table_of, None)
    listed = {}
    for script, script_tag in enumerate(face.get_table_script_tags(table)):
        languages = face.get_script_language_tags(table, script)
        for language, language_tag in [*enumerate(languages), (_DEFAULT_LANGUAGE, "dflt")]:
            features = face.get_language_feature_tags(table, script, language)
            listed[script, script_tag, language, language_tag] = Counter(features)
    return listed


def _with_features(data: bytes, tags: Iterable[str], font: TTFont, tag: str) -> bytes:
    """The table with further features; raises any exception where its lists are damaged."""
    layout, lookups = _read(data, font, tag)
    if not layout.ScriptList.ScriptRecord:
        return data
    before = layout.FeatureList.FeatureRecord
    present = {record.FeatureTag for record in before}
    added = [_feature(tag) for tag in sorted(set(tags) - present)]
    # Sorted, as the specification asks for; stable, since a font may have several features of one tag.
    after = sorted([*added, *before], key=lambda record: record.FeatureTag)
    index_of = {id(record): index for index, record in enumerate(after)}
    layout.FeatureList.FeatureRecord = after
    layout.FeatureList.FeatureCount = len(after)
    old = _Moved({index: index_of[id(record)] for index, record in enumerate(before)}, len(added))
    remapFeatures(layout, old)
    new = [index_of[id(record)] for record in added]
    for language in _languages(layout):
        indices = language.FeatureIndex
        is_sorted = indices == sorted(indices)
        language.FeatureIndex = sorted(indices + new) if is_sorted else indices + new
        language.FeatureCount = len(language.FeatureIndex)
    return _write(layout, lookups, font, tag)


class _Moved(dict):
    """Where features have moved. An index that no feature has, which HarfBuzz ignores, must not come to mean one."""

    def __init__(self, moved: dict[int, int], n_added: int):
        super().__init__(moved)
        self._n_added = n_added

    def __missing__(self, index: int) -> int:
        return min(index + self._n_added, _NO_FEATURE - 1)


def _read(data: bytes, font: TTFont, tag: str) -> tuple[Any, bytes]:
    """The table without its LookupList, and the bytes from there on, in which all offsets are relative."""
    major, minor, scripts, features, lookups = _HEADER.unpack_from(data)
    variations = _OFFSET.unpack_from(data, _HEADER.size)[0] if (major, minor) >= (1, 1) else 0
    layout = getattr(otTables, tag)()
    layout.Version = major << 16 | minor
    reader = OTTableReader(data, tableTag=tag)
    for name, offset in (
        ("ScriptList", scripts),
        ("FeatureList", features),
        ("FeatureVariations", variations),
    ):
        part = getattr(otTables, name)()
        if offset:
            part.decompile(reader.getSubReader(offset), font)
            part.ensureDecompiled(recurse=True)
        elif name == "FeatureVariations":
            part = None
        else:
            record = f"{name.removesuffix('List')}Record"
            setattr(part, record, [])
        setattr(layout, name, part)
    return layout, data[lookups:] if lookups else b""


def _write(layout: Any, lookups: bytes, font: TTFont, tag: str) -> bytes:
    scripts, features = (
        _compile(part, font, tag) for part in (layout.ScriptList, layout.FeatureList)
    )
    variations = layout.FeatureVariations
    header_size = _HEADER.size + _OFFSET.size * (layout.Version > 0x00010000)
    front = header_size + len(scripts) + len(features)
    padding = -front % 4
    version = (layout.Version >> 16, layout.Version & 0xFFFF)
    offsets = (header_size, header_size + len(scripts), (front + padding) * bool(lookups))
    header = _HEADER.pack(*version, *offsets)  # an error where the lookups are out of its reach
    end = b""
    if header_size > _HEADER.size:
        end_padding = -len(lookups) % 4
        end = bytes(end_padding) + (_compile(variations, font, tag) if variations else b"")
        offset = front + padding + len(lookups) + end_padding
        header += _OFFSET.pack(offset * bool(variations))
    return header + scripts + features + bytes(padding) + lookups + end


def _compile(part: Any, font: TTFont, tag: str) -> bytes:
    writer = OTTableWriter(tableTag=tag)
    part.compile(writer, font)
    data: bytes = writer.getAllData()
    return data


def _languages(layout: Any) -> Iterator[Any]:
    """Every LangSys table."""
    for script in layout.ScriptList.ScriptRecord:
        systems = [record.LangSys for record in script.Script.LangSysRecord]
        yield from (system for system in [script.Script.DefaultLangSys, *systems] if system)


def _feature(tag: str) -> Any:
    record = otTables.FeatureRecord()
    record.FeatureTag = tag
    record.Feature = otTables.Feature()
    record.Feature.FeatureParams = None
    record.Feature.LookupListIndex = []
    record.Feature.LookupCount = 0
    return record
