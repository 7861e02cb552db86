"""What a model needs, in the font and in the memory of its shaper, and whether that can be had."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np

from fontgen.errors import FontgenError
from fontgen.llama.limits import FONT_LIMIT, LARGEST_CONTEXT, PAGE_CONTEXT, WASM_LIMIT
from fontgen.llama.model import ModelConfig, tensor_shapes

RESERVE = 16 << 20
"""Bytes left for the base font, the vocabulary, the engine, activations and logits."""


@dataclass(frozen=True)
class Target:
    """What a checkpoint is read for.

    bits: of a weight in the font, 8 or 4.
    context_length: positions that the font's engine has room for; None: the model's own, at most `PAGE_CONTEXT`.
    kv_cache_bits: of an element of the KV cache, 32 or 16.
    """

    bits: int = 8
    context_length: int | None = None
    kv_cache_bits: int = 32


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
    """Bytes of keys and values for a full context."""
    element = config.kv_cache_bits // 8
    return 2 * element * config.n_layers * config.context_length * config.kv_dim


def memory_bytes(config: ModelConfig, bits: int = 8) -> int:
    """Bytes of Wasm memory that the engine needs: weights, KV cache, a table of RoPE's angles, and the rest."""
    angles = 4 * config.context_length * config.head_size
    return weight_bytes(config, bits) + kv_cache_bytes(config) + angles + RESERVE


def arithmetic(config: ModelConfig, bits: int = 8) -> str:
    """`memory_bytes` in words."""
    return (
        f"{memory_bytes(config, bits):,} bytes of Wasm memory: {bits}-bit weights {weight_bytes(config, bits):,}, "
        f"a KV cache of {kv_cache_bytes(config):,} (2 x {config.n_layers} layers x {config.context_length:,} "
        f"positions x {config.kv_dim} x {config.kv_cache_bits // 8} bytes), about {RESERVE:,} for the rest"
    )


def fit(config: ModelConfig, target: Target) -> ModelConfig:
    """The configuration as it goes into the font: checked, its context shortened to the target's.

    Raises:
        FontgenError: it is no Llama transformer, or no font can hold or run it; with the arithmetic.
    """
    config.check()
    own, wanted = config.context_length, target.context_length
    if wanted is None:
        wanted = min(own, PAGE_CONTEXT)
    elif not 1 <= wanted <= min(own, LARGEST_CONTEXT):
        raise FontgenError(
            f"a context of {wanted:,} positions is not within 1 to {min(own, LARGEST_CONTEXT):,}: "
            f"the model was trained for {own:,}"
        )
    config = dataclasses.replace(
        config,
        context_length=wanted,
        trained_length=own,
        rope_theta=float(np.float32(config.rope_theta)),  # as the font's table will have it
        kv_cache_bits=target.kv_cache_bits,
    )
    weights = weight_bytes(config, target.bits)
    if weights + RESERVE >= FONT_LIMIT:
        raise FontgenError(
            f"the model is too large for a font: {target.bits}-bit weights need {weights:,} bytes and the "
            f"rest about {RESERVE:,}, but HarfBuzz opens no font of {FONT_LIMIT:,} bytes or more"
        )
    if memory_bytes(config, target.bits) > WASM_LIMIT:
        raise FontgenError(
            f"the model is too large for Wasm, whose memory ends at {WASM_LIMIT:,} bytes: it needs "
            f"{arithmetic(config, target.bits)}; a shorter context helps (--context, model.context_length)"
        )
    return config
