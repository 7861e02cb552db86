"""llama2.c's ``tokenizer.bin``, which its ``tokenizer.py`` writes: pieces and scores."""

from __future__ import annotations

import struct

from fontgen.errors import FontgenError
from fontgen.llama.checkpoints.vocabulary import BYTE_PIECE, make_vocabulary
from fontgen.llama.model import PieceKind, Vocabulary


def decode_tokenizer_bin(data: bytes) -> Vocabulary:
    """Decode llama2.c's ``tokenizer.bin``.

    An int32 (bytes of the longest piece), then for each token a float32 score, an int32 length and
    the piece, whose U+2581 is already a space. The number of tokens is not recorded, nor are kinds:
    run.c takes 0 for unknown, 1 for BOS and 2 for EOS (written as ``\\n<s>\\n``), and puts a space
    before the text.
    """
    if len(data) < 4:
        raise FontgenError(f"is cut short: needs 4 bytes for the longest piece, has {len(data)}")
    pieces: list[bytes] = []
    scores: list[float] = []
    offset = 4
    while offset < len(data):
        if offset + 8 > len(data):
            raise FontgenError(
                f"is cut short: token {len(pieces)} needs {offset + 8:,} bytes, has {len(data):,}"
            )
        score, length = struct.unpack_from("<fi", data, offset)
        offset += 8
        if not 0 <= length <= 1 << 16:
            raise FontgenError(
                f"is no llama2.c tokenizer: token {len(pieces)} would have {length} bytes"
            )
        if offset + length > len(data):
            raise FontgenError(
                f"is cut short: token {len(pieces)} needs {offset + length:,} bytes, "
                f"has {len(data):,}"
            )
        pieces.append(data[offset : offset + length])
        scores.append(score)
        offset += length
    if len(pieces) < 3:
        raise FontgenError(f"holds {len(pieces)} tokens, less than unknown, BOS and EOS")
    kinds = [PieceKind.BYTE if BYTE_PIECE.fullmatch(p) else PieceKind.NORMAL for p in pieces]
    kinds[:3] = [PieceKind.UNKNOWN, PieceKind.CONTROL, PieceKind.CONTROL]
    pieces[1:3] = [piece.strip(b"\n") for piece in pieces[1:3]]
    return make_vocabulary(pieces, scores, kinds)
