"""Hugging Face's ``tokenizer.json``, where it says the same as a sentencepiece BPE.

That is so for what transformers converts from sentencepiece (Llama 1 and 2, TinyLlama): pieces
with U+2581 for spaces, byte fallback, no pre-tokenizer that matters, merges in order of the scores.
sentencepiece merges whichever neighbours make the best piece, `tokenizers` those that are listed:
so every way to make a piece must be listed, in succession. The rank of a piece then is its score.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fontgen.errors import FontgenError
from fontgen.llama.checkpoints.config_json import ConfigJson
from fontgen.llama.checkpoints.tokenizers import (
    BYTE_PIECE,
    SPACE,
    USER_DEFINED,
    make_vocabulary,
    settle_user_defined,
)
from fontgen.llama.model import PieceKind, Vocabulary


def decode_tokenizer_json(path: Path) -> Vocabulary:
    """Decode ``tokenizer.json``; ``tokenizer_config.json`` beside it may name BOS and EOS.

    Raises:
        FontgenError: it is no BPE with byte fallback, or not one that scores can express.
    """
    try:
        return _decode(ConfigJson.read(path), path)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise FontgenError(
            f"is not laid out as the tokenizers library does ({type(error).__name__}: {error})"
        ) from error


def _decode(document: ConfigJson, path: Path) -> Vocabulary:
    model = document.get("model")
    if not isinstance(model, dict):
        raise FontgenError("has no model")
    if _mentions(document.get("pre_tokenizer"), "ByteLevel"):
        raise FontgenError("is a byte-level BPE; only BPE with byte fallback is supported")
    if model.get("type", "BPE") != "BPE":
        raise FontgenError(f"is a {model.get('type')} model; only BPE is supported")
    if not model.get("byte_fallback"):
        raise FontgenError("has no byte fallback, which is needed for any text")
    for key in ("continuing_subword_prefix", "end_of_word_suffix", "dropout", "ignore_merges"):
        if model.get(key):
            raise FontgenError(f"has {key} {model[key]!r}, which is not supported")
    pieces = _pieces(model, document.get("added_tokens") or [])
    add_dummy_prefix = _spaces(document, pieces)

    ids = {piece: token for token, piece in enumerate(pieces)}
    unknown = model.get("unk_token") or "<unk>"
    types = [1] * len(pieces)
    for piece, token in ids.items():
        if BYTE_PIECE.fullmatch(piece.encode()):
            types[token] = 6
    for entry in document.get("added_tokens") or []:
        types[entry["id"]] = 3 if entry.get("special") else USER_DEFINED
    if unknown in ids:
        types[ids[unknown]] = 2
    kinds = settle_user_defined(pieces, types)
    scores = _scores(model.get("merges"), pieces, ids, kinds)
    return make_vocabulary(
        [piece.replace(SPACE, " ").encode() for piece in pieces],
        scores,
        kinds,
        bos=ids.get(_special_token(path, "bos_token", "<s>")),
        eos=ids.get(_special_token(path, "eos_token", "</s>")),
        unk=ids.get(unknown),
        add_dummy_prefix=add_dummy_prefix,
    )


def _mentions(component: Any, kind: str) -> bool:
    """Whether a normalizer, pre-tokenizer or decoder is of a type or has one in its sequence."""
    if isinstance(component, dict):
        return component.get("type") == kind or any(
            _mentions(value, kind) for value in component.values()
        )
    return isinstance(component, list) and any(_mentions(value, kind) for value in component)


def _pieces(model: dict[str, Any], added_tokens: list[Any]) -> list[str]:
    """Pieces in order of id, added ones included."""
    vocab = model.get("vocab")
    if not isinstance(vocab, dict) or not all(isinstance(i, int) for i in vocab.values()):
        raise FontgenError("has no vocabulary")
    by_id = {token: piece for piece, token in vocab.items()}
    if len(by_id) != len(vocab):
        raise FontgenError("gives two pieces the same id")
    for entry in added_tokens:
        if not isinstance(entry, dict) or not isinstance(entry.get("id"), int):
            raise FontgenError("has an added token without an id")
        piece = by_id.setdefault(entry["id"], str(entry.get("content")))
        if piece != entry.get("content"):
            raise FontgenError(f"gives the id {entry['id']} to two tokens")
    if sorted(by_id) != list(range(len(by_id))):
        raise FontgenError(f"has {len(by_id)} pieces, but their ids are not 0 to {len(by_id) - 1}")
    return [by_id[token] for token in range(len(by_id))]


def _spaces(document: ConfigJson, pieces: list[str]) -> bool:
    """Whether a space is put before the text; refuses what does more than U+2581 for spaces."""
    prefix = escaped = False
    normalizer = document.get("normalizer")
    for step in _steps(normalizer, "normalizers"):
        if step.get("type") == "Prepend" and step.get("prepend") == SPACE:
            prefix = True
        elif (
            step.get("type") == "Replace"
            and step.get("pattern") == {"String": " "}
            and step.get("content") == SPACE
        ):
            escaped = True
        else:
            raise FontgenError(f"normalises its text ({step.get('type')}), which is not supported")
    for step in _steps(document.get("pre_tokenizer"), "pretokenizers"):
        if step.get("type") != "Metaspace" or step.get("replacement", SPACE) != SPACE:
            raise FontgenError(f"has a pre-tokenizer {step.get('type')}, which is not supported")
        escaped = True
        scheme = step.get("prepend_scheme", "always" if step.get("add_prefix_space") else "never")
        prefix = prefix or scheme != "never"
        if step.get("split", True) and any(SPACE in piece[1:] for piece in pieces):
            raise FontgenError("splits words at spaces, but has pieces that go across")
    if not escaped:
        raise FontgenError("does not write spaces as U+2581, which is not supported")
    return prefix


def _steps(component: Any, key: str) -> list[dict[str, Any]]:
    if component is None:
        return []
    steps = component.get(key) if component.get("type") == "Sequence" else [component]
    return [step for step in steps or [] if isinstance(step, dict)]


def _scores(
    merges: Any, pieces: list[str], ids: dict[str, int], kinds: list[PieceKind]
) -> list[float]:
    """Minus the rank of the merge that makes a piece; the rest, which no merge makes, come last."""
    if not isinstance(merges, list):
        raise FontgenError("has no merges")
    normal = {pieces[token] for token, kind in enumerate(kinds) if kind == PieceKind.NORMAL}
    pairs: dict[tuple[str, str], None] = {}
    ranks: dict[str, int] = {}
    previous = None
    for rank, merge in enumerate(merges):
        left, _, right = (
            merge.partition(" ") if isinstance(merge, str) else (merge[0], "", merge[1])
        )
        piece = left + right
        if not {left, right, piece} <= normal:
            raise FontgenError(f"merges {left!r} and {right!r}, of which not all are pieces")
        if piece in ranks and piece != previous:
            raise FontgenError(
                f"makes {piece!r} by merges of different ranks, which scores cannot express"
            )
        ranks.setdefault(piece, rank)
        pairs[left, right] = None
        previous = piece
    scores = []
    for token, piece in enumerate(pieces):
        if piece in ranks:
            for at in range(1, len(piece)):
                left, right = piece[:at], piece[at:]
                if left in normal and right in normal and (left, right) not in pairs:
                    raise FontgenError(
                        f"makes {piece!r} in some ways but not of {left!r} and {right!r}, "
                        "which scores cannot express"
                    )
        elif len(piece) > 1 and kinds[token] == PieceKind.NORMAL:
            kinds[token] = PieceKind.NEVER_ENCODED  # in the list but never made
        scores.append(-float(ranks.get(piece, len(merges) + token)))
    return scores


def _special_token(path: Path, key: str, default: str) -> str:
    """A name from ``tokenizer_config.json``, where it is a string or an object with ``content``."""
    beside = path.with_name("tokenizer_config.json")
    value = ConfigJson.read(beside).get(key) if beside.is_file() else None
    if isinstance(value, dict):
        value = value.get("content")
    return value if isinstance(value, str) else default
