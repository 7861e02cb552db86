"""Bridges: how a prompt goes on to the end of its sentence, told by the model, read by a filter.

The model continues an opening that ends as prompts do. What it says is kept only if it will do for
other prompts with the same end: a whole sentence, nobody in it but the hero, quotation marks in pairs.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence

from fontgen.automaton.content.cast import NAME, NOUN, Cast, Hero
from fontgen.automaton.content.delexicalise import delexicalise
from fontgen.automaton.content.kinds import Kind, bridge_kind
from fontgen.automaton.content.openings import KnownEnd
from fontgen.automaton.content.words import FEMALE, MALE, SENTENCE_END, normalise, plain, words_of

MOST_WORDS = 22
"""Words of a bridge."""
_GIVEN = re.compile(r"\b(?:named|called|name was) ([A-Z][a-z]+)")
_ABBREVIATION = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|St)\.")
_LETTERS = re.compile(r"[A-Za-z0-9 .,!?;:'\"-]+")
_SOMEBODY = re.compile(r"\b(?:he|she|him|her|his|they|their|them)\b", re.IGNORECASE)
_FEELS = re.compile(
    r"\b(?:happy|sad|hungry|thirsty|tired|sleepy|excited|scared|afraid|angry|mad|proud|curious|surprised|lonely|brave|"
    r"bored|wanted|liked|loved|decided|tried|felt|thought|hoped|wished|smiled|laughed|cried)\b",
    re.IGNORECASE,
)
"""What only somebody does or feels."""
_SEVERAL = frozenset(
    "all both children everybody everyone friends kids people they two we you i".split()
)
"""Words after which a bridge may tell what somebody does, though nobody is a hero."""
_PLACEHOLDER = Hero("lily", "Lily", NAME, "f")


class BridgeReader:
    """Reads what the model said after openings.

    Args:
        cast: heroes and words that may stand with a capital letter.
        openings: the openings' texts; a word that they have in small letters may be capitalised.
        names: words that are somebody's name, though the cast has them not.
        refused: counts why texts were refused.
    """

    def __init__(self, cast: Cast, openings: Collection[str], names: Collection[str]):
        self.cast, self.names = cast, names
        small = Counter(
            word for opening in openings for word in set(re.findall(r"\b[a-z]+\b", opening))
        )
        self.common = {word for word, count in small.items() if count >= 5} | cast.capital
        self.first_names = {word for word, hero in cast.heroes.items() if hero.kind == NAME}
        self.refused: Counter[str] = Counter()

    def read(self, opening: str, told: str, end: Sequence[str], with_hero: bool) -> str | None:
        """The bridge in what was told after an opening, or None; ``end``: for which end of a prompt."""
        opening, text = plain(opening), plain(told)
        joined = not told.startswith((" ", "\n"))
        cause = self._cannot_be_read(opening, text, joined, end)
        if cause is None:
            text = self._sentence(opening, text)
            cause = self._unfit(opening, text)
        if cause is not None:
            return self._refuse(cause)
        bridge = self._of_hero(opening, text) if with_hero else self._of_nobody(opening, text)
        return None if bridge is None else bridge if joined else " " + bridge

    def _refuse(self, cause: str) -> str | None:
        self.refused[cause] += 1
        return None

    def _cannot_be_read(
        self, opening: str, text: str, joined: bool, end: Sequence[str]
    ) -> str | None:
        if not text:
            return "nothing said"
        if joined and text[0].isalnum():
            return "goes on within a word"
        found = SENTENCE_END.search(text)
        if not found:
            return "no end of a sentence"
        if opening.count('"') % 2 and '"' not in end:
            return "inside a quotation"
        return None

    def _sentence(self, opening: str, text: str) -> str:
        """The first sentence, a quotation closed."""
        found = SENTENCE_END.search(text)
        assert found
        sentence = text[: found.end()]
        odd = (opening.count('"') + sentence.count('"')) % 2
        return sentence + '"' if odd and opening.count('"') % 2 else sentence

    def _unfit(self, opening: str, text: str) -> str | None:
        if not text.strip("\"' "):
            return "nothing but quotation marks"
        if len(text.split()) > MOST_WORDS:
            return "too long"
        if (opening.count('"') + text.count('"')) % 2:
            return "quotation marks"
        if not _LETTERS.fullmatch(text):
            return "other characters"
        if _ABBREVIATION.search(text):
            return "an abbreviation"
        for word in re.findall(r"[A-Za-z]+", text):
            low = word.lower()
            if word[0].isupper() and low not in self.common and low not in self.first_names:
                if low not in self.names or low not in words_of(opening):
                    return "somebody unknown"
        return None

    def _hero(self, words: Sequence[str]) -> Hero | None:
        hero = self.cast.hero_of(list(words))
        name = next((word for word in words if word in self.names), None)
        if name and (hero is None or hero.kind != NAME):
            return Hero(name, name.capitalize(), NAME, "n")
        return hero

    def _of_hero(self, opening: str, text: str) -> str | None:
        """For prompts with a hero: the hero's name and pronouns become slots; others' names may not be in it."""
        words = words_of(opening)
        hero = self._hero(words)
        gender = self._gender(hero, words, text)
        bridge = delexicalise(text, hero, gender, opening)
        given = _GIVEN.search(f"{opening[-40:]} {text}")
        result = []
        for word in bridge.split():
            core = re.sub(r"^[\"']|(?:'s)?[.,!?;:\"']*$", "", word)
            low = normalise(core)
            if core[:1].isupper() and (low in self.first_names or low in self.names):
                if not given or core != given[1]:
                    return self._refuse("somebody else")
                word = word.replace(core, "{name}")
            result.append(word)
        return " ".join(result)

    def _gender(self, hero: Hero | None, words: Sequence[str], text: str) -> str:
        if hero is not None and hero.gender != "n":
            return hero.gender
        for word in [*reversed(words), *words_of(text)]:
            if word in FEMALE:
                return "f"
            if word in MALE:
                return "m"
        return "m"

    def _of_nobody(self, opening: str, text: str) -> str | None:
        """For prompts without a hero: the bridge brings one, or is of nobody."""
        if bridge_kind(text, True) is Kind.DAY:
            return self._refuse("one day")
        names = {word for word in words_of(text) if word in self.first_names}
        others = {
            word
            for word in words_of(text)
            if word in self.cast.heroes and self.cast.heroes[word].kind == NOUN
        } - {"girl", "boy"}
        if len(names) > 1:
            return self._refuse("two names")
        if names:
            hero = self.cast.heroes[names.pop()]
            bridge = _with_child(delexicalise(text, hero, hero.gender, opening))
            if others and "{boy}" not in bridge:
                return self._refuse("somebody else")
            return bridge
        if re.search(r"\b(?:girl|boy)\.$", text):
            introduced = f"{text[:-1]} named {_PLACEHOLDER.written}."
            return _with_child(delexicalise(introduced, _PLACEHOLDER, "f", opening))
        if others or _SOMEBODY.search(text):
            return self._refuse("somebody")
        if _FEELS.search(text) and _SEVERAL.isdisjoint(words_of(opening)[-4:]):
            return self._refuse("what somebody feels")
        return delexicalise(text, None, "", opening)


def _with_child(bridge: str) -> str:
    return re.sub(r"\b(?:girl|boy)\b", "{boy}", bridge)


def choose_bridges(
    known: Sequence[KnownEnd],
    openings: Sequence[str],
    told: Mapping[str, str],
    reader: BridgeReader,
) -> tuple[dict[tuple[str, ...], str], dict[tuple[str, ...], str]]:
    """For each end whose openings the model has continued, the bridge that most of them gave.

    Of equals: the one that brings a hero, then one of the end's own, then the shorter.

    Returns:
        Ends of prompts without a hero and with one.
    """
    chosen: tuple[dict[tuple[str, ...], str], dict[tuple[str, ...], str]] = ({}, {})
    votes: dict[tuple[bool, tuple[str, ...]], Counter[str]] = defaultdict(Counter)
    for one in known:
        for number in one.openings:
            if openings[number] in told:
                end = one.end
                bridge = reader.read(openings[number], told[openings[number]], end.words, end.hero)
                if bridge is not None:
                    votes[end.hero, end.words][bridge] += 1
    for (with_hero, words), counter in votes.items():
        chosen[with_hero][words] = min(
            counter,
            key=lambda text: (
                -counter[text],
                bridge_kind(text, with_hero) is not Kind.GO,
                len(text.split()),
                text,
            ),
        )
    return chosen
