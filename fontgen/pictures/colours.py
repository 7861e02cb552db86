"""Adds coloured glyphs to a font: COLR, version 0, and the palettes of CPAL, beside those that it may have.

https://learn.microsoft.com/en-us/typography/opentype/spec/colr and cpal
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fontTools.colorLib.builder import buildCOLR, buildCPAL, populateCOLRv0
from fontTools.ttLib import TTFont
from fontTools.ttLib.tables import otTables

from fontgen.errors import FontgenError
from fontgen.pictures.shapes import Palette, parse_colour

_TEXT_COLOUR = 0xFFFF  # instead of an entry of the palette
_MOST_ENTRIES = _MOST_LAYERS = 0xFFFF

Layers = Mapping[str, Sequence[tuple[str, str]]]
"""By the name of a glyph, from the lowest layer: the name of its glyph, and of its colour; empty: the text's."""


def add_colours(font: TTFont, layers: Layers, palettes: Sequence[Palette]) -> None:
    """Colour glyphs of a font, which come after all that had colours before.

    Every palette of the font gets the first one's colours behind its own; where there are fewer palettes than here,
    the font's first is repeated.

    Raises:
        FontgenError: there is no room for more layers or colours.
    """
    names = list(palettes[0])
    entries = [[parse_colour(palette[name]) for name in names] for palette in palettes]
    before = _add_palettes(font, entries)
    index = {name: before + i for i, name in enumerate(names)} | {"": _TEXT_COLOUR}
    glyphs = {
        glyph: [(layer, index[colour]) for layer, colour in parts]
        for glyph, parts in layers.items()
    }
    _add_layers(font, glyphs)


def _add_palettes(font: TTFont, entries: list[list[tuple[float, float, float, float]]]) -> int:
    """Returns how many colours each palette had."""
    added = buildCPAL(entries)
    if "CPAL" not in font or not font["CPAL"].palettes:
        font["CPAL"] = added
        return 0
    own = font["CPAL"]
    before, n_palettes = own.numPaletteEntries, max(len(own.palettes), len(entries))
    own.numPaletteEntries += added.numPaletteEntries
    if own.numPaletteEntries * n_palettes > _MOST_ENTRIES:
        raise FontgenError(f"has no room for more colours: the limit is {_MOST_ENTRIES}")
    while len(own.palettes) < n_palettes:
        own.palettes.append(own.palettes[0])
        own.paletteTypes.append(own.DEFAULT_PALETTE_TYPE)
        own.paletteLabels.append(own.NO_NAME_ID)
    own.paletteEntryLabels += [own.NO_NAME_ID] * added.numPaletteEntries
    own.palettes = [
        [*palette, *added.palettes[i if i < len(entries) else 0]]
        for i, palette in enumerate(own.palettes)
    ]
    return before


def _add_layers(font: TTFont, glyphs: dict[str, list[tuple[str, int]]]) -> None:
    numbers = font.getReverseGlyphMap(rebuild=True)
    if "COLR" not in font:
        font["COLR"] = buildCOLR(glyphs, version=0, glyphMap=numbers)
        return
    colr = font["COLR"]
    if colr.version == 0:  # fontTools knows it by other classes then
        colr.ColorLayers.update(buildCOLR(glyphs, version=0, glyphMap=numbers).ColorLayers)
        if sum(map(len, colr.ColorLayers.values())) > _MOST_LAYERS:
            raise FontgenError(f"has no room for more layers: the limit is {_MOST_LAYERS}")
        return
    _add_records(colr.table, glyphs, numbers)


def _add_records(
    colr: Any, glyphs: dict[str, list[tuple[str, int]]], numbers: dict[str, int]
) -> None:
    """To a table of version 1, which may have layers of version 0, too. New glyphs have the highest numbers, and so
    their records stay in order."""
    added = otTables.COLR()
    populateCOLRv0(added, glyphs, glyphMap=numbers)
    if not colr.BaseGlyphRecordArray or not colr.LayerRecordArray:
        colr.BaseGlyphRecordArray, colr.LayerRecordArray = (
            added.BaseGlyphRecordArray,
            added.LayerRecordArray,
        )
    else:
        layers = colr.LayerRecordArray.LayerRecord
        for record in added.BaseGlyphRecordArray.BaseGlyphRecord:
            record.FirstLayerIndex += len(layers)
            colr.BaseGlyphRecordArray.BaseGlyphRecord.append(record)
        layers += added.LayerRecordArray.LayerRecord
    colr.BaseGlyphRecordCount = len(colr.BaseGlyphRecordArray.BaseGlyphRecord)
    colr.LayerRecordCount = len(colr.LayerRecordArray.LayerRecord)
    if colr.LayerRecordCount > _MOST_LAYERS:
        raise FontgenError(f"has no room for more layers: the limit is {_MOST_LAYERS}")
