"""What came before, and what is held out: a story that a model is judged by is never trained on."""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path

import numpy as np

OPENING_LETTERS = 160
"""Stories whose first letters agree so far are the same one, perhaps retouched further on."""
SEQUENCE_WORDS = 10
MOST_SHARED = 0.2
"""A story that shares more of its sequences of ten words with one that is held out is a copy of it."""
WORD = re.compile(r"[a-z]+")
YARDSTICK = Path(__file__).parent / "yardstick.npy"
"""uint64: `opening_of` each story that the card's held-out figures are measured on, TinyStories' validation split."""


def number_of(text: str) -> int:
    """64 bits that stand for a text."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")


def opening_of(story: str) -> int:
    """64 bits that stand for the first letters of a story, whatever is between them."""
    # Ten times as many characters hold the letters, but for a story that is mostly something else.
    return number_of("".join(WORD.findall(story[: 10 * OPENING_LETTERS].lower()))[:OPENING_LETTERS])


def sequences_of(story: str) -> list[int]:
    """64 bits for every sequence of ten words."""
    words = WORD.findall(story.lower())
    return [
        hash(tuple(words[at : at + SEQUENCE_WORDS]))
        for at in range(max(1, len(words) - SEQUENCE_WORDS + 1))
    ]


class HeldOut:
    """Texts that may not be trained on: those given, whole or in part, and always the yardstick's openings.

    Sequences are told apart by Python's own hash: one process only.
    """

    def __init__(self, stories: Iterable[str]) -> None:
        self.openings = set(np.load(YARDSTICK).tolist())
        self.sequences: set[int] = set()
        for story in stories:
            self.openings.add(opening_of(story))
            self.sequences.update(sequences_of(story))

    def holds(self, story: str) -> bool:
        """Whether a story, or one that is much like it, is held out."""
        if opening_of(story) in self.openings:
            return True
        sequences = sequences_of(story)
        shared = sum(sequence in self.sequences for sequence in sequences)
        return shared > MOST_SHARED * len(sequences)
