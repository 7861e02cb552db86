"""Whether two fonts shape plain text alike: HarfBuzz is asked, in every script."""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType

from fontgen.font.file import FontFile

TEXTS = {
    "Latn": "office fi! a\u0301",
    "Arab": "سلام عليكم",
    "Beng": "কি ক্ষ",
    "Deva": "हिन्दी र्क",
    "Hang": "\u1112\u1161\u11ab 한글",
    "Hebr": "שָׁלוֹם",
    "Java": "\ua9b2\ua9ba\ua982",
    "Khmr": "ភាសាខ្មែរ",
    "Mlym": "കെ മോ",
    "Mymr": "ကေ ငြိမ်း",
    "Sinh": "කෙ ශ්‍රී",
    "Taml": "கெ மொழி",
    "Thai": "ภาษาไทย น้ำ",
    "Tibt": "བོད་སྐད",
}
"""Of each way that HarfBuzz has to shape; the first letters of some stand behind their vowels when shown."""

Glyphs = list[tuple[int, ...]]
"""Glyph, cluster, offsets and advances of each."""


def difference(
    hb: ModuleType, base: FontFile, built: bytes, texts: Iterable[str], shaper: str = "ot"
) -> str | None:
    """The first text that the built font shapes otherwise than its base does by OpenType; None: there is none."""
    for text in texts:
        wanted = glyphs(hb, base.data, text, index=base.index)
        found = glyphs(hb, built, text, shaper)
        if found != wanted:
            return f"{text!r} is shaped as {found}, not {wanted}"
    return None


def glyphs(hb: ModuleType, data: bytes, text: str, shaper: str = "ot", index: int = 0) -> Glyphs:
    """What HarfBuzz makes of a text; ``hb``: whichever uharfbuzz."""
    font = hb.Font(hb.Face(hb.Blob(data), index))
    buffer = hb.Buffer()
    buffer.add_str(text)
    buffer.guess_segment_properties()
    hb.shape(font, buffer, {}, shapers=[shaper])
    shaped = zip(buffer.glyph_infos, buffer.glyph_positions or (), strict=False)
    return [(info.codepoint, info.cluster, *position.position) for info, position in shaped]
