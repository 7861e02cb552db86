"""Bodies: stories from "One day," to their end, told by the model about a theme, read by a filter.

The model tells them of somebody whose names and pronouns become slots: of a boy named Tim, of a fox, and
of Tim and a friend named Sue. So nobody else in them may be a he (or, with Sue, a she), nobody may have another
name, and nothing may be said twice.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from fontgen.automaton.content.cast import NAME, NOUN, Cast, Hero, Theme
from fontgen.automaton.content.delexicalise import delexicalise
from fontgen.automaton.content.slots import Players, filled, plural
from fontgen.automaton.content.words import SENTENCE_END, plain, words_of


@dataclass(frozen=True)
class Company:
    """Of whom bodies are told: the text before, after an introduction, the hero, and a friend."""

    name: str
    before: str
    after: str
    hero: Hero
    friend: Hero | None = None


_TIM, _SUE = Hero("tim", "Tim", NAME, "m"), Hero("sue", "Sue", NAME, "f")
CHILD = Company("child", "Once upon a time, there was a little boy named Tim.", "One day,", _TIM)
ANIMAL = Company(
    "animal", "Once upon a time, there was a little fox.", "One day,", Hero("fox", "fox", NOUN, "m")
)
FRIENDS = Company(
    "friends",
    "Once upon a time, there was a little boy named Tim. He had a friend named Sue.",
    "One day, Tim and Sue",
    _TIM,
    _SUE,
)
_LILY, _BEN = Hero("lily", "Lily", NAME, "f"), Hero("ben", "Ben", NAME, "m")
_DOG = Hero("dog", "dog", NOUN, "n")
COMPANIES = (CHILD, ANIMAL, FRIENDS)
SHORTEST, LONGEST = 55, 150
"""Words of a body."""
REPEATED = 8
"""Words that may not come twice in a row."""
NAMED = 35
"""Words in which the hero should be named twice."""
SHARED = 0.8
"""Nats per token that a body must be likelier to be chosen before another, if all its words are in others."""
REPEATS = 3.0
"""The same, if all its words are said twice in it: likely texts are often so."""
_HIMS = re.compile(
    r"\b(?:dad|daddy|father|papa|man|men|boys?|brother|king|prince|grandpa|grandfather|uncle|mr|sir|son|wizard|"
    r"pirate|he's|he'd|he'll|girl|sister|princess|queen|woman|lady)\b",
    re.IGNORECASE,
)
"""Others whom a story may call he; or, where the hero becomes a she, she."""
_HERS = re.compile(
    r"\b(?:mom|mommy|mother|mama|grandma|grandmother|granny|aunt|mrs|miss|teacher|she's|she'd|she'll)\b",
    re.IGNORECASE,
)
"""Others who are a she beside a friend who is one."""
_HERO = re.compile(r"\{(?:hero|fox)\}", re.IGNORECASE)
_LETTERS = re.compile(r"[A-Za-z0-9 .,!?;:'\"()-]+")
_SMALL = frozenset("The They It She A There His Her In When As Then At On After While".split())


def opening_of(introduction: str, company: Company) -> str:
    """The text after which the model tells a body."""
    hero = company.hero
    return f"{company.before} {filled(introduction, Players(hero, hero.gender))} {company.after}"


@dataclass(frozen=True)
class Candidate:
    """A body that passed the filter; ``first``: after how many words it comes to its theme."""

    text: str
    first: int


class BodyReader:
    """Reads what the model told; ``refused`` counts why texts were refused."""

    def __init__(self, cast: Cast):
        self.names = {hero.written for hero in cast.heroes.values() if hero.kind == NAME}
        self.refused: Counter[str] = Counter()

    def read(self, told: str, ended: bool, theme: Theme, company: Company) -> Candidate | None:
        """The body in a story, or None."""
        began = company.after.partition(",")[2]  # of the body itself, before the model went on
        text = plain(f"{began} {told}")
        words = text.split()
        if not ended or len(words) > LONGEST:
            ends = list(SENTENCE_END.finditer(" ".join(words[:LONGEST])))
            text = text[: ends[-1].end()] if ends else ""
            words = text.split()
        cause = self._unfit(text, words, company)
        theme_words = set(theme.words)
        first = next((i for i, word in enumerate(words_of(text)) if word in theme_words), LONGEST)
        if cause is None and theme_words and first > 70:
            cause = "not of the theme"
        if cause is not None:
            self.refused[cause] += 1
            return None
        body = delexicalise(text, company.hero, company.hero.gender, "One day,")
        if company.friend:
            body = delexicalise(body, company.friend, "f", "One day,", friend=True)
        # Named at once: the sentence before may be of somebody else, or of nobody.
        body = _with_things(re.sub(r"^\{[Hh]e\}", "{hero}", body), theme)
        first_word, space, rest = body.partition(" ")
        slot = re.match(r"\{([HFP])(\w+)\}|\{(He|His)\}", first_word)
        if slot or first_word in _SMALL:  # it stands inside a sentence
            first_word = first_word[:2].lower() + first_word[2:]
        return Candidate(first_word + space + rest, first)

    def _unfit(self, text: str, words: Sequence[str], company: Company) -> str | None:
        if len(words) < SHORTEST:
            return "too short"
        if _HIMS.search(text) or (company.friend and _HERS.search(text)):
            return "another he or she"
        known = {hero.written for hero in (company.hero, company.friend) if hero}
        if (self.names - known).intersection(re.findall(r"[A-Z][a-z]+", text)):
            return "another name"
        if not _LETTERS.fullmatch(text):
            return "other characters"
        if text.count('"') % 2:
            return "quotation marks"
        runs = Counter(tuple(words[i : i + REPEATED]) for i in range(len(words) - REPEATED + 1))
        if max(runs.values()) > 1:
            return "says something twice"
        name = company.hero.written
        met = rf"\b(?:friends?|named|called),? {name}\b|\b{name} \w+ (?:to |with |at )?(?:the )?{name}\b"
        if re.search(met, text):
            return "meets its hero"
        for name in known:
            places = [i for i, word in enumerate(words) if name in word]
            if len(places) < 3 or places[-1] < len(words) / 2:
                return "loses its hero"
        return None


def _with_things(body: str, theme: Theme) -> str:
    """A body in which the theme's own thing is a slot."""
    if not theme.things:
        return body
    for word, slot in ((plural(theme.things[0]), "things"), (theme.things[0], "thing")):
        body = re.sub(rf"\b{word}\b", "{" + slot + "}", body)
    return body


def contexts_of(theme: Theme, company: Company) -> list[tuple[str, Players]]:
    """A text behind which a body of a theme may stand, and of whom; to ask the model what it thinks of the body when
    it is told of others."""
    lily = Players(_LILY, "f", _BEN, *theme.things[:1])
    dog = Players(_DOG, "m", _BEN, *theme.things[:1])
    players = (dog,) if company is ANIMAL else (lily,)
    beginning = {
        CHILD.name: "Once upon a time, there was a little girl named {hero}.",
        ANIMAL.name: "Once there was {hero} who lived in the forest.",
        FRIENDS.name: "{Hero} and {friend} were friends.",
    }[company.name]
    introduction = theme.introductions[-1]
    return [(filled(f"{beginning} {introduction} One day,", one), one) for one in players]


def choose_bodies(
    candidates: Iterable[tuple[str, Candidate]], most: int, nats: Mapping[str, float]
) -> dict[str, list[str]]:
    """Of each theme at most so many bodies, those that the model finds likely and that share few words in a row with
    others.

    Themes with few candidates choose first. nats: per token, of the candidates' texts.
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
        unnamed = 0.5 * (len(_HERO.findall(" ".join(candidate.text.split()[:NAMED]))) < 2)
        short = 0.004 * max(0, 75 - len(candidate.text.split()))
        again = REPEATS * _repeated(candidate.text)
        return (
            nats[candidate.text] + SHARED * shared + late + unnamed + short + again,
            candidate.text,
        )

    for _ in range(most):
        for theme in sorted(by_theme, key=lambda name: (len(by_theme[name]), name)):
            if by_theme[theme]:
                best = min(by_theme[theme].values(), key=cost)
                del by_theme[theme][best.text]
                chosen[theme].append(best.text)
                seen.update(_grams(best.text))
    return chosen


def _repeated(text: str) -> float:
    """The share of a text's sequences of four words that it has before."""
    words = text.lower().split()
    grams = [tuple(words[i : i + 4]) for i in range(max(1, len(words) - 3))]
    return 1 - len(set(grams)) / len(grams)


def _grams(text: str) -> set[tuple[str, ...]]:
    words = text.lower().split()
    return {tuple(words[i : i + 5]) for i in range(max(1, len(words) - 4))}
