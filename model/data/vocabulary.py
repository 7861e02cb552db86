"""A vocabulary of sentencepiece, and stories as its tokens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import sentencepiece

from fontgen.errors import FontgenError

BOS = 1
"""Stands before each story, and so ends the one before: there is no other end."""
VOCABULARY_STORIES = 200_000
"""A new vocabulary looks at the lines of so many stories at most."""


def train_tokenizer(stories: Iterator[str], vocab_size: int, path: Path) -> None:
    """Train llama2.c's kind of vocabulary: BPE, single digits, unknown characters as bytes."""
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=(line for story in stories for line in story.splitlines() if line),
        model_prefix=str(path.with_suffix("")),
        model_type="bpe",
        vocab_size=vocab_size,
        byte_fallback=True,
        split_digits=True,
        allow_whitespace_only_pieces=True,
        normalization_rule_name="identity",
        character_coverage=1.0,
        input_sentence_size=VOCABULARY_STORIES,
        shuffle_input_sentence=True,
        num_threads=2,
        minloglevel=1,
    )
    path.with_suffix(".vocab").unlink()


def read_tokenizer(path: Path, vocab_size: int) -> sentencepiece.SentencePieceProcessor:
    """Read a ``tokenizer.model``. Raises `FontgenError` where it has not so many entries."""
    tokenizer = sentencepiece.SentencePieceProcessor(model_file=str(path))
    if tokenizer.vocab_size() != vocab_size:
        raise FontgenError(f"{path}: {tokenizer.vocab_size()} entries, not {vocab_size}")
    return tokenizer


def encode(
    tokenizer: sentencepiece.SentencePieceProcessor, stories: Sequence[str]
) -> list[np.ndarray]:
    """uint16 tokens of each story, BOS before it."""
    return [np.array([BOS, *story], dtype=np.uint16) for story in tokenizer.encode(list(stories))]
