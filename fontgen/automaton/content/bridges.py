"""Bridges: how a prompt goes on to the end of its sentence, told by the model, read by a filter.

The model continues an opening that ends as prompts do. What it says is kept only if it will do for
other prompts with the same end: a whole sentence, nobody in it but the hero, quotation marks in pairs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from fontgen.automaton.content.cast import NAME, NOUN, Cast, Hero
from fontgen.automaton.content.delexicalise import delexicalise
from fontgen.automaton.content.kinds import Kind, bridge_kind
from fontgen.automaton.content.openings import End, KnownEnd
from fontgen.automaton.content.slots import Players, filled
from fontgen.automaton.content.words import (
    FEMALE,
    MALE,
    QUOTES,
    SENTENCE_END,
    plain,
    words_of,
)

MOST_WORDS = 22
"""Words of a bridge."""
TRIED = 4
"""Candidates of an end, and openings, about which the model is asked."""
_GIVEN = re.compile(r"\b(?:named|called|name was) ([A-Z][a-z]+)")
_WITHIN = re.compile(r"\b(?:in|inside|into|on|under) \{hero\}[ ,.]")
_SPOKEN_TO = re.compile(r", ([a-z]+)[.!?]")
_ABBREVIATION = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|St)\.")
_LETTERS = re.compile(r"[A-Za-z0-9 .,!?;:'\"-]+")
_SOMEBODY = re.compile(r"\b(?:he|she|him|her|his|they|their|them)\b", re.IGNORECASE)
_PRONOUNS = ({"he", "him", "his"}, {"she", "her"}, {"they", "their", "them"})
_SPEAKER = re.compile(r"\b(?:i|i'm|me|my|you|your|we|us|our)\b", re.IGNORECASE)
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

    def read(self, opening: str, told: str, end: End, neutral: bool = False) -> str | None:
        """The bridge in what was told after an opening, or None.

        Args:
            end: for which end of a prompt.
            neutral: the opening is of the other sort, with a hero or without: the bridge must be of nobody.
        """
        opening, text = plain(opening), plain(told)
        joined = not told.startswith((" ", "\n"))
        within = opening.count('"') % 2 == 1 and not _opens_quotation(end.words)
        cause = self._cannot_be_read(text, joined)
        if cause is None:
            text = self._sentence(opening, text)
            text = re.sub(r'"$', "", text) if within else text
            cause = self._unfit(opening, text, within, end)
        if cause is not None:
            return self._refuse(cause)
        if end.hero and not neutral:
            bridge = self._of_hero(opening, text)
        else:
            bridge = self._of_nobody(opening, text, end)
        if neutral and bridge is not None and "{" in bridge:
            return self._refuse("somebody")
        return None if bridge is None else bridge if joined else " " + bridge

    def _refuse(self, cause: str) -> str | None:
        self.refused[cause] += 1
        return None

    def _cannot_be_read(self, text: str, joined: bool) -> str | None:
        if not text:
            return "nothing said"
        if joined and text[0].isalnum():
            return "goes on within a word"
        found = SENTENCE_END.search(text)
        if not found:
            return "no end of a sentence"
        return None

    def _sentence(self, opening: str, text: str) -> str:
        """The first sentence, a quotation closed."""
        found = SENTENCE_END.search(text)
        assert found
        sentence = text[: found.end()]
        odd = (opening.count('"') + sentence.count('"')) % 2
        return sentence + '"' if odd and opening.count('"') % 2 else sentence

    def _unfit(self, opening: str, text: str, within: bool, end: End) -> str | None:
        """Why a sentence will not do. ``within``: it goes on in a quotation that began before the end, and the font
        closes it; other prompts that end so may have none."""
        if not text.strip("\"' "):
            return "nothing but quotation marks"
        if len(text.split()) > MOST_WORDS:
            return "too long"
        if within and (
            '"' in text or (_SPEAKER.search(text) and not _SPEAKER.search(" ".join(end.words)))
        ):
            return "inside a quotation"
        if not within and (opening.count('"') + text.count('"')) % 2:
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
        spoken_to = _SPOKEN_TO.search(bridge)
        if spoken_to and spoken_to[1] in self.cast.heroes:
            return self._refuse("somebody else")
        if _WITHIN.search(bridge):
            return self._refuse("within its hero")
        given = _GIVEN.search(f"{opening[-40:]} {text}")
        result = []
        for word in bridge.split():
            core = re.sub(r"^[\"']|(?:'s)?[.,!?;:\"']*$", "", word)
            low = core.lower()
            if core[:1].isupper() and (low in self.first_names or low in self.names):
                if not given or core != given[1]:
                    return self._refuse("somebody else")
                word = word.replace(core, "{name}")
            result.append(word)
        return " ".join(result)

    def players(self, opening: str) -> Players:
        """Who an opening is about; somebody where it does not say."""
        words = words_of(opening)
        hero = self._hero(words)
        return Players(hero or _PLACEHOLDER, self._gender(hero, words, "") if hero else "f")

    def _gender(self, hero: Hero | None, words: Sequence[str], text: str) -> str:
        if hero is not None and hero.gender != "n":
            return hero.gender
        for word in [*reversed(words), *words_of(text)]:
            if word in FEMALE:
                return "f"
            if word in MALE:
                return "m"
        return "m"

    def _of_nobody(self, opening: str, text: str, end: End) -> str | None:
        """For prompts without a hero: the bridge brings one, or is of nobody but whom the end speaks of."""
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
        spoken_of = {p for pronouns in _PRONOUNS if pronouns & {*end.words} for p in pronouns}
        if others or not spoken_of.issuperset(map(str.lower, _SOMEBODY.findall(text))):
            return self._refuse("somebody")
        if _FEELS.search(text) and not spoken_of and _SEVERAL.isdisjoint(words_of(opening)[-4:]):
            return self._refuse("what somebody feels")
        return delexicalise(text, None, "", opening)


def _opens_quotation(end: Sequence[str]) -> bool:
    quotes = [word for word in end if word in QUOTES]
    return bool(quotes) and quotes[-1] == QUOTES[0]


def _with_child(bridge: str) -> str:
    return re.sub(r"\b(?:girl|boy)\b", "{boy}", bridge)


@dataclass
class Choice:
    """What an end may go on with.

    votes: of each bridge, of how many openings the model gave it. openings: numbers of those.
    """

    votes: Counter[str]
    openings: list[int]

    @property
    def candidates(self) -> list[str]:
        """The bridges, best first: by votes; of equals the one that brings a hero, then the shorter."""
        return sorted(
            self.votes,
            key=lambda text: (
                -self.votes[text],
                bridge_kind(text, False) is not Kind.GO,
                len(text.split()),
                text,
            ),
        )


def read_bridges(
    known: Iterable[KnownEnd],
    openings: Sequence[str],
    told: Mapping[str, str],
    reader: BridgeReader,
) -> dict[End, Choice]:
    """For each end the bridges that the model told after its openings, or else the first after a spare one, as the
    filter read them; in the ends' order."""
    choices: dict[End, Choice] = {}
    read: dict[tuple[int, End, bool], str | None] = {}

    def bridge_of(number: int, one: KnownEnd) -> str | None:
        opening, key = openings[number], (number, one.end, one.neutral)
        if opening in told and key not in read:
            read[key] = reader.read(opening, told[opening], one.end, one.neutral)
        return read.get(key)

    for one in known:
        votes = {n: text for n in one.openings if (text := bridge_of(n, one)) is not None}
        for number in one.spare if not votes else ():
            text = bridge_of(number, one)
            if text is not None:
                votes[number] = text
                break
        if votes:
            choices[one.end] = Choice(Counter(votes.values()), list(votes))
    return choices


@dataclass(frozen=True)
class Trial:
    """Candidates of an end, and openings after which the model is asked what it thinks of them: of each opening its
    number and the candidates as they are told there."""

    end: End
    candidates: list[str]
    told: list[tuple[int, list[str]]]


def trials(
    choices: Mapping[End, Choice], openings: Sequence[str], reader: BridgeReader, most: int
) -> Iterator[Trial]:
    """The commonest ends that have several candidates."""
    several = [(end, choice) for end, choice in choices.items() if len(choice.votes) > 1]
    for end, choice in several[:most]:
        candidates = choice.candidates[:TRIED]
        told = []
        for number in choice.openings[:TRIED]:
            players = reader.players(openings[number])
            told.append((number, [_told(candidate, players) for candidate in candidates]))
        yield Trial(end, candidates, told)


def _told(bridge: str, players: Players) -> str:
    lead = " " if bridge.startswith(" ") else ""
    return lead + filled(bridge, players)


def chosen_bridges(
    choices: Mapping[End, Choice], best: Mapping[End, str], least_votes: int = 1
) -> tuple[dict[tuple[str, ...], str], dict[tuple[str, ...], str]]:
    """Ends of prompts without a hero and with one to their bridges: the ``best``, as the model says, or the one that
    got most votes, if it got enough."""
    chosen: tuple[dict[tuple[str, ...], str], dict[tuple[str, ...], str]] = ({}, {})
    for end, choice in choices.items():
        first = choice.candidates[0]
        if end in best or choice.votes[first] >= least_votes:
            chosen[end.hero][end.words] = best.get(end, first)
    return chosen
