"""sentencepiece's ``tokenizer.model``: BPE with an identity normaliser."""

from __future__ import annotations

import functools
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from fontgen.errors import FontgenError
from fontgen.llama.checkpoints.vocabulary import (
    CONTROL,
    SPACE,
    UNKNOWN,
    make_vocabulary,
    settle_user_defined,
)
from fontgen.llama.model import Vocabulary

_BPE = 2
"""``TrainerSpec.ModelType``."""


def decode_sentencepiece(data: bytes) -> Vocabulary:
    """Decode sentencepiece's ``tokenizer.model``."""
    proto = model_proto_class()()
    try:
        proto.ParseFromString(data)
    except DecodeError as error:
        raise FontgenError("is not a sentencepiece model, or is cut short") from error
    if not proto.pieces:
        raise FontgenError("is not a sentencepiece model: it holds no pieces")
    trainer, normalizer = proto.trainer_spec, proto.normalizer_spec
    if trainer.model_type != _BPE:
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
        unk=next((i for i, piece in enumerate(proto.pieces) if piece.type == UNKNOWN), None),
        add_dummy_prefix=normalizer.add_dummy_prefix,
        remove_extra_whitespaces=normalizer.remove_extra_whitespaces,
    )


def _id_or_none(token: int, proto: Any, piece: bytes) -> int | None:
    """sentencepiece looks control symbols up by name; the id recorded is what training was told."""
    for index in (token, *range(len(proto.pieces))):
        if 0 <= index < len(proto.pieces):
            entry = proto.pieces[index]
            if entry.type == CONTROL and entry.piece == piece:
                return index
    return None


_MESSAGES: dict[str, tuple[tuple[str, int, str, str], ...]] = {
    "SentencePiece": (
        ("piece", 1, "TYPE_BYTES", ""),
        ("score", 2, "TYPE_FLOAT", "0"),
        ("type", 3, "TYPE_INT32", "1"),
    ),
    "TrainerSpec": (
        ("model_type", 3, "TYPE_INT32", "1"),
        ("treat_whitespace_as_suffix", 24, "TYPE_BOOL", "false"),
        ("bos_id", 41, "TYPE_INT32", "1"),
        ("eos_id", 42, "TYPE_INT32", "2"),
        ("bos_piece", 46, "TYPE_BYTES", "<s>"),
        ("eos_piece", 47, "TYPE_BYTES", "</s>"),
    ),
    "NormalizerSpec": (
        ("name", 1, "TYPE_BYTES", ""),
        ("precompiled_charsmap", 2, "TYPE_BYTES", ""),
        ("add_dummy_prefix", 3, "TYPE_BOOL", "true"),
        ("remove_extra_whitespaces", 4, "TYPE_BOOL", "true"),
        ("escape_whitespaces", 5, "TYPE_BOOL", "true"),
        ("normalization_rule_tsv", 6, "TYPE_BYTES", ""),
    ),
}
"""The part of ``sentencepiece_model.proto`` that we read, strings as bytes: name, number, type, default."""
_MODEL_FIELDS = (
    ("pieces", 1, "LABEL_REPEATED", "SentencePiece"),
    ("trainer_spec", 2, "LABEL_OPTIONAL", "TrainerSpec"),
    ("normalizer_spec", 3, "LABEL_OPTIONAL", "NormalizerSpec"),
)
"""Of ``ModelProto``: name, number, label, message."""


@functools.cache
def model_proto_class() -> Any:
    """Message class of ``ModelProto``.

    Built here because the module generated in the sentencepiece package refuses every protobuf
    runtime older than its own, which other packages often pin; protobuf skips the fields left out.
    """
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="fontgen/sentencepiece_model.proto", package="fontgen.sentencepiece", syntax="proto2"
    )
    for message, fields in _MESSAGES.items():
        descriptor = file.message_type.add(name=message)
        for name, number, kind, default in fields:
            descriptor.field.add(
                name=name,
                number=number,
                type=getattr(field, kind),
                label=field.LABEL_OPTIONAL,
                default_value=default,
            )
    model = file.message_type.add(name="ModelProto")
    for name, number, label, message in _MODEL_FIELDS:
        model.field.add(
            name=name,
            number=number,
            label=getattr(field, label),
            type=field.TYPE_MESSAGE,
            type_name=f".fontgen.sentencepiece.{message}",
        )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(
        pool.FindMessageTypeByName("fontgen.sentencepiece.ModelProto")
    )
