"""How unlike each other the continuations are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from model.stories.checks import words_of

SEQUENCE_WORDS = 6


@dataclass(frozen=True)
class Variety:
    """Figures of several texts.

    Attributes:
        n_words: of all texts.
        n_distinct: words that are different.
        shared: share of the sequences of six words that another text has, too.
    """

    n_words: int
    n_distinct: int
    shared: float


def variety(texts: Sequence[str]) -> Variety:
    """Measure texts. A sequence counts once for each text that has it."""
    words = [words_of(text) for text in texts]
    sequences = [
        {tuple(each[at : at + SEQUENCE_WORDS]) for at in range(len(each) - SEQUENCE_WORDS + 1)}
        for each in words
    ]
    texts_with = Counter(sequence for each in sequences for sequence in each)
    total = sum(texts_with.values())
    shared = sum(count for count in texts_with.values() if count > 1)
    distinct = {word for each in words for word in each}
    return Variety(sum(map(len, words)), len(distinct), shared / max(total, 1))
