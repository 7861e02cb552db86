"""HarfBuzz's Wasm API, as a font's program imports it: the functions that every host has, and no others.

Since HarfBuzz 8.0; ``hb-wasm-api.h`` there, and https://github.com/harfbuzz/harfbuzz/blob/main/docs/wasm-shaper.md
"""

from __future__ import annotations

MODULE = "env"
"""Name of the module that all are imported from."""
FUNCTIONS = frozenset(
    f"{subject}_{verb}"
    for subject, verbs in {
        "blob": "free",
        "buffer": "contents_realloc contents_free copy_contents set_contents get_direction get_script reverse "
        "reverse_clusters",
        "face": "create copy_table get_upem",
        "feature": "copy_contents",
        "features": "free",
        "font": "create get_face get_scale get_glyph get_glyph_h_advance get_glyph_v_advance get_glyph_extents "
        "glyph_to_string copy_glyph_outline copy_coords set_coords",
        "glyph": "outline_free",
        "script": "get_horizontal_direction",
        "shape": "with",
    }.items()
    for verb in verbs.split()
) | {"debugprint", "debugprint1", "debugprint2", "debugprint3", "debugprint4"}
