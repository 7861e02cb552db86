"""Bodies: stories from "One day," to their end, told by the model about a theme, read by a filter.

The model tells them of a boy named Tim, whose names and pronouns become slots. So nobody else in them
may be a he, nobody may have another name, and nothing may be said twice.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fontgen.automaton.content.cast import NAME, Cast, Hero, Theme
from fontgen.automaton.content.delexicalise import delexicalise
from fontgen.automaton.content.slots import filled
from fontgen.automaton.content.words import SENTENCE_END, plain, words_of

HERO = Hero("tim", "Tim", NAME, "m")
BEFORE = "Once upon a time, there was a little boy named Tim."
AFTER = "One day,"
SHORTEST, LONGEST = 55, 150
"""Words of a body."""
REPEATED = 8
"""Words that may not come twice in a row."""
_OTHERS = re.compile(
    r"\b(?:dad|daddy|father|papa|man|men|boys?|brother|king|prince|grandpa|grandfather|uncle|mr|sir|son|wizard|"
    r"pirate|he's|he'd|he'll|girl|sister|princess|queen|woman|lady)\b",
    re.IGNORECASE,
)
_LETTERS = re.compile(r"[A-Za-z0-9 .,!?;:'\"()-]+")
_SMALL = frozenset("The They It She A There His Her In When As Then At On After While".split())


def opening_of(introduction: str) -> str:
    """The text after which the model tells a body."""
    return f"{BEFORE} {filled(introduction, HERO, HERO.gender)} {AFTER}"


@dataclass(frozen=True)
class Candidate:
    """A body that passed the filter; ``first``: after how many words it comes to its theme."""

    text: str
    first: int


class BodyReader:
    """Reads what the model told; ``refused`` counts why texts were refused."""

    def __init__(self, cast: Cast):
        self.names = {h.written for h in cast.heroes.values() if h.kind == NAME} - {HERO.written}
        self.refused: Counter[str] = Counter()

    def read(self, told: str, ended: bool, theme: Theme) -> Candidate | None:
        """The body in a story, or None."""
        text = plain(told)
        words = text.split()
        if not ended or len(words) > LONGEST:
            ends = list(SENTENCE_END.finditer(" ".join(words[:LONGEST])))
            text = text[: ends[-1].end()] if ends else ""
            words = text.split()
        cause = self._unfit(text, words)
        theme_words = set(theme.words)
        first = next((i for i, word in enumerate(words_of(text)) if word in theme_words), LONGEST)
        if cause is None and theme_words and first > 70:
            cause = "not of the theme"
        if cause is not None:
            self.refused[cause] += 1
            return None
        body = delexicalise(text, HERO, HERO.gender, AFTER)
        first_word, space, rest = body.partition(" ")
        slot = re.match(r"\{([HF])(\w+)\}|\{(He|His)\}", first_word)
        if slot or first_word in _SMALL:  # it stands inside a sentence
            first_word = first_word[:2].lower() + first_word[2:]
        return Candidate(first_word + space + rest, first)

    def _unfit(self, text: str, words: Sequence[str]) -> str | None:
        if len(words) < SHORTEST:
            return "too short"
        if _OTHERS.search(text):
            return "another he"
        if self.names.intersection(re.findall(r"[A-Z][a-z]+", text)):
            return "another name"
        if not _LETTERS.fullmatch(text):
            return "other characters"
        if text.count('"') % 2:
            return "quotation marks"
        runs = Counter(tuple(words[i : i + REPEATED]) for i in range(len(words) - REPEATED + 1))
        if max(runs.values()) > 1:
            return "says something twice"
        heroes = [i for i, word in enumerate(words) if HERO.written in word]
        if len(heroes) < 3 or heroes[-1] < len(words) / 2:
            return "loses its hero"
        return None


def choose_bodies(candidates: Iterable[tuple[str, Candidate]], most: int) -> dict[str, list[str]]:
    """Of each theme at most so many bodies, those that share the fewest words in a row with others.

    Themes with few candidates choose first.
    """
    by_theme: dict[str, dict[str, Candidate]] = defaultdict(dict)
    for theme, candidate in candidates:
        by_theme[theme][candidate.text] = candidate
    chosen: dict[str, list[str]] = {theme: [] for theme in by_theme}
    seen: Counter[tuple[str, ...]] = Counter()

    def cost(candidate: Candidate) -> tuple[float, str]:
        grams = _grams(candidate.text)
        shared = sum(1 for gram in grams if seen[gram]) / len(grams)
        late = 0.2 * (candidate.first > 30)
        short = 0.004 * max(0, 75 - len(candidate.text.split()))
        return (shared + late + short, candidate.text)

    for _ in range(most):
        for theme in sorted(by_theme, key=lambda name: (len(by_theme[name]), name)):
            if by_theme[theme]:
                best = min(by_theme[theme].values(), key=cost)
                del by_theme[theme][best.text]
                chosen[theme].append(best.text)
                seen.update(_grams(best.text))
    return chosen


def _grams(text: str) -> set[tuple[str, ...]]:
    words = text.lower().split()
    return {tuple(words[i : i + 5]) for i in range(max(1, len(words) - 4))}
