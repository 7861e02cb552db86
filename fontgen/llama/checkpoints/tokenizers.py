"""Tokenizer readers: whatever file a BPE came in becomes a `Vocabulary`.

- ``tokenizer.bin`` of llama2.c: `tokenizer_bin`;
- ``tokenizer.model`` of sentencepiece: `sentencepiece_model`;
- ``tokenizer.json`` of Hugging Face's `tokenizers`: `tokenizer_json`, and `byte_level` for what GPT-2 began.

What the shaper cannot encode with is refused rather than approximated.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fontgen.errors import FontgenError, naming
from fontgen.llama.checkpoints.sentencepiece_model import decode_sentencepiece
from fontgen.llama.checkpoints.tokenizer_bin import decode_tokenizer_bin
from fontgen.llama.checkpoints.tokenizer_json import decode_tokenizer_json
from fontgen.llama.model import Vocabulary

BESIDE = ("tokenizer.model", "tokenizer.bin", "tok*.bin", "tok*.model", "tokenizer.json")
"""Names looked for beside a checkpoint, in order of preference: the first tells most."""
MOST_PADDING = 1024
"""Rows that an embedding may have beyond the tokenizer's tokens: some trainers round up, others add tokens that no
tokenizer came to know."""

DECODERS: dict[str, Callable[[Path], Vocabulary]] = {
    ".model": lambda path: decode_sentencepiece(path.read_bytes()),
    ".bin": lambda path: decode_tokenizer_bin(path.read_bytes()),
    ".json": decode_tokenizer_json,
}
"""By suffix."""


def read(path: Path) -> Vocabulary:
    """Read a tokenizer file; its suffix tells the kind. BOS may be lacking: a checkpoint may name it.

    Raises:
        FontgenError: unreadable, damaged, or of a kind that the shaper cannot encode with.
    """
    with naming(path):
        if path.suffix not in DECODERS:
            raise FontgenError("is no tokenizer: its name must end in .model, .bin or .json")
        try:
            vocabulary = DECODERS[path.suffix](path)
        except OSError as error:
            raise FontgenError(error.strerror or str(error)) from error
        vocabulary.check_pieces()
    return vocabulary


def read_fitting(
    tokenizer: Path | None, folder: Path, vocab_size: int, checkpoint: Path, *, padded: bool = False
) -> Vocabulary:
    """The tokenizer given, or the one in the checkpoint's folder that has ``vocab_size`` tokens.

    Args:
        padded: whether one of up to `MOST_PADDING` tokens fewer would do. One that fits exactly is preferred.

    Raises:
        FontgenError: the one given does not fit; or none in the folder does, or several that differ
            do, in which case the message says what was looked at and why it would not do.
    """
    least = max(vocab_size - MOST_PADDING, 1) if padded else vocab_size
    if tokenizer is not None:
        vocabulary = read(tokenizer)
        if not least <= len(vocabulary) <= vocab_size:
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
        if least <= len(vocabulary) <= vocab_size:
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
    most = max(map(len, fitting.values()))
    best = {path: vocabulary for path, vocabulary in fitting.items() if len(vocabulary) == most}
    first, *others = best.values()
    if any(other.pieces != first.pieces for other in others):
        raise FontgenError(
            f"several tokenizers of {most} tokens lie beside it and differ "
            f"({', '.join(path.name for path in best)}): choose one by --tokenizer",
            path=checkpoint,
        )
    return first
