"""Byte-level BPE (Radford et al. 2019, 2.2), as Hugging Face's `tokenizers` and GGUF's ``gpt2`` write it down.

Text is split by a regular expression, and within a split the bytes merge, pair by pair, in the order of a list.
Pieces are written in letters that stand for bytes (``bytes_to_unicode`` of GPT-2's ``encoder.py``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from fontgen.errors import FontgenError
from fontgen.llama.character_classes import character_classes
from fontgen.llama.checkpoints.vocabulary import settle_user_defined
from fontgen.llama.model import PieceKind, PreTokenizer, Vocabulary

_CONTRACTIONS = "'s|'t|'re|'ve|'m|'ll|'d"
_GPT_2 = rf"{_CONTRACTIONS}| ?\p{{L}}+| ?\p{{N}}+| ?[^\s\p{{L}}\p{{N}}]+|\s+(?!\S)|\s+"
_CL100K = (
    rf"(?i:{_CONTRACTIONS})|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}%s| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
REGULAR_EXPRESSIONS = {
    _GPT_2: PreTokenizer.GPT_2,
    _CL100K % "{1,3}": PreTokenizer.LLAMA_BPE,
    _CL100K % "": PreTokenizer.QWEN2,
}
"""As they stand in ``tokenizer.json``."""
GGUF_NAMES = {
    "gpt-2": PreTokenizer.GPT_2,
    "gpt2": PreTokenizer.GPT_2,
    "phi-2": PreTokenizer.GPT_2,
    "smollm": PreTokenizer.SMOLLM,
    "llama-bpe": PreTokenizer.LLAMA_BPE,
    "llama3": PreTokenizer.LLAMA_BPE,
    "llama-v3": PreTokenizer.LLAMA_BPE,
    "falcon3": PreTokenizer.LLAMA_BPE,
    "qwen2": PreTokenizer.QWEN2,
    "deepseek-r1-qwen": PreTokenizer.QWEN2,
}
"""Values of ``tokenizer.ggml.pre``, as llama.cpp's ``llama-vocab.cpp`` understands them."""


def _letters() -> dict[str, int]:
    """The byte that each letter stands for: the visible ones of Latin-1 stand for themselves."""
    own = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in own]
    return {chr(byte): byte for byte in own} | {chr(256 + i): b for i, b in enumerate(others)}


LETTERS = _letters()


def spelled_bytes(piece: str) -> bytes:
    """The bytes of a piece; raises `FontgenError` for a letter that stands for none."""
    try:
        return bytes(LETTERS[letter] for letter in piece)
    except KeyError as error:
        raise FontgenError(
            f"has a piece {piece!r} with a letter that stands for no byte"
        ) from error


def make_byte_level_vocabulary(
    pieces: Sequence[str],
    types: Sequence[int],
    merges: Iterable[Any],
    pre_tokenizer: PreTokenizer,
    *,
    bos: int | None,
    eos: int | None,
    unk: int | None = None,
    **options: Any,
) -> Vocabulary:
    """A `Vocabulary` of pieces in order of their ids.

    Args:
        pieces: spelled in GPT-2's letters where they are normal, else as they are.
        types: sentencepiece's, as in `fontgen.llama.checkpoints.vocabulary`.
        merges: ``"left right"`` or ``[left, right]``, best first.
        options: other attributes of the vocabulary.

    Raises:
        FontgenError: a merge names what is no piece, or makes none; an added piece is another's letter.
    """
    kinds = settle_user_defined(list(pieces), list(types))
    for piece, kind in zip(pieces, kinds, strict=True):
        if kind == PieceKind.USER_DEFINED and not piece.isascii() and piece in LETTERS:
            raise FontgenError(f"adds {piece!r}, which stands for a byte")
    spelled = tuple(
        spelled_bytes(piece) if kind == PieceKind.NORMAL else piece.encode()
        for piece, kind in zip(pieces, kinds, strict=True)
    )
    return Vocabulary(
        spelled,
        np.zeros(len(spelled), np.float32),
        np.array(kinds, np.uint8),
        bos,
        eos,
        unk,
        add_dummy_prefix=options.pop("add_dummy_prefix", False),
        pre_tokenizer=pre_tokenizer,
        merges=_by_tokens(merges, pieces, kinds),
        character_classes=character_classes(),
        **options,
    )


def _by_tokens(
    merges: Iterable[Any], pieces: Sequence[str], kinds: Sequence[PieceKind]
) -> np.ndarray:
    """uint32 (n, 3): left, right, made. Of two rules for a pair the later one counts, as in `tokenizers`."""
    # A piece that was added once more is never merged, but its merges stay in the list.
    known = (PieceKind.NORMAL, PieceKind.USER_DEFINED)
    ids = {piece: token for token, piece in enumerate(pieces) if kinds[token] in known}
    rules: dict[tuple[int, int], int] = {}
    for merge in merges:
        left, right = merge.split(" ") if isinstance(merge, str) else merge
        for piece in (left, right, left + right):
            if piece not in ids:
                raise FontgenError(f"merges {left!r} and {right!r}, but {piece!r} is no piece")
        rules.pop((ids[left], ids[right]), None)
        rules[ids[left], ids[right]] = ids[left + right]
    return np.array([(*pair, made) for pair, made in rules.items()], np.uint32).reshape(-1, 3)
