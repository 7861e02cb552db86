"""The tables' layout, byte by byte: this file is the one description of both.

``Llam`` holds the model: a header, then sections in a fixed order whose sizes follow from the header alone.
``Lset`` holds what the shaper must know of every text, triggered or not, so that plain text is shaped
without touching the weights.

Both are little-endian, as WebAssembly is and the rest of the font is not, since the engine computes on the
bytes where they lie. Both begin with a four-letter magic, a version, their length and an Adler-32 checksum
(RFC 1950) of everything behind it. A reader refuses what it does not know; the shaper then shapes plain text.

Codecs, C structs and the page for people are made from the lists below.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fontgen.font.sealed import PREAMBLE, Field

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
FLAG_NO_BOS = 8
FLAG_IGNORE_MERGES = 16
FLAG_PREFIX_UNLESS_SPACE = 32

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
    Field(
        "flags",
        "I",
        "1: tied embeddings; 2: a space goes before a text; 4: spaces collapse; 8: BOS does not begin a text; "
        "16: a split that is a piece is not merged; 32: no space before a text that has one",
    ),
    Field("norm_eps", "f", "epsilon of RMSNorm"),
    Field("attention_scale", "f", "1 / sqrt(head size), rounded to float32"),
    Field(
        "bos_token", "I", "begins a text, at least an empty one, and ends a story when generated"
    ),
    Field("eos_token", "I", "ends a story; 0xFFFFFFFF: none"),
    Field("unk_token", "I", "stands for what has no token; 0xFFFFFFFF: none"),
    Field("pieces_size", "I", "bytes of the section `piece_bytes`"),
    Field("n_ordered_pieces", "I", "entries of the section `piece_order`"),
    Field("card_size", "I", "bytes of the section `card`"),
    Field("rope_theta", "f", "base of RoPE; for people, the engine uses the section `rope`"),
    Field(
        "pre_tokenizer",
        "I",
        "0: sentencepiece's BPE; else byte-level, split as 1 gpt-2, 2 smollm, 3 llama-bpe, 4 qwen2",
        since=2,
    ),
    Field("n_merges", "I", "entries of the section `merges`", since=2),
    Field("n_character_classes", "I", "entries of the section `character_classes`", since=2),
    Field("n_stop_tokens", "I", "entries of the section `stop_tokens`", since=2),
    Field(
        "n_rope_factors",
        "I",
        "entries of the section `rope_factors`: head_size / 2 + 1, or none",
        since=2,
    ),
    Field(
        "kv_cache_bits",
        "I",
        "of an element of the KV cache: 32, a float, or 16, a float16 (IEEE 754) that was rounded to nearest even",
        since=3,
    ),
)
SETTINGS_FIELDS = PREAMBLE + (
    Field("kept_marks", "I", "exclamation marks of a run that stay what they are"),
    Field("max_tokens_per_call", "I", "positions that one shape call may compute; 0: some 100 ms"),
    Field("n_replacements", "I", "words that are shown as others, the longest first"),
    Field("temperature", "I", "in hundredths; 0 takes the most likely token", since=2),
    Field("top_p", "I", "hundredths of the probability to sample from; 0: all", since=2),
    Field("top_k", "I", "most likely tokens to sample from; 0: all", since=2),
    Field("seed", "I", "chooses among the possible continuations", since=2),
    Field("no_repeat", "I", "tokens of a sequence that is not told twice; 0: any may be", since=2),
    Field(
        "n_before", "I", "tokens of the frame before all text, BOS included; 0: BOS alone", since=2
    ),
    Field("n_after", "I", "tokens of the frame after each typed text", since=2),
    Field("n_between", "I", "tokens of the frame before each typed text but the first", since=2),
    Field("n_stops", "I", "tokens that end a run, besides those of the vocabulary", since=2),
)


@dataclass(frozen=True)
class Section:
    """An array behind the model's header.

    dtype: NumPy's name of an element's type. shape: of the header's values, the lengths of its axes.
    written: the same for people. meaning: in a line.
    """

    name: str
    dtype: str
    shape: Callable[[Mapping[str, int]], tuple[int, ...]]
    written: str
    meaning: str


SECTIONS = (
    Section(
        "piece_offsets", "<u4", lambda h: (h["vocab_size"] + 1,),
        "uint32[vocab_size + 1]", "where each piece begins in `piece_bytes`",
    ),
    Section(
        "piece_bytes", "u1", lambda h: (h["pieces_size"],),
        "uint8[pieces_size]", "UTF-8 of the pieces, at most 255 bytes each",
    ),
    Section(
        "piece_scores", "<f4", lambda h: (h["vocab_size"],),
        "float32[vocab_size]", "the neighbours of the higher score merge first",
    ),
    Section(
        "piece_kinds", "u1", lambda h: (h["vocab_size"],),
        "uint8[vocab_size]", "0 normal, 1 unknown, 2 control, 3 byte, 4 unused, 5 never encoded, 6 user-defined",
    ),
    Section(
        "piece_order", "<u4", lambda h: (h["n_ordered_pieces"],),
        "uint32[n_ordered_pieces]", "normal, unused and user-defined pieces sorted by bytes, for binary search",
    ),
    Section(
        "byte_tokens", "<u4", lambda h: (256,),
        "uint32[256]", "token of each byte; 0xFFFFFFFF: none",
    ),
    Section(
        "merges", "<u4", lambda h: (h["n_merges"], 4),
        "uint32[n_merges][4]", "left, right token, rank, token made; sorted by left, then right",
    ),
    Section(
        "character_classes", "<u4", lambda h: (h["n_character_classes"],),
        "uint32[n_character_classes]",
        "first code point * 4 + 0 other, 1 letter, 2 number, 3 white space; ascending, up to the next",
    ),
    Section(
        "stop_tokens", "<u4", lambda h: (h["n_stop_tokens"],),
        "uint32[n_stop_tokens]", "end a story when generated, as BOS and EOS do",
    ),
    Section(
        "card", "u1", lambda h: (h["card_size"],),
        "uint8[card_size]", "name, licence, description, source, SHA-256; UTF-8 lines",
    ),
    Section(
        "rope", "<f4", lambda h: (h["context_length"], h["dim"] // h["n_heads"] // 2, 2),
        "float32[context_length][head_size / 2][2]", "cosine and sine of each angle",
    ),
    Section(
        "rope_factors", "<f4", lambda h: (h["n_rope_factors"],),
        "float32[n_rope_factors]",
        "what RoPE's frequencies are divided by, then what cosines and sines are multiplied by; for people, as "
        "rope_theta is",
    ),
    Section(
        "norms", "<f4", lambda h: (2 * h["n_layers"] + 1, h["dim"]),
        "float32[2 * n_layers + 1][dim]", "RMSNorm: per layer attention, ffn; then final",
    ),
)  # fmt: skip
"""In file order. Behind them lie the matrices, which `weights` describes."""
