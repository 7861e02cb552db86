"""Hugging Face's ``tokenizer.json``, as far as the shaper can encode with it.

Either it is a byte-level BPE, see `byte_level`, or it says the same as a sentencepiece BPE. That is so for what
transformers converts from sentencepiece (Llama 1 and 2, TinyLlama): pieces with U+2581 for spaces, byte fallback, no
pre-tokenizer that matters, merges in order of the scores. sentencepiece merges whichever neighbours make the best
piece, `tokenizers` those that are listed: so every way to make a piece must be listed, in succession. The rank of a
piece then is its score.

A normaliser to NFC, which Qwen's have, is passed over, as in llama.cpp: text is taken as it was typed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fontgen.errors import FontgenError
from fontgen.llama.checkpoints.byte_level import REGULAR_EXPRESSIONS, make_byte_level_vocabulary
from fontgen.llama.checkpoints.values import Values
from fontgen.llama.checkpoints.vocabulary import (
    BYTE,
    BYTE_PIECE,
    CONTROL,
    NORMAL,
    SPACE,
    UNKNOWN,
    USER_DEFINED,
    make_vocabulary,
    settle_user_defined,
)
from fontgen.llama.model import PieceKind, PreTokenizer, Vocabulary


def decode_tokenizer_json(path: Path) -> Vocabulary:
    """Decode ``tokenizer.json``; ``tokenizer_config.json`` or ``special_tokens_map.json`` beside it name BOS and EOS.

    Raises:
        FontgenError: it is no BPE, or not one that the shaper can encode with.
    """
    try:
        return _decode(Values.read_json(path), path)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise FontgenError(
            f"is not laid out as the tokenizers library does ({type(error).__name__}: {error})"
        ) from error


def _decode(document: Values, path: Path) -> Vocabulary:
    model = document.object("model")
    if not (model.get("vocab") or model.get("merges")):
        raise FontgenError("has no model")
    if model.text("type", "BPE") != "BPE":
        raise FontgenError(f"is a {model.get('type')} model; only BPE is supported")
    for key in ("continuing_subword_prefix", "end_of_word_suffix", "dropout"):
        if model.get(key):
            raise FontgenError(f"has {key} {model.get(key)!r}, which is not supported")
    added = document.get("added_tokens") or []
    pieces = _pieces(model, added)
    types = _types(pieces, added)
    if _steps(document.get("pre_tokenizer"), "pretokenizers", "ByteLevel"):
        return _byte_level(document, model, path, pieces, types)
    return _sentencepiece(document, model, path, pieces, types)


def _pieces(model: Values, added_tokens: list[Any]) -> list[str]:
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


def _types(pieces: list[str], added_tokens: list[Any]) -> list[int]:
    """sentencepiece's types. A byte piece stays one when it is added once more."""
    types = [BYTE if BYTE_PIECE.fullmatch(piece.encode()) else NORMAL for piece in pieces]
    for entry in added_tokens:
        for option in ("single_word", "lstrip", "rstrip"):
            if entry.get(option) and not entry.get("special"):
                raise FontgenError(
                    f"has the added token {entry.get('content')!r} with {option}, which is not supported"
                )
        if types[entry["id"]] != BYTE:
            types[entry["id"]] = CONTROL if entry.get("special") else USER_DEFINED
    return types


def _steps(component: Any, key: str, kind: str | None = None) -> list[dict[str, Any]]:
    """The parts of a normalizer, pre-tokenizer or post-processor, which may be nested; those of a type."""
    if component is None:
        return []
    if component.get("type") == "Sequence":
        return [step for part in component[key] for step in _steps(part, key, kind)]
    return [component] if kind is None or component.get("type") == kind else []


# ---- Byte-level BPE ----


def _byte_level(
    document: Values, model: Values, path: Path, pieces: list[str], types: list[int]
) -> Vocabulary:
    for step in _steps(document.get("normalizer"), "normalizers"):
        if step.get("type") != "NFC":
            raise FontgenError(f"normalises its text ({step.get('type')}), which is not supported")
    types = [NORMAL if type_ == BYTE else type_ for type_ in types]
    ids = {piece: token for token, piece in enumerate(pieces)}
    pre_tokenizer, prefix = _pre_tokenizer(_steps(document.get("pre_tokenizer"), "pretokenizers"))
    bos, eos = (ids.get(_special_token(path, f"{name}_token") or "") for name in ("bos", "eos"))
    begins = _begins_with(document.get("post_processor"))
    return make_byte_level_vocabulary(
        pieces,
        types,
        model.list("merges", object),
        pre_tokenizer,
        bos=ids.get(begins or "") if bos is None else bos,
        eos=eos,
        unk=ids.get(model.text("unk_token", "")),
        add_bos=_adds_bos(path, begins is not None),
        add_dummy_prefix=prefix,
        prefix_unless_space=prefix,
        ignore_merges=model.boolean("ignore_merges", False),
    )


def _pre_tokenizer(steps: list[dict[str, Any]]) -> tuple[PreTokenizer, bool]:
    """Which of those we know, and whether a space goes before a text that has none."""
    *splits, byte_level = steps
    if byte_level.get("type") != "ByteLevel":
        raise FontgenError(f"splits by {byte_level.get('type')} last, which is not supported")
    prefix = bool(byte_level.get("add_prefix_space", True))
    found = None
    if not splits and byte_level.get("use_regex", True):
        return PreTokenizer.GPT_2, prefix
    if len(splits) == 1 and splits[0].get("type") == "Digits" and byte_level.get("use_regex", True):
        found = PreTokenizer.SMOLLM if splits[0].get("individual_digits") else None
    elif len(splits) == 1 and splits[0].get("type") == "Split" and not byte_level.get("use_regex"):
        split = splits[0]
        if split.get("behavior") == "Isolated" and not split.get("invert"):
            found = REGULAR_EXPRESSIONS.get(split["pattern"].get("Regex"))
    if found is None or prefix:
        raise FontgenError(
            "splits its text in a way that is not supported; gpt-2's, smollm's, llama-bpe's (Llama 3) and "
            "qwen2's are"
        )
    return found, False


# ---- What says the same as sentencepiece ----


def _sentencepiece(
    document: Values, model: Values, path: Path, pieces: list[str], types: list[int]
) -> Vocabulary:
    if not model.get("byte_fallback"):
        raise FontgenError("has no byte fallback, which is needed for any text")
    if model.get("ignore_merges"):
        raise FontgenError("has ignore_merges True, which is not supported")
    spaces = _spaces(document, pieces)
    ids = {piece: token for token, piece in enumerate(pieces)}
    unknown = model.text("unk_token", "<unk>")
    if unknown in ids:
        types[ids[unknown]] = UNKNOWN
    kinds = _without_user_defined(pieces, settle_user_defined(pieces, types))
    scores = _scores(model.get("merges"), pieces, ids, kinds)
    return make_vocabulary(
        [piece.replace(SPACE, " ").encode() for piece in pieces],
        scores,
        kinds,
        bos=ids.get(_special_token(path, "bos_token") or "<s>"),
        eos=ids.get(_special_token(path, "eos_token") or "</s>"),
        unk=ids.get(unknown),
        add_bos=_adds_bos(path, True),
        **spaces,
    )


def _without_user_defined(pieces: list[str], kinds: list[PieceKind]) -> list[PieceKind]:
    """Kinds as sentencepiece would have them: a single character that no other piece contains merges with nothing
    anyway, and is a normal piece.

    Raises:
        FontgenError: there are other added tokens. The library normalises them, and puts a space before each part of
            the text between them, which sentencepiece does not.
    """
    merging = {
        c
        for piece, kind in zip(pieces, kinds, strict=True)
        if kind == PieceKind.NORMAL and len(piece) > 1
        for c in piece
    }
    settled = list(kinds)
    for token, piece in enumerate(pieces):
        if kinds[token] != PieceKind.USER_DEFINED:
            continue
        if len(piece) != 1 or piece in merging:
            raise FontgenError(
                f"has the added token {piece!r}, around which the tokenizers library splits a text and normalises each "
                "part; that is supported of byte-level BPE, and of tokenizer.model"
            )
        settled[token] = PieceKind.NORMAL
    return settled


def _spaces(document: Values, pieces: list[str]) -> dict[str, bool]:
    """Whether a space is put before the text; refuses what does more than U+2581 for spaces."""
    prefix = escaped = unless = False
    for step in _steps(document.get("normalizer"), "normalizers"):
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
        if scheme != "never" and not prefix:
            prefix = unless = True
        if step.get("split", True) and any(SPACE in piece[1:] for piece in pieces):
            raise FontgenError("splits words at spaces, but has pieces that go across")
    if not escaped:
        raise FontgenError("does not write spaces as U+2581, which is not supported")
    return {"add_dummy_prefix": prefix, "prefix_unless_space": unless}


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


# ---- Special tokens ----


def _special_token(path: Path, key: str) -> str | None:
    """A name from ``tokenizer_config.json`` or, where that says nothing, from ``special_tokens_map.json``."""
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        beside = path.with_name(name)
        value = Values.read_json(beside).get(key) if beside.is_file() else None
        if isinstance(value, dict):
            value = value.get("content")
        if isinstance(value, str):
            return value
    return None


def _begins_with(post_processor: Any) -> str | None:
    """The special token that a ``TemplateProcessing`` puts before a text."""
    for step in _steps(post_processor, "processors", "TemplateProcessing"):
        single = step.get("single") or [{}]
        if "SpecialToken" in single[0]:
            return str(single[0]["SpecialToken"]["id"])
    return None


def _adds_bos(path: Path, default: bool) -> bool:
    """``add_bos_token`` of ``tokenizer_config.json``, or else what the tokenizer does by itself."""
    beside = path.with_name("tokenizer_config.json")
    return (
        Values.read_json(beside).boolean("add_bos_token", default) if beside.is_file() else default
    )
