"""Other names for the characters of a story, so that a model learns to carry a name through it."""

from __future__ import annotations

import random
import re
import sys
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

NAMES = Path(__file__).parents[1] / "grammar" / "names.toml"
WORD = re.compile(r"[A-Za-z]+")


def read_names(path: Path = NAMES) -> dict[str, dict[str, int]]:
    """Names by kind (girls, boys, either, pets), and how often each is drawn."""
    with path.open("rb") as file:
        return tomllib.load(file)


class Renamer:
    """Gives the characters of a story other first names, each one of the same kind.

    The kinds, their names and how often these are drawn are in ``model/grammar/names.toml``. Names
    that girls and boys share (Sam, Max) count as what the story's pronouns say that they are.
    """

    def __init__(self, names: dict[str, dict[str, int]]) -> None:
        self.names = names
        self.kind = {name: kind for kind, weights in names.items() for name in weights}

    def kind_in(self, name: str, words: set[str]) -> str:
        girl, boy = not words.isdisjoint({"she", "her"}), not words.isdisjoint({"he", "his"})
        if self.kind[name] != "either" or girl == boy:
            return self.kind[name]
        return "girls" if girl else "boys"

    def rename(self, story: str, rng: random.Random) -> str:
        """Return the story with every name replaced, or the story itself if it has none.

        A name stays where it may be a common word (the story has it in small letters, too), or
        where a second one is a form of it (Tim and Timmy): the story may play with the two.
        """
        words = set(WORD.findall(story))
        taken = words | {word.capitalize() for word in words}
        found = [name for name in sorted(words & self.kind.keys()) if name.lower() not in words]
        found = [
            name
            for name in found
            if not any(name != other and name[:3] == other[:3] for other in found)
        ]
        new = {}
        for name in found:
            weights = self.names[self.kind_in(name, words)]
            free = [other for other in weights if other not in taken]
            new[name] = rng.choices(free, [weights[other] for other in free])[0]
            taken.add(new[name])
        return WORD.sub(lambda match: new.get(match[0], match[0]), story)

    def variants(self, story: str, count: int, seed: str) -> list[str]:
        """Return ``count`` variants of the story; one without names is only repeated, which
        leaves its share in the text as it was."""
        rng = random.Random(seed)
        return [self.rename(story, rng) for _ in range(count)]
