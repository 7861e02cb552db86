"""Small models with random weights, of any shape: what the engine must compute does not depend on sense."""

from __future__ import annotations

import numpy as np

from fontgen.llama.model import (
    Model,
    ModelCard,
    ModelConfig,
    PieceKind,
    Vocabulary,
    tensor_shapes,
)


def byte_vocabulary(extra: tuple[str, ...] = (), **options: bool) -> Vocabulary:
    """<unk>, BOS, EOS, 256 bytes, then the given pieces, the earlier ones merging first."""
    pieces = [b"<unk>", b"<s>", b"</s>"] + [b"<0x%02X>" % byte for byte in range(256)]
    kinds = [PieceKind.UNKNOWN, PieceKind.CONTROL, PieceKind.CONTROL] + [PieceKind.BYTE] * 256
    pieces += [piece.encode() for piece in extra]
    kinds += [PieceKind.NORMAL] * len(extra)
    scores = np.zeros(len(pieces), np.float32)
    scores[259:] = -np.arange(len(extra), dtype=np.float32)
    return Vocabulary(tuple(pieces), scores, np.array(kinds, np.uint8), **options)


LETTERS = (
    " ",
    "a",
    "b",
    "c",
    "é",
    "ж",
    "😀",
    " a",
    "ab",
    " ab",
    "bc",
    "abc",
    " abc",
    "  ",
    "жж",
    "!",
)


def random_model(
    *,
    dim: int = 16,
    hidden_dim: int = 20,
    n_layers: int = 2,
    n_heads: int = 4,
    n_kv_heads: int = 2,
    context_length: int = 24,
    kv_cache_bits: int = 32,
    tied_embeddings: bool = True,
    vocabulary: Vocabulary | None = None,
    seed: int = 0,
    spread: float = 0.5,
) -> Model:
    """A checked model with normally distributed weights; ``spread`` is their standard deviation."""
    vocabulary = vocabulary or byte_vocabulary(LETTERS)
    config = ModelConfig(
        dim, hidden_dim, n_layers, n_heads, n_kv_heads, len(vocabulary), context_length,
        tied_embeddings=tied_embeddings, kv_cache_bits=kv_cache_bits,
    )  # fmt: skip
    random = np.random.default_rng(seed)
    tensors = {
        name: (random.standard_normal(shape) * spread).astype(np.float32)
        for name, shape in tensor_shapes(config).items()
    }
    model = Model(config, tensors, vocabulary, ModelCard("random", "CC0-1.0", "for tests"))
    model.check()
    return model
