"""Tokenizer readers: whatever file a sentencepiece BPE came in becomes a `Vocabulary`.

- ``tokenizer.bin`` of llama2.c (its ``tokenizer.py`` writes it): pieces and scores;
- ``tokenizer.model`` of sentencepiece (``sentencepiece_model.proto``);
- ``tokenizer.json`` of Hugging Face's `tokenizers`: see `tokenizer_json`.

Only BPE with an identity normaliser is read: that is what Llama 1 and 2 and their small relatives
use, and what the shaper encodes. Anything else is refused rather than approximated.
"""

from __future__ import annotations

import functools
import re
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from fontgen.errors import FontgenError, naming
from fontgen.llama.model import PieceKind, Vocabulary

BESIDE = ("tokenizer.model", "tokenizer.bin", "tok*.bin", "tok*.model", "tokenizer.json")
"""Names looked for beside a checkpoint, in order of preference: the first tells most."""

BYTE_PIECE = re.compile(rb"<0x[0-9A-F]{2}>")
SPACE = "\N{LOWER ONE EIGHTH BLOCK}"
"""sentencepiece's visible space, U+2581."""


def read(path: Path) -> Vocabulary:
    """Read a tokenizer file; its suffix tells the kind.

    Raises:
        FontgenError: unreadable, damaged, or of a kind that the shaper cannot encode with.
    """
    try:
        with naming(path):
            data = path.read_bytes()
            if path.suffix == ".model":
                vocabulary = decode_sentencepiece(data)
            elif path.suffix == ".bin":
                vocabulary = decode_llama2c(data)
            elif path.suffix == ".json":
                from fontgen.llama.checkpoints.tokenizer_json import decode_tokenizer_json

                vocabulary = decode_tokenizer_json(path)
            else:
                raise FontgenError("is no tokenizer: its name must end in .model, .bin or .json")
            vocabulary.check()
    except OSError as error:
        raise FontgenError(error.strerror or str(error), path=path) from error
    return vocabulary


def read_fitting(
    tokenizer: Path | None, folder: Path, vocab_size: int, checkpoint: Path
) -> Vocabulary:
    """The tokenizer given, or the one in the checkpoint's folder that has ``vocab_size`` tokens.

    Raises:
        FontgenError: the one given does not fit; or none in the folder does, or several that differ
            do, in which case the message says what was looked at and why it would not do.
    """
    if tokenizer is not None:
        vocabulary = read(tokenizer)
        if len(vocabulary) != vocab_size:
            raise FontgenError(
                f"has {len(vocabulary)} tokens, but {checkpoint.name} has {vocab_size}",
                path=tokenizer,
            )
        return vocabulary
    candidates = dict.fromkeys(
        path for pattern in BESIDE for path in sorted(folder.glob(pattern)) if path.is_file()
    )
    fitting: dict[Path, Vocabulary] = {}
    reasons = []
    for path in candidates:
        try:
            vocabulary = read(path)
        except FontgenError as error:
            reasons.append(f"{path.name} {error.cause}")
            continue
        if len(vocabulary) == vocab_size:
            fitting[path] = vocabulary
        else:
            reasons.append(f"{path.name} has {len(vocabulary)} tokens")
    if not fitting:
        looked = "; ".join(reasons) or f"looked for {', '.join(BESIDE)}"
        raise FontgenError(
            f"no tokenizer of {vocab_size} tokens lies beside it ({looked}): "
            "give one by --tokenizer",
            path=checkpoint,
        )
    first, *others = fitting.values()
    if any(other.pieces != first.pieces for other in others):
        raise FontgenError(
            f"several tokenizers of {vocab_size} tokens lie beside it and differ "
            f"({', '.join(path.name for path in fitting)}): choose one by --tokenizer",
            path=checkpoint,
        )
    return first


def decode_llama2c(data: bytes) -> Vocabulary:
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


SENTENCEPIECE_KINDS = {
    1: PieceKind.NORMAL,
    2: PieceKind.UNKNOWN,
    3: PieceKind.CONTROL,
    # 4, USER_DEFINED, is settled by `settle_user_defined`
    5: PieceKind.UNUSED,
    6: PieceKind.BYTE,
}
"""``ModelProto.SentencePiece.Type``; GGUF's ``token_type`` has the same numbers."""
USER_DEFINED = 4
MARKUP = re.compile(r"<[^<>]+>|\[[^][]+\]")


def decode_sentencepiece(data: bytes) -> Vocabulary:
    """Decode sentencepiece's ``tokenizer.model``."""
    from google.protobuf.message import DecodeError

    proto = _model_proto_class()()
    try:
        proto.ParseFromString(data)
    except DecodeError as error:
        raise FontgenError("is not a sentencepiece model, or is cut short") from error
    if not proto.pieces:
        raise FontgenError("is not a sentencepiece model: it holds no pieces")
    trainer, normalizer = proto.trainer_spec, proto.normalizer_spec
    if trainer.model_type != 2:
        names = {1: "unigram", 3: "word", 4: "char"}
        raise FontgenError(
            f"is a {names.get(trainer.model_type, trainer.model_type)} model; only BPE is supported"
        )
    if normalizer.precompiled_charsmap or normalizer.normalization_rule_tsv:
        raise FontgenError(
            f"normalises its text ({normalizer.name.decode(errors='replace') or 'unnamed rule'}); "
            "only identity is supported"
        )
    if not normalizer.escape_whitespaces:
        raise FontgenError("does not escape spaces as U+2581, which is not supported")
    if trainer.treat_whitespace_as_suffix:
        raise FontgenError("puts spaces at the end of words, which is not supported")
    try:
        pieces = [piece.piece.decode() for piece in proto.pieces]
    except UnicodeDecodeError as error:
        raise FontgenError(f"has a piece that is not UTF-8: {error}") from error
    return make_vocabulary(
        [piece.replace(SPACE, " ").encode() for piece in pieces],
        [piece.score for piece in proto.pieces],
        settle_user_defined(pieces, [piece.type for piece in proto.pieces]),
        bos=_id_or_none(trainer.bos_id, proto, trainer.bos_piece),
        eos=_id_or_none(trainer.eos_id, proto, trainer.eos_piece),
        unk=next((i for i, piece in enumerate(proto.pieces) if piece.type == 2), None),
        add_dummy_prefix=normalizer.add_dummy_prefix,
        remove_extra_whitespaces=normalizer.remove_extra_whitespaces,
    )


def _id_or_none(token: int, proto: Any, piece: bytes) -> int | None:
    """sentencepiece looks control symbols up by name; the id recorded is what training was told."""
    for index in (token, *range(len(proto.pieces))):
        if 0 <= index < len(proto.pieces):
            entry = proto.pieces[index]
            if entry.type == 3 and entry.piece == piece:
                return index
    return None


def settle_user_defined(pieces: list[str], types: list[int]) -> list[PieceKind]:
    """Kinds of sentencepiece's or GGUF's piece types.

    A user-defined symbol is matched before any merge and never merges. One of a single character
    that no other piece contains behaves so anyway: it becomes `PieceKind.NORMAL`. Markup, such as
    ``<sep>`` or ``[INST]``, becomes `PieceKind.CONTROL`: nobody types it. Others are refused.
    """
    settled = []
    for piece, type_ in zip(pieces, types, strict=True):
        if type_ == USER_DEFINED and MARKUP.fullmatch(piece):
            settled.append(PieceKind.CONTROL)
        elif type_ == USER_DEFINED:
            alone = len(piece) == 1 and not any(
                piece in other and other != piece and other_type == 1
                for other, other_type in zip(pieces, types, strict=True)
            )
            if not alone:
                raise FontgenError(f"has the user-defined symbol {piece!r}, which is not supported")
            settled.append(PieceKind.NORMAL)
        elif type_ not in SENTENCEPIECE_KINDS:
            raise FontgenError(f"has a piece {piece!r} of unknown type {type_}")
        else:
            settled.append(SENTENCEPIECE_KINDS[type_])
    return settled


def make_vocabulary(
    pieces: Iterable[bytes],
    scores: Iterable[float],
    kinds: Iterable[PieceKind],
    *,
    bos: int | None = 1,
    eos: int | None = 2,
    unk: int | None = 0,
    add_dummy_prefix: bool = True,
    remove_extra_whitespaces: bool = False,
) -> Vocabulary:
    """A `Vocabulary` that encodes any text: each of the 256 byte pieces is there, or else none of
    them and a token for what is unknown.

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
        add_dummy_prefix=add_dummy_prefix,
        remove_extra_whitespaces=remove_extra_whitespaces,
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


@functools.cache
def _model_proto_class() -> Any:
    """Message class for the part of ``sentencepiece_model.proto`` that we read, strings as bytes.

    Built here because the module generated in the sentencepiece package refuses every protobuf
    runtime older than its own, which other packages often pin; protobuf skips the fields left out.
    """
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="fontgen/sentencepiece_model.proto", package="fontgen.sentencepiece", syntax="proto2"
    )

    def message(name: str, *fields: tuple[str, int, int, str]) -> None:
        descriptor = file.message_type.add(name=name)
        for field_name, number, type_, default in fields:
            descriptor.field.add(
                name=field_name,
                number=number,
                type=type_,  # type: ignore[arg-type]
                label=field.LABEL_OPTIONAL,
                default_value=default,
            )

    message(
        "SentencePiece",
        ("piece", 1, field.TYPE_BYTES, ""),
        ("score", 2, field.TYPE_FLOAT, "0"),
        ("type", 3, field.TYPE_INT32, "1"),
    )
    message(
        "TrainerSpec",
        ("model_type", 3, field.TYPE_INT32, "1"),
        ("treat_whitespace_as_suffix", 24, field.TYPE_BOOL, "false"),
        ("bos_id", 41, field.TYPE_INT32, "1"),
        ("eos_id", 42, field.TYPE_INT32, "2"),
        ("bos_piece", 46, field.TYPE_BYTES, "<s>"),
        ("eos_piece", 47, field.TYPE_BYTES, "</s>"),
    )
    message(
        "NormalizerSpec",
        ("name", 1, field.TYPE_BYTES, ""),
        ("precompiled_charsmap", 2, field.TYPE_BYTES, ""),
        ("add_dummy_prefix", 3, field.TYPE_BOOL, "true"),
        ("remove_extra_whitespaces", 4, field.TYPE_BOOL, "true"),
        ("escape_whitespaces", 5, field.TYPE_BOOL, "true"),
        ("normalization_rule_tsv", 6, field.TYPE_BYTES, ""),
    )
    model = file.message_type.add(name="ModelProto")
    for name, number, label, type_name in (
        ("pieces", 1, field.LABEL_REPEATED, "SentencePiece"),
        ("trainer_spec", 2, field.LABEL_OPTIONAL, "TrainerSpec"),
        ("normalizer_spec", 3, field.LABEL_OPTIONAL, "NormalizerSpec"),
    ):
        model.field.add(
            name=name,
            number=number,
            label=label,
            type=field.TYPE_MESSAGE,
            type_name=f".fontgen.sentencepiece.{type_name}",
        )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(
        pool.FindMessageTypeByName("fontgen.sentencepiece.ModelProto")
    )
