"""``Llam``: a quantised model as the engine reads it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from fontgen.errors import FontgenError
from fontgen.font.sealed import seal, struct_of, unseal, version_of
from fontgen.llama.model import (
    ModelCard,
    ModelConfig,
    PieceKind,
    PreTokenizer,
    Vocabulary,
    rope_table,
    tensor_shapes,
)
from fontgen.llama.quantised import QuantisedMatrix, QuantisedModel
from fontgen.llama.tables.layout import (
    FLAG_DUMMY_PREFIX,
    FLAG_IGNORE_MERGES,
    FLAG_NO_BOS,
    FLAG_PREFIX_UNLESS_SPACE,
    FLAG_REMOVE_EXTRA_WHITESPACES,
    FLAG_TIED_EMBEDDINGS,
    MODEL_FIELDS,
    MODEL_TAG,
    NO_TOKEN,
    SECTIONS,
)
from fontgen.llama.tables.sections import SectionReader, SectionWriter
from fontgen.llama.tables.weights import matrix_sections, take_matrix

LONGEST_TABLE = (1 << 31) - 1
_VOCABULARY_FLAGS = {
    FLAG_DUMMY_PREFIX: "add_dummy_prefix",
    FLAG_REMOVE_EXTRA_WHITESPACES: "remove_extra_whitespaces",
    FLAG_IGNORE_MERGES: "ignore_merges",
    FLAG_PREFIX_UNLESS_SPACE: "prefix_unless_space",
}
"""Attributes of a `Vocabulary`."""
_CARD_LINES = ("name", "license", "description", "source", "sha256")


def write_model(model: QuantisedModel) -> bytes:
    """Bytes of the table; raises `FontgenError` for a model that it cannot hold."""
    config, vocabulary = model.config, model.vocabulary
    arrays = _vocabulary_arrays(vocabulary) | {
        "card": np.frombuffer(_card_bytes(model.card), np.uint8),
        "rope": rope_table(config),
        "rope_factors": _rope_factors(config),
        "norms": np.stack([model.norms[name] for name in _norm_names(config)]),
    }
    names = {field.name for field in MODEL_FIELDS}
    values = {name: value for name, value in vars(config).items() if name in names}
    values |= _precision(model)
    values |= {
        "flags": _flags(config, vocabulary),
        "attention_scale": 1 / np.sqrt(config.head_size),
        "bos_token": _token(vocabulary.bos),
        "eos_token": _token(vocabulary.eos),
        "unk_token": _token(vocabulary.unk),
        "pieces_size": arrays["piece_bytes"].size,
        "n_ordered_pieces": arrays["piece_order"].size,
        "pre_tokenizer": vocabulary.pre_tokenizer,
        "n_merges": len(arrays["merges"]),
        "n_character_classes": arrays["character_classes"].size,
        "n_stop_tokens": arrays["stop_tokens"].size,
        "n_rope_factors": arrays["rope_factors"].size,
        "card_size": arrays["card"].size,
    }
    body = SectionWriter(struct_of(MODEL_FIELDS).size)
    for section in SECTIONS:
        array = arrays[section.name]
        assert array.shape == section.shape(values), section.name
        body.add(array.astype(section.dtype))
    for name in _matrix_names(config):
        for array in matrix_sections(model.matrices[name]):
            body.add(array)
    table = seal(MODEL_FIELDS, MODEL_TAG, values, body.bytes())
    if len(table) > LONGEST_TABLE:
        raise FontgenError(
            f"the weights need {len(table):,} bytes; a font table ends at {LONGEST_TABLE:,}"
        )
    return table


def read_model(data: bytes) -> QuantisedModel:
    """The model in a table; raises `FontgenError` when the table is damaged."""
    values = unseal(MODEL_FIELDS, MODEL_TAG, data)
    if not {values["bits"], values["embedding_bits"]} <= {4, 8}:
        raise FontgenError(f"table {MODEL_TAG} holds weights of {values['bits']} bits")
    config = _config(values)
    if values["pre_tokenizer"] not in iter(PreTokenizer):
        raise FontgenError(f"table {MODEL_TAG} has a pre-tokenizer {values['pre_tokenizer']}")
    sections = SectionReader(data, struct_of(MODEL_FIELDS, values["version"]).size)
    arrays = {
        section.name: sections.take(section.dtype, *section.shape(values)) for section in SECTIONS
    }
    matrices = dict(_take_matrices(sections, config, values))
    sections.end()
    norms = {
        name: row.astype(np.float32)
        for name, row in zip(_norm_names(config), arrays["norms"], strict=True)
    }
    vocabulary = _vocabulary(values, arrays)
    vocabulary.check()
    if arrays["rope_factors"].size:
        *factors, attention = arrays["rope_factors"].tolist()
        config = dataclasses.replace(config, rope_factors=tuple(factors), rope_attention=attention)
        config.check()
    return QuantisedModel(config, vocabulary, matrices, norms, _card(arrays["card"].tobytes()))


def newest_table(data: bytes, model: QuantisedModel) -> bytes:
    """The table of a model, as this version's engine reads it: ``data``, from which the model was read, or of an older
    font the same written anew."""
    values = unseal(MODEL_FIELDS, MODEL_TAG, data)
    return data if values["version"] == version_of(MODEL_FIELDS) else write_model(model)


def vocab_size(data: bytes) -> int:
    """How many tokens a table's model has; the rest is not looked at."""
    return int(unseal(MODEL_FIELDS, MODEL_TAG, data)["vocab_size"])


def _config(values: dict) -> ModelConfig:
    known = {name: values[name] for name in ModelConfig.__dataclass_fields__ if name in values}
    known["kv_cache_bits"] = values["kv_cache_bits"] or 32  # before version 3 it was not said
    tied = bool(values["flags"] & FLAG_TIED_EMBEDDINGS)
    config = ModelConfig(**known, tied_embeddings=tied)
    config.check()
    return config


def _rope_factors(config: ModelConfig) -> np.ndarray:
    if config.rope_attention == 1 and not config.rope_factors:
        return np.empty(0, np.float32)
    factors = config.rope_factors or (1.0,) * (config.head_size // 2)
    return np.array([*factors, config.rope_attention], np.float32)


def _flags(config: ModelConfig, vocabulary: Vocabulary) -> int:
    flags = FLAG_TIED_EMBEDDINGS * config.tied_embeddings
    for flag, name in _VOCABULARY_FLAGS.items():
        flags |= flag * getattr(vocabulary, name)
    return flags | FLAG_NO_BOS * (not vocabulary.add_bos)


# ---- Vocabulary ----


def _vocabulary_arrays(vocabulary: Vocabulary) -> dict[str, np.ndarray]:
    """Arrays by the names of their sections."""
    lengths = [len(piece) for piece in vocabulary.pieces]
    ordered = (PieceKind.NORMAL, PieceKind.UNUSED, PieceKind.USER_DEFINED)
    found = np.flatnonzero(np.isin(vocabulary.kinds, ordered))
    order = sorted(found.tolist(), key=lambda token: (vocabulary.pieces[token], token))
    return {
        "piece_offsets": np.cumsum([0, *lengths], dtype=np.uint32),
        "piece_bytes": np.frombuffer(b"".join(vocabulary.pieces), np.uint8),
        "piece_scores": vocabulary.scores,
        "piece_kinds": vocabulary.kinds,
        "piece_order": np.array(order, np.uint32),
        "byte_tokens": np.array(_byte_tokens(vocabulary), np.uint32),
        "merges": _sorted_merges(vocabulary.merges),
        "character_classes": vocabulary.character_classes,
        "stop_tokens": np.array(vocabulary.stops, np.uint32),
    }


def _vocabulary(values: dict, arrays: dict[str, np.ndarray]) -> Vocabulary:
    pieces, offsets = arrays["piece_bytes"].tobytes(), arrays["piece_offsets"].tolist()
    return Vocabulary(
        tuple(pieces[start:end] for start, end in zip(offsets, offsets[1:], strict=False)),
        arrays["piece_scores"].astype(np.float32),
        arrays["piece_kinds"].copy(),
        _optional(values["bos_token"]),
        _optional(values["eos_token"]),
        _optional(values["unk_token"]),
        add_bos=not values["flags"] & FLAG_NO_BOS,
        stops=tuple(arrays["stop_tokens"].tolist()),
        pre_tokenizer=PreTokenizer(values["pre_tokenizer"]),
        merges=_ranked_merges(arrays["merges"]),
        character_classes=arrays["character_classes"].astype(np.uint32),
        **{name: bool(values["flags"] & flag) for flag, name in _VOCABULARY_FLAGS.items()},
    )


def _sorted_merges(merges: np.ndarray) -> np.ndarray:
    """(left, right, made) by rank to (left, right, rank, made), sorted."""
    left, right, made = merges.T
    table = np.stack([left, right, np.arange(len(merges), dtype=np.uint32), made], axis=1)
    return table[np.lexsort((right, left))]


def _ranked_merges(table: np.ndarray) -> np.ndarray:
    """Inverse of `_sorted_merges`."""
    return table[np.argsort(table[:, 2], kind="stable")][:, [0, 1, 3]].astype(np.uint32)


def _byte_tokens(vocabulary: Vocabulary) -> list[int]:
    """The token of each byte value: the pieces of kind BYTE read ``<0xNN>``; in a byte-level vocabulary they are
    the normal ones of one byte."""
    tokens = [NO_TOKEN] * 256
    if vocabulary.byte_level:
        for token in reversed(np.flatnonzero(vocabulary.kinds == PieceKind.NORMAL).tolist()):
            if len(vocabulary.pieces[token]) == 1:
                tokens[vocabulary.pieces[token][0]] = token
        return tokens
    for token in np.flatnonzero(vocabulary.kinds == PieceKind.BYTE).tolist():
        piece = vocabulary.pieces[token]
        try:
            value = int(piece[3:5], 16) if len(piece) == 6 and piece.startswith(b"<0x") else -1
        except ValueError:
            value = -1
        if value < 0:
            raise FontgenError(f"token {token} is a byte but reads {piece!r}, not <0xNN>")
        tokens[value] = token
    return tokens


def _token(token: int | None) -> int:
    return NO_TOKEN if token is None else token


def _optional(token: int) -> int | None:
    return None if token == NO_TOKEN else token


# ---- Card ----


def _card_bytes(card: ModelCard) -> bytes:
    return "\n".join(" ".join(getattr(card, line).split()) for line in _CARD_LINES).encode()


def _card(data: bytes) -> ModelCard:
    lines = data.decode("utf-8", "replace").split("\n")
    return ModelCard(**dict(zip(_CARD_LINES, [*lines, *[""] * len(_CARD_LINES)], strict=False)))


# ---- Weights ----


def _norm_names(config: ModelConfig) -> list[str]:
    names = []
    for layer in range(config.n_layers):
        names += [f"layers.{layer}.attention_norm.weight", f"layers.{layer}.ffn_norm.weight"]
    return [*names, "norm.weight"]


def _matrix_names(config: ModelConfig) -> list[str]:
    names = ["tok_embeddings.weight"]
    for layer in range(config.n_layers):
        names += [f"layers.{layer}.attention.w{letter}.weight" for letter in "qkvo"]
        names += [f"layers.{layer}.feed_forward.w{number}.weight" for number in (1, 2, 3)]
    return names if config.tied_embeddings else [*names, "output.weight"]


def _take_matrices(
    sections: SectionReader, config: ModelConfig, values: dict
) -> Iterator[tuple[str, QuantisedMatrix]]:
    shapes = tensor_shapes(config)
    for name in _matrix_names(config):
        rows, columns = shapes[name]
        bits = values["bits" if name.startswith("layers.") else "embedding_bits"]
        yield name, take_matrix(sections, rows, columns, bits, values["group_size"])


def _precision(model: QuantisedModel) -> dict[str, int]:
    """Header values for the precision of the matrices; raises `FontgenError` for a mixture that it cannot say."""
    kinds: tuple[dict[tuple[int, int], str], dict[tuple[int, int], str]] = ({}, {})
    for name, matrix in model.matrices.items():
        kinds[name.startswith("layers.")].setdefault((matrix.bits, matrix.group_size), name)
    embedding, layers = kinds
    sizes = {size for _, size in embedding | layers if size}
    if len(embedding) != 1 or len(layers) != 1 or len(sizes) > 1:
        raise FontgenError("the layers' matrices differ in bits or group size")
    (embedding_bits, embedding_size), (bits, size) = *embedding, *layers
    for pair in ((embedding_bits, embedding_size), (bits, size)):
        if pair[0] not in (4, 8) or (pair[0] == 4) != bool(pair[1]) or pair[1] % 8:
            raise FontgenError(f"no kernel for weights of {pair[0]} bits in groups of {pair[1]}")
    return {"bits": bits, "embedding_bits": embedding_bits, "group_size": max(sizes, default=0)}
