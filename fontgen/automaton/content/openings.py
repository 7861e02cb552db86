"""Which ends of prompts the font shall know, and texts that the model continues to learn them from.

An end is the last one to four words of a prompt, heroes as classes (``<name> and his <noun>``), and
whether the prompt has a hero yet. Ends are counted over the beginnings of stories: the commonest of
each length are worth knowing. For each a few openings are chosen in which it occurs, short ones
rather than long ones, and one opening serves ends of several lengths.

Ends of which all words but the commonest are classes of similar words (see `similar`) are chosen in the same way,
from the same openings: they serve prompts of which no end was seen.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from fontgen.automaton.content.cast import CLASSES, NAME, Cast
from fontgen.automaton.content.similar import similar
from fontgen.automaton.content.words import WORD, normalised, plain, words_of

LONGEST = 4
"""Words of an end."""
MOST_WORDS = 42
"""Words of a story's beginning that are looked at."""


CLASS_LENGTHS = (2, 3, 4)
"""Words of an end of classes."""
MOST_TRIED = 4
"""Openings of an end, the spare ones included, of which at least one must be continued well."""
CLASS_OPENINGS = 40
"""Openings of such an end at most, each with other words of its classes."""


@dataclass(frozen=True)
class End:
    """The last words of a prompt; ``hero`` says that the prompt has one, there or before."""

    words: tuple[str, ...]
    hero: bool


@dataclass(frozen=True)
class KnownEnd:
    """An end, how often it occurs, and numbers of the openings that show it; ``spare``: of more openings, if what the
    model tells after those does not pass.

    neutral: it was seen only after the same words in prompts with a hero, though it is of those without one, or the
    other way round: what is told there serves if it is of nobody.
    """

    end: End
    count: int
    openings: tuple[int, ...]
    neutral: bool = False
    spare: tuple[int, ...] = ()


def other_names(texts: Iterable[str], cast: Cast) -> set[str]:
    """Words, in lower case, that are somebody's name though the cast has them not: they stand with a capital
    letter within sentences, and hardly without one."""
    capital: Counter[str] = Counter()
    small: Counter[str] = Counter()
    for text in texts:
        small.update(re.findall(r"\b[a-z]{2,}\b", text))
        capital.update(re.findall(r"(?<=[a-z,] )[A-Z][a-z]+\b", text))
    return {
        name.lower()
        for name, count in capital.items()
        if count > 1 and count > 2 * small[name.lower()]
        and name.lower() not in cast.capital and name.lower() not in cast.heroes
    }  # fmt: skip


def known_small_words(texts: Iterable[str], cast: Cast) -> tuple[str, ...]:
    """Words that stand with a capital letter at the beginnings of sentences, and with a small one elsewhere: they are
    nobody's names, though no end of a prompt has them."""
    small: Counter[str] = Counter()
    capital: Counter[str] = Counter()
    for text in texts:
        small.update(re.findall(r"\b[a-z]{2,10}\b", text))
        capital.update(word.lower() for word in re.findall(r"\b[A-Z][a-z]{1,9}\b", text))
    words = {word for word, count in capital.items() if count >= 3 and small[word] >= 3}
    return tuple(sorted((words | cast.capital) - cast.heroes.keys()))


def ends_of(words: Sequence[str], cast: Cast, names: Collection[str] = ()) -> list[End]:
    """The ends of a prompt, longest first; ``names`` are somebody's, too.

    >>> ends_of(["the", "fox"], cast)[0]                            # doctest: +SKIP
    End(words=('the', '<noun>'), hero=True)
    """
    hero = any(word in cast.heroes or word in names for word in words)
    last = [CLASSES[NAME] if w in names else cast.abstract(w) for w in words[-LONGEST:]]
    return [End(tuple(last[-n:]), hero) for n in range(len(last), 0, -1)]


@dataclass(frozen=True)
class Plan:
    """What the model shall continue, those of the commonest ends first, and ends of words and of classes.

    first: so many of the openings are no spare ones.
    """

    openings: tuple[str, ...]
    known: tuple[KnownEnd, ...]
    similar: tuple[KnownEnd, ...] = ()
    first: int = 0


def choose_openings(
    stories: Iterable[str],
    cast: Cast,
    least: Sequence[Sequence[int]],
    classes: Mapping[str, str] | None = None,
    least_similar: Sequence[Sequence[int]] = ((), ()),
    least_either: Sequence[float] = (math.inf,) * LONGEST,
) -> Plan:
    """Count the ends in the stories' beginnings and choose openings.

    Args:
        stories: texts of one paragraph or more.
        cast: heroes.
        least: for prompts without a hero and with one, how often an end of 1, 2, 3, 4 words must
            occur to be known.
        classes: of similar words.
        least_similar: how often an end of classes must occur, of `CLASS_LENGTHS` words.
        least_either: how often an end of 1, 2, 3, 4 words must occur in prompts with a hero and without, together, to
            be known in both.
    """
    texts = [plain(story) for story in stories]
    names = other_names(texts, cast)
    where: dict[End, list[tuple[int, int]]] = defaultdict(list)  # (text, end of the opening)
    for number, text in enumerate(texts):
        for words, stop in _beginnings(text):
            for end in ends_of(words, cast, names):
                where[end].append((number, stop))
    either: Counter[tuple[str, ...]] = Counter()
    for end, places in where.items():
        either[end.words] += len(places)
    wanted = [
        end for end, places in where.items()
        if len(places) >= least[end.hero][len(end.words) - 1]
        or either[end.words] >= least_either[len(end.words) - 1]
    ]  # fmt: skip
    chosen: dict[tuple[int, int], int] = {}
    known = []
    wanted.sort(key=lambda end: (-len(where[end]), -len(end.words), end.words, end.hero))
    for end in wanted:
        places = where[end]
        picked = _pick(places, chosen, _openings_for(len(places)))
        numbers = [chosen.setdefault(place, len(chosen)) for place in picked]
        known.append(KnownEnd(end, len(places), tuple(numbers)))
    first = len(chosen)
    known = [_with_spare(one, where[one.end], chosen) for one in known]
    known += _neutral(known)
    openings = tuple(texts[number][:stop] for number, stop in chosen)
    if not classes:
        return Plan(openings, tuple(known), first=first)
    counts: Counter[End] = Counter()
    for text in texts:
        for words, _ in _beginnings(text):
            counts.update(similar_ends(words, cast, classes, names))
    where_similar: dict[End, list[int]] = defaultdict(list)
    for opening_number, opening in enumerate(openings[:first]):
        for end in similar_ends(words_of(opening), cast, classes, names):
            if counts[end] >= least_similar[end.hero][len(end.words) - CLASS_LENGTHS[0]]:
                where_similar[end].append(opening_number)
    return Plan(openings, tuple(known), _known_similar(where_similar, counts, openings), first)


def _with_spare(
    one: KnownEnd, places: list[tuple[int, int]], chosen: dict[tuple[int, int], int]
) -> KnownEnd:
    """An end with spare openings; one of one word needs none."""
    if len(one.end.words) == 1:
        return one
    numbers = [chosen.setdefault(place, len(chosen)) for place in _pick(places, chosen, MOST_TRIED)]
    return replace(one, spare=tuple(n for n in numbers if n not in one.openings))


def _neutral(known: Sequence[KnownEnd]) -> list[KnownEnd]:
    """Ends of two words for the prompts in which they were not seen often enough: with a hero, or without."""
    ends = {one.end for one in known}
    return [
        KnownEnd(other, one.count, one.openings, True, one.spare)
        for one in known
        if len(one.end.words) == 2
        and (other := End(one.end.words, not one.end.hero)) not in ends
        and not (set(one.end.words) & set(CLASSES.values()))
    ]


def similar_ends(
    words: Sequence[str], cast: Cast, classes: Mapping[str, str], names: Collection[str] = ()
) -> list[End]:
    """The ends of a prompt in classes of similar words, longest first."""
    return [
        End(tuple(similar(word, classes) for word in end.words), end.hero)
        for end in ends_of(words, cast, names)
        if len(end.words) in CLASS_LENGTHS
    ]


def _known_similar(
    where: Mapping[End, Sequence[int]], counts: Mapping[End, int], openings: Sequence[str]
) -> tuple[KnownEnd, ...]:
    """Ends of classes, each with openings that end in different words, spread over those that there are."""
    known = []
    for end in sorted(where, key=lambda end: (-counts[end], end.words, end.hero)):
        by_words: dict[tuple[str, ...], int] = {}
        for number in where[end]:
            by_words.setdefault(tuple(words_of(openings[number])[-len(end.words) :]), number)
        numbers = list(by_words.values())
        step = max(1, len(numbers) // CLASS_OPENINGS)
        known.append(KnownEnd(end, counts[end], tuple(numbers[::step][:CLASS_OPENINGS])))
    return tuple(known)


def _beginnings(text: str) -> Iterator[tuple[list[str], int]]:
    """The words of a text, one more at a time, and where the last of them ends in the text."""
    matches = list(WORD.finditer(text[: 8 * MOST_WORDS]))[:MOST_WORDS]
    words = normalised([match[0] for match in matches])
    for number, match in enumerate(matches, 1):
        yield words[:number], match.end()


def _openings_for(count: int) -> int:
    return 1 + (count >= 20) + (count >= 100)


def _pick(
    places: list[tuple[int, int]], chosen: Collection[tuple[int, int]], most: int
) -> list[tuple[int, int]]:
    """Openings of different stories: those that are chosen already, then short ones."""
    ranked = sorted(places, key=lambda place: (place not in chosen, place[1], place[0]))
    picked: dict[int, tuple[int, int]] = {}
    for place in ranked:
        picked.setdefault(place[0], place)
        if len(picked) == most:
            break
    return list(picked.values())
