"""What no font's model may exceed: the one source, for the builder and the engine.

The engine gets the first four through the C header of the font tables. The others are facts about formats;
what fontgen's host gives stands in `fontgen.host.limits`.
"""

from __future__ import annotations

LARGEST_DIMENSION = 1 << 16
"""Elements of the residual stream and of the feed-forward layer."""
LARGEST_CONTEXT = 1 << 16
"""Positions."""
LARGEST_VOCABULARY = 1 << 20
"""Tokens."""
LARGEST_N_LAYERS = 1 << 10

FONT_LIMIT = 1 << 31
"""Bytes of the largest font that HarfBuzz opens, exclusive (``hb_blob_create_or_fail``). The tables of a font have
32-bit offsets and lengths (OpenType, "Font organization"), which is more."""
WASM_LIMIT = 1 << 32
"""Bytes of the largest wasm32 memory."""
PAGE_CONTEXT = 2048
"""Positions of a model of longer context in a font, unless the configuration says another number: pages of text."""
