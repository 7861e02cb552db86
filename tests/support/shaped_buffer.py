"""A buffer of any code points, shaped by the font's program and looked at."""

from __future__ import annotations

from types import ModuleType


def shaped(
    uharfbuzz: ModuleType,
    font: object,
    codepoints: list[int],
    direction: str,
    script: str,
    features: dict,
) -> list[tuple]:
    """Glyph, cluster and position of each; clusters are asserted to be in order and within the text."""
    buffer = uharfbuzz.Buffer()
    buffer.add_codepoints(codepoints)
    buffer.direction, buffer.script, buffer.language = direction, script, "en"
    uharfbuzz.shape(font, buffer, features, shapers=["wasm"])
    clusters = [info.cluster for info in buffer.glyph_infos]
    assert clusters == sorted(clusters, reverse=direction in ("rtl", "btt"))
    assert not clusters or 0 <= min(clusters) <= max(clusters) < len(codepoints)
    return [
        (info.codepoint, info.cluster, *position.position)
        for info, position in zip(buffer.glyph_infos, buffer.glyph_positions or (), strict=True)
    ]
