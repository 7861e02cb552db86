"""What a font without Wasm must show, in plain Python: the oracle of its tests and of ``fontgen verify``.

Works on the content alone, word for word, and shares no table with the font: what the rules do with
glyphs, this does with strings. Only what the machine defines (the hashes, kinds of bridges) is taken
from there.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from fontgen.automaton import machine as m
from fontgen.automaton.content.cast import CLASSES, NAME, NOUN, THING, Hero
from fontgen.automaton.content.format import Content
from fontgen.automaton.content.kinds import Kind, bridge_kind, theme_of
from fontgen.automaton.content.similar import CLASS
from fontgen.automaton.content.slots import Players, plural, story_words
from fontgen.automaton.content.words import FEMALE, MALE, QUOTES, WORD, normalised

RUN = re.compile(rf"!!!(\?{{0,{m.TELLINGS - 1}}})(!+)")
"""A run of marks: three that are hidden, question marks for another story, and a mark for each word."""
UNLISTED = re.compile(rf"[A-Z][a-z][A-Za-z]{{0,{m.LETTERS - 2}}}")
"""A name may be in no list: a capital letter, a small one, and up to eight more letters."""


@dataclass(frozen=True)
class Story:
    """Registers at the beginning of a run. ``default``: the hero was not typed; ``quoted``: the prompt opened a
    quotation."""

    hero: Hero
    default: bool
    gender: str
    friend: Hero | None
    theme: int
    thing: str
    telling: int
    later: bool
    quoted: bool

    @property
    def company(self) -> str:
        """Of whom the bodies are."""
        if self.friend is not None:
            return "friends"
        animal = self.hero.gender == "n" and self.hero.kind != NAME
        return "animal" if animal else "child"


class Bridge(NamedTuple):
    """How a prompt goes on: for how many of its last words that was told, or for words that are only similar."""

    text: str
    kind: Kind
    words: int = 0
    similar: bool = False


class Reference:
    """Says what typed texts show."""

    def __init__(self, content: Content):
        self.content = content
        self.themes = content.themes
        self._theme = {word: n for n, t in enumerate(self.themes) for word in t.words}
        self._number = {theme.name: n for n, theme in enumerate(self.themes)}
        phrases = content.phrases
        known = {*content.heroes, *self._theme, *FEMALE, *MALE}
        self._class = {word: name for name, words in content.classes.items() for word in words}
        similar_ends = (*content.similar_without_hero, *content.similar_with_hero)
        self._own = {word for end in similar_ends for word in end if not word.startswith(CLASS)}
        for words in (
            content.alone, content.under_way, content.known_words, self._class, self._own, ".,!?;:", QUOTES
        ):  # fmt: skip
            known.update(words)
        for end in (*content.ends_without_hero, *content.ends_with_hero, *content.openings):
            known.update(end)
        self._known = known - set(CLASSES.values())
        self._phrases = phrases

    def knows(self, word: str) -> bool:
        """Whether the font knows a word, in the form of `words_of`."""
        return word in self._known

    def read(self, prompt: str) -> tuple[Hero | None, Bridge]:
        """The hero whom a prompt names, and how it goes on."""
        story, bridge = self._begin(prompt, None, 0, 0, True)
        return None if story.default else story.hero, bridge

    def visible(self, text: str, features: Collection[str] = ()) -> str:
        """The visible text.

        features: tags that are on; ``ss01`` to ``ss05`` tell another story.
        """
        return "".join(shown for shown, _ in self.characters(text, features))

    def characters(self, text: str, features: Collection[str] = ()) -> Iterator[tuple[str, int]]:
        """The visible characters, each with the index of the typed character that shows it."""
        another = sum(n for n in range(1, m.TELLINGS) if f"ss{n:02}" in features)
        story: Story | None = None
        position = 0
        for run in RUN.finditer(text):
            for index in range(position, run.start()):
                yield text[index], index
            typed = text[position : run.start()]
            questions = len(run[1])
            story, bridge = self._begin(typed, story, another, questions, position == 0)
            told = replace(story, telling=(story.telling + another + questions) % m.TELLINGS)
            yield from self._told(run, text, told, bridge)
            position = run.end()
        for index in range(position, len(text)):
            yield text[index], index

    def _told(
        self, run: re.Match[str], text: str, story: Story, bridge: Bridge
    ) -> Iterator[tuple[str, int]]:
        words = self._words(story, bridge)
        joined = not bridge.text.startswith(" ")
        before = text[run.start() - 1 : run.start()]
        if not joined and before not in ("", " "):
            yield " ", run.start()
        for index in range(*run.span(2)):
            word = next(words, None)
            if word is None:
                return
            yield from ((letter, index) for letter in word)
            if index + 1 < run.end():
                yield " ", index

    def _begin(
        self, typed: str, before: Story | None, another: int, questions: int, first: bool
    ) -> tuple[Story, Bridge]:
        raw = WORD.findall(typed)
        words = normalised(raw)
        unlisted = self._unlisted(raw, words)
        hero, default = self._hero(words, unlisted, before)
        gender = self._gender(words, hero, before, unlisted)
        abstract = [self._abstract(word) for word in words]
        if unlisted is not None:
            abstract[unlisted] = CLASSES[NAME]
        bridge = self._bridge(words, abstract, default, first, bool(another or questions))
        theme, thing, telling = self._body(words, hero, unlisted, bridge, before)
        friend = self._friend(words, hero, unlisted, before)
        later = any(word in self.content.under_way for word in words)
        quotes = [word for word in words if word in QUOTES]
        quoted = len(quotes) % 2 == 1
        story = Story(hero, default, gender, friend, theme, thing, telling, later, quoted)
        return story, bridge

    def _unlisted(self, raw: list[str], words: list[str]) -> int | None:
        """Where the first name stands that is in no list, if no listed name stands before it."""
        for place, (typed, word) in enumerate(zip(raw, words, strict=True)):
            if word in self.content.heroes and self.content.heroes[word].kind == NAME:
                return None
            if word not in self._known and UNLISTED.fullmatch(typed):
                return place
        return None

    def _hero(
        self, words: list[str], unlisted: int | None, before: Story | None
    ) -> tuple[Hero, bool]:
        if unlisted is not None:
            name = words[unlisted]
            return Hero(name, name.capitalize(), NAME, "n"), False
        heroes = [self.content.heroes[word] for word in words if word in self.content.heroes]
        for kind in (NAME, NOUN):
            for hero in heroes:
                if hero.kind == kind:
                    return hero, False
        if before is not None:
            return before.hero, False
        for hero in heroes:
            if hero.kind == THING:
                return hero, False
        defaults = self.content.default_heroes
        chosen = defaults[m.default_hero(self._hash(words), len(defaults))]
        return self.content.heroes[chosen], True

    def _hash(self, words: list[str]) -> int:
        known = [word for word in words if word in self._known and word[0].isalpha()]
        return m.hash_of(known[-1]) if known else 0

    def _gender(
        self, words: list[str], hero: Hero, before: Story | None, unlisted: int | None
    ) -> str:
        if hero.gender != "n":
            return hero.gender
        for word in reversed(words):
            if word in MALE or word in FEMALE:
                return "m" if word in MALE else "f"
        typed = unlisted is not None or any(word in self.content.heroes for word in words)
        return before.gender if before is not None and not typed else "m"

    def _abstract(self, word: str) -> str | None:
        """What stands for a word in an end of the prompt: its class, itself, or None where it is not known."""
        hero = self.content.heroes.get(word)
        if hero is not None:
            return CLASSES.get(hero.kind, word)
        return word if word in self._known else None

    def _similar(self, word: str | None) -> str:
        """What stands for a word (as `_abstract` has it) in an end of classes."""
        if word is None:
            return CLASS
        return self._class.get(word) or (word if word in self._own else CLASS)

    def _friend(
        self, words: list[str], hero: Hero, unlisted: int | None, before: Story | None
    ) -> Hero | None:
        """The last hero typed besides the first, if it is another; where none is typed, the friend of before."""
        marked = self._marked(words, unlisted)
        heroes = self.content.heroes
        typed = [
            heroes[word]
            for word, is_hero in zip(words, marked, strict=True)
            if word in heroes and not is_hero
            and heroes[word].kind != THING and word not in self.content.alone
        ]  # fmt: skip
        if typed:
            return typed[-1] if typed[-1].word != hero.word else None
        names_hero = any(word in heroes and heroes[word].kind != THING for word in words)
        return before.friend if before and unlisted is None and not names_hero else None

    def _bridge(
        self,
        words: list[str],
        abstract: list[str | None],
        default: bool,
        first: bool,
        another: bool,
    ) -> Bridge:
        content, phrases = self.content, self._phrases
        if first and not another and tuple(words) in content.openings:
            return Bridge(content.openings[tuple(words)], Kind.WHOLE, len(words))
        ends = content.ends_without_hero if default else content.ends_with_hero
        similar = content.similar_without_hero if default else content.similar_with_hero
        classes = [self._similar(word) for word in abstract]
        for table, lengths, names in (
            (ends, (4, 3, 2), abstract), (similar, (4, 3, 2), classes), (ends, (1,), abstract)
        ):  # fmt: skip
            for length in lengths:
                if length <= len(words) and tuple(names[-length:]) in table:
                    text = table[tuple(names[-length:])]  # type: ignore[arg-type]
                    kind = bridge_kind(text, not default)
                    return Bridge(text, kind, length, table is similar)
        if default and first and not words:
            return Bridge(phrases.opening, bridge_kind(phrases.opening, True))
        text = phrases.without_hero if default else phrases.with_hero
        return Bridge(text, bridge_kind(text, not default))

    def _body(
        self,
        words: list[str],
        hero: Hero,
        unlisted: int | None,
        bridge: Bridge,
        before: Story | None,
    ) -> tuple[int, str, int]:
        """Theme, thing and telling."""
        telling = m.telling(self._hash(words))
        marked = self._marked(words, unlisted)
        others = [word for word, hero in zip(words, marked, strict=True) if not hero]
        typed = [word for word in others if word in self._theme]
        if typed:
            theme = self._theme[typed[-1]]
            things = self.themes[theme].things
            return (
                theme,
                next((t for t in things if typed[-1] in (t, plural(t))), self._own_thing(theme)),
                telling,
            )
        if bridge.kind is not Kind.WHOLE:
            said = theme_of(bridge.text, self._theme)
            if said is not None:
                return said, self._own_thing(said), telling
        if before is not None:
            return before.theme, before.thing, (before.telling + 1) % m.TELLINGS
        word = (
            hero.word if hero.word in self.content.hero_themes else self.content.default_heroes[0]
        )
        themes = self.content.hero_themes[word]
        theme = self._number[themes[m.hero_theme(self._hash(words), len(themes))]]
        return theme, self._own_thing(theme), telling

    def _own_thing(self, theme: int) -> str:
        return next(iter(self.themes[theme].things), "")

    def _marked(self, words: list[str], unlisted: int | None) -> list[bool]:
        """Which words may be the hero: the first name, a noun before it, a thing before both."""
        marked = []
        best = 3  # kind so far: 0 a name, 1 a noun, 2 a thing
        for place, word in enumerate(words):
            hero = self.content.heroes.get(word)
            kind = (NAME, NOUN, THING).index(hero.kind) if hero else 3
            if place == unlisted:
                kind = 0
            marked.append(kind < best)
            best = min(best, kind)
        return marked

    def _words(self, story: Story, bridge: Bridge) -> Iterator[str]:
        """The words that the marks of a run show, one each."""
        text, kind = bridge.text, bridge.kind
        closes = kind is not Kind.WHOLE and story.quoted and text.count('"') % 2 == 0
        yield from self._filled(text + '"' * closes, story)
        if kind is Kind.WHOLE:
            return
        if kind is Kind.PLAIN and story.default:
            yield from self._filled(self._phrases.introduction, story)
        later = story.later or kind is Kind.DAY
        yield from self._filled(self._phrases.later if later else self._phrases.one_day, story)
        bodies = self.themes[story.theme].of(story.company)
        yield from self._filled(bodies[story.telling % len(bodies)], story)

    def _filled(self, text: str, story: Story) -> Iterator[str]:
        players = Players(story.hero, story.gender, story.friend, story.thing)
        for word in story_words(text):
            yield word.filled(players)
