"""Shapes texts with a font through the host, and with OpenType alone, and prints both as JSON.

    python shape_texts.py FONT TEXT...

A program of its own, since the host reads its settings once per process.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any


def glyphs(buffer: Any) -> list[list[int]]:
    """[glyph, cluster, x advance, x offset] of each glyph."""
    return [
        [info.codepoint, info.cluster, position.x_advance, position.x_offset]
        for info, position in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True)
    ]


def main() -> None:
    from fontgen.host import native as host

    uharfbuzz = host.load()
    path, *texts = sys.argv[1:]
    # One face for all texts: what a text does to it, the next one meets.
    font = uharfbuzz.Font(uharfbuzz.Face(Path(path).read_bytes()))
    results = []
    for text in texts:
        shapings = []
        started = time.monotonic()
        for shapers in (None, ["ot"]):
            buffer = uharfbuzz.Buffer()
            buffer.add_str(text)
            buffer.guess_segment_properties()
            uharfbuzz.shape(font, buffer, {"kern": True}, shapers=shapers)
            shapings.append(glyphs(buffer))
            if shapers is None:
                milliseconds = 1000 * (time.monotonic() - started)
        results.append(
            {"text": text, "glyphs": shapings[0], "opentype": shapings[1], "ms": milliseconds}
        )
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
