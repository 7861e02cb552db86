"""What a continuation must be to pass as a story: the checks of ``evaluate.py``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from model.data.sources import read_stories

PROMPTS = Path(__file__).parent / "prompts.tsv"
REAL_WORDS = 0.98
"""Share of a story's words that must be in the training text to pass."""
LEAST_SEEN = 3
"""How often a word must be there to count as one."""


@dataclass
class Story:
    """A continuation and what the checks say of it."""

    prompt: str
    text: str
    ended: bool
    no_repetition: bool = False
    characters_stay: bool = False
    real_words: bool = True

    @property
    def passes(self) -> bool:
        return self.ended and self.no_repetition and self.characters_stay and self.real_words

    @property
    def failed(self) -> list[str]:
        return [label for name, label in CHECKS.items() if not getattr(self, name)]


CHECKS = {
    "ended": "ends by itself",
    "no_repetition": "no 8 words twice in a row",
    "characters_stay": "characters stay",
    "real_words": f"at least {REAL_WORDS:.0%} real words",
}


def read_prompts(path: Path = PROMPTS) -> list[tuple[str, list[str]]]:
    """The fixed prompts, each with the characters that it introduces."""
    lines = (line.split("\t") for line in path.read_text().splitlines())
    return [(prompt, characters.split()) for prompt, characters in lines]


def words_of(text: str) -> list[str]:
    return re.findall(r"[a-z]+(?:'[a-z]+)?", text.lower())


def training_words(paths: Sequence[Path]) -> set[str]:
    counts: Counter[str] = Counter()
    for path in paths:
        for story in read_stories(path):
            counts.update(words_of(story))
    return {word for word, count in counts.items() if count >= LEAST_SEEN}


def says_twice(words: Sequence[str], size: int) -> bool:
    """Whether a sequence of ``size`` words comes more than once."""
    sequences = Counter(tuple(words[at : at + size]) for at in range(len(words) - size + 1))
    return max(sequences.values(), default=0) > 1


def is_named(names: set[str], words: Collection[str]) -> bool:
    """Whether somebody of these names, in small letters, is among the words: alone, as several, or as an owner."""
    forms = names | {name + end for name in names for end in ("s", "es", "'s")}
    return any(word in forms for word in words)


def are_real(words: Sequence[str], known: set[str], share: float) -> bool:
    """Whether that share of the words is known."""
    return sum(word in known for word in words) >= share * len(words)


def check(story: Story, characters: list[str], known_words: set[str]) -> None:
    """Fill in the checks of a story.

    - No sequence of 8 words comes twice.
    - Every character that the prompt introduces is named in the second half of the continuation,
      or anywhere in one of less than 40 words. A name that the story gives the first character
      ("named Lily", "called Lily", "name was Lily") counts as that character.
    - At least 98 % of the words are in the training text three times or more.
    """
    words = words_of(story.text)
    story.no_repetition = bool(words) and not says_twice(words, 8)
    where = words[len(words) // 2 :] if len(words) >= 40 else words
    given = re.search(r"\b(?:named|called|name was) ([A-Z][a-z]+)", story.text)
    stays = []
    for index, character in enumerate(characters):
        names = {character.lower()}
        if given and index == 0:
            names.add(given[1].lower())
        stays.append(is_named(names, where))
    story.characters_stay = all(stays)
    if known_words and words:
        story.real_words = are_real(words, known_words, REAL_WORDS)
