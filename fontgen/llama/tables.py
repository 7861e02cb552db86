"""The two font tables that the shaper reads, byte by byte: this file is the one description of both.

``Llam`` holds the model: a header, then sections in a fixed order whose sizes follow from the header alone.
``Lset`` holds what the shaper must know of every text, triggered or not, so that plain text is shaped
without touching the weights.

Both are little-endian, as WebAssembly is and the rest of the font is not, since the engine computes on the
bytes where they lie. Both begin with a four-letter magic, a version, their length and an Adler-32 checksum
(RFC 1950) of everything behind it. A reader refuses what it does not know; the shaper then shapes plain text.

The C side gets its structs from `c_header`, written out at each build of the shaper; the page for people,
``wasm/llama/TABLES.md``, is written by ``python -m fontgen.llama.tables`` and checked by a test.
"""

from __future__ import annotations

import struct
import sys
from dataclasses import dataclass

import numpy as np

from fontgen.errors import FontgenError
from fontgen.font.sealed import PREAMBLE, Field, c_struct, c_tag, seal, struct_of, unseal
from fontgen.llama.model import (
    ModelCard,
    ModelConfig,
    PieceKind,
    Vocabulary,
    tensor_shapes,
)
from fontgen.llama.quantised import QuantisedMatrix, QuantisedModel

MODEL_TAG = "Llam"
SETTINGS_TAG = "Lset"
ALIGNMENT = 64
"""Sections begin at multiples of this from the start of the table."""
BLOCK_ROWS = 16
"""Rows of a matrix that are stored interleaved: the outputs that four SIMD registers hold."""
UNIT_BYTES = 4
"""Bytes of one row that stand side by side: 4 columns of 8 bits, or 8 columns of 4."""
NO_TOKEN = 0xFFFFFFFF
FLAG_TIED_EMBEDDINGS = 1
FLAG_DUMMY_PREFIX = 2
FLAG_REMOVE_EXTRA_WHITESPACES = 4


MODEL_FIELDS = PREAMBLE + (
    Field("dim", "I", "width of the residual stream"),
    Field("hidden_dim", "I", "width of the feed-forward layer"),
    Field("n_layers", "I", "transformer layers"),
    Field("n_heads", "I", "attention heads; a head has dim / n_heads elements, an even number"),
    Field("n_kv_heads", "I", "key and value heads (grouped-query attention), a divisor of n_heads"),
    Field("vocab_size", "I", "tokens"),
    Field("context_length", "I", "positions that the model was trained for"),
    Field("bits", "I", "bits of a weight of the layers: 8 or 4"),
    Field("embedding_bits", "I", "bits of a weight of embedding and classifier: 8 or 4"),
    Field("group_size", "I", "columns that share a group scale, at 4 bits: a multiple of 8"),
    Field("flags", "I", "1: tied embeddings; 2: a space goes before a text; 4: spaces collapse"),
    Field("norm_eps", "f", "epsilon of RMSNorm"),
    Field("attention_scale", "f", "1 / sqrt(head size), rounded to float32"),
    Field("bos_token", "I", "begins every text, and ends a story when generated"),
    Field("eos_token", "I", "ends a story; 0xFFFFFFFF: none"),
    Field("unk_token", "I", "stands for what has no token; 0xFFFFFFFF: none"),
    Field("pieces_size", "I", "bytes of the section `piece_bytes`"),
    Field("n_normal_pieces", "I", "entries of the section `piece_order`"),
    Field("card_size", "I", "bytes of the section `card`"),
    Field("rope_theta", "f", "base of RoPE; for people, the engine uses the section `rope`"),
)
SETTINGS_FIELDS = PREAMBLE + (
    Field("kept_marks", "I", "exclamation marks of a run that stay what they are"),
    Field("max_tokens_per_call", "I", "positions that one shape call may compute; 0: some 100 ms"),
    Field("n_replacements", "I", "words that are shown as others, the longest first"),
)

SECTIONS = (
    ("piece_offsets", "uint32[vocab_size + 1]", "where each piece begins in `piece_bytes`"),
    ("piece_bytes", "uint8[pieces_size]", "UTF-8 of the pieces, at most 255 bytes each"),
    ("piece_scores", "float32[vocab_size]", "the neighbours of the higher score merge first"),
    ("piece_kinds", "uint8[vocab_size]", "0 normal, 1 unknown, 2 control, 3 byte, 4 unused"),
    ("piece_order", "uint32[n_normal_pieces]", "normal pieces sorted by bytes, for binary search"),
    ("byte_tokens", "uint32[256]", "token of each byte; 0xFFFFFFFF: none"),
    ("card", "uint8[card_size]", "name, licence, description, source, SHA-256; UTF-8 lines"),
    ("rope", "float32[context_length][head_size / 2][2]", "cosine and sine of each angle"),
    ("norms", "float32[2 * n_layers + 1][dim]", "RMSNorm: per layer attention, ffn; then final"),
    ("matrices", "see below", "embedding; per layer wq wk wv wo w1 w2 w3; classifier unless tied"),
)

_MATRICES_TEXT = f"""\
A matrix of R rows (outputs) and C columns (inputs) is stored with R rounded up to a multiple of {BLOCK_ROWS} and C to
a multiple of 4 at 8 bits, of 8 at 4 bits; the padding is zero weights with a zero scale. At 8 bits it is two sections:

    scales   float32[R]                         weight = scale * integer
    weights  uint8[R / {BLOCK_ROWS}][C / 4][{BLOCK_ROWS}][4]     row block, column quad, row, column

so that one sequential stream feeds {BLOCK_ROWS} outputs at a time. A weight is a signed byte in -127..127; the even
columns have 128 added (their top bit flipped), which lets a 16-bit lane hold `(w0 + 128) + 256 * w1`: see
`matmul_simd128.c` for how that is multiplied. At 4 bits it is three, with G = C / group_size, rounded up:

    scales        float32[R]                     weight = scale * group scale * integer
    group_scales  uint8[R / {BLOCK_ROWS}][G][{BLOCK_ROWS}]
    weights       uint8[R / {BLOCK_ROWS}][C / 8][{BLOCK_ROWS}][4]   row block, column octet, row, 8 columns

A weight is in -8..7, the first column of a byte in its low half. Three columns of each four have 8 added, all but the
fourth, so that a 16-bit lane holds `(w0 + 8) + 16 * (w1 + 8) + 256 * (w2 + 8) + 4096 * w3`."""


@dataclass(frozen=True)
class Settings:
    """What the shaper must know of every text.

    kept_marks: a run of ``!`` longer than this is replaced by one token for each mark past the number.
    max_tokens_per_call: positions that one shape call computes before it leaves the rest for the next; 0: as
        many as take about 100 ms with the default model, which depends on the flavour.
    replacements: words of the typed text that are shown as others.
    """

    kept_marks: int = 3
    max_tokens_per_call: int = 0
    replacements: tuple[tuple[str, str], ...] = ()

    def check(self) -> None:
        if not 0 <= self.kept_marks <= 1000:
            raise FontgenError(f"kept_marks is {self.kept_marks}, outside 0 to 1000")
        if not 0 <= self.max_tokens_per_call <= 1_000_000:
            raise FontgenError(
                f"max_tokens_per_call is {self.max_tokens_per_call}, outside 0 to 1000000"
            )
        for word, shown in self.replacements:
            if not 1 <= len(word) <= 255 or not 1 <= len(shown) <= 255:
                raise FontgenError(
                    f"the replacement of {word!r} has not 1 to 255 characters on each side"
                )
        if len({word for word, _ in self.replacements}) < len(self.replacements):
            raise FontgenError("a word has two replacements")


def write_settings(settings: Settings) -> bytes:
    """Bytes of the ``Lset`` table."""
    settings.check()
    values = vars(settings) | {"n_replacements": len(settings.replacements)}
    words = sorted(
        settings.replacements, key=lambda replacement: (-len(replacement[0]), replacement)
    )
    body = b"".join(
        struct.pack("<2I", len(word), len(shown)) + (word + shown).encode("utf-32-le")
        for word, shown in words
    )
    return seal(SETTINGS_FIELDS, SETTINGS_TAG, values, body)


def read_settings(data: bytes) -> Settings:
    """The settings in an ``Lset`` table; raises `FontgenError` when it is damaged."""
    values = unseal(SETTINGS_FIELDS, SETTINGS_TAG, data)
    words = np.frombuffer(data, "<u4", offset=struct_of(SETTINGS_FIELDS).size).tolist()
    replacements = []
    for _ in range(values["n_replacements"]):
        n_word, n_shown, *words = words or (0, 0)
        word, shown = words[:n_word], words[n_word : n_word + n_shown]
        replacements.append(("".join(map(chr, word)), "".join(map(chr, shown))))
        words = words[n_word + n_shown :]
    settings = Settings(values["kept_marks"], values["max_tokens_per_call"], tuple(replacements))
    settings.check()
    return settings


def rope_table(config: ModelConfig) -> np.ndarray:
    """Cosines and sines of RoPE (Su et al. 2021, arXiv:2104.09864), float32 (context, head_size/2, 2).

    Computed in double precision and rounded once, and stored as data: `cos` differs between C libraries.
    """
    pair = np.arange(0, config.head_size, 2, dtype=np.float64)
    frequencies = float(config.rope_theta) ** (-pair / config.head_size)
    angles = np.arange(config.context_length, dtype=np.float64)[:, None] * frequencies
    return np.stack([np.cos(angles), np.sin(angles)], axis=-1).astype(np.float32)


def _round_up(n: int, multiple: int) -> int:
    return -(-n // multiple) * multiple


def pack_weights(values: np.ndarray, bits: int = 8) -> np.ndarray:
    """int8 (rows, columns) to uint8 in the stored order (row block, column unit, row, byte)."""
    rows, columns = values.shape
    unit_columns = 8 * UNIT_BYTES // bits
    padded = np.zeros((_round_up(rows, BLOCK_ROWS), _round_up(columns, unit_columns)), np.int8)
    padded[:rows, :columns] = values
    stored: np.ndarray = padded.view(np.uint8)
    if bits == 8:
        stored[:, 0::2] ^= 0x80
    else:
        nibbles = (stored & 0xF) ^ _OFFSET_NIBBLES[np.arange(padded.shape[1]) % 4]
        stored = nibbles[:, 0::2] | nibbles[:, 1::2] << 4
    blocks = stored.reshape(-1, BLOCK_ROWS, stored.shape[1] // UNIT_BYTES, UNIT_BYTES)
    return np.ascontiguousarray(blocks.transpose(0, 2, 1, 3))


def unpack_weights(stored: np.ndarray, rows: int, columns: int, bits: int = 8) -> np.ndarray:
    """Inverse of `pack_weights`: int8 (rows, columns)."""
    units = _round_up(columns, 8 * UNIT_BYTES // bits) * bits // (8 * UNIT_BYTES)
    blocks = stored.reshape(-1, units, BLOCK_ROWS, UNIT_BYTES)
    padded = blocks.transpose(0, 2, 1, 3).reshape(_round_up(rows, BLOCK_ROWS), -1).copy()
    if bits == 8:
        padded[:, 0::2] ^= 0x80
        return padded.view(np.int8)[:rows, :columns].copy()
    nibbles = np.stack([padded & 0xF, padded >> 4], axis=-1).reshape(len(padded), -1)
    nibbles = nibbles ^ _OFFSET_NIBBLES[np.arange(nibbles.shape[1]) % 4]
    return ((nibbles ^ 8).astype(np.int8) - 8)[:rows, :columns]


_OFFSET_NIBBLES = np.array([8, 8, 8, 0], np.uint8)
"""Flipping the top bit of four bits adds 8 to the signed number that they stand for, as unsigned."""


def _pack_group_scales(scales: np.ndarray) -> np.ndarray:
    """uint8 (rows, groups) to the stored order (row block, group, row)."""
    padded = np.zeros((_round_up(len(scales), BLOCK_ROWS), scales.shape[1]), np.uint8)
    padded[: len(scales)] = scales
    return np.ascontiguousarray(padded.reshape(-1, BLOCK_ROWS, scales.shape[1]).transpose(0, 2, 1))


def _norm_names(config: ModelConfig) -> list[str]:
    names = []
    for layer in range(config.n_layers):
        names += [f"layers.{layer}.attention_norm.weight", f"layers.{layer}.ffn_norm.weight"]
    return names + ["norm.weight"]


def _matrix_names(config: ModelConfig) -> list[str]:
    names = ["tok_embeddings.weight"]
    for layer in range(config.n_layers):
        names += [f"layers.{layer}.attention.w{letter}.weight" for letter in "qkvo"]
        names += [f"layers.{layer}.feed_forward.w{number}.weight" for number in (1, 2, 3)]
    return names if config.tied_embeddings else names + ["output.weight"]


def _card_bytes(card: ModelCard) -> bytes:
    fields = (card.name, card.license, card.description, card.source, card.sha256)
    return "\n".join(" ".join(field.split()) for field in fields).encode()


def write_model(model: QuantisedModel) -> bytes:
    """Bytes of the ``Llam`` table."""
    config, vocabulary = model.config, model.vocabulary
    lengths = np.array([len(piece) for piece in vocabulary.pieces], dtype=np.uint32)
    normal = np.flatnonzero(vocabulary.kinds == PieceKind.NORMAL)
    order = sorted(normal.tolist(), key=lambda token: (vocabulary.pieces[token], token))
    pieces = b"".join(vocabulary.pieces)
    card = _card_bytes(model.card)
    body = _Body(struct_of(MODEL_FIELDS).size)
    body.add(np.concatenate([[0], np.cumsum(lengths)]).astype("<u4"))
    body.add(np.frombuffer(pieces, dtype=np.uint8))
    body.add(vocabulary.scores.astype("<f4"))
    body.add(vocabulary.kinds.astype(np.uint8))
    body.add(np.array(order, dtype="<u4"))
    body.add(np.array(_byte_tokens(vocabulary), dtype="<u4"))
    body.add(np.frombuffer(card, dtype=np.uint8))
    body.add(rope_table(config).astype("<f4"))
    body.add(np.stack([model.norms[name] for name in _norm_names(config)]).astype("<f4"))
    for name in _matrix_names(config):
        matrix = model.matrices[name]
        scales = np.zeros(_round_up(len(matrix.scales), BLOCK_ROWS), dtype="<f4")
        scales[: len(matrix.scales)] = matrix.scales
        body.add(scales)
        if matrix.group_scales is not None:
            body.add(_pack_group_scales(matrix.group_scales))
        body.add(pack_weights(matrix.values, matrix.bits))
    flags = FLAG_TIED_EMBEDDINGS * config.tied_embeddings
    flags |= FLAG_DUMMY_PREFIX * vocabulary.add_dummy_prefix
    flags |= FLAG_REMOVE_EXTRA_WHITESPACES * vocabulary.remove_extra_whitespaces
    values = {
        field.name: getattr(config, field.name)
        for field in MODEL_FIELDS
        if hasattr(config, field.name)
    }
    values |= {
        **_bits_of(model),
        "flags": flags,
        "attention_scale": 1 / np.sqrt(config.head_size),
        "bos_token": _token(vocabulary.bos),
        "eos_token": _token(vocabulary.eos),
        "unk_token": _token(vocabulary.unk),
        "pieces_size": len(pieces),
        "n_normal_pieces": len(order),
        "card_size": len(card),
    }
    table = seal(MODEL_FIELDS, MODEL_TAG, values, body.bytes())
    if len(table) >= 1 << 31:
        raise FontgenError(f"the weights need {len(table)} bytes; a font table ends at 2147483648")
    return table


def read_model(data: bytes) -> QuantisedModel:
    """The model in an ``Llam`` table; raises `FontgenError` when the table is damaged."""
    values = unseal(MODEL_FIELDS, MODEL_TAG, data)
    if not {values["bits"], values["embedding_bits"]} <= {4, 8}:
        raise FontgenError(f"table {MODEL_TAG} holds weights of {values['bits']} bits")
    names = (field.name for field in MODEL_FIELDS)
    known = {name: values[name] for name in names if name in ModelConfig.__dataclass_fields__}
    tied = bool(values["flags"] & FLAG_TIED_EMBEDDINGS)
    config = ModelConfig(**known, tied_embeddings=tied)
    config.check()
    sections = _Sections(data, struct_of(MODEL_FIELDS).size)
    vocab = config.vocab_size
    offsets = sections.take("<u4", vocab + 1)
    pieces = sections.take(np.uint8, values["pieces_size"]).tobytes()
    scores = sections.take("<f4", vocab).astype(np.float32)
    kinds = sections.take(np.uint8, vocab).copy()
    sections.take("<u4", values["n_normal_pieces"])
    sections.take("<u4", 256)
    card = sections.take(np.uint8, values["card_size"]).tobytes().decode("utf-8", "replace")
    sections.take("<f4", config.context_length * config.head_size)
    norm_names = _norm_names(config)
    norms = sections.take("<f4", len(norm_names) * config.dim).reshape(-1, config.dim)
    shapes = tensor_shapes(config)
    matrices = {}
    for name in _matrix_names(config):
        rows, columns = shapes[name]
        bits = values["bits" if name.startswith("layers.") else "embedding_bits"]
        matrices[name] = _take_matrix(sections, rows, columns, bits, values["group_size"])
    sections.end()
    vocabulary = Vocabulary(
        tuple(pieces[offsets[i] : offsets[i + 1]] for i in range(vocab)),
        scores,
        kinds,
        _optional(values["bos_token"]),
        _optional(values["eos_token"]),
        _optional(values["unk_token"]),
        bool(values["flags"] & FLAG_DUMMY_PREFIX),
        bool(values["flags"] & FLAG_REMOVE_EXTRA_WHITESPACES),
    )
    vocabulary.check()
    named_norms = {
        name: row.astype(np.float32) for name, row in zip(norm_names, norms, strict=True)
    }
    lines = (card.split("\n") + [""] * 5)[:5]
    return QuantisedModel(config, vocabulary, matrices, named_norms, ModelCard(*lines))


def _bits_of(model: QuantisedModel) -> dict[str, int]:
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


def _take_matrix(
    sections: _Sections, rows: int, columns: int, bits: int, group_size: int
) -> QuantisedMatrix:
    padded_rows = _round_up(rows, BLOCK_ROWS)
    scales = sections.take("<f4", padded_rows)[:rows].astype(np.float32)
    group_scales = None
    if bits == 8:
        group_size = 0
    elif group_size < 1:
        raise FontgenError(f"table {MODEL_TAG} has weights of 4 bits without groups")
    else:
        groups = -(-columns // group_size)
        stored = sections.take(np.uint8, padded_rows * groups).reshape(-1, groups, BLOCK_ROWS)
        group_scales = stored.transpose(0, 2, 1).reshape(padded_rows, groups)[:rows].copy()
    unit_columns = 8 * UNIT_BYTES // bits
    stored = sections.take(np.uint8, padded_rows * _round_up(columns, unit_columns) * bits // 8)
    values = unpack_weights(stored, rows, columns, bits)
    return QuantisedMatrix(values, scales, bits, group_size, group_scales)


def _token(token: int | None) -> int:
    return NO_TOKEN if token is None else token


def _optional(token: int) -> int | None:
    return None if token == NO_TOKEN else token


def _byte_tokens(vocabulary: Vocabulary) -> list[int]:
    """The token of each byte value: the pieces of kind BYTE read ``<0xNN>``."""
    tokens = [NO_TOKEN] * 256
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


class _Body:
    """Sections one after the other, each at a multiple of `ALIGNMENT` from the table's start."""

    def __init__(self, offset: int):
        self._offset = offset
        self._parts: list[bytes] = []

    def add(self, section: np.ndarray) -> None:
        padding = -self._offset % ALIGNMENT
        self._parts += [bytes(padding), section.tobytes()]
        self._offset += padding + section.nbytes

    def bytes(self) -> bytes:
        return b"".join(self._parts)


class _Sections:
    """Reads back what `_Body` wrote."""

    def __init__(self, data: bytes, offset: int):
        self._data, self._offset = data, offset

    def take(self, dtype: str | type, count: int) -> np.ndarray:
        start = _round_up(self._offset, ALIGNMENT)
        self._offset = start + count * np.dtype(dtype).itemsize
        if self._offset > len(self._data):
            raise FontgenError(f"table {MODEL_TAG} is shorter than its header promises")
        return np.frombuffer(self._data, dtype=dtype, count=count, offset=start)

    def end(self) -> None:
        if self._offset != len(self._data):
            raise FontgenError(f"table {MODEL_TAG} is longer than its header promises")


def c_header() -> str:
    """The C side of this file: constants and the two header structs."""
    lines = [
        "/* Written by fontgen/llama/tables.py at each build: change the layout there. */",
        "#ifndef FONT_TABLES_H",
        "#define FONT_TABLES_H",
        "#include <stdint.h>",
        "",
    ]
    constants = {
        "TABLE_ALIGNMENT": ALIGNMENT,
        "BLOCK_ROWS": BLOCK_ROWS,
        "UNIT_BYTES": UNIT_BYTES,
        "NO_TOKEN": f"{NO_TOKEN:#x}u",
        "FLAG_TIED_EMBEDDINGS": FLAG_TIED_EMBEDDINGS,
        "FLAG_DUMMY_PREFIX": FLAG_DUMMY_PREFIX,
        "FLAG_REMOVE_EXTRA_WHITESPACES": FLAG_REMOVE_EXTRA_WHITESPACES,
    }
    lines += [f"#define {name} {value}" for name, value in constants.items()]
    lines += [f"#define PIECE_{kind.name} {kind.value}" for kind in PieceKind]
    for tag, fields, name in (
        (MODEL_TAG, MODEL_FIELDS, "model_header"),
        (SETTINGS_TAG, SETTINGS_FIELDS, "settings_header"),
    ):
        lines += ["", c_tag(tag, f"{name.split('_')[0].upper()}_TAG"), *c_struct(fields, name)]
    return "\n".join(lines + ["#endif", ""])


def markdown() -> str:
    """The page for people, ``wasm/llama/TABLES.md``."""
    lines = ["# The font's own tables", "", "Written by `python -m fontgen.llama.tables`.", ""]
    docstring = (__doc__ or "").split("\n\n")
    lines += [docstring[1], "", docstring[2], ""]
    for tag, fields, title in (
        (MODEL_TAG, MODEL_FIELDS, "the model"),
        (SETTINGS_TAG, SETTINGS_FIELDS, "settings"),
    ):
        lines += [
            f"## `{tag}`: {title}",
            "",
            "| offset | type | field | meaning |",
            "|---|---|---|---|",
        ]
        offset = 0
        for field in fields:
            kind = {"4s": "char[4]", "I": "uint32", "f": "float32"}[field.code]
            lines.append(f"| {offset} | {kind} | {field.name} | {field.meaning} |")
            offset += struct.calcsize("<" + field.code)
        lines.append("")
        if tag == MODEL_TAG:
            lines += [f"Then the sections, each at the next multiple of {ALIGNMENT} bytes:", ""]
            lines += ["| section | type | meaning |", "|---|---|---|"]
            lines += [f"| {name} | {kind} | {meaning} |" for name, kind, meaning in SECTIONS]
            lines += ["", _MATRICES_TEXT, ""]
        else:
            lines += [
                "Then, for each replacement, the uint32 lengths of the word and of what is shown instead,",
                "and the code points of both, as uint32.",
                "",
            ]
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    sys.stdout.write(markdown())
