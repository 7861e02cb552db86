"""Small checkpoints for the tests, in every format that fontgen reads.

Random weights of one shape (grouped-query attention, sizes that are no powers of two) and a
tokenizer trained on a few lines, written by each ecosystem's own writer: `struct` for llama2.c
(after its ``export.py`` and ``tokenizer.py``), `safetensors`, `sentencepiece`, `gguf`.
"""

from __future__ import annotations

import functools
import io
import json
import struct
from pathlib import Path

import numpy as np
import safetensors.numpy
import sentencepiece

from fontgen.checkpoints import tokenizers
from fontgen.model import Model, ModelCard, ModelConfig, Vocabulary, tensor_shapes

VOCAB_SIZE = 320
SPACE = "\N{LOWER ONE EIGHTH BLOCK}"
TEXT = """The little fox lived in the wood. One day the fox met a hen.
"Hello, little hen," said the fox. "Let's play by the old oak tree!"
The hen was not sure. She looked at the fox, and the fox looked at her.
In the end they played all day, and Tom's café sold them 12 little cakes."""


def small_config(**changes: object) -> ModelConfig:
    values: dict[str, object] = dict(
        dim=24,
        hidden_dim=44,
        n_layers=3,
        n_heads=6,
        n_kv_heads=2,
        vocab_size=VOCAB_SIZE,
        context_length=40,
        tied_embeddings=True,
    )
    return ModelConfig(**{**values, **changes})  # type: ignore[arg-type]


def random_tensors(config: ModelConfig, seed: int = 0) -> dict[str, np.ndarray]:
    """Weights of about the sizes that training gives; norms near 1."""
    rng = np.random.default_rng(seed)
    tensors = {}
    for name, shape in tensor_shapes(config).items():
        if len(shape) == 1:
            tensors[name] = rng.uniform(0.5, 1.5, shape).astype(np.float32)
        else:
            tensors[name] = (rng.standard_normal(shape) / np.sqrt(shape[1])).astype(np.float32)
    return tensors


def random_model(seed: int = 0, **changes: object) -> Model:
    config = small_config(**changes)
    return Model(config, random_tensors(config, seed), small_vocabulary(), ModelCard("random"))


@functools.cache
def sentencepiece_model(**options: object) -> bytes:
    """A trained ``tokenizer.model``; ``options`` go to the trainer."""
    output = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXT.splitlines()),
        model_writer=output,
        minloglevel=2,
        **{
            "model_type": "bpe",
            "vocab_size": VOCAB_SIZE,
            "byte_fallback": True,
            "normalization_rule_name": "identity",
            "character_coverage": 1.0,
            **options,
        },
    )
    return output.getvalue()


def small_vocabulary() -> Vocabulary:
    return tokenizers.decode_sentencepiece(sentencepiece_model())


def encode(vocabulary: Vocabulary, text: str) -> list[int]:
    """Tokens of a text by llama2.c's plain rule: the neighbours of the best score merge first.

    sentencepiece itself is the oracle for this function, and this for tokenizers in other files.
    """
    ids = {
        piece: token
        for token, piece in enumerate(vocabulary.pieces)
        if vocabulary.kinds[token] == 0
    }
    byte_ids = {
        int(piece[3:5], 16): token
        for token, piece in enumerate(vocabulary.pieces)
        if vocabulary.kinds[token] == 3
    }
    if vocabulary.add_dummy_prefix and text:
        text = " " + text
    symbols = [character.encode() for character in text]
    while True:
        pairs = [
            (vocabulary.scores[ids[pair]], -i)
            for i in range(len(symbols) - 1)
            if (pair := symbols[i] + symbols[i + 1]) in ids
        ]
        if not pairs:
            break
        i = -max(pairs)[1]
        symbols[i : i + 2] = [symbols[i] + symbols[i + 1]]
    tokens: list[int] = []
    for symbol in symbols:
        tokens += [ids[symbol]] if symbol in ids else [byte_ids[byte] for byte in symbol]
    return tokens


# llama2.c


def llama2c_header(config: ModelConfig) -> list[int]:
    return [
        config.dim,
        config.hidden_dim,
        config.n_layers,
        config.n_heads,
        config.n_kv_heads,
        config.vocab_size,
        config.context_length,
    ]


def llama2c_v0(model: Model) -> bytes:
    config = model.config
    header = llama2c_header(config)
    header[5] *= 1 if config.tied_embeddings else -1
    parts = [struct.pack("<7i", *header)]

    def add(name: str) -> None:
        parts.append(model.tensors[name].astype("<f4").tobytes())

    def add_layers(name: str) -> None:
        for layer in range(config.n_layers):
            add(f"layers.{layer}.{name}.weight")

    add("tok_embeddings.weight")
    add_layers("attention_norm")
    for name in ("wq", "wk", "wv", "wo"):
        add_layers(f"attention.{name}")
    add_layers("ffn_norm")
    for name in ("w1", "w2", "w3"):
        add_layers(f"feed_forward.{name}")
    add("norm.weight")
    tables = np.full((2, config.context_length, config.head_size // 2), 99.0, "<f4")
    parts.append(tables.tobytes())
    if not config.tied_embeddings:
        add("output.weight")
    return b"".join(parts)


def llama2c_v1(model: Model, *, group_size: int = 0) -> bytes:
    """Version 1, or version 2 when a group size is given."""
    config, tensors = model.config, model.tensors
    version = 2 if group_size else 1
    header = b"24ka" + struct.pack("<i7i", version, *llama2c_header(config))
    header += struct.pack("<B", config.tied_embeddings)
    if group_size:
        header += struct.pack("<i", group_size)
    parts = [header.ljust(256, b"\0")]
    layers = range(config.n_layers)
    norms = [f"layers.{layer}.attention_norm.weight" for layer in layers]
    norms += [f"layers.{layer}.ffn_norm.weight" for layer in layers] + ["norm.weight"]
    matrices = ["tok_embeddings.weight"]
    for kind in ("attention.wq", "attention.wk", "attention.wv", "attention.wo",
                 "feed_forward.w1", "feed_forward.w2", "feed_forward.w3"):  # fmt: skip
        matrices += [f"layers.{layer}.{kind}.weight" for layer in layers]
    if not config.tied_embeddings:
        matrices.append("output.weight")
    parts += [tensors[name].astype("<f4").tobytes() for name in norms]
    for name in matrices:
        if group_size:
            groups = tensors[name].reshape(-1, group_size)
            scales = np.abs(groups).max(axis=1, keepdims=True) / np.float32(127)
            parts.append(np.rint(groups / scales).astype(np.int8).tobytes())
            parts.append(scales.astype("<f4").tobytes())
        else:
            parts.append(tensors[name].astype("<f4").tobytes())
    return b"".join(parts)


def llama2c_tokenizer() -> bytes:
    """``tokenizer.bin`` of the small vocabulary, as llama2.c's ``tokenizer.py`` writes it."""
    processor = sentencepiece.SentencePieceProcessor(model_proto=sentencepiece_model())
    pieces = []
    for token in range(processor.get_piece_size()):
        piece = processor.id_to_piece(token)
        if token in (processor.bos_id(), processor.eos_id()):
            piece = f"\n{piece}\n"
        pieces.append(piece.replace(SPACE, " ").encode())
    data = struct.pack("<I", max(map(len, pieces)))
    for token, piece in enumerate(pieces):
        data += struct.pack("<fI", processor.get_score(token), len(piece)) + piece
    return data


def write_llama2c(folder: Path, model: Model) -> Path:
    (folder / "tokenizer.bin").write_bytes(llama2c_tokenizer())
    (folder / "model.bin").write_bytes(llama2c_v0(model))
    return folder / "model.bin"


# This project's folders


def own_config(model: Model) -> dict[str, object]:
    config = model.config
    return {
        "name": "tiny",
        "license": "MIT",
        "description": "for tests",
        "dim": config.dim,
        "n_layers": config.n_layers,
        "n_heads": config.n_heads,
        "n_kv_heads": config.n_kv_heads,
        "hidden_dim": config.hidden_dim,
        "vocab_size": config.vocab_size,
        "max_seq_len": config.context_length,
        "norm_eps": config.norm_eps,
        "rope_theta": config.rope_theta,
        "tied_embeddings": config.tied_embeddings,
    }


def write_own(folder: Path, model: Model, **changes: object) -> Path:
    folder.mkdir(exist_ok=True)
    safetensors.numpy.save_file(model.tensors, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({**own_config(model), **changes}))
    (folder / "tokenizer.model").write_bytes(sentencepiece_model())
    return folder
