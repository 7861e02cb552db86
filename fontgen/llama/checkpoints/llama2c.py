"""llama2.c's ``.bin`` checkpoints, which its ``export.py`` writes and ``run.c``, ``runq.c`` read.

Version 0, "legacy": seven int32 (dim, hidden_dim, n_layers, n_heads, n_kv_heads, vocab_size,
seq_len; a negative vocab_size says that the classifier is not tied), then float32 tensors, each
kind for all layers in turn, with two tables of RoPE's cosines and sines before the classifier.

Versions 1 and 2 begin with 256 bytes: the magic "ak42" as a little-endian uint32, the version, the
same seven int32, one byte that is 1 for a tied classifier, and in version 2 the group size (int32,
unaligned). Norms come first. Version 1 is float32. In version 2 every matrix is int8, row by row,
followed by a float32 scale for each group of consecutive elements.

All is little-endian. None records RoPE's theta or the norm's epsilon: run.c's 10000 and 1e-5 hold.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
import struct
from pathlib import Path

import numpy as np

from fontgen.errors import FontgenError
from fontgen.llama.checkpoints import tokenizers
from fontgen.llama.checkpoints.known import card_of
from fontgen.llama.memory import Target, fit
from fontgen.llama.model import Model, ModelCard, ModelConfig, tensor_shapes

MAGIC = b"24ka"
"""``0x616b3432``, "ak42", as it lies in the file."""
HEADER = struct.Struct("<7i")
VERSIONED_HEADER_SIZE = 256

MATRICES = (
    "attention.wq.weight",
    "attention.wk.weight",
    "attention.wv.weight",
    "attention.wo.weight",
    "feed_forward.w1.weight",
    "feed_forward.w2.weight",
    "feed_forward.w3.weight",
)
ROPE_TABLES = "freqs"
"""Stands for version 0's cosine and sine tables in a list of tensors."""


def read(path: Path, tokenizer: Path | None, target: Target) -> Model:
    """Read a checkpoint and the tokenizer given or beside it.

    Raises:
        FontgenError: not a llama2.c checkpoint, or its header does not match its size.
    """
    data = path.read_bytes()
    version, config, group_size, offset = _read_header(data)
    fitted = fit(config, target)
    order = _tensor_order(version, config)
    shapes = tensor_shapes(config)
    shapes[ROPE_TABLES] = (2, config.context_length, config.head_size // 2)
    needed = offset + sum(_tensor_bytes(shapes[name], group_size) for name in order)
    if needed != len(data):
        numbers = ", ".join(
            f"{name} {getattr(config, name)}"
            for name in ("dim", "hidden_dim", "n_layers", "n_heads", "n_kv_heads", "vocab_size")
        )
        raise FontgenError(
            f"{'is cut short' if len(data) < needed else 'does not match its header'}: "
            f"version {version}, {numbers}, context {config.context_length}, classifier "
            f"{'tied' if config.tied_embeddings else 'untied'} needs {needed:,} bytes, "
            f"has {len(data):,}"
        )
    tensors = {}
    for name in order:
        shape = shapes[name]
        size = _tensor_bytes(shape, group_size)
        if name != ROPE_TABLES:
            tensors[name] = _decode(memoryview(data)[offset : offset + size], shape, group_size)
        offset += size
    digest = hashlib.sha256(data).hexdigest()
    card = card_of(digest) or ModelCard(name=path.stem)
    card = dataclasses.replace(card, source=path.name, sha256=digest)
    vocabulary = tokenizers.read_fitting(tokenizer, path.parent, config.vocab_size, path)
    return Model(fitted, {name: tensors[name] for name in tensor_shapes(config)}, vocabulary, card)


def _read_header(data: bytes) -> tuple[int, ModelConfig, int, int]:
    """Version, configuration, group size (0: float32) and offset of the first tensor."""
    if data[:4] == MAGIC:
        if len(data) < VERSIONED_HEADER_SIZE:
            raise FontgenError(
                f"is cut short: its header needs {VERSIONED_HEADER_SIZE} bytes, has {len(data)}"
            )
        version, *numbers, tied, group_size = struct.unpack_from("<i7iBi", data, 4)
        if version not in (1, 2):
            raise FontgenError(f"is llama2.c's version {version}; versions 0, 1 and 2 are read")
        if version == 1:
            group_size = 0
        config = _config(numbers, tied=bool(tied))
        config.check()
        if version == 2 and (group_size < 1 or config.dim % group_size):
            raise FontgenError(f"its group size {group_size} does not divide dim {config.dim}")
        return version, config, group_size, VERSIONED_HEADER_SIZE
    if len(data) < HEADER.size:
        raise FontgenError(
            f"is not a checkpoint: llama2.c's header alone needs {HEADER.size} bytes, "
            f"has {len(data)}"
        )
    numbers = list(HEADER.unpack_from(data))
    config = _config([*numbers[:5], abs(numbers[5]), numbers[6]], tied=numbers[5] > 0)
    try:
        config.check()
    except FontgenError as error:
        raise FontgenError(
            f"is not a checkpoint that fontgen reads (taken for llama2.c's: {error.cause})"
        ) from error
    return 0, config, 0, HEADER.size


def _config(numbers: list[int], *, tied: bool) -> ModelConfig:
    dim, hidden_dim, n_layers, n_heads, n_kv_heads, vocab_size, context_length = numbers
    return ModelConfig(
        dim=dim,
        hidden_dim=hidden_dim,
        n_layers=n_layers,
        n_heads=n_heads,
        n_kv_heads=n_kv_heads,
        vocab_size=vocab_size,
        context_length=context_length,
        tied_embeddings=tied,
    )


def _tensor_order(version: int, config: ModelConfig) -> list[str]:
    """Names of the tensors in file order."""

    def of_layers(name: str) -> list[str]:
        return [f"layers.{layer}.{name}" for layer in range(config.n_layers)]

    matrices = [name for matrix in MATRICES for name in of_layers(matrix)]
    classifier = [] if config.tied_embeddings else ["output.weight"]
    if version == 0:
        of_attention = 4 * config.n_layers
        return [
            "tok_embeddings.weight",
            *of_layers("attention_norm.weight"),
            *matrices[:of_attention],
            *of_layers("ffn_norm.weight"),
            *matrices[of_attention:],
            "norm.weight",
            ROPE_TABLES,
            *classifier,
        ]
    return [
        *of_layers("attention_norm.weight"),
        *of_layers("ffn_norm.weight"),
        "norm.weight",
        "tok_embeddings.weight",
        *matrices,
        *classifier,
    ]


def _tensor_bytes(shape: tuple[int, ...], group_size: int) -> int:
    size = math.prod(shape)
    if group_size and len(shape) == 2:
        return size + size // group_size * 4
    return 4 * size


def _decode(data: memoryview, shape: tuple[int, ...], group_size: int) -> np.ndarray:
    """float32 tensor; in version 2 a weight is its int8 times its group's scale, as in runq.c."""
    if not (group_size and len(shape) == 2):
        return np.frombuffer(data, "<f4").astype(np.float32, copy=False).reshape(shape)
    size = math.prod(shape)
    weights = np.frombuffer(data, np.int8, size).reshape(-1, group_size)
    scales = np.frombuffer(data, "<f4", offset=size).reshape(-1, 1)
    return (weights.astype(np.float32) * scales).astype(np.float32).reshape(shape)
