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
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
import sentencepiece

from fontgen.llama.checkpoints.sentencepiece_model import decode_sentencepiece
from fontgen.llama.model import Model, ModelCard, ModelConfig, Vocabulary, tensor_shapes

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
    return decode_sentencepiece(sentencepiece_model())


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


# Hugging Face


def halves_from_pairs(weight: np.ndarray, n_heads: int) -> np.ndarray:
    """Rows of a query or key matrix in Hugging Face's order: ``permute`` of transformers'
    ``convert_llama_weights_to_hf.py``."""
    rows, dim = weight.shape
    pairs = weight.reshape(n_heads, rows // n_heads // 2, 2, dim)
    return np.ascontiguousarray(pairs.transpose(0, 2, 1, 3).reshape(rows, dim))


def huggingface_tensors(model: Model) -> dict[str, np.ndarray]:
    config, tensors = model.config, model.tensors
    renamed = {
        "model.embed_tokens.weight": tensors["tok_embeddings.weight"],
        "model.norm.weight": tensors["norm.weight"],
    }
    if not config.tied_embeddings:
        renamed["lm_head.weight"] = tensors["output.weight"]
    for layer in range(config.n_layers):
        ours, theirs = f"layers.{layer}.", f"model.layers.{layer}."
        wq, wk = (tensors[f"{ours}attention.{name}.weight"] for name in ("wq", "wk"))
        renamed[f"{theirs}self_attn.q_proj.weight"] = halves_from_pairs(wq, config.n_heads)
        renamed[f"{theirs}self_attn.k_proj.weight"] = halves_from_pairs(wk, config.n_kv_heads)
        for here, there in (
            ("attention.wv", "self_attn.v_proj"),
            ("attention.wo", "self_attn.o_proj"),
            ("feed_forward.w1", "mlp.gate_proj"),
            ("feed_forward.w2", "mlp.down_proj"),
            ("feed_forward.w3", "mlp.up_proj"),
            ("attention_norm", "input_layernorm"),
            ("ffn_norm", "post_attention_layernorm"),
        ):
            renamed[f"{theirs}{there}.weight"] = tensors[f"{ours}{here}.weight"]
    return renamed


def huggingface_config(model: Model) -> dict[str, object]:
    """``config.json`` as transformers 4 writes it."""
    config = model.config
    return {
        "architectures": ["LlamaForCausalLM"],
        "attention_bias": False,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "hidden_act": "silu",
        "hidden_size": config.dim,
        "intermediate_size": config.hidden_dim,
        "max_position_embeddings": config.context_length,
        "mlp_bias": False,
        "model_type": "llama",
        "num_attention_heads": config.n_heads,
        "num_hidden_layers": config.n_layers,
        "num_key_value_heads": config.n_kv_heads,
        "rms_norm_eps": config.norm_eps,
        "rope_scaling": None,
        "rope_theta": config.rope_theta,
        "tie_word_embeddings": config.tied_embeddings,
        "torch_dtype": "float32",
        "vocab_size": config.vocab_size,
    }


def write_huggingface(folder: Path, model: Model, *, shards: int = 1, **changes: object) -> Path:
    folder.mkdir(exist_ok=True)
    tensors = huggingface_tensors(model)
    if shards == 1:
        safetensors.numpy.save_file(tensors, folder / "model.safetensors")
    else:
        weight_map = {}
        for shard in range(shards):
            file = f"model-{shard + 1:05}-of-{shards:05}.safetensors"
            names = list(tensors)[shard::shards]
            safetensors.numpy.save_file({name: tensors[name] for name in names}, folder / file)
            weight_map.update(dict.fromkeys(names, file))
        (folder / "model.safetensors.index.json").write_text(
            json.dumps({"metadata": {}, "weight_map": weight_map})
        )
    (folder / "config.json").write_text(json.dumps({**huggingface_config(model), **changes}))
    (folder / "tokenizer.model").write_bytes(sentencepiece_model())
    return folder


def tokenizer_json(*, metaspace: bool = False, vocab_size: int = VOCAB_SIZE) -> dict[str, Any]:
    """``tokenizer.json`` of a vocabulary, with merges as transformers' ``generate_merges``
    lists them, and spaces written by a normalizer (Llama 2) or a pre-tokenizer (since 2024)."""
    vocabulary = decode_sentencepiece(sentencepiece_model(vocab_size=vocab_size))
    pieces = [piece.decode().replace(" ", SPACE) for piece in vocabulary.pieces]
    ids = {piece: token for token, piece in enumerate(pieces)}
    merges = []
    for token in np.argsort(-vocabulary.scores, kind="stable"):
        if vocabulary.kinds[token] == 0:
            piece = pieces[token]
            splits = [(piece[:at], piece[at:]) for at in range(1, len(piece))]
            ways = [split for split in splits if split[0] in ids and split[1] in ids]
            merges += sorted(ways, key=lambda way: (ids[way[0]], ids[way[1]]))
    replace = {"type": "Replace", "pattern": {"String": " "}, "content": SPACE}
    prepend = {"type": "Prepend", "prepend": SPACE}
    sequence = {"type": "Sequence", "normalizers": [prepend, replace]}
    spaces = {"type": "Metaspace", "replacement": SPACE, "prepend_scheme": "first", "split": False}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {
                "id": token,
                "content": pieces[token],
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": True,
            }
            for token in range(3)
        ],
        "normalizer": None if metaspace else sequence,
        "pre_tokenizer": spaces if metaspace else None,
        "post_processor": None,
        "decoder": None,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": "<unk>",
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": True,
            "byte_fallback": True,
            "ignore_merges": False,
            "vocab": ids,
            "merges": [list(way) for way in merges] if metaspace else [" ".join(w) for w in merges],
        },
    }  # fmt: skip


# GGUF


def write_gguf(
    path: Path,
    model: Model,
    *,
    weight_type: str = "F32",
    architecture: str = "llama",
    tokenizer: Callable[[Any, Vocabulary], None] | None = None,
    fields: Callable[[Any], None] = lambda writer: None,
    tensors: dict[str, np.ndarray] | None = None,
    endianess: Any = None,
) -> Path:
    """A GGUF file, named and laid out as llama.cpp's ``convert_hf_to_gguf.py`` does.

    ``weight_type`` is of the matrices; ``tokenizer`` adds the vocabulary, sentencepiece's by default; ``fields`` may
    add to the metadata, ``tensors`` to the rest.
    """
    import gguf

    config = model.config
    writer = gguf.GGUFWriter(path, architecture, endianess=endianess or gguf.GGUFEndian.LITTLE)
    writer.add_name("tiny")
    writer.add_license("mit")
    writer.add_context_length(config.context_length)
    writer.add_embedding_length(config.dim)
    writer.add_block_count(config.n_layers)
    writer.add_feed_forward_length(config.hidden_dim)
    writer.add_head_count(config.n_heads)
    writer.add_head_count_kv(config.n_kv_heads)
    writer.add_layer_norm_rms_eps(config.norm_eps)
    writer.add_rope_freq_base(config.rope_theta)
    writer.add_rope_dimension_count(config.head_size)
    (tokenizer or _add_sentencepiece)(writer, model.vocabulary)
    fields(writer)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config.n_layers)
    quantised = gguf.GGMLQuantizationType[weight_type]
    for name, tensor in {**model.tensors, **(tensors or {})}.items():
        stem = name.removesuffix(".weight")
        renamed = f"{names.get_name(stem) or stem}.weight"
        if tensor.ndim == 1 or weight_type == "F32":
            writer.add_tensor(renamed, tensor)
        else:
            data = gguf.quantize(tensor, quantised)
            writer.add_tensor(renamed, data, raw_dtype=quantised)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add_sentencepiece(writer: Any, vocabulary: Vocabulary) -> None:
    types = {0: 1, 1: 2, 2: 3, 3: 6, 4: 5}
    writer.add_tokenizer_model("llama")
    writer.add_token_list([p.decode().replace(" ", SPACE) for p in vocabulary.pieces])
    writer.add_token_scores([float(score) for score in vocabulary.scores])
    writer.add_token_types([types[int(kind)] for kind in vocabulary.kinds])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
