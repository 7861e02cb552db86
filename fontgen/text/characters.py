"""The characters that each glyph of a font shows: the ``cmap`` reversed, and GSUB's substitutions undone."""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Iterable
from typing import Any

from fontTools.ttLib import TTFont
from fontTools.unicodedata import mirrored

from fontgen.font.tale import TALE_TAG, Tale, read_tale

MISSING = "\N{REPLACEMENT CHARACTER}"
"""Stands in visible text for ``.notdef``."""

# Blocks of letters in a fixed shape: Alphabetic and Arabic Presentation Forms.
_PRESENTATION_FORM = re.compile("[\ufb00-\ufdff\ufe70-\ufefc]")
_MOST_TEXTS = 16
_ASCII = range(0x20, 0x7F)
"""Which a Symbol ``cmap`` maps, and lists by codes of private use."""


class GlyphCharacters:
    """Characters that each glyph of a font shows.

    Args:
        font: `uharfbuzz.Font`.
        data: the font file, for its GSUB table. index: which font of a collection.
    """

    def __init__(self, font: Any, data: bytes, index: int = 0):
        self.space: int | None = font.get_nominal_glyph(0x20)
        self._texts: dict[int, list[str]] = {}
        private: list[tuple[int, str]] = []
        for character in map(chr, sorted({*font.face.unicodes, *_ASCII})):
            glyph = font.get_nominal_glyph(ord(character))
            if glyph and unicodedata.category(character) == "Co":
                private.append((glyph, character))
            elif glyph:
                texts = self._texts.setdefault(glyph, [])
                # A ligature that is encoded too more likely stands for its letters.
                if _PRESENTATION_FORM.match(character):
                    texts.append(unicodedata.normalize("NFKC", character))
                texts.append(character)
        self._first_made_up = 0x10000  # the first glyph that shows nothing of itself
        own = _tale(data, index)
        if own:
            self._first_made_up = own.first_glyph
            self._texts[own.space] = [" "]
        try:
            substitutions = list(_substitutions(data, index, own.lookups if own else 0))
        except Exception:  # HarfBuzz ignores a broken GSUB, and so do we
            substitutions = []
        self._undo(substitutions)
        # A code point of private use says nothing to a reader: GSUB, where it leads to the glyph, does.
        for glyph, character in private:
            self._texts.setdefault(glyph, []).append(character)

    def of(self, glyph: int, typed: str = "", direction: str = "ltr") -> str:
        """The characters of a glyph; of several possibilities one that occurs in ``typed``.

        HarfBuzz shows brackets and the like mirrored in right-to-left text; that is undone.
        """
        if not glyph:
            # Of line feeds and the like nobody expects a glyph.
            return typed[:1] if unicodedata.category(typed[:1] or " ") == "Cc" else MISSING
        if glyph == self.space:
            return next((c for c in typed if unicodedata.category(c) == "Zs"), " ")
        texts = self._texts.get(glyph)
        if texts is None:
            return "" if glyph >= self._first_made_up else MISSING
        if direction == "rtl":
            unmirrored = (mirrored(ord(text)) for text in texts if len(text) == 1)
            texts = [chr(character) for character in unmirrored if character] + texts
        return next((text for text in texts if text in typed), texts[0])

    def _undo(self, substitutions: list[tuple[tuple[int, ...], tuple[int, ...]]]) -> None:
        """Give the outputs of substitutions the characters of their inputs, through any chain."""
        # Each round goes one substitution further; what is known already comes first.
        changed = set(self._texts)
        while changed:
            found: dict[int, list[str]] = {}
            for inputs, outputs in substitutions:
                if changed.isdisjoint(inputs) or not all(glyph in self._texts for glyph in inputs):
                    continue
                if len(inputs) == 1:
                    texts = self._texts[inputs[0]]
                else:
                    texts = ["".join(self._texts[glyph][0] for glyph in inputs)]
                if len(outputs) == 1:
                    found.setdefault(outputs[0], []).extend(texts)
                elif not any(glyph in self._texts for glyph in outputs):
                    # One glyph became several without characters of their own: the first shows it.
                    found.setdefault(outputs[0], []).extend(texts)
                    for glyph in outputs[1:]:
                        found.setdefault(glyph, []).append("")
            changed = set()
            for glyph, texts in found.items():
                before = self._texts.get(glyph, [])
                after = list(dict.fromkeys(before + texts))[:_MOST_TEXTS]
                if after != before:
                    self._texts[glyph] = after
                    changed.add(glyph)


def _tale(data: bytes, index: int) -> Tale | None:
    """What a font says of the automaton in it."""
    try:
        font = TTFont(io.BytesIO(data), lazy=True, fontNumber=index)
        return read_tale(font.reader[TALE_TAG]) if TALE_TAG in font else None
    except Exception:  # damaged: HarfBuzz shapes the font none the less
        return None


def _substitutions(
    data: bytes, index: int, first: int = 0
) -> Iterable[tuple[tuple[int, ...], tuple[int, ...]]]:
    """(input glyphs, output glyphs) of every GSUB substitution that changes glyphs, from a lookup on."""
    font = TTFont(io.BytesIO(data), lazy=True, fontNumber=index)
    if "GSUB" not in font or font["GSUB"].table.LookupList is None:
        return
    glyph_id = font.getGlyphID
    for lookup in font["GSUB"].table.LookupList.Lookup[first:]:
        for subtable in lookup.SubTable:
            subtable = getattr(subtable, "ExtSubTable", subtable)
            kind = type(subtable).__name__
            if kind == "SingleSubst":
                for before, after in subtable.mapping.items():
                    yield (glyph_id(before),), (glyph_id(after),)
            elif kind == "MultipleSubst":
                for before, sequence in subtable.mapping.items():
                    if sequence:
                        yield (glyph_id(before),), tuple(map(glyph_id, sequence))
            elif kind == "AlternateSubst":
                for before, alternates in subtable.alternates.items():
                    for after in alternates:
                        yield (glyph_id(before),), (glyph_id(after),)
            elif kind == "LigatureSubst":
                for first, ligatures in subtable.ligatures.items():
                    for ligature in ligatures:
                        inputs = (first, *ligature.Component)
                        yield tuple(map(glyph_id, inputs)), (glyph_id(ligature.LigGlyph),)
            elif kind == "ReverseChainSingleSubst":
                for before, after in zip(
                    subtable.Coverage.glyphs, subtable.Substitute, strict=True
                ):
                    yield (glyph_id(before),), (glyph_id(after),)
