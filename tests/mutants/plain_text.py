"""Whether a font that was built on a damaged one shapes plain text as that does: HarfBuzz is asked, in both."""

from __future__ import annotations

from pathlib import Path

import uharfbuzz

TEXTS = ("The cat! abc fi", "fix bcd, a.z", "\u05e9\u05dc\u05d5\u05dd", "\u0939\u093f")


def difference(base: Path, built: Path) -> str | None:
    """The text that differs; None: none does."""
    fonts = [_font(path) for path in (base, built)]
    for text in TEXTS:
        before, after = (_shape(font, text) for font in fonts)
        if before != after:
            return f"{text!r} is shaped as {after}, not {before}"
    return None


def _font(path: Path) -> uharfbuzz.Font:
    return uharfbuzz.Font(uharfbuzz.Face(uharfbuzz.Blob(path.read_bytes())))


def _shape(font: uharfbuzz.Font, text: str) -> list[tuple[int, ...]]:
    buffer = uharfbuzz.Buffer()
    buffer.add_str(text)
    buffer.guess_segment_properties()
    uharfbuzz.shape(font, buffer, {}, shapers=["ot"])
    glyphs = zip(buffer.glyph_infos, buffer.glyph_positions or (), strict=False)
    return [(info.codepoint, info.cluster, *position.position) for info, position in glyphs]
