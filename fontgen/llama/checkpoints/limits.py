"""What cannot become a font, with the arithmetic.

Three ceilings, whatever the quantiser:

- the tables of a font have 32-bit offsets and lengths (OpenType, "Font organization");
- HarfBuzz's ``hb_blob_create_or_fail`` refuses data of 2 GiB and more, so no such font shapes;
- a wasm32 memory has at most 4 GiB, which hold the weights and the KV cache.
"""

from __future__ import annotations

import math

from fontgen.errors import FontgenError
from fontgen.llama.model import ModelConfig, tensor_shapes

FONT_LIMIT = 1 << 31
"""Bytes of the largest font that HarfBuzz opens, exclusive."""
MEMORY_LIMIT = 1 << 32
"""Bytes of the largest wasm32 memory."""
RESERVE = 16 << 20
"""Bytes left for the base font, the vocabulary, the engine, activations and logits."""


def weight_bytes(config: ModelConfig, bits: int = 8) -> int:
    """Bytes of the weights in a font: ``bits`` for each weight of a matrix, a float32 scale for
    each of its rows, float32 vectors. A lower bound: layouts pad, and groups need more scales."""
    total = 0
    for shape in tensor_shapes(config).values():
        if len(shape) == 2:
            total += -(-math.prod(shape) * bits // 8) + 4 * shape[0]
        else:
            total += 4 * math.prod(shape)
    return total


def kv_cache_bytes(config: ModelConfig) -> int:
    """Bytes of float32 keys and values for a full context."""
    return 2 * 4 * config.n_layers * config.context_length * config.kv_dim


def check_fits(config: ModelConfig, *, bits: int = 8) -> None:
    """Raise `FontgenError`, with the arithmetic, when no font can hold or run such a model.

    Args:
        config: of the model; its ``context_length`` decides the size of the KV cache.
        bits: width of a quantised weight.
    """
    # A guard, not a ceiling: `tensor_shapes` lists every tensor of what may be a damaged header.
    if config.n_layers > 1024:
        raise FontgenError(f"n_layers is {config.n_layers}, which no Llama model has")
    weights = weight_bytes(config, bits)
    if weights + RESERVE >= FONT_LIMIT:
        raise FontgenError(
            f"the model is too large for a font: {bits}-bit weights need {weights:,} bytes and the "
            f"rest about {RESERVE:,}, but HarfBuzz opens no font of {FONT_LIMIT:,} bytes or more"
        )
    cache = kv_cache_bytes(config)
    if weights + cache + RESERVE > MEMORY_LIMIT:
        raise FontgenError(
            f"the model is too large for Wasm: weights of {weights:,} bytes, a KV cache of "
            f"{cache:,} (2 x {config.n_layers} layers x {config.context_length} positions x "
            f"{config.kv_dim} x 4 bytes) and about {RESERVE:,} for the rest exceed the "
            f"{MEMORY_LIMIT:,} bytes of a wasm32 memory; a shorter context would help"
        )
