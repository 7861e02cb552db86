"""Text to observe a model on: its own.

No corpus is shipped with a checkpoint, but the model writes its own: sampled at temperature 1 it
is, as far as the model knows, the text that it was trained on (LLM-QAT, arXiv:2305.17888,
calibrates the same way).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from fontgen.llama.model import Model
from fontgen.llama.transformer import KeyValueCache, Transformer

TOKENS_PER_COLUMN = 16
"""Positions of text for each column of the widest matrix, to know its inputs' correlations."""
MOST_TOKENS = 32768
"""More costs hours for wide layers, and damping makes up for what is unknown."""
MOST_WORK = 1 << 40
"""Multiplications that writing the text may take: a large model writes shorter sequences."""
MAX_LENGTH = 256
"""Positions of one sequence: a story; longer ones cost more and hardly say more."""
MIN_SEQUENCES = 48


@dataclass(frozen=True)
class CalibrationText:
    """Sequences of tokens, each beginning with BOS.

    tokens: int64 (sequences, positions), padded at the end with BOS.
    used: bool of the same shape, False for padding.
    """

    tokens: np.ndarray
    used: np.ndarray


def sample_text(
    model: Model,
    *,
    seed: int = 0,
    n_tokens: int | None = None,
    opening: Sequence[int] = (),
    tell: Callable[[str], object] | None = None,
) -> CalibrationText:
    """Let a model write at temperature 1, many sequences side by side.

    Each begins with BOS, or with the tokens of an ``opening``, such as the frame that a font's typed text stands in: a
    model for conversations then writes a question and its answer. Each ends where the model ends its text, or with the
    context. A model for conversations writes on past the end of a turn, since what it is for comes after that.

    The same model and seed give the same text on one machine. Another processor, NumPy or number of
    threads may add up in another order, and a sampled token near the edge then turns out
    differently.
    """
    vocabulary, config = model.vocabulary, model.config
    length = min(config.context_length, MAX_LENGTH)
    if n_tokens is None:
        affordable = MOST_WORK // model.n_parameters
        n_tokens = min(
            TOKENS_PER_COLUMN * max(config.dim, config.hidden_dim), MOST_TOKENS, affordable
        )
        length = min(length, max(affordable // MIN_SEQUENCES, 1))
    sequences = max(-(-n_tokens // length), MIN_SEQUENCES)
    ends = [] if model.chat_template else sorted(vocabulary.ends)
    random = np.random.default_rng(seed)
    transformer = Transformer(config, model.tensors)
    cache = KeyValueCache(config, sequences, length)
    first = min(len(opening) or 1, max(length // 2, 1))
    tokens = np.full((sequences, length), vocabulary.bos, np.int64)
    if opening:
        tokens[:, :first] = list(opening[:first])
    used = np.zeros(tokens.shape, bool)
    used[:, :first] = True
    for position in range(first, length):
        if tell:
            tell(f"writing calibration text, {sequences} x {length} tokens: {position}")
        hidden = transformer.forward(tokens[:, cache.length : position], cache)
        logits = transformer.classify(hidden[:, -1])
        drawn = _draw(logits, random.random(sequences))
        used[:, position] = used[:, position - 1] & ~np.isin(drawn, ends)
        if not used[:, position].any():
            return CalibrationText(tokens[:, :position], used[:, :position])
        tokens[used[:, position], position] = drawn[used[:, position]]
    return CalibrationText(tokens, used)


def _draw(logits: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """One token of each row, by inversion of the cumulative distribution at a number in [0, 1)."""
    logits = logits.astype(np.float64)
    cumulative = np.cumsum(np.exp(logits - logits.max(axis=-1, keepdims=True)), axis=-1)
    below = cumulative <= (uniform * cumulative[:, -1])[:, None]
    return np.minimum(below.sum(axis=-1), logits.shape[-1] - 1)
