"""The automaton: content as numbers. States, registers and what follows what; no OpenType in it.

The state of a story is a handful of registers, which each mark of a run takes over from the mark
before it:

===========  ==================================================================================
hero         number of the hero; those from `Machine.first_default` on were not typed
gender       0 he, 1 she
friend       number of the hero who was typed after that one, or `Machine.nobody`
telling      which of a theme's bodies will be told: 0 to 5; 6 more if the story is under way; and 12 for each company
             before that of the bodies
theme        what the body will be about
thing        number of the typed word that fills the slots of things, or of the theme's own
row          the text that is being told: a bridge, a phrase, a body or a whole story
left         words of the row that are still to come; and whether a quotation is to be closed after the last
letters      of a hero whose name no list has, at most `LETTERS`
===========  ==================================================================================

A mark takes one word: ``left`` counts down, and the word is the row's at its place from the end. What follows a row
that is over depends on its kind (`Kind`). A row more, or a word more in one, adds a state and no rule.

Row ``128 * (telling + 6 * company) + theme`` is a body, so that the registers give the two digits of its number.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from fontgen.automaton.content.cast import CLASSES, NAME, NOUN
from fontgen.automaton.content.format import COMPANIES, MOST_THEMES, Content
from fontgen.automaton.content.kinds import Kind, bridge_kind, theme_of
from fontgen.automaton.content.similar import CLASS
from fontgen.automaton.content.slots import StoryWord, hero_forms, story_words
from fontgen.automaton.content.words import FEMALE, MALE, PUNCTUATION, QUOTES

THEMES = MOST_THEMES
"""The base of a row's number."""
TELLINGS = 6
"""Bodies of a theme: the first, and one for each of ss01 to ss05 or of one to five question marks."""
LETTERS = 10
"""Letters of a name that is in no list."""


@dataclass(frozen=True)
class Row:
    """A text: numbers of its words; ``joined`` when it goes on without a space; a bridge's theme, if it has one;
    ``closes``: it closes a quotation that the prompt opened."""

    words: tuple[int, ...]
    kind: Kind
    joined: bool = False
    theme: int | None = None
    closes: bool = False


@dataclass
class Machine:
    """Content as numbers.

    Attributes:
        words: the distinct words of all rows.
        rows: the texts; bodies first.
        vocabulary: typed words that are known, heroes first; their place is their number.
        ends: for prompts without a hero and with one, end of a prompt to a row.
        similar: the same for ends in classes of words; ``classes``: word to class.
        openings: whole prompts to a row.
        forms: of each hero number, how it is called; None for the name that is in no list.
        genders: of each hero number.
        themes: typed word to a theme; ``n_themes``: how many there are.
        things: words of things; those of a theme lie together, its own first.
        own_thing: theme to the number of its own thing, where it has one.
        friends: words that may be a friend; ``nobody``: a friend's number, where there is none.
    """

    words: list[StoryWord] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    vocabulary: list[str] = field(default_factory=list)
    heroes: int = 0
    first_default: int = 0
    unlisted: int = 0
    nobody: int = 0
    friends: tuple[str, ...] = ()
    kinds: list[str] = field(default_factory=list)
    forms: list[tuple[str, str, str, str] | None] = field(default_factory=list)
    genders: list[str] = field(default_factory=list)
    default_words: list[str] = field(default_factory=list)
    ends: tuple[dict[tuple[str, ...], int], dict[tuple[str, ...], int]] = field(
        default_factory=lambda: ({}, {})
    )
    similar: tuple[dict[tuple[str, ...], int], dict[tuple[str, ...], int]] = field(
        default_factory=lambda: ({}, {})
    )
    classes: dict[str, str] = field(default_factory=dict)
    openings: dict[tuple[str, ...], int] = field(default_factory=dict)
    themes: dict[str, int] = field(default_factory=dict)
    n_themes: int = 0
    things: list[str] = field(default_factory=list)
    own_thing: dict[int, int] = field(default_factory=dict)
    hero_themes: list[tuple[int, ...]] = field(default_factory=list)
    under_way: tuple[str, ...] = ()
    phrase: dict[str, int] = field(default_factory=dict)

    @property
    def states(self) -> int:
        """Pairs of a row and a place in it."""
        return sum(len(row.words) for row in self.rows)

    @property
    def longest(self) -> int:
        return max(len(row.words) for row in self.rows)


def hash_of(word: str) -> int:
    """A number from 0 to 23 for a typed word: the sum of its letters' places in the alphabet, modulo 24.

    It chooses where the prompt does not: a default hero, a theme, which body of a theme.
    """
    return sum(ord(letter) - 96 for letter in word if letter.isalpha()) % 24


def default_hero(number: int, heroes: int) -> int:
    """Which default hero a word of this hash gets."""
    return number % heroes


def hero_theme(number: int, themes: int) -> int:
    """Which of a hero's themes a word of this hash gets."""
    return number // 8 % themes


def telling(number: int) -> int:
    """Which body of a theme a word of this hash gets."""
    return number % TELLINGS


def machine_of(content: Content) -> Machine:
    """Number the content; ends that go on as a shorter one does are dropped."""
    machine = Machine()
    _number_heroes(machine, content)
    machine.n_themes = len(content.themes)
    numbers = {theme.name: number for number, theme in enumerate(content.themes)}
    machine.themes = {
        word: number for number, theme in enumerate(content.themes) for word in theme.words
    }
    builder = _RowBuilder(machine)
    machine.rows = builder.bodies(content)
    for number, theme in enumerate(content.themes):
        if theme.things:
            machine.own_thing[number] = len(machine.things)
            machine.things += theme.things
    ends = [content.ends_without_hero, content.ends_with_hero]
    similar = [content.similar_without_hero, content.similar_with_hero]
    for with_hero in (0, 1):
        for end, text in _needed(ends[with_hero]).items():
            machine.ends[with_hero][end] = builder.bridge(text, bool(with_hero))
        for end, text in _needed(similar[with_hero]).items():
            machine.similar[with_hero][end] = builder.bridge(text, bool(with_hero))
    machine.classes = {word: name for name, words in content.classes.items() for word in words}
    _phrases(machine, builder, content)
    for prompt, text in content.openings.items():
        machine.openings[prompt] = builder.row(text, Kind.WHOLE)
    of_hero = [content.hero_themes[word] for word in content.heroes]
    of_hero += [content.hero_themes[word] for word in machine.default_words]
    of_hero.append(content.hero_themes[machine.default_words[0]])
    machine.hero_themes = [tuple(numbers[name] for name in names) for names in of_hero]
    machine.under_way = content.under_way
    _number_words(machine, content)
    return machine


def _number_heroes(machine: Machine, content: Content) -> None:
    heroes = list(content.heroes.values())
    defaults = [content.heroes[word] for word in content.default_heroes]
    machine.heroes = machine.first_default = len(heroes)
    machine.unlisted = len(heroes) + len(defaults)
    machine.nobody = machine.unlisted + 1
    machine.friends = tuple(
        hero.word for hero in heroes
        if hero.kind in (NAME, NOUN) and hero.word not in content.alone
    )  # fmt: skip
    machine.kinds = [hero.kind for hero in heroes]
    machine.forms = [hero_forms(hero) for hero in (*heroes, *defaults)] + [None]
    machine.genders = [hero.gender for hero in (*heroes, *defaults)] + ["n"]
    machine.default_words = [hero.word for hero in defaults]


def _needed(ends: dict[tuple[str, ...], str]) -> dict[tuple[str, ...], str]:
    """Without the ends that go on as their own end does. Those of one word serve only where no other end is known, so
    they stand for none."""
    needed = {}
    for end, text in ends.items():
        shorter = next((end[n:] for n in range(1, len(end) - 1) if end[n:] in ends), None)
        if shorter is None or ends[shorter] != text:
            needed[end] = text
    return needed


class _RowBuilder:
    def __init__(self, machine: Machine):
        self.machine = machine
        self._words: dict[StoryWord, int] = {}
        self._rows: dict[Row, int] = {}

    def words(self, text: str) -> tuple[int, ...]:
        numbers = []
        for word in story_words(text):
            if word not in self._words:
                self._words[word] = len(self.machine.words)
                self.machine.words.append(word)
            numbers.append(self._words[word])
        return tuple(numbers)

    def bodies(self, content: Content) -> list[Row]:
        """`TELLINGS` bodies of each theme and company; where there are fewer, they are told again."""
        rows = []
        for number in range(TELLINGS * THEMES * len(COMPANIES)):
            told, theme = divmod(number, THEMES)
            company, told = divmod(told, TELLINGS)
            words: tuple[int, ...] = ()
            if theme < len(content.themes):
                bodies = content.themes[theme].of(COMPANIES[company])
                words = self.words(bodies[told % len(bodies)])
            rows.append(Row(words, Kind.BODY))
        return rows

    def bridge(self, text: str, with_hero: bool) -> int:
        theme = theme_of(text, self.machine.themes)
        closes = text.count('"') % 2 == 1
        return self.row(text, bridge_kind(text, with_hero), theme, closes)

    def row(self, text: str, kind: Kind, theme: int | None = None, closes: bool = False) -> int:
        row = Row(self.words(text), kind, not text.startswith(" "), theme, closes)
        if row not in self._rows:
            self._rows[row] = len(self.machine.rows)
            self.machine.rows.append(row)
        return self._rows[row]


def _phrases(machine: Machine, builder: _RowBuilder, content: Content) -> None:
    phrases = content.phrases
    machine.phrase = {
        "one_day": builder.row(phrases.one_day, Kind.PHRASE),
        "later": builder.row(phrases.later, Kind.PHRASE),
        "introduction": builder.row(phrases.introduction, Kind.INTRODUCTION),
        "opening": builder.bridge(phrases.opening, True),
        "without_hero": builder.bridge(phrases.without_hero, False),
        "with_hero": builder.bridge(phrases.with_hero, True),
        "end": builder.row("", Kind.END),
    }


def _number_words(machine: Machine, content: Content) -> None:
    seen = dict.fromkeys(content.heroes)
    others: dict[str, None] = {}
    for end in (*machine.ends[0], *machine.ends[1], *machine.openings):
        others.update(dict.fromkeys(end))
    for end in (*machine.similar[0], *machine.similar[1]):
        others.update(dict.fromkeys(word for word in end if not word.startswith(CLASS)))
    for words in (
        machine.themes, FEMALE, MALE, content.alone, content.under_way, content.known_words, machine.classes
    ):  # fmt: skip
        others.update(dict.fromkeys(words))
    # Those of a class lie together: a class is a range of glyphs.
    seen.update(dict.fromkeys(sorted(others, key=lambda word: machine.classes.get(word, ""))))
    no_words = {*CLASSES.values(), *PUNCTUATION, *QUOTES}
    machine.vocabulary = [word for word in seen if word not in no_words]
