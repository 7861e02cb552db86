"""First words of stories, for a model to go on from, and whom they introduce."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from model.stories.checks import read_prompts, words_of

WORDS = range(2, 10)
"""Words of an opening."""
NAMED = 3
"""A word of the opening that its story has so often is somebody that the story is about."""
COMMON = 0.25
"""A word that so many of the stories have is nobody."""


@dataclass(frozen=True)
class Opening:
    """The first words of a story, and which of them the story is about."""

    text: str
    characters: list[str]


class Openings:
    """The openings of a text.

    Stories that begin with one of the fixed prompts are left out: a model is judged by those.
    """

    def __init__(self, stories: Sequence[str]) -> None:
        counts = Counter(word for story in stories for word in set(words_of(story)))
        self.common = {word for word, count in counts.items() if count >= COMMON * len(stories)}
        fixed = "|".join(re.escape(prompt) for prompt, _ in read_prompts())
        prompted = re.compile(rf"({fixed})\b")
        self.stories = [story for story in stories if not prompted.match(story)]

    def of(self, story: str, rng: random.Random) -> Opening | None:
        """The first words of a story, as many as chance has it; None where those are no words."""
        words = story.split("\n")[0].split(" ")
        text = re.sub(r"[^\w]+$", "", " ".join(words[: rng.choice(WORDS)]))
        return Opening(text, self.characters(text, story)) if text else None

    def characters(self, text: str, story: str) -> list[str]:
        """Which words of ``text`` the story is about."""
        about = Counter(words_of(story))
        return [
            word
            for word in dict.fromkeys(words_of(text))
            if about[word] >= NAMED and len(word) > 2 and word not in self.common
        ]

    def different(self, count: int, seed: int) -> list[Opening]:
        """So many different ones; fewer, where the text has not so many."""
        rng = random.Random(seed)
        drawn: dict[str, Opening] = {}
        for story in rng.sample(self.stories, len(self.stories)):
            if len(drawn) == count:
                break
            opening = self.of(story, rng)
            if opening:
                drawn[opening.text] = opening
        return list(drawn.values())

    def draw(self, count: int, seed: str) -> list[Opening]:
        """So many, some of which may be the same."""
        rng = random.Random(seed)
        drawn: list[Opening] = []
        while len(drawn) < count:
            opening = self.of(rng.choice(self.stories), rng)
            if opening:
                drawn.append(opening)
        return drawn
