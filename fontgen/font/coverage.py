"""What a font can show, as HarfBuzz sees it: whatever kind its ``cmap`` is, Mac Roman and Symbol included."""

from __future__ import annotations

from itertools import chain

import uharfbuzz

from fontgen.font.file import FontFile

_LATIN_1 = range(0x20, 0x100)
"""Mac Roman and Symbol character maps list codes of their own, by which HarfBuzz finds these."""


class Coverage:
    """The characters that a font has glyphs for.

    >>> "a" in Coverage(font)      # doctest: +SKIP
    True
    """

    def __init__(self, file: FontFile):
        self._face = uharfbuzz.Face(uharfbuzz.Blob(file.data), file.index)
        self._font = uharfbuzz.Font(self._face)
        self._unicodes = self._face.unicodes

    def __contains__(self, character: str) -> bool:
        return bool(self._font.get_nominal_glyph(ord(character)))

    def __bool__(self) -> bool:
        return any(self._font.get_nominal_glyph(code) for code in chain(_LATIN_1, self._unicodes))

    def has_all(self, text: str) -> bool:
        """Whether every character of a text has a glyph."""
        return all(character in self for character in text)

    def table(self, tag: str) -> bytes:
        """A table's bytes; none where HarfBuzz does not find it."""
        return bytes(self._face.reference_table(str(tag)).data)
