"""What tokenizers of all formats have in common, on the way to a `Vocabulary`."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np

from fontgen.errors import FontgenError
from fontgen.llama.model import PieceKind, Vocabulary

BYTE_PIECE = re.compile(rb"<0x[0-9A-F]{2}>")
SPACE = "\N{LOWER ONE EIGHTH BLOCK}"
"""sentencepiece's visible space, U+2581."""

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)
"""``ModelProto.SentencePiece.Type`` of ``sentencepiece_model.proto``; GGUF's ``token_type`` has the same numbers."""
_KINDS = {
    NORMAL: PieceKind.NORMAL,
    UNKNOWN: PieceKind.UNKNOWN,
    CONTROL: PieceKind.CONTROL,
    UNUSED: PieceKind.UNUSED,
    BYTE: PieceKind.BYTE,
}
_MARKUP = re.compile(r"<[^<>]+>|\[[^][]+\]")


def settle_user_defined(pieces: list[str], types: list[int]) -> list[PieceKind]:
    """Kinds of sentencepiece's or GGUF's piece types.

    Markup among the user-defined symbols, such as ``<sep>``, ``[INST]`` or Code Llama's ``▁<PRE>``, becomes
    `PieceKind.CONTROL`: nobody types it.
    """
    settled = []
    for piece, type_ in zip(pieces, types, strict=True):
        if type_ == USER_DEFINED:
            is_markup = _MARKUP.fullmatch(piece.lstrip(SPACE))
            settled.append(PieceKind.CONTROL if is_markup else PieceKind.USER_DEFINED)
        elif type_ not in _KINDS:
            raise FontgenError(f"has a piece {piece!r} of unknown type {type_}")
        else:
            settled.append(_KINDS[type_])
    return settled


def make_vocabulary(
    pieces: Iterable[bytes],
    scores: Iterable[float],
    kinds: Iterable[PieceKind],
    *,
    bos: int | None = 1,
    eos: int | None = 2,
    unk: int | None = 0,
    **options: bool,
) -> Vocabulary:
    """A sentencepiece `Vocabulary` that encodes any text: each of the 256 byte pieces is there, or else none of
    them and a token for what is unknown. ``options``: other attributes of it.

    Raises:
        FontgenError: neither is so.
    """
    pieces, kinds = list(pieces), list(kinds)
    seen = {b""}
    for token, piece in enumerate(pieces):
        if kinds[token] == PieceKind.NORMAL:
            if piece in seen:  # of equal pieces, text is encoded with the first
                kinds[token] = PieceKind.NEVER_ENCODED
            seen.add(piece)
    vocabulary = Vocabulary(
        pieces=tuple(pieces),
        scores=np.array(list(scores), np.float32),
        kinds=np.array(kinds, np.uint8),
        bos=bos,
        eos=eos,
        unk=unk,
        **options,  # type: ignore[arg-type]
    )
    byte_tokens = np.flatnonzero(vocabulary.kinds == PieceKind.BYTE)
    found = [vocabulary.pieces[token] for token in byte_tokens]
    if not found and unk is not None:
        return vocabulary
    for byte in range(256):
        count = found.count(b"<0x%02X>" % byte)
        if count != 1:
            raise FontgenError(
                f"has the byte piece <0x{byte:02X}> {count} times; byte fallback, "
                "which is needed for any text, takes each of the 256 once"
            )
    if len(found) != 256:
        raise FontgenError("has a byte piece that is not of the form <0xNN>")
    return vocabulary
